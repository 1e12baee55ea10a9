/*
 * resolve: the address of a headquarters, asked anew at every try: it may have moved. A name is looked up on
 * another thread, so that the tunnels that stand are not held up.
 */
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>

#include "role/vpn/l2tpd.h"
#include "sys/clock.h"
#include "sys/sock.h"

struct lookup {
	struct tunnelling *owner;
	struct vpn_dial *dial;
	char name[256];
	int error;                     /* of getaddrinfo */
	struct addr found;
};

static void
look_up(void *ctx)
{
	struct lookup *l = ctx;
	struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_DGRAM }, *list = NULL;
	struct sockaddr_storage ss = { 0 };
	uint16_t port;

	l->error = getaddrinfo(l->name, NULL, &hints, &list);
	if (l->error == 0 && list) {
		memcpy(&ss, list->ai_addr, list->ai_addrlen);
		if (sock_addr_get(&ss, &l->found, &port) < 0)
			l->error = EAI_FAMILY;
	}
	if (list)
		freeaddrinfo(list);
}

static void
dial(struct tunnelling *t, struct vpn_dial *d, const struct addr *a)
{
	struct l2tp_peer to = { .addr = *a, .port = d->port };

	vpn_dial_to(d, clock_mono_us(), &to);
	tunnelling_flush(t);
	tunnelling_arm(t);
}

static void
looked_up(void *ctx)
{
	struct lookup *l = ctx;
	char why[128];

	if (l->owner->stopping || l->dial->state != VPN_RESOLVING) {
		free(l);
		return;
	}
	if (l->error == 0) {
		dial(l->owner, l->dial, &l->found);
	} else {
		snprintf(why, sizeof(why), "the name cannot be looked up: %s", gai_strerror(l->error));
		vpn_dial_failed(l->dial, clock_mono_us(), why);
		tunnelling_arm(l->owner);
	}
	free(l);
}

void
tunnelling_resolve(struct tunnelling *t, struct vpn_dial *d)
{
	struct addr a;

	if (addr_parse(d->host, &a) == 0) {
		dial(t, d, &a);
		return;
	}
	struct lookup *l = d->host.n < sizeof(l->name) ? calloc(1, sizeof(*l)) : NULL;
	if (l) {
		l->owner = t;
		l->dial = d;
		memcpy(l->name, d->host.p, d->host.n);
		if (work_start(t->role->loop, look_up, looked_up, l) == 0)
			return;
		free(l);
	}
	vpn_dial_failed(d, clock_mono_us(), "the name cannot be looked up");
}
