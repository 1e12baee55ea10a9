/*
 * resolve: the address of a peer, asked anew at every try: it may have moved. A name is looked
 * up on another thread, so that the other sites are not held up.
 */
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "role/link/linkd.h"

struct lookup {
	struct linking *owner;
	struct link_peer *peer;
	char name[256], port[8];
	int error;                     /* of getaddrinfo */
	struct sockaddr_storage found;
};

static void
look_up(void *ctx)
{
	struct lookup *l = ctx;
	struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM }, *list = NULL;

	l->error = getaddrinfo(l->name, l->port, &hints, &list);
	if (l->error == 0)
		memcpy(&l->found, list->ai_addr, list->ai_addrlen);
	if (list)
		freeaddrinfo(list);
}

static void
looked_up(void *ctx)
{
	struct lookup *l = ctx;
	char why[160];

	l->owner->lookups--;
	l->peer->looking_up = false;
	if (!l->owner->stopping) {
		snprintf(why, sizeof(why), "its name cannot be looked up: %s", gai_strerror(l->error));
		link_dial_to(l->peer, l->error == 0 ? &l->found : NULL, why);
	}
	free(l);
}

/* "host", "host:port", "192.0.2.1", "[2001:db8::1]:port", "2001:db8::1". */
static bool
split(struct str at, struct lookup *l)
{
	struct addr a;
	size_t colon = str_rfind(at, STR(":"));
	bool plain = addr_parse(at, &a) == 0 || colon == at.n;
	struct str host = plain ? at : str_head(at, colon);
	struct str port = plain ? STR_NULL : str_from(at, colon + 1);

	if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
		host = str_of(host.p + 1, host.n - 2);
	if (host.n == 0 || host.n >= sizeof(l->name) || port.n >= sizeof(l->port))
		return false;
	snprintf(l->name, sizeof(l->name), "%.*s", STR_FMT(host));
	if (port.n)
		snprintf(l->port, sizeof(l->port), "%.*s", STR_FMT(port));
	else
		snprintf(l->port, sizeof(l->port), "%d", CONF_LINK_PORT);
	return true;
}

void
link_dial(struct link_peer *p)
{
	struct lookup *l = calloc(1, sizeof(*l));

	if (!l || !split(p->conf->at, l)) {
		free(l);
		link_dial_to(p, NULL, l ? "`at` is no host with a port" : "there is no memory");
		return;
	}
	l->owner = p->owner;
	l->peer = p;
	if (work_start(p->owner->role->loop, look_up, looked_up, l) < 0) {
		free(l);
		link_dial_to(p, NULL, "there is no memory");
		return;
	}
	p->looking_up = true;
	p->owner->lookups++;
}
