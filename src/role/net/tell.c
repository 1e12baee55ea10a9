/*
 * tell: answers to orders of the control socket: rules with their counters, routes,
 * interfaces, bans; and the bans of operators. The order is foreign text until it is understood.
 */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>

#include "base/hash.h"
#include "gate/nft/text.h"
#include "gate/trace.h"
#include "role/net/netd.h"
#include "sys/clock.h"
#include "wire/json.h"

#define ANSWER_BYTES 32000             /* lines are put together up to so many */
#define BANS_SHOWN 10000

struct order {
	struct netd *n;
	uint32_t id;
	struct buf out;
	char cmd[32], net[64], to[64], by[65], reason[BAN_REASON_MAX + 1];
	int64_t seconds, port, protocol, packets;
	bool bad, later;               /* later: somebody else answers to the end */
};

void
netd_answer(struct netd *n, uint32_t order, struct str json, bool last)
{
	role_answer(n->role, order, json, last);
}

static void
send_answer(struct order *o, bool last)
{
	netd_answer(o->n, o->id, buf_str(&o->out), last);
	buf_reset(&o->out);
}

/* The line written since `from` is whole. */
static void
end_line(struct order *o)
{
	if (o->out.n > ANSWER_BYTES)
		send_answer(o, false);
	else
		buf_add_byte(&o->out, '\n');
}

static void
fail(struct order *o, const char *why)
{
	buf_reset(&o->out);
	buf_add(&o->out, STR("{\"type\":\"error\",\"error\":"));
	buf_add_json(&o->out, str_z(why));
	buf_add(&o->out, STR("}\n"));
}

static void
member(struct buf *out, const char *name, struct str value)
{
	buf_addf(out, ",\"%s\":", name);
	buf_add_json(out, value);
}

/* Rules. */

struct counts {
	struct strmap map;
	struct arena arena;
	struct nft_count *v;
	uint32_t n, size;
};

static void
on_count(void *ctx, const struct nft_count *c)
{
	struct counts *k = ctx;

	if (k->n == k->size) {
		uint32_t size = k->size ? k->size * 2 : 256;
		void *v = reallocarray(k->v, size, sizeof(*k->v));
		if (!v)
			return;
		k->v = v;
		k->size = size;
	}
	struct str name = arena_str(&k->arena, str_z(c->name));
	if (name.p && strmap_put(&k->map, name, k->n) == 0)
		k->v[k->n++] = *c;
}

void
netd_tell_rule(const struct netd *n, const struct policy_rule *r, struct buf *json)
{
	struct buf text = BUF_INIT(1 << 16);

	buf_addf(json, ",\"id\":\"%016llx\",\"verdict\":\"%s\",\"line\":%u", (unsigned long long)r->id,
	    policy_verdict_name(r->verdict), r->where.line);
	policy_say(n->policy, r, &text);
	/* A rule of thousands of networks is shown by its beginning. */
	member(json, "text", str_head(buf_str(&text), 4000));
	member(json, "file", r->file);
	member(json, "word", str_z(r->word));
	member(json, "name", r->name);
	member(json, "why", str_z(r->why ? r->why : ""));
	member(json, "comment", r->comment);
	buf_free(&text);
}

static void
rule_line(struct order *o, const struct policy_rule *r, uint32_t number, const struct nft_count *c)
{
	buf_addf(&o->out, "{\"type\":\"rule\",\"hook\":\"%s\",\"number\":%u,\"packets\":%llu,\"bytes\":%llu",
	    policy_hook_name(r->hook), number, c ? (unsigned long long)c->packets : 0,
	    c ? (unsigned long long)c->bytes : 0);
	netd_tell_rule(o->n, r, &o->out);
	buf_add_byte(&o->out, '}');
	end_line(o);
}

static void
do_rules(struct order *o)
{
	const struct policy *p = o->n->policy;
	struct counts k = { .n = 0 };
	int r = nft_counters(o->n->nft, on_count, &k);

	if (r < 0)
		fail(o, strerror(-r));
	for (uint32_t i = 0; r == 0 && i < p->nrules; i++) {
		char name[18];
		nft_counter_name(&p->rules[i], name);
		uint32_t at = strmap_get(&k.map, str_z(name));
		rule_line(o, &p->rules[i], i - p->first[p->rules[i].hook] + 1,
		    at == STRMAP_NONE ? NULL : &k.v[at]);
	}
	strmap_free(&k.map);
	arena_free(&k.arena);
	free(k.v);
}

/* Interfaces and routes. */

struct names {
	struct order *o;
	struct rtnet_link *v;
	size_t n;
	const struct rtnet_link *of;   /* addresses of this one are being told */
	bool any;
};

static void
keep_link(void *ctx, const struct rtnet_link *l)
{
	struct names *k = ctx;
	void *v = reallocarray(k->v, k->n + 1, sizeof(*l));

	if (v) {
		k->v = v;
		k->v[k->n++] = *l;
	}
}

static const char *
name_of(const struct names *k, uint32_t index)
{
	for (size_t i = 0; i < k->n; i++)
		if (k->v[i].index == index)
			return k->v[i].name;
	return "";
}

static void
addr_item(void *ctx, const struct rtnet_addr *a)
{
	struct names *k = ctx;
	char text[46];
	bool v4 = addr_is_v4(&a->at.net);

	if (a->index != k->of->index)
		return;
	buf_addf(&k->o->out, "%s{\"address\":\"%.*s/%u\",\"ours\":%s}", k->any ? "," : "",
	    (int)addr_show(&a->at.net, text), text, v4 ? a->at.bits - 96u : a->at.bits,
	    a->protocol == RTNET_PROTOCOL ? "true" : "false");
	k->any = true;
}

static void
link_line(struct names *k, const struct rtnet_link *l)
{
	const struct policy_zone *z = policy_zone_of(k->o->n->policy, str_z(l->name));
	struct buf *out = &k->o->out;

	buf_add(out, STR("{\"type\":\"interface\""));
	member(out, "name", str_z(l->name));
	member(out, "kind", str_z(l->kind));
	member(out, "zone", z ? z->name : STR_NULL);
	buf_addf(out, ",\"up\":%s,\"carrier\":%s,\"mtu\":%u,\"rx_bytes\":%llu,\"tx_bytes\":%llu,"
	    "\"rx_packets\":%llu,\"tx_packets\":%llu,\"rx_dropped\":%llu,\"tx_dropped\":%llu",
	    l->up ? "true" : "false", l->carrier ? "true" : "false", l->mtu,
	    (unsigned long long)l->rx_bytes, (unsigned long long)l->tx_bytes,
	    (unsigned long long)l->rx_packets, (unsigned long long)l->tx_packets,
	    (unsigned long long)l->rx_dropped, (unsigned long long)l->tx_dropped);
	if (l->has_mac)
		buf_addf(out, ",\"mac\":\"%02x:%02x:%02x:%02x:%02x:%02x\"", l->mac[0], l->mac[1], l->mac[2],
		    l->mac[3], l->mac[4], l->mac[5]);
	buf_add(out, STR(",\"addresses\":["));
	k->of = l;
	k->any = false;
	int r = rtnet_addrs(k->o->n->net, addr_item, k);
	buf_add(out, r < 0 ? STR("],\"error\":true}") : STR("]}"));
	end_line(k->o);
}

/* Named in the configuration, and not there. */
static void
missing_lines(struct names *k)
{
	const struct policy *p = k->o->n->policy;

	for (uint32_t i = 0; i < p->nzones; i++) {
		for (uint32_t m = 0; m < p->zones[i].interfaces.n; m++) {
			struct str name = p->zones[i].interfaces.v[m];
			bool there = name.p[name.n - 1] == '*';
			for (size_t l = 0; l < k->n; l++)
				there |= str_eq(str_z(k->v[l].name), name);
			if (there)
				continue;
			buf_add(&k->o->out, STR("{\"type\":\"interface\",\"missing\":true"));
			member(&k->o->out, "name", name);
			member(&k->o->out, "zone", p->zones[i].name);
			buf_add_byte(&k->o->out, '}');
			end_line(k->o);
		}
	}
}

static void
do_interfaces(struct order *o)
{
	struct names k = { .o = o };
	int r = rtnet_links(o->n->net, keep_link, &k);

	if (r < 0)
		fail(o, strerror(-r));
	for (size_t i = 0; r == 0 && i < k.n; i++)
		link_line(&k, &k.v[i]);
	if (r == 0)
		missing_lines(&k);
	free(k.v);
}

static const char *
protocol_name(uint8_t p)
{
	switch (p) {
	case RTPROT_KERNEL:
		return "connected";
	case RTPROT_BOOT:
	case RTPROT_STATIC:
		return "static";
	case RTPROT_RA:
		return "router advertisement";
	case RTPROT_DHCP:
		return "dhcp";
	case RTNET_PROTOCOL:
		return "guarita";
	}
	return "other";
}

static void
route_line(void *ctx, const struct rtnet_route *r)
{
	struct names *k = ctx;
	struct buf *out = &k->o->out;
	char text[52];

	if (r->type != RTN_UNICAST && r->type != RTN_BLACKHOLE && r->type != RTN_UNREACHABLE)
		return;
	bool v4 = addr_is_v4(&r->to.net);
	size_t n = addr_show(&r->to.net, text);
	buf_addf(out, "{\"type\":\"route\",\"to\":\"%.*s/%u\",\"from\":\"%s\",\"metric\":%u,\"active\":%s",
	    (int)n, text, v4 ? r->to.bits - 96u : r->to.bits, protocol_name(r->protocol), r->metric,
	    r->dead ? "false" : "true");
	static const struct addr none;
	if (memcmp(&r->via, &none, sizeof(none)) != 0)
		buf_addf(out, ",\"via\":\"%.*s\"", (int)addr_show(&r->via, text), text);
	member(out, "interface", str_z(name_of(k, r->index)));
	buf_add_byte(out, '}');
	end_line(k->o);
}

static void
do_routes(struct order *o)
{
	struct names k = { .o = o };
	int r = rtnet_links(o->n->net, keep_link, &k);

	if (r == 0)
		r = rtnet_routes(o->n->net, route_line, &k);
	if (r < 0)
		fail(o, strerror(-r));
	free(k.v);
}

/* Bans. */

struct telling_bans {
	struct order *o;
	int64_t now_us;
	size_t told;
};

static void
ban_line_json(void *ctx, const struct ban *b)
{
	struct telling_bans *t = ctx;
	struct buf *out = &t->o->out;
	char net[52], at[40];

	if (t->told++ >= BANS_SHOWN || (b->until_us && b->until_us <= t->now_us))
		return;
	buf_addf(out, "{\"type\":\"ban\",\"net\":\"%.*s\",\"since\":\"%.*s\",\"seconds\":%lld,\"times\":%u,"
	    "\"incident\":%llu", (int)ban_show_net(&b->net, net), net,
	    (int)when_show(b->since_us, 0, at), at,
	    b->until_us ? (long long)((b->until_us - t->now_us) / WHEN_SECOND + 1) : 0, b->times,
	    (unsigned long long)b->incident);
	member(out, "service", str_z(b->service));
	member(out, "reason", b->reason);
	buf_add_byte(out, '}');
	end_line(t->o);
}

static void
do_bans(struct order *o)
{
	struct telling_bans t = { .o = o, .now_us = clock_wall_us() };

	bans_each(o->n->bans, ban_line_json, &t);
	if (t.told > BANS_SHOWN) {
		buf_addf(&o->out, "{\"type\":\"more\",\"bans\":%zu}", t.told - BANS_SHOWN);
		end_line(o);
	}
}

static bool
take_net(struct order *o, struct cidr *ret)
{
	if (cidr_parse(str_z(o->net), ret) == 0)
		return true;
	fail(o, "that is neither an address nor a network");
	return false;
}

static void
do_block(struct order *o)
{
	struct ban b = { .since_us = clock_wall_us(), .times = 1, .reason = str_z(o->reason) };
	const char *why = NULL;

	if (!take_net(o, &b.net))
		return;
	if (o->seconds < 0 || o->seconds > INT64_MAX / 2 / WHEN_SECOND - b.since_us / WHEN_SECOND) {
		fail(o, "that is no time");
		return;
	}
	b.until_us = o->seconds ? b.since_us + o->seconds * WHEN_SECOND : 0;
	int r = netd_ban(o->n, &b, &why);
	if (r < 0)
		fail(o, why);
	else
		buf_addf(&o->out, "{\"type\":\"blocked\",\"net\":\"%s\",\"seconds\":%lld}\n", o->net,
		    (long long)o->seconds);
	if (r < 0)
		return;
	log_say(o->n->log, LOG_LEVEL_INFO, "%s is kept out by %s: %s", o->net, o->by, o->reason);
	netd_tell_sites(o->n, &b, (uint64_t)o->seconds);
}

static void
do_unblock(struct order *o)
{
	struct cidr net;

	if (!take_net(o, &net))
		return;
	int r = netd_unban(o->n, &net);
	if (r <= 0)
		fail(o, r < 0 ? strerror(-r) : "it is not kept out; `guarita bans` shows who is");
	else
		buf_addf(&o->out, "{\"type\":\"unblocked\",\"net\":\"%s\"}\n", o->net);
	if (r > 0)
		log_say(o->n->log, LOG_LEVEL_INFO, "%s is let in again by %s", o->net, o->by);
}

/* Traces. */

#define TRACE_SECONDS_MAX 3600
#define TRACE_PACKETS_MAX 10000

static bool
take_trace(struct order *o, struct trace_ask *a)
{
	*a = (struct trace_ask){ .has_dst = o->to[0] != '\0', .protocol = TRACE_ANY_PROTOCOL, .seconds = o->seconds };
	if (!take_net(o, &a->src))
		return false;
	if (a->has_dst && (cidr_parse(str_z(o->to), &a->dst) < 0 ||
	    addr_is_v4(&a->dst.net) != addr_is_v4(&a->src.net))) {
		fail(o, "where it goes is neither an address nor a network of the same family");
		return false;
	}
	if (a->seconds < 1 || a->seconds > TRACE_SECONDS_MAX || o->packets < 1 || o->packets > TRACE_PACKETS_MAX ||
	    o->port < 0 || o->port > UINT16_MAX || o->protocol < 0 || o->protocol > UINT8_MAX) {
		fail(o, "a trace takes 1 to 3600 seconds and 1 to 10000 packets");
		return false;
	}
	a->port = (uint16_t)o->port;
	if (o->protocol)
		a->protocol = (int)o->protocol;
	return true;
}

static void
do_trace(struct order *o)
{
	struct trace_ask a;

	if (!take_trace(o, &a))
		return;
	int r = netd_trace_begin(o->n, o->id, &a, (uint64_t)o->packets);
	if (r < 0)
		fail(o, r == -EINVAL ? "the kernel does not take the trace; the log of netd says why" : strerror(-r));
	o->later = r == 0;
}

static const struct {
	struct str cmd;
	void (*run)(struct order *o);
} orders[] = {
	{ STR_INIT("rules"), do_rules }, { STR_INIT("interfaces"), do_interfaces },
	{ STR_INIT("routes"), do_routes }, { STR_INIT("bans"), do_bans },
	{ STR_INIT("block"), do_block }, { STR_INIT("unblock"), do_unblock }, { STR_INIT("trace"), do_trace },
};

static void
take_text(struct order *o, const struct json_item *item, char *dst, size_t size)
{
	struct buf plain = BUF_INIT(4096);

	json_unescape(item->value, &plain);
	if (!buf_ok(&plain) || plain.n >= size)
		o->bad = true;
	else
		memcpy(dst, buf_cstr(&plain), plain.n + 1);
	buf_free(&plain);
}

static bool
on_member(void *ctx, const struct json_item *item)
{
	struct order *o = ctx;
	const struct { struct str key; char *dst; size_t size; } texts[] = {
		{ STR("cmd"), o->cmd, sizeof(o->cmd) }, { STR("net"), o->net, sizeof(o->net) },
		{ STR("to"), o->to, sizeof(o->to) }, { STR("by"), o->by, sizeof(o->by) }, { STR("reason"), o->reason, sizeof(o->reason) },
	};

	const struct { struct str key; int64_t *dst; } numbers[] = {
		{ STR("seconds"), &o->seconds }, { STR("port"), &o->port }, { STR("protocol"), &o->protocol },
		{ STR("packets"), &o->packets },
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (item->depth == 1 && item->type == JSON_STRING && str_eq(texts[i].key, item->key))
			take_text(o, item, texts[i].dst, texts[i].size);
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		if (item->depth == 1 && str_eq(item->key, numbers[i].key))
			o->bad |= item->type != JSON_NUMBER || text_i64(item->value, numbers[i].dst) < 0;
	return !o->bad;
}

void
netd_order(struct netd *n, const struct msg_order *m)
{
	struct order o = { .n = n, .id = m->id, .out = BUF_INIT(MSG_MAX - 64) };
	size_t i = 0;

	if (json_walk(m->json, on_member, &o, NULL) < 0 || o.bad) {
		fail(&o, "the order is not understood");
	} else {
		while (i < ARRAY_LEN(orders) && !str_eq(orders[i].cmd, str_z(o.cmd)))
			i++;
		if (i < ARRAY_LEN(orders))
			orders[i].run(&o);
		else
			fail(&o, "there is no such order");
	}
	buf_add(&o.out, STR("{\"type\":\"end\"}"));
	if (!o.later)
		send_answer(&o, true);
	buf_free(&o.out);
}
