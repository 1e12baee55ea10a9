/*
 * bench/vpn-load: many filiais in one process, against a running l2tpd:
 *
 *     vpn-load ADDRESS PORT COUNT AT-ONCE        users load0, load1 ...; password "segredo"
 *
 * Prints how long it took until all were up, and the slowest and the median set-up, then stays until its input ends.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "gate/l2tp/vpn.h"
#include "sys/clock.h"
#include "sys/udp.h"

struct load {
	struct l2tp_vpn vpn;
	struct udp *udp;
	struct l2tp_peer server;
	struct vpn_dial *dials, **waiting;
	int64_t *began_us;
	uint32_t *took_us;
	uint32_t count, at_once, nwaiting, flying, up, failed;
	bool ended;
};

static void
send_datagram(void *ctx, const struct l2tp_peer *to, struct str datagram)
{
	struct load *l = ctx;
	struct udp_end end = { .addr = to->addr, .port = to->port };

	memcpy(udp_room(l->udp, datagram.n), datagram.p, datagram.n);
	udp_queue(l->udp, &end, datagram.n);
}

static uint64_t
draw(void *ctx)
{
	(void)ctx;
	return random_u64();
}

static void
launch(struct load *l)
{
	while (l->nwaiting > 0 && l->flying < l->at_once) {
		struct vpn_dial *d = l->waiting[--l->nwaiting];
		l->flying++;
		l->began_us[d - l->dials] = clock_mono_us();
		vpn_dial_to(d, clock_mono_us(), &l->server);
	}
}

static void
resolve(void *ctx, struct vpn_dial *d)
{
	struct load *l = ctx;

	l->waiting[l->nwaiting++] = d;
}

static void
on_up(void *ctx, struct vpn_call *c)
{
	struct load *l = ctx;
	size_t i = (size_t)(c->dial - l->dials);

	l->took_us[i] = (uint32_t)(clock_mono_us() - l->began_us[i]);
	l->flying--;
	l->up++;
}

static void
on_down(void *ctx, struct vpn_call *c, struct str why)
{
	struct load *l = ctx;

	l->up -= c->up;
	(void)why;
}

static void
dial_failed(void *ctx, struct vpn_dial *d)
{
	struct load *l = ctx;

	/* At the end every dial is closed by ourselves. */
	if (l->ended)
		return;
	if (l->failed++ == 0)
		fprintf(stderr, "first failure: %s\n", d->last);
	if (l->flying > 0)
		l->flying--;
}

static const struct vpn_hooks hooks = {
	.send = send_datagram, .random = draw, .up = on_up, .down = on_down, .resolve = resolve, .dial_failed = dial_failed,
};

static void
turn(struct load *l, int wait_ms)
{
	static uint8_t scratch[65536];
	struct pollfd p = { .fd = udp_fd(l->udp), .events = POLLIN };
	int n;

	(void)!poll(&p, 1, wait_ms);
	while ((n = udp_receive(l->udp)) > 0) {
		for (int i = 0; i < n; i++) {
			struct udp_end end;
			size_t size;
			struct str all = udp_at(l->udp, i, &end, &size);
			struct l2tp_peer from = { .addr = end.addr, .port = end.port };
			struct vpn_call *c;
			struct str packet;
			for (; all.n > 0; all = str_from(all, size))
				(void)!vpn_receive(&l->vpn, clock_mono_us(), &from, str_head(all, size), scratch, &c, &packet);
		}
		udp_flush(l->udp);
	}
	vpn_tick(&l->vpn, clock_mono_us());
	launch(l);
	udp_flush(l->udp);
}

static int
compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void
fill(struct load *l)
{
	for (uint32_t i = 0; i < l->count; i++) {
		char *name = malloc(16);
		if (name == NULL)
			exit(1);
		snprintf(name, 16, "load%u", i);
		l->dials[i] = (struct vpn_dial){ .host = str_z(name), .port = l->server.port,
			.terms = { .host_name = str_z(name), .hello_us = 600000000 },
			.policy = { .auth = PPP_AUTH_MSCHAP2, .encryption = PPP_ENCRYPT_YES, .mru = 1400, .name = str_z(name),
			    .password = STR("segredo") } };
	}
}

int
main(int argc, char **argv)
{
	static struct load l;
	static const struct addr any;
	uint64_t port, count, at_once;

	if (argc != 5 || addr_parse(str_z(argv[1]), &l.server.addr) < 0 || text_u64(str_z(argv[2]), &port) < 0 ||
	    text_u64(str_z(argv[3]), &count) < 0 || text_u64(str_z(argv[4]), &at_once) < 0)
		return 2;
	l.server.port = (uint16_t)port;
	l.count = (uint32_t)count;
	l.at_once = (uint32_t)at_once;
	l.dials = calloc(count, sizeof(*l.dials));
	l.waiting = calloc(count, sizeof(*l.waiting));
	l.began_us = calloc(count, sizeof(*l.began_us));
	l.took_us = calloc(count, sizeof(*l.took_us));
	if (!l.dials || !l.waiting || !l.began_us || !l.took_us || udp_open(&any, true, 0, &l.udp) < 0)
		return 1;
	fill(&l);
	if (vpn_open(&l.vpn, &hooks, &l, NULL, l.dials, l.count) < 0)
		return 1;
	int64_t began = clock_mono_us();
	vpn_begin(&l.vpn, began);
	while (l.up < l.count && clock_mono_us() - began < 300000000)
		turn(&l, 1);
	double s = (double)(clock_mono_us() - began) / 1e6;
	qsort(l.took_us, l.count, sizeof(*l.took_us), compare);
	printf("%u up in %.2f s, %.0f a second, set-up median %.1f ms, slowest %.1f ms, %u failures\n", l.up, s, l.up / s,
	    l.took_us[l.count / 2] / 1e3, l.took_us[l.count - 1] / 1e3, l.failed);
	fflush(stdout);
	for (struct pollfd in = { .fd = 0, .events = POLLIN }; poll(&in, 1, 0) == 0;)
		turn(&l, 10);
	l.ended = true;
	vpn_stop(&l.vpn, clock_mono_us());
	udp_flush(l.udp);
	return 0;
}
