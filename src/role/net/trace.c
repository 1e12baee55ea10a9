/*
 * trace: `guarita fw trace`: the way of real packets through the rules, each step with the line that it comes from. One
 * trace at a time, bounded in time and packets; a new one takes the place of the last. Must never trace without an end: the
 * kernel itself forgets whom to look at.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "base/hash.h"
#include "gate/nft/text.h"
#include "gate/trace.h"
#include "role/net/netd.h"
#include "sys/file.h"
#include "sys/nft_trace.h"
#include "wire/packet.h"

#define BUFFER 65536
#define READS_A_TURN 16
#define LAST_MS 200                    /* for the way of the last packet to be told to its end */
#define HEADS_MAX 256
#define FOREIGN_MAX 64                 /* bytes of a name that is not ours */

struct netd_trace {
	struct netd *n;
	uint32_t order;                /* 0: nothing is traced */
	int fd;
	struct poll *poll;
	struct timer *end;
	struct arena arena;
	struct strmap rules;           /* handle of a rule to its place in the policy */
	struct rtnet_link *links;      /* as they were when one was last missed */
	size_t nlinks;
	uint32_t packet;               /* being told */
	bool telling;
	uint64_t packets, most, lost;
	struct buf out;
	char buffer[BUFFER];
};

static void
answer(struct netd_trace *t, bool last)
{
	netd_answer(t->n, t->order, buf_str(&t->out), last);
	buf_reset(&t->out);
}

static void
let_go(struct netd_trace *t)
{
	poll_close(t->poll);
	t->poll = NULL;
	timer_stop(t->end);
	fd_close(&t->fd);
	strmap_free(&t->rules);
	arena_free(&t->arena);
	t->rules = (struct strmap){ 0 };
	t->telling = false;
	t->order = 0;
}

static int
run(struct netd_trace *t, const struct trace_ask *a)
{
	struct buf text = BUF_INIT(65536), why = BUF_INIT(8192);

	if (a)
		trace_text(a, &text);
	else
		trace_text_end(&text);
	(void)buf_cstr(&text);
	int r = buf_ok(&text) ? nft_run(buf_str(&text), false, &why) : -ENOMEM;
	if (r == -EINVAL)
		log_say(t->n->log, LOG_LEVEL_WARNING, "the kernel cannot trace: %.*s",
		    STR_FMT(str_head(buf_str(&why), str_find_byte(buf_str(&why), '\n'))));
	buf_free(&text);
	buf_free(&why);
	return r;
}

static void
finish(struct netd_trace *t, const char *why)
{
	(void)!run(t, NULL);
	buf_addf(&t->out, "{\"type\":\"traced\",\"packets\":%llu,\"lost\":%llu,\"why\":\"%s\"}\n{\"type\":\"end\"}",
	    (unsigned long long)t->packets, (unsigned long long)t->lost, why);
	answer(t, true);
	let_go(t);
}

static void
on_end(void *ctx)
{
	const struct netd_trace *t = ctx;

	finish(ctx, t->packets == t->most ? "packets" : "time");
}

/* What the kernel says. */

static void
keep_link(void *ctx, const struct rtnet_link *l)
{
	struct netd_trace *t = ctx;
	void *v = reallocarray(t->links, t->nlinks + 1, sizeof(*l));

	if (!v)
		return;
	t->links = v;
	t->links[t->nlinks++] = *l;
}

static const char *
name_of(const struct netd_trace *t, uint32_t index)
{
	for (size_t i = 0; i < t->nlinks; i++)
		if (t->links[i].index == index)
			return t->links[i].name;
	return NULL;
}

/* Interfaces come and go while a trace runs. */
static void
say_interface(struct netd_trace *t, const char *key, uint32_t index)
{
	const char *name = index ? name_of(t, index) : NULL;

	if (index && !name) {
		t->nlinks = 0;
		name = rtnet_links(t->n->net, keep_link, t) == 0 ? name_of(t, index) : NULL;
	}
	if (!name)
		return;
	buf_addf(&t->out, ",\"%s\":", key);
	buf_add_json(&t->out, str_z(name));
}

/* The heads come cut and in two parts; together they are the beginning of the packet. */
static void
tell_packet(struct netd_trace *t, const struct nft_trace *k)
{
	char bytes[HEADS_MAX], src[46], dst[46];
	struct str network = str_head(k->network, HEADS_MAX / 2), transport = str_head(k->transport, HEADS_MAX / 2);
	struct packet p;

	memcpy(bytes, network.p, network.n);
	if (transport.n)
		memcpy(bytes + network.n, transport.p, transport.n);
	if (packet_parse(str_of(bytes, network.n + transport.n), &p) < 0)
		return;
	t->telling = true;
	t->packet = k->packet;
	t->packets++;
	buf_addf(&t->out, "{\"type\":\"packet\",\"number\":%llu,\"src\":\"%.*s\",\"dst\":\"%.*s\",\"protocol\":%u,\"length\":%u",
	    (unsigned long long)t->packets, (int)addr_show(&p.src, src), src, (int)addr_show(&p.dst, dst), dst, p.protocol,
	    p.length);
	if (p.has_ports)
		buf_addf(&t->out, ",\"sport\":%u,\"dport\":%u", p.sport, p.dport);
	if (p.has_ports && p.protocol == IPPROTO_TCP)
		buf_addf(&t->out, ",\"flags\":%u", p.flags);
	if (p.has_type)
		buf_addf(&t->out, ",\"icmp\":%u", p.type);
	say_interface(t, "in", k->in);
	say_interface(t, "out", k->out);
	buf_add_byte(&t->out, '}');
	answer(t, false);
}

static const char *const verdicts[] = {
	[NFT_TRACE_GO_ON] = "goes on", [NFT_TRACE_ACCEPT] = "accept", [NFT_TRACE_DROP] = "drop", [NFT_TRACE_JUMP] = "jump",
};

static void
tell_step(struct netd_trace *t, const struct nft_trace *k, const struct policy_rule *r)
{
	buf_addf(&t->out, "{\"type\":\"step\",\"number\":%llu,\"kernel\":\"%s\"", (unsigned long long)t->packets,
	    verdicts[k->verdict]);
	say_interface(t, "out", k->out);
	if (r) {
		buf_addf(&t->out, ",\"hook\":\"%s\"", policy_hook_name(r->hook));
		netd_tell_rule(t->n, r, &t->out);
	} else {
		buf_addf(&t->out, ",\"foreign\":%s,\"handle\":%llu,\"table\":", k->kind == NFT_TRACE_RULE ? "true" : "false",
		    (unsigned long long)k->handle);
		buf_add_json(&t->out, str_head(k->table, FOREIGN_MAX));
		buf_add(&t->out, STR(",\"chain\":"));
		buf_add_json(&t->out, str_head(k->chain, FOREIGN_MAX));
	}
	buf_add_byte(&t->out, '}');
	answer(t, false);
}

static const struct policy_rule *
rule_at(const struct netd_trace *t, uint64_t handle)
{
	uint32_t i = strmap_get(&t->rules, str_of((const char *)&handle, sizeof(handle)));

	return i == STRMAP_NONE ? NULL : &t->n->policy->rules[i];
}

static void
on_step(void *ctx, const struct nft_trace *k)
{
	struct netd_trace *t = ctx;
	bool ours = str_eq(k->table, STR(NFT_TABLE));

	/* Fragments of a story whose beginning was lost are not told. */
	if ((!t->telling || t->packet != k->packet) && k->network.n > 0 && t->packets < t->most) {
		tell_packet(t, k);
		if (t->packets == t->most)
			timer_start(t->end, LAST_MS, 0);
	}
	if (!t->telling || t->packet != k->packet || (ours && str_starts(k->chain, STR(TRACE_CHAIN))))
		return;
	/* A rule without a number is the end of a chain's rules. */
	if (k->kind == NFT_TRACE_RULE && k->handle == 0)
		return;
	if (ours && k->kind == NFT_TRACE_RULE)
		tell_step(t, k, rule_at(t, k->handle));
	else if (k->verdict == NFT_TRACE_DROP)
		tell_step(t, k, NULL);
}

static void
on_readable(void *ctx, int events)
{
	struct netd_trace *t = ctx;
	int r = 1;

	(void)events;
	for (int i = 0; i < READS_A_TURN && r > 0; i++) {
		r = nft_trace_read(t->fd, t->buffer, sizeof(t->buffer), on_step, t);
		t->lost += r == -ENOBUFS;
	}
}

/* Beginning and end. */

struct finding {
	struct netd_trace *t;
	struct strmap counters;
	bool full;
};

static void
on_place(void *ctx, const struct nft_place *p)
{
	struct finding *f = ctx;
	uint32_t rule = strmap_get(&f->counters, str_z(p->counter));

	if (rule == STRMAP_NONE)
		return;
	struct str key = arena_str(&f->t->arena, str_of((const char *)&p->handle, sizeof(p->handle)));
	if (!key.p || strmap_put(&f->t->rules, key, rule) < 0)
		f->full = true;
}

/* The kernel calls rules by numbers of its own. */
static int
find_rules(struct netd_trace *t)
{
	const struct policy *p = t->n->policy;
	struct finding f = { .t = t };
	int r = 0;

	for (uint32_t i = 0; i < p->nrules && r == 0; i++) {
		char name[18];
		nft_counter_name(&p->rules[i], name);
		struct str copy = arena_str(&t->arena, str_z(name));
		r = copy.p ? strmap_put(&f.counters, copy, i) : -ENOMEM;
	}
	if (r == 0)
		r = nft_places(t->n->nft, on_place, &f);
	strmap_free(&f.counters);
	return r == 0 && f.full ? -ENOMEM : r;
}

static int
start(struct netd_trace *t, const struct trace_ask *a)
{
	int r = t->end ? 0 : timer_open(t->n->role->loop, on_end, t, &t->end);

	if (r == 0)
		r = find_rules(t);
	if (r == 0)
		r = t->fd = nft_trace_open();
	if (r >= 0)
		r = poll_open(t->n->role->loop, t->fd, WANT_READ, on_readable, t, &t->poll);
	return r < 0 ? r : run(t, a);
}

int
netd_trace_begin(struct netd *n, uint32_t order, const struct trace_ask *a, uint64_t packets)
{
	struct netd_trace *t = n->trace;

	if (!t) {
		t = calloc(1, sizeof(*t));
		if (!t)
			return -ENOMEM;
		*t = (struct netd_trace){ .n = n, .fd = -1, .out = BUF_INIT(65536), .arena.max = 256u << 20 };
		n->trace = t;
	}
	if (t->order)
		finish(t, "another");
	int r = start(t, a);
	if (r < 0) {
		let_go(t);
		return r;
	}
	t->order = order;
	t->most = packets;
	t->packets = t->lost = 0;
	timer_start(t->end, (uint64_t)a->seconds * 1000, 0);
	buf_addf(&t->out, "{\"type\":\"tracing\",\"seconds\":%lld,\"packets\":%llu}", (long long)a->seconds,
	    (unsigned long long)packets);
	answer(t, false);
	return 0;
}

void
netd_trace_end(struct netd *n)
{
	struct netd_trace *t = n->trace;

	if (!t)
		return;
	if (t->order)
		finish(t, "reload");
	let_go(t);
	timer_close(t->end);
	free(t->links);
	buf_free(&t->out);
	free(t);
	n->trace = NULL;
}
