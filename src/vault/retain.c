/* retain: see retain.h. Must never let go of a line that is held, nor of one whose segment could not be searched whole. */
#include "vault/retain.h"

#include <errno.h>
#include <stdlib.h>

#include "vault/search.h"

#define CACHE_BYTES (8u << 20)
#define KEPT UINT8_MAX                 /* by a hold */

int
retain_rule_read(struct retain_rule *r, struct str name, struct str what, int64_t for_us)
{
	struct buf text = BUF_INIT(QUERY_TEXT_MAX);
	bool word = what.n > 0;

	for (size_t i = 0; i < what.n; i++)
		word &= what.p[i] != ' ' && !strchr(":/\"()*~<>|-", what.p[i]);
	buf_add(&text, word ? STR("program:") : STR(""));
	buf_add(&text, what);
	*r = (struct retain_rule){ .name = name, .for_us = for_us };
	int e = buf_ok(&text) ? query_parse(&r->query, buf_str(&text)) : -EINVAL;
	if (e == 0 && r->query.then != QUERY_SHOW)
		e = -EINVAL;
	buf_free(&text);
	return e;
}

void
retain_free(struct retain *p)
{
	for (size_t i = 0; i < p->nrules; i++)
		query_free(&p->rules[i].query);
	for (size_t i = 0; i < p->nholds; i++)
		query_free(&p->holds[i].query);
	p->nrules = p->nholds = 0;
}

static bool
over(const struct retain_rule *r, int64_t max_ns, int64_t now_us)
{
	return r->for_us > 0 && max_ns / 1000 <= now_us - r->for_us;
}

uint64_t
retain_due(const struct retain *p, int64_t max_ns, int64_t now_us)
{
	uint64_t due = 0;

	for (size_t i = 0; i < p->nrules; i++)
		due |= (uint64_t)over(&p->rules[i], max_ns, now_us) << i;
	return due | (uint64_t)over(&p->others, max_ns, now_us) << p->nrules;
}

uint64_t
retain_all(const struct retain *p)
{
	return p->nrules == 63 ? UINT64_MAX : (UINT64_C(1) << (p->nrules + 1)) - 1;
}

struct mark {
	uint8_t *rule;                 /* of each row */
	uint64_t first;
	uint8_t as;
};

static bool
on_hit(void *ctx, const struct search_hit *h)
{
	struct mark *m = ctx;

	m->rule[h->index - m->first] = m->as;
	return true;
}

static int
mark_rows(const struct retain_rule *r, struct segment *s, struct mark *m)
{
	struct search_opts o = { .query = &r->query, .since_ns = INT64_MIN, .until_ns = INT64_MAX, .cache_bytes = CACHE_BYTES };
	struct search *search = search_new(&o);
	uint64_t bad = 0;
	int e = search ? search_run(search, s, 1, on_hit, m, &bad) : -ENOMEM;

	search_free(search);
	return e == 0 && bad ? -EBADMSG : e;
}

/* Later rules first, so that earlier ones have the last word, and what is held after all of them. */
static int
mark_all(const struct retain *p, struct segment *s, struct mark *m)
{
	int e = 0;

	for (size_t i = p->nrules; i-- > 0 && e == 0;) {
		m->as = (uint8_t)i;
		e = mark_rows(&p->rules[i], s, m);
	}
	m->as = KEPT;
	for (size_t i = 0; i < p->nholds && e == 0; i++)
		e = mark_rows(&p->holds[i], s, m);
	return e;
}

int
retain_rows(const struct retain *p, struct segment *s, uint64_t due, bool *gone, uint64_t *ret_took)
{
	struct mark m = { .rule = malloc(s->rows), .first = s->first_index };
	uint64_t took = 0;

	if (!m.rule)
		return -ENOMEM;
	memset(m.rule, (int)p->nrules, s->rows);
	int e = mark_all(p, s, &m);
	for (uint64_t row = 0; row < s->rows && e == 0; row++)
		if (m.rule[row] != KEPT && due >> m.rule[row] & 1) {
			gone[row] = true;
			took |= UINT64_C(1) << m.rule[row];
		}
	free(m.rule);
	if (e == 0)
		*ret_took = took;
	return e;
}
