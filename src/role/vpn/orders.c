/*
 * orders: what people ask of the VPN at the control socket: the list, ending a call, dialling now. An order is
 * foreign text until it is understood.
 */
#include "role/vpn/l2tpd.h"
#include "sys/clock.h"
#include "wire/json.h"

#define ANSWER_BYTES 32000

struct order {
	struct tunnelling *t;
	uint32_t id;
	struct buf out;
	char cmd[32], name[256];
};

static void
send_answer(struct order *o, bool last)
{
	role_answer(o->t->role, o->id, buf_str(&o->out), last);
	buf_reset(&o->out);
}

static void
end_line(struct order *o)
{
	if (o->out.n > ANSWER_BYTES)
		send_answer(o, false);
	else
		buf_add_byte(&o->out, '\n');
}

static void
say(struct order *o, const char *type, const char *member, const char *text)
{
	buf_addf(&o->out, "{\"type\":\"%s\",\"%s\":", type, member);
	buf_add_json(&o->out, str_z(text));
	buf_add(&o->out, STR("}\n"));
}

static bool
wanted(const struct order *o, struct str name)
{
	return o->name[0] == '\0' || str_eq(name, str_z(o->name));
}

static void
do_list(struct order *o)
{
	for (uint32_t i = 0; i < o->t->vpn.ndials; i++) {
		if (!wanted(o, o->t->dials[i].host))
			continue;
		tunnelling_show_dial(o->t, &o->t->dials[i], &o->out);
		end_line(o);
	}
	for (const struct vpn_call *c = o->t->vpn.calls; c; c = c->next) {
		if (c->dial || !wanted(o, vpn_call_name(c)))
			continue;
		tunnelling_show_branch(o->t, c, &o->out);
		end_line(o);
	}
	for (uint32_t i = 0; i < o->t->server.nusers; i++) {
		if (!tunnelling_is_away(o->t, i) || !wanted(o, o->t->users[i].name))
			continue;
		tunnelling_show_away(o->t, i, &o->out);
		end_line(o);
	}
}

static void
do_kick(struct order *o)
{
	struct vpn_call *next;
	unsigned n = 0;

	for (struct vpn_call *c = o->t->vpn.calls; c; c = next) {
		next = c->next;
		if (o->name[0] == '\0' || !wanted(o, vpn_call_name(c)))
			continue;
		vpn_kick(c, clock_mono_us());
		n++;
	}
	say(o, n ? "kicked" : "error", n ? "name" : "error", n ? o->name : "nobody of that name is connected");
}

static void
do_dial(struct order *o)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < o->t->vpn.ndials; i++) {
		if (!wanted(o, o->t->dials[i].host))
			continue;
		vpn_redial(&o->t->dials[i], clock_mono_us());
		n++;
	}
	say(o, n ? "dialling" : "error", n ? "name" : "error", n ? o->name : "there is no headquarters of that name");
}

static const struct {
	struct str cmd;
	void (*run)(struct order *o);
} orders[] = {
	{ STR_INIT("vpn"), do_list }, { STR_INIT("vpn-kick"), do_kick }, { STR_INIT("vpn-dial"), do_dial },
};

static bool
on_member(void *ctx, const struct json_item *item)
{
	struct order *o = ctx;
	bool cmd = str_eq(item->key, STR("cmd"));
	struct buf plain = BUF_INIT(1024);

	if (item->depth != 1 || item->type != JSON_STRING || !(cmd || str_eq(item->key, STR("name"))))
		return true;
	json_unescape(item->value, &plain);
	bool fits = buf_ok(&plain) && plain.n < (cmd ? sizeof(o->cmd) : sizeof(o->name));
	if (fits)
		memcpy(cmd ? o->cmd : o->name, buf_cstr(&plain), plain.n + 1);
	buf_free(&plain);
	return fits;
}

void
tunnelling_order(struct tunnelling *t, const struct msg_order *m)
{
	struct order o = { .t = t, .id = m->id, .out = BUF_INIT(ANSWER_BYTES * 2) };
	void (*run)(struct order *o) = NULL;

	if (json_walk(m->json, on_member, &o, NULL) >= 0)
		for (size_t i = 0; i < ARRAY_LEN(orders); i++)
			if (str_eq(orders[i].cmd, str_z(o.cmd)))
				run = orders[i].run;
	if (run)
		run(&o);
	else
		say(&o, "error", "error", "the order cannot be understood");
	buf_add(&o.out, STR("{\"type\":\"end\"}"));
	send_answer(&o, true);
	buf_free(&o.out);
	tunnelling_flush(t);
	tunnelling_arm(t);
}
