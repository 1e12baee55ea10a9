/* meaning: see meaning.h. Lenses are few: past LENSES_MAX sources share one that knows nothing of the past. */
#include "console/meaning.h"

#include <stdlib.h>

#include "event/lens.h"

#define LENSES_MAX 4096u
#define SNIFF_LINES 32u

enum { NAME_KIND, NAME_HOST, NAME_PROGRAM, NAME_FIELDS };

struct known_source {
	struct lens *lens;
	struct decode_route route;
	uint32_t lines;
};

struct meaning {
	const struct ruleset *rules;
	struct decode_work *work;
	struct arena texts;
	struct strmap by_name;
	struct known_source *sources;   /* LENSES_MAX */
	uint32_t nsources;
	struct zone_book *zones;
	struct str *names;
	size_t nnames;
	struct buf extra;
};

static bool
collect_names(struct meaning *m)
{
	size_t n = 0;

	while (fields_name(m->rules->fields, (uint16_t)n).p)
		n++;
	m->names = ARENA_ARRAY(&m->texts, struct str, n + NAME_FIELDS);
	if (!m->names)
		return false;
	m->names[NAME_KIND] = STR("kind");
	m->names[NAME_HOST] = STR("host");
	m->names[NAME_PROGRAM] = STR("program");
	for (size_t i = 0; i < n; i++)
		m->names[NAME_FIELDS + i] = fields_name(m->rules->fields, (uint16_t)i);
	m->nnames = n + NAME_FIELDS;
	return true;
}

struct meaning *
meaning_new(const struct ruleset *rules, struct decode_work *work, uint64_t seed)
{
	struct meaning *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->rules = rules;
	m->work = work;
	m->by_name.seed = seed;
	m->extra = BUF_INIT(RECORD_EXTRA_MAX);
	m->zones = zone_book_new(0);
	m->sources = ARENA_ARRAY(&m->texts, struct known_source, LENSES_MAX);
	if (!m->zones || !m->sources || !collect_names(m)) {
		meaning_free(m);
		return NULL;
	}
	return m;
}

void
meaning_free(struct meaning *m)
{
	if (!m)
		return;
	for (uint32_t i = 0; i < m->nsources; i++)
		lens_free(m->sources[i].lens);
	zone_book_free(m->zones);
	strmap_free(&m->by_name);
	buf_free(&m->extra);
	arena_free(&m->texts);
	free(m);
}

const struct str *
meaning_names(const struct meaning *m, size_t *ret_n)
{
	*ret_n = m->nnames;
	return m->names;
}

/* Received as syslog, here or at the site that the line comes from; there "site NAME /path" was a file. */
static bool
has_envelope(const struct vault_entry *e)
{
	struct str origin = str_from(e->source, sizeof("site ") - 1);

	if (e->transport == VAULT_SITE)
		return !str_starts(str_from(origin, str_find_byte(origin, ' ')), STR(" /"));
	return e->transport == VAULT_UDP || e->transport == VAULT_TCP || e->transport == VAULT_TLS || e->transport == VAULT_UNIX;
}

static struct known_source *
source_of(struct meaning *m, const struct vault_entry *e)
{
	uint32_t at = strmap_get(&m->by_name, e->source);
	struct lens_opts o = { .anchor_us = WHEN_NONE };
	struct known_source *s;

	if (at != STRMAP_NONE)
		return &m->sources[at];
	if (m->nsources == LENSES_MAX)
		return &m->sources[LENSES_MAX - 1];
	o.place = arena_str(&m->texts, e->source);
	o.envelope = has_envelope(e);
	s = &m->sources[m->nsources];
	s->lens = lens_new(m->zones, &o);
	if (!s->lens)
		return m->nsources > 0 ? &m->sources[0] : NULL;
	decode_route(m->rules, o.place, &s->route);
	/* Without memory for its name the source gets another lens the next time, up to their number. */
	(void)!strmap_put(&m->by_name, o.place, m->nsources);
	m->nsources++;
	return s;
}

static void
add(struct fact *ret, size_t *n, uint16_t name, struct str value)
{
	if (value.n > 0 && *n < FACTS_MAX)
		ret[(*n)++] = (struct fact){ .name = name, .value = value };
}

/* False: there is nothing to be read of it. */
static bool
read_entry(struct meaning *m, const struct vault_entry *e, struct record *r)
{
	struct known_source *s = source_of(m, e);

	if (!s || (e->flags & VAULT_ERASED))
		return false;
	if (s->lines++ < SNIFF_LINES)
		lens_sniff(s->lens, e->raw);
	record_begin(r, e->raw, &m->extra, e->recv_ns / 1000);
	lens_read(s->lens, r);
	decode_routed(m->rules, m->work, s->route.n ? &s->route : NULL, r);
	record_set_site(r, e->source, STR_NULL);
	return true;
}

uint16_t
meaning_kind(struct meaning *m, const struct vault_entry *e)
{
	struct record r;

	return read_entry(m, e, &r) ? r.kind : (uint16_t)KIND_unknown;
}

size_t
meaning_of(struct meaning *m, const struct vault_entry *e, struct fact ret[FACTS_MAX])
{
	struct record r;
	size_t n = 0;

	if (!read_entry(m, e, &r))
		return 0;
	if (r.kind != KIND_unknown)
		add(ret, &n, NAME_KIND, kinds_row(m->rules->kinds, r.kind)->name);
	add(ret, &n, NAME_HOST, record_text(&r, r.host));
	add(ret, &n, NAME_PROGRAM, record_text(&r, r.program));
	for (uint16_t i = 0; i < r.nfields; i++) {
		if ((size_t)NAME_FIELDS + r.fields[i].key < m->nnames)
			add(ret, &n, (uint16_t)(NAME_FIELDS + r.fields[i].key), record_text(&r, r.fields[i].at));
	}
	return n;
}
