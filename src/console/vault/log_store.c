/*
 * log_store: a query over a whole vault: the tail, line by line, then the segments. What cannot be read is said, and the
 * rest is searched all the same.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "console/config_file.h"
#include "console/i18n.h"
#include "console/vault/log.h"
#include "sys/clock.h"

#define CONFIG_DEFAULT "/etc/guarita/guarita.conf"
#define LINE_MAX_BYTES (1u << 20)

static void
say_query_fault(const struct query *q, struct str text)
{
	complain(_("guarita log: %s\n"), q->fault);
	if (text.n <= 200)
		complain("  %.*s\n  %*s\n", STR_FMT(text), (int)q->fault_at + 1, "^");
}

static int64_t
in_ns(int64_t us, int64_t none)
{
	return us == WHEN_NONE ? none : us > INT64_MAX / 1000 ? INT64_MAX : us * 1000;
}

/* What the configuration of this machine says; empty when it says nothing. */
static void
configured(struct buf *out)
{
	struct arena arena = { 0 };
	struct diags *diags = diags_new();
	struct config *c = NULL;

	if (diags && config_file_load(&arena, diags, CONFIG_DEFAULT, &c) == 0 && c->vault)
		buf_add(out, c->vault->path);
	diags_free(diags);
	arena_free(&arena);
}

int
log_vault_dir(const struct options *o, struct buf *out)
{
	const char *env = getenv("GUARITA_VAULT");

	if (o->vault || (env && *env))
		buf_add(out, str_z(o->vault ? o->vault : env));
	else
		configured(out);
	return out->n > 0 ? 0 : -ENOENT;
}

static int
open_store(struct log *l, const struct options *o)
{
	struct buf dir = BUF_INIT(4096);
	int rc;

	if (log_vault_dir(o, &dir) < 0) {
		complain(_("guarita: %s names no vault; say where it is with --vault DIR or in $GUARITA_VAULT\n"), CONFIG_DEFAULT);
		buf_free(&dir);
		return -ENOENT;
	}
	rc = store_open(&l->store, buf_cstr(&dir));
	if (rc < 0)
		complain(_("guarita: there is no vault to read in %s: %s\nSay where it is with --vault DIR or in $GUARITA_VAULT.\n"),
		    buf_cstr(&dir), strerror(-rc));
	buf_free(&dir);
	return rc;
}

int
log_open(struct log *l, const struct options *o, struct str query)
{
	int rc;

	*l = (struct log){ .o = o, .line = BUF_INIT(LINE_MAX_BYTES + VAULT_RAW_MAX) };
	rc = query_parse(&l->query, query);
	if (rc == -EINVAL)
		say_query_fault(&l->query, query);
	if (rc == 0)
		rc = open_store(l, o);
	if (rc < 0)
		return rc;
	l->opts = (struct search_opts){ .query = &l->query, .since_ns = in_ns(o->since_us, INT64_MIN), .until_ns = in_ns(o->until_us, INT64_MAX) };
	l->search = search_new(&l->opts);
	l->scratch = query_scratch_new(&l->query);
	return l->search && l->scratch ? 0 : -ENOMEM;
}

void
log_close(struct log *l)
{
	meaning_free(l->meaning);
	if (l->engine.rules || l->engine.dir)
		engine_close(&l->engine);
	search_free(l->search);
	query_scratch_free(l->scratch);
	query_free(&l->query);
	store_close(&l->store);
	free(l->entries);
	buf_free(&l->line);
	*l = (struct log){ 0 };
}

/* The decoders, for lines that are in no segment yet. */
static int
need_meaning(struct log *l)
{
	int rc;

	if (l->meaning)
		return 0;
	rc = command_engine(&l->engine, l->o);
	if (rc < 0)
		return rc;
	l->meaning = meaning_new(l->engine.rules, l->engine.work, random_u64());
	return l->meaning ? 0 : -ENOMEM;
}

static size_t
facts_of(struct log *l, const struct vault_entry *e, struct query_fact ret[FACTS_MAX])
{
	struct fact facts[FACTS_MAX];
	size_t n = meaning_of(l->meaning, e, facts), nnames;
	const struct str *names = meaning_names(l->meaning, &nnames);

	for (size_t i = 0; i < n; i++)
		ret[i] = (struct query_fact){ .name = names[facts[i].name], .value = facts[i].value };
	return n;
}

static int
read_frame(struct log *l, const struct store_frame *f, size_t *ret_n)
{
	if (f->count > l->entries_size) {
		struct vault_entry *entries = reallocarray(l->entries, f->count, sizeof(*entries));

		if (!entries)
			return -ENOMEM;
		l->entries = entries;
		l->entries_size = f->count;
	}
	*ret_n = store_entries(f, l->entries, f->count);
	return 0;
}

static bool
tail_matches(struct log *l, const struct vault_entry *e, struct query_fact facts[FACTS_MAX], size_t *ret_n)
{
	struct query_line line = { .raw = e->raw, .source = e->source, .facts = facts };

	if (e->recv_ns < l->opts.since_ns || e->recv_ns >= l->opts.until_ns || (e->flags & VAULT_ERASED))
		return false;
	if (l->query.wants_facts)
		line.nfacts = facts_of(l, e, facts);
	*ret_n = line.nfacts;
	return query_match(&l->query, l->scratch, &line);
}

struct segment_run {
	struct log *l;
	bool (*on_hit)(void *ctx, const struct log_hit *h);
	void *ctx;
};

static bool
on_segment_hit(void *ctx, const struct search_hit *h)
{
	struct segment_run *r = ctx;
	struct log_hit hit = { .index = h->index, .segment = (uint32_t)(h->segment - r->l->store.segments), .granule = h->granule,
		.row = h->row };

	return r->on_hit(r->ctx, &hit);
}

/* An engine is opened before the first line of the tail that needs it; its faults have been told. */
static int
ready_tail(struct log *l)
{
	return l->query.wants_facts && l->store.nframes > 0 ? need_meaning(l) : 0;
}

int
log_run(struct log *l, bool (*on_hit)(void *ctx, const struct log_hit *h), void *ctx)
{
	struct segment_run r = { .l = l, .on_hit = on_hit, .ctx = ctx };
	struct query_fact facts[FACTS_MAX];
	int rc = ready_tail(l);

	for (size_t f = l->store.nframes; rc == 0 && f > 0; f--) {
		size_t n = 0, nfacts;

		rc = read_frame(l, &l->store.frames[f - 1], &n);
		for (size_t i = n; rc == 0 && i > 0; i--) {
			struct log_hit hit = { .index = l->store.frames[f - 1].first + i - 1, .segment = LOG_TAIL, .granule = (uint32_t)f - 1,
				.row = (uint32_t)i - 1 };

			if (tail_matches(l, &l->entries[i - 1], facts, &nfacts) && !on_hit(ctx, &hit))
				return 0;
		}
	}
	if (rc < 0)
		return rc;
	rc = search_run(l->search, l->store.segments, l->store.nsegments, on_segment_hit, &r, &l->bad);
	return rc == -EBADMSG || rc == -EACCES ? 0 : rc;
}

static int
tally_line(struct log *l, struct tally *t, const struct vault_entry *e, const struct query_fact *facts, size_t nfacts)
{
	int64_t at = e->recv_ns - t->first_ns;
	bool found = false;
	int rc = 0;

	t->total++;
	if (t->bucket_ns > 0 && at >= 0 && (uint64_t)(at / t->bucket_ns) < t->nbuckets)
		t->buckets[at / t->bucket_ns]++;
	for (size_t i = 0; rc == 0 && i < nfacts; i++) {
		if (str_eq(facts[i].name, l->query.by)) {
			rc = tally_add(t, facts[i].value, 1);
			found = true;
		}
	}
	t->without += !found;
	return rc;
}

int
log_tally(struct log *l, struct tally *t)
{
	struct query_fact facts[FACTS_MAX];
	int rc = ready_tail(l);

	for (size_t f = 0; rc == 0 && f < l->store.nframes; f++) {
		size_t n = 0, nfacts = 0;

		rc = read_frame(l, &l->store.frames[f], &n);
		for (size_t i = 0; rc == 0 && i < n; i++) {
			if (tail_matches(l, &l->entries[i], facts, &nfacts))
				rc = tally_line(l, t, &l->entries[i], facts, nfacts);
		}
	}
	if (rc < 0)
		return rc;
	rc = search_tally(l->search, l->store.segments, l->store.nsegments, t, &l->bad);
	return rc == -EBADMSG || rc == -EACCES ? 0 : rc;
}

int
log_read(struct log *l, const struct log_hit *h, bool with_facts, struct log_line *ret)
{
	struct search_hit hit;
	size_t n;
	int rc;

	ret->nfacts = 0;
	if (h->segment == LOG_TAIL) {
		rc = read_frame(l, &l->store.frames[h->granule], &n);
		if (rc == 0 && h->row >= n)
			rc = -EBADMSG;
		if (rc == 0 && with_facts)
			rc = need_meaning(l);
		if (rc < 0)
			return rc;
		ret->entry = l->entries[h->row];
		if (with_facts)
			ret->nfacts = facts_of(l, &ret->entry, ret->facts);
		return 0;
	}
	hit = (struct search_hit){ .segment = &l->store.segments[h->segment], .granule = h->granule, .row = h->row, .index = h->index };
	/* Hits are read in order: of the granule before nothing more is needed. */
	if (l->reading && (l->reading != hit.segment || l->reading_granule != h->granule))
		segment_drop_view(l->reading, l->reading_granule);
	l->reading = hit.segment;
	l->reading_granule = h->granule;
	rc = segment_view(hit.segment, h->granule, &hit.view);
	buf_reset(&l->line);
	if (rc == 0)
		rc = search_line(l->search, &hit, &l->line, &ret->entry, with_facts ? ret->facts : NULL, &ret->nfacts);
	return rc;
}

bool
log_find(const struct log *l, uint64_t index, struct log_hit *ret)
{
	for (size_t i = 0; i < l->store.nsegments; i++) {
		const struct segment *s = &l->store.segments[i];

		if (index < s->first_index || index - s->first_index >= s->rows)
			continue;
		for (uint32_t g = 0; g < s->ngranules; g++) {
			const struct granule_info *info = &s->granules[g].info;

			if (index - info->first_index < info->rows) {
				*ret = (struct log_hit){ .index = index, .segment = (uint32_t)i, .granule = g, .row = (uint32_t)(index - info->first_index) };
				return true;
			}
		}
	}
	for (size_t f = 0; f < l->store.nframes; f++) {
		if (index - l->store.frames[f].first < l->store.frames[f].count) {
			*ret = (struct log_hit){ .index = index, .segment = LOG_TAIL, .granule = (uint32_t)f,
				.row = (uint32_t)(index - l->store.frames[f].first) };
			return true;
		}
	}
	return false;
}

bool
log_complain(const struct log *l)
{
	struct search_stats stats;
	char number[32];
	uint64_t gave_up;

	search_stats(l->search, &stats);
	gave_up = stats.gave_up + query_scratch_gave_up(l->scratch);
	if (gave_up > 0)
		complain(_("guarita: the regular expression is too costly for %s lines, which were left out; make it more exact\n"),
		    term_count(gave_up, number));
	if (l->store.nproblems > 0)
		complain("%.*s", STR_FMT(buf_str(&l->store.problems)));
	for (size_t i = 0; i < l->store.nsegments; i++) {
		const struct segment *s = &l->store.segments[i];

		if (s->fault[0])
			complain(_("guarita: %s/seg/%020llu.seg: %s: its lines are not all here\n"), l->store.dir, (unsigned long long)s->first_index, s->fault);
		else if (l->bad > 0 && s->encrypted && !s->seal.key)
			complain(_("guarita: %s/seg/%020llu.seg: its key is not there: its lines cannot be read\n"), l->store.dir,
			    (unsigned long long)s->first_index);
	}
	return l->store.nproblems > 0 || l->bad > 0 || gave_up > 0;
}

struct str
log_fact(const struct log_line *l, struct str name)
{
	for (size_t i = 0; i < l->nfacts; i++) {
		if (str_eq(l->facts[i].name, name))
			return l->facts[i].value;
	}
	return STR_NULL;
}
