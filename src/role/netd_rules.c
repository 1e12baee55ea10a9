/*
 * netd_rules: the policy into the kernel, in one transaction. Counters and sets of before are kept.
 * Must never leave the kernel with half a policy, nor show the operator what nft says of a text he
 * never saw: a fault is told at the line of the configuration.
 */
#include <errno.h>

#include "base/hash.h"
#include "gate/nft_text.h"
#include "gate/trace.h"
#include "role/netd.h"
#include "sys/clock.h"

struct stale {
	struct arena *arena;
	struct strmap wanted;
	struct str *v;
	size_t n, size;
	bool *counters;                /* per rule of the policy: its counter is there already */
	uint32_t nkept;
};

static void
on_counter(void *ctx, const struct nft_count *c)
{
	struct stale *s = ctx;
	struct str name = str_z(c->name);

	uint32_t rule = strmap_get(&s->wanted, name);
	if (rule != STRMAP_NONE) {
		s->counters[rule] = true;
		s->nkept++;
		return;
	}
	if (s->n == s->size) {
		size_t size = s->size ? s->size * 2 : 256;
		struct str *v = ARENA_ARRAY(s->arena, struct str, size);
		if (!v)
			return;
		if (s->n)
			memcpy(v, s->v, s->n * sizeof(*v));
		s->v = v;
		s->size = size;
	}
	s->v[s->n++] = arena_str(s->arena, name);
}

/* Counters of an earlier policy: those that go on, and those that this one does not have. */
static int
find_stale(struct netd *n, struct stale *s)
{
	int r = 0;

	s->counters = ARENA_ARRAY(s->arena, bool, n->policy->nrules + 1u);
	if (!s->counters)
		return -ENOMEM;
	for (uint32_t i = 0; i < n->policy->nrules && r == 0; i++) {
		char name[18];
		nft_counter_name(&n->policy->rules[i], name);
		struct str copy = arena_str(s->arena, str_z(name));
		r = copy.p ? strmap_put(&s->wanted, copy, i) : -ENOMEM;
	}
	if (r == 0)
		r = nft_counters(n->nft, on_counter, s);
	return r == -ENOENT ? 0 : r;
}

/* The rule that a line of the text is about, by the counter it names; NULL: it is about none. */
static const struct policy_rule *
rule_of_line(const struct netd *n, struct str text, uint64_t line)
{
	struct str one = STR_NULL;

	while (line-- > 0)
		if (!str_split(&text, '\n', &one))
			return NULL;
	for (uint32_t i = 0; i < n->policy->nrules; i++) {
		char name[18];
		nft_counter_name(&n->policy->rules[i], name);
		if (str_find(one, str_z(name)) < one.n)
			return &n->policy->rules[i];
	}
	return NULL;
}

/* "/dev/stdin:12:3-7: Error: Could not process rule: No such file or directory" */
static uint64_t
line_of(struct str why, struct str *ret_what)
{
	size_t error = str_find(why, STR(": Error: "));
	uint64_t line = 0;
	struct str place = str_head(why, error);

	*ret_what = str_from(why, error + 9);
	*ret_what = str_head(*ret_what, str_find_byte(*ret_what, '\n'));
	place = str_head(place, str_rfind(place, STR(":")));
	if (text_u64(str_from(place, str_rfind(place, STR(":")) + 1), &line) < 0)
		return 0;
	return line;
}

static void
tell_refusal(const struct netd *n, struct str text, struct str why)
{
	struct buf origin = BUF_INIT(4096);
	struct str what;
	uint64_t line = line_of(why, &what);
	const struct policy_rule *r = line ? rule_of_line(n, text, line) : NULL;

	if (r)
		policy_say_origin(r, &origin);
	log_say(n->log, LOG_LEVEL_ERROR, "the kernel does not take the rules%s%s: %.*s; nothing was changed",
	    r ? ": " : "", r ? buf_cstr(&origin) : "", STR_FMT(what));
	log_say(n->log, LOG_LEVEL_DEBUG, "nft: %.*s", STR_FMT(why));
	buf_free(&origin);
}

static bool
has_synproxy(const struct netd *n)
{
	int r = nft_has_synproxy(n->nft);

	if (r < 0)
		log_say(n->log, LOG_LEVEL_WARNING, "the kernel cannot answer floods of SYNs with cookies (%s; module nft_synproxy): "
		    "beyond gateway { syn-total } they are dropped", strerror(-r));
	return r == 0;
}

int
netd_rules_apply(struct netd *n, bool check_only)
{
	struct buf text = BUF_INIT(NFT_TEXT_MAX), why = BUF_INIT(8192);
	struct arena names = { .max = 64u << 20 };
	struct stale stale = { .arena = &names };
	int64_t began = clock_mono_us();
	int r = find_stale(n, &stale);

	if (r == 0) {
		struct nft_kept kept = { .counters = stale.counters, .stale = stale.v, .nstale = stale.n,
			.no_synproxy = n->policy->synproxy && !has_synproxy(n) };
		nft_text(n->policy, &kept, &text);
		/* One that was killed while it traced left its choices behind. */
		trace_text_end(&text);
		(void)buf_cstr(&text);
		r = buf_ok(&text) ? nft_run(buf_str(&text), check_only, &why) : -ENOMEM;
	}
	n->changed = r == 0 && stale.nkept && (stale.n || stale.nkept < n->policy->nrules);
	if (r == -EINVAL)
		tell_refusal(n, buf_str(&text), buf_str(&why));
	else if (r < 0)
		(void)!netd_fault(n, r, "cannot hand the rules to the kernel");
	n->rules_us = clock_mono_us() - began;
	strmap_free(&stale.wanted);
	arena_free(&names);
	buf_free(&text);
	buf_free(&why);
	return r;
}
