/*
 * lists: tells netd who is connected and in which list of the gate his address is to be meanwhile. Must never
 * hold up a login: where no gate runs there is nothing to tell.
 */
#include "gate/l2tp/vpn_pool.h"
#include "role/vpn/l2tpd.h"

static struct addr
v4(uint32_t a)
{
	return (struct addr){ .b = { [10] = 0xff, 0xff, (uint8_t)(a >> 24), (uint8_t)(a >> 16), (uint8_t)(a >> 8), (uint8_t)a } };
}

void
tunnelling_lists_tell(struct tunnelling *t, const struct vpn_call *c, bool there)
{
	struct str list = c->dial || !c->up ? STR_NULL : vpn_profile_of(c)->list;
	struct addr a = v4(c->address);
	struct msg m = { .type = MSG_member, .fd = -1,
		.member = { .list = list, .address = str_of((const char *)a.b, sizeof(a.b)), .there = there } };

	if (t->gate && list.n && chan_send(t->gate, &m) < 0)
		log_say(&t->role->log, LOG_LEVEL_WARNING, "netd does not hear who is connected");
}

static void
on_end(void *ctx, struct chan *c, int error)
{
	struct tunnelling *t = ctx;

	(void)error;
	chan_close(c);
	t->gate = NULL;
}

/* A netd that begins anew knows of nobody. */
void
tunnelling_lists_link(struct tunnelling *t, int fd)
{
	struct chan_calls calls = { .ctx = t, .on_end = on_end };

	tunnelling_lists_close(t);
	int r = chan_open(t->role->loop, fd, MSG_L2TPD, MSG_NETD, &calls, &t->gate);
	if (r < 0)
		log_say(&t->role->log, LOG_LEVEL_ERROR, "cannot link to netd: %s", strerror(-r));
	for (const struct vpn_call *c = t->vpn.calls; r == 0 && c; c = c->next)
		tunnelling_lists_tell(t, c, true);
}

void
tunnelling_lists_close(struct tunnelling *t)
{
	chan_close(t->gate);
	t->gate = NULL;
}
