/*
 * rule_sample: the samples that rules carry: lines through the whole engine - head, decoders, all rules - and the
 * incidents they must give. A rule answers for its own incidents; those of other rules are their own affair.
 */
#include <stdio.h>
#include <stdlib.h>

#include "event/lens.h"
#include "watch/correlate/correlate.h"
#include "watch/decoder.h"
#include "watch/rule.h"

#define SAMPLE_LINES_MAX 512
#define SAMPLE_INCIDENTS_MAX 16
/* 2026-01-01, so that lines without a year have one. */
#define SAMPLE_ANCHOR (INT64_C(1767225600) * WHEN_SECOND)

struct seen {                          /* an incident of the rule under test */
	char src[64], user[64], host[64], service[64], dst[64], dst_port[16];
	uint64_t count;
	enum severity severity;
	uint16_t kind;
	bool taken;                    /* an `expect` was satisfied by it */
};

struct testing {
	const struct ruleset *rs;
	const struct rule *rule;
	struct diags *d;
	struct decode_work *work;
	struct seen seen[SAMPLE_INCIDENTS_MAX];
	size_t nseen;
	size_t run, failed;
};

static void
fault(struct testing *t, const struct conf_word *w, const char *hint, const char *message)
{
	diag_error(t->d, w->pos, (uint32_t)(w->text.n ? w->text.n : 1), hint, "%s", message);
	t->failed++;
}

static void
keep(char *to, size_t size, struct str s)
{
	size_t n = s.n < size ? s.n : size - 1;

	if (n)
		memcpy(to, s.p, n);
	to[n] = '\0';
}

static void
on_incident(void *ctx, const struct incident *i, enum incident_change change)
{
	struct testing *t = ctx;
	struct seen *s = &t->seen[t->nseen];

	if (change != INCIDENT_CLOSED || i->rule != t->rule->index ||
	    t->nseen == SAMPLE_INCIDENTS_MAX)
		return;
	*s = (struct seen){ .count = i->count, .severity = i->severity, .kind = i->kind };
	keep(s->src, sizeof(s->src), i->src);
	keep(s->user, sizeof(s->user), i->user);
	keep(s->host, sizeof(s->host), i->host);
	keep(s->service, sizeof(s->service), i->service);
	keep(s->dst, sizeof(s->dst), i->dst);
	keep(s->dst_port, sizeof(s->dst_port), i->dst_port);
	t->nseen++;
}

static int
play_line(struct testing *t, struct correlator *c, struct lens *l, struct str line, uint64_t n)
{
	struct buf extra = BUF_INIT(RECORD_EXTRA_MAX);
	struct record r;

	record_begin(&r, line, &extra, SAMPLE_ANCHOR);
	r.line = r.ref = n;
	lens_read(l, &r);
	decode(t->rs, t->work, &r);
	lens_time(l, &r);
	if (r.time_us != WHEN_NONE)
		correlate_advance(c, r.time_us);
	correlate(c, &r);
	buf_free(&extra);
	return 0;
}

static void
play(struct testing *t, const struct conf_stmt *lines)
{
	struct correlate_opts o = { .keys_max = 4096, .hash_seed = 1 };
	struct correlate_calls calls = { .ctx = t, .on_incident = on_incident };
	struct lens_opts lo = { .place = STR("sample"), .anchor_us = SAMPLE_ANCHOR };
	struct zone_book *zones = zone_book_new(0);
	struct lens *l = zones ? lens_new(zones, &lo) : NULL;
	struct correlator *c;

	t->nseen = 0;
	if (!l || correlator_new(t->rs, &o, &calls, &c) < 0) {
		fault(t, &lines->words[0], NULL, "not enough memory for this sample");
		goto out;
	}
	for (uint32_t i = 1; i < lines->nwords && i <= SAMPLE_LINES_MAX; i++)
		lens_sniff(l, lines->words[i].text);
	for (uint32_t i = 1; i < lines->nwords && i <= SAMPLE_LINES_MAX; i++)
		play_line(t, c, l, lines->words[i].text, i);
	correlate_finish(c);
	correlator_free(c);
out:
	lens_free(l);
	zone_book_free(zones);
}

static struct str
seen_value(const struct seen *s, struct str field, char number[24])
{
	if (str_eq(field, STR("count"))) {
		snprintf(number, 24, "%llu", (unsigned long long)s->count);
		return str_z(number);
	}
	if (str_eq(field, STR("severity")))
		return str_z(severity_name(s->severity));
	if (str_eq(field, STR("src")))
		return str_z(s->src);
	if (str_eq(field, STR("user")))
		return str_z(s->user);
	if (str_eq(field, STR("host")))
		return str_z(s->host);
	if (str_eq(field, STR("service")))
		return str_z(s->service);
	if (str_eq(field, STR("dst")))
		return str_z(s->dst);
	return str_eq(field, STR("dst_port")) ? str_z(s->dst_port) : STR_NULL;
}

static bool
fulfils(const struct seen *s, const struct conf_stmt *expect)
{
	char number[24];

	for (const struct conf_stmt *f = expect->child; f; f = f->next) {
		if (!str_eq(seen_value(s, conf_arg(f, 0), number), conf_arg(f, 1)))
			return false;
	}
	return true;
}

/* What there was instead, in the hint. */
static void
not_found(struct testing *t, const struct conf_stmt *expect)
{
	struct buf hint = BUF_INIT(4096);

	buf_addf(&hint, "this rule gave %zu incidents:", t->nseen);
	for (size_t i = 0; i < t->nseen; i++)
		buf_addf(&hint, " [src %s user %s count %llu severity %s]", t->seen[i].src,
		    t->seen[i].user,
		    (unsigned long long)t->seen[i].count, severity_name(t->seen[i].severity));
	fault(t, &expect->words[1], buf_cstr(&hint), "no such incident came");
	buf_free(&hint);
}

static void
check_expect(struct testing *t, const struct conf_stmt *expect)
{
	uint16_t kind = kinds_find(t->rs->kinds, conf_arg(expect, 1));

	if (expect->nwords != 2 || (kind == KIND_NONE && !str_eq(conf_arg(expect, 1),
	    STR("none")))) {
		fault(t, &expect->words[0],
		    "expect auth.brute { src 192.0.2.7; count 5; }  or  expect none;",
		    "not an expectation");
		return;
	}
	if (kind == KIND_NONE)
		return;
	for (size_t i = 0; i < t->nseen; i++) {
		if (!t->seen[i].taken && t->seen[i].kind == kind && fulfils(&t->seen[i], expect)) {
			t->seen[i].taken = true;
			return;
		}
	}
	not_found(t, expect);
}

static void
run_sample(struct testing *t, const struct conf_stmt *sample)
{
	const struct conf_stmt *lines = NULL;

	t->run++;
	for (const struct conf_stmt *s = sample->child; s; s = s->next) {
		if (str_eq(conf_arg(s, 0), STR("lines"))) {
			play(t, s);
			lines = s;
		} else if (!str_eq(conf_arg(s, 0), STR("expect")) || !lines) {
			fault(t, &s->words[0], "sample { lines '...', '...'; expect KIND { ... } }",
			    "not part of a sample");
		} else {
			check_expect(t, s);
		}
	}
	for (size_t i = 0; lines && i < t->nseen; i++) {
		if (!t->seen[i].taken)
			fault(t, &sample->words[0], t->seen[i].src,
			    "an incident came that is not expected");
	}
}

size_t
rules_test(const struct ruleset *rs, struct diags *d, size_t *ret_run)
{
	struct testing t = { .rs = rs, .d = d, .work = decode_work_new(rs) };

	*ret_run = 0;
	if (!t.work)
		return 1;
	for (uint32_t i = 0; i < rs->rules->nrules; i++) {
		t.rule = &rs->rules->rules[i];
		for (const struct conf_stmt *s = t.rule->stmt->child; s; s = s->next) {
			if (str_eq(conf_arg(s, 0), STR("sample")))
				run_sample(&t, s);
		}
	}
	decode_work_free(t.work);
	*ret_run = t.run;
	return t.failed;
}
