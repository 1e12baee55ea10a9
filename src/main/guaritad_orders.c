/*
 * guaritad_orders: orders of the control socket, passed on to the role that carries them out, and
 * its answers back to who asked. Must never understand either.
 */
#include "main/guaritad.h"

/* Who carries out an order, by how its word begins; netd all others. */
static const struct { struct str begins; enum msg_peer peer; } words[] = {
	{ STR_INIT("vpn"), MSG_L2TPD }, { STR_INIT("seal"), MSG_VAULTD }, { STR_INIT("vault"), MSG_VAULTD },
	{ STR_INIT("sites"), MSG_LINKD },
};

static struct unit *
unit_for(struct guaritad *g, struct str word)
{
	enum msg_peer peer = MSG_NETD;

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (str_starts(word, words[i].begins))
			peer = words[i].peer;
	for (size_t i = 0; i < g->nunits; i++)
		if (g->units[i].row->peer == peer)
			return &g->units[i];
	return NULL;
}

static void
refuse(struct control_client *c, const char *why)
{
	struct buf json = BUF_INIT(1024);

	buf_addf(&json, "{\"type\":\"error\",\"error\":\"%s\"}\n{\"type\":\"end\"}", why);
	control_answer(c, buf_str(&json));
	buf_free(&json);
}

static struct waiting_order *
free_place(struct guaritad *g)
{
	for (size_t i = 0; i < ORDERS_MAX; i++)
		if (!g->orders[i].id)
			return &g->orders[i];
	return NULL;
}

void
guaritad_order(struct guaritad *g, struct control_client *c, struct str word, struct str line)
{
	struct unit *u = unit_for(g, word);
	struct waiting_order *o = free_place(g);
	struct msg m = { .type = MSG_order, .fd = -1, .order.json = line };

	if (u && !guaritad_wants(g, u->row)) {
		refuse(c, u->row->peer == MSG_L2TPD ? "the configuration has no VPN: neither l2tp server nor headquarters"
		    : u->row->peer == MSG_VAULTD ? "the configuration names no vault"
		    : u->row->peer == MSG_LINKD ? "the configuration names no other site: no peer"
						   : "the configuration has no gate: it names no interface");
		return;
	}
	if (!u || u->state != UNIT_RUNNING || !u->chan || !o) {
		refuse(c, o ? "the process for it does not run; `guarita status` says why" : "too many orders at once");
		return;
	}
	/* 0 is no order. */
	g->order_id += g->order_id == UINT32_MAX ? 2 : 1;
	m.order.id = g->order_id;
	if (chan_send(u->chan, &m) < 0) {
		refuse(c, "the order is not taken");
		return;
	}
	*o = (struct waiting_order){ .id = g->order_id, .client = c };
}

void
guaritad_order_answer(struct guaritad *g, const struct msg_answer *m)
{
	for (size_t i = 0; i < ORDERS_MAX; i++) {
		struct waiting_order *o = &g->orders[i];
		if (o->id != m->id)
			continue;
		if (o->client)
			control_answer(o->client, m->json);
		if (m->last)
			o->id = 0;
		return;
	}
}

void
guaritad_order_gone(struct guaritad *g, const struct control_client *c)
{
	for (size_t i = 0; i < ORDERS_MAX; i++)
		if (g->orders[i].client == c)
			g->orders[i].client = NULL;
}

void
guaritad_orders_fail(struct guaritad *g)
{
	for (size_t i = 0; i < ORDERS_MAX; i++) {
		if (g->orders[i].id && g->orders[i].client)
			refuse(g->orders[i].client, "the process ended before it answered");
		g->orders[i] = (struct waiting_order){ .id = 0 };
	}
}
