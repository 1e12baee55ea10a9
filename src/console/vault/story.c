/*
 * story: `guarita story ENTITY`: everything the vault knows of an address, a user or a host, as one timeline: lines that
 * say the same one after the other are one episode, shown by its first line. Where lines of other sites are kept, each says
 * whose it is.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "console/i18n.h"
#include "console/vault/log.h"

#define EPISODE_GAP_NS (INT64_C(600) * 1000000000)
#define EPISODES_SHOWN 200u
#define QUOTED_MAX 400u
#define KINDS_SHOWN 12u

struct episode {
	struct str kind, program, host, source;
	struct str line;                /* its first, cut */
	int64_t first_ns, last_ns;
	uint64_t count, index;
};

struct story {
	struct log *l;
	struct arena texts;
	struct log_hit *hits;
	size_t nhits, hits_size;
	struct episode *episodes;
	size_t n, size;
	struct tally kinds, hosts, sites;
	int64_t first_ns, last_ns;
	bool full;
};

static bool
keep_hit(void *ctx, const struct log_hit *h)
{
	struct story *s = ctx;

	if (s->nhits == s->hits_size) {
		size_t size = s->hits_size ? 2 * s->hits_size : 1024;
		struct log_hit *hits = reallocarray(s->hits, size, sizeof(*hits));

		s->full = !hits;
		if (!hits)
			return false;
		s->hits = hits;
		s->hits_size = size;
	}
	s->hits[s->nhits++] = *h;
	return true;
}

/* What a line is about when no decoder knew it: the program is all there is to say. */
static bool
same_episode(const struct episode *e, const struct log_line *line)
{
	return line->entry.recv_ns - e->last_ns < EPISODE_GAP_NS && str_eq(e->kind, log_fact(line, STR("kind"))) &&
	    str_eq(e->program, log_fact(line, STR("program"))) && str_eq(e->host, log_fact(line, STR("host"))) &&
	    str_eq(e->source, line->entry.source);
}

/* Episodes that are still going on: lines of different kinds alternate. */
static struct episode *
find_episode(struct story *s, const struct log_line *line)
{
	for (size_t back = 1; back <= 16 && back <= s->n; back++) {
		if (same_episode(&s->episodes[s->n - back], line))
			return &s->episodes[s->n - back];
	}
	return NULL;
}

static int
begin_episode(struct story *s, const struct log_line *line, struct episode **ret)
{
	if (s->n == s->size) {
		size_t size = s->size ? 2 * s->size : 64;
		struct episode *episodes = reallocarray(s->episodes, size, sizeof(*episodes));

		if (!episodes)
			return -ENOMEM;
		s->episodes = episodes;
		s->size = size;
	}
	*ret = &s->episodes[s->n++];
	**ret = (struct episode){
		.kind = arena_str(&s->texts, log_fact(line, STR("kind"))),
		.program = arena_str(&s->texts, log_fact(line, STR("program"))),
		.host = arena_str(&s->texts, log_fact(line, STR("host"))),
		.source = arena_str(&s->texts, line->entry.source),
		.line = arena_str(&s->texts, str_head(line->entry.raw, QUOTED_MAX)),
		.first_ns = line->entry.recv_ns,
		.index = line->entry.index,
	};
	return 0;
}

/* Of another site: its name; of this one nothing. */
static struct str
site_of(struct str source)
{
	struct str rest = str_from(source, sizeof("site ") - 1);

	return str_starts(source, STR("site ")) ? str_head(rest, str_find_byte(rest, ' ')) : STR_NULL;
}

static int
take(struct story *s, const struct log_line *line)
{
	struct str kind = log_fact(line, STR("kind")), host = log_fact(line, STR("host"));
	struct episode *e = find_episode(s, line);
	int rc = e ? 0 : begin_episode(s, line, &e);

	if (rc == 0)
		rc = tally_add(&s->kinds, kind.n > 0 ? kind : STR("(not decoded)"), 1);
	if (rc == 0 && host.n > 0)
		rc = tally_add(&s->hosts, host, 1);
	if (rc == 0)
		rc = tally_add(&s->sites, site_of(line->entry.source), 1);
	if (rc < 0)
		return rc;
	e->last_ns = line->entry.recv_ns;
	e->count++;
	return 0;
}

static int
gather(struct story *s)
{
	struct log_line line;
	int rc = log_run(s->l, keep_hit, s);

	if (rc == 0 && s->full)
		rc = -ENOMEM;
	for (size_t i = s->nhits; rc == 0 && i > 0; i--) {
		rc = log_read(s->l, &s->hits[i - 1], true, &line);
		if (rc == 0 && i == s->nhits)
			s->first_ns = line.entry.recv_ns;
		if (rc == 0 && i == 1)
			s->last_ns = line.entry.recv_ns;
		if (rc == 0)
			rc = take(s, &line);
	}
	return rc;
}

static void
show_head(const struct term *t, const struct story *s, struct str entity, struct buf *out)
{
	char number[32];

	term_text(t, out, entity, t->columns);
	buf_add(out, STR("\n  "));
	buf_addf(out, P_("%s line", "%s lines", s->nhits), term_count(s->nhits, number));
	buf_add(out, STR(", "));
	log_show_time(out, s->first_ns, 0);
	buf_add(out, STR(" .. "));
	log_show_time(out, s->last_ns, 0);
	if (s->hosts.n > 0)
		buf_addf(out, P_(", on %u host", ", on %u hosts", s->hosts.n), s->hosts.n);
	if (s->sites.n > 1)
		buf_addf(out, P_(", at %u site", ", at %u sites", s->sites.n), s->sites.n);
	buf_add(out, STR("\n\n"));
	for (uint32_t i = 0; i < s->kinds.n && i < KINDS_SHOWN; i++) {
		buf_addf(out, "  %10s  ", term_count(s->kinds.rows[i].count, number));
		term_cell(t, out, s->kinds.rows[i].value, 28);
		if (t->tty)
			term_bar(t, out, s->kinds.rows[i].count, s->kinds.rows[0].count, t->columns > 80 ? t->columns - 50 : 20);
		buf_add_byte(out, '\n');
	}
	buf_add_byte(out, '\n');
}

static void
show_episode(const struct term *t, const struct episode *e, struct buf *out)
{
	char number[32];

	buf_add(out, STR("  "));
	log_show_time(out, e->first_ns, 0);
	if (e->last_ns > e->first_ns) {
		buf_add(out, STR(" .. "));
		log_show_time(out, e->last_ns, 0);
	}
	buf_add(out, STR("  "));
	if (e->count > 1)
		term_ink(t, out, INK_BOLD, "%s x ", term_count(e->count, number));
	term_text(t, out, e->kind.n > 0 ? e->kind : STR("(not decoded)"), 40);
	struct str site = site_of(e->source);
	if (site.n > 0) {
		buf_add(out, STR("  "));
		term_text(t, out, site, 40);
		buf_add_byte(out, ':');
	}
	if (e->program.n > 0 || e->host.n > 0) {
		buf_add(out, STR("  "));
		term_text(t, out, e->program, 40);
		buf_add(out, e->host.n > 0 ? STR(" @ ") : STR(""));
		term_text(t, out, e->host, 40);
	}
	buf_add(out, STR("\n      "));
	term_text(t, out, e->line, t->tty && t->columns > 20 ? t->columns - 8 : QUOTED_MAX);
	buf_add_byte(out, '\n');
}

static void
show_json(const struct story *s, struct buf *out)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct episode *e = &s->episodes[i];
		char first[40], last[40];

		when_show(e->first_ns / 1000, 0, first);
		when_show(e->last_ns / 1000, 0, last);
		buf_addf(out, "{\"first\":\"%s\",\"last\":\"%s\",\"count\":%llu,\"index\":%llu,\"kind\":", first, last,
		    (unsigned long long)e->count, (unsigned long long)e->index);
		buf_add_json(out, e->kind);
		buf_add(out, STR(",\"program\":"));
		buf_add_json(out, e->program);
		buf_add(out, STR(",\"host\":"));
		buf_add_json(out, e->host);
		buf_add(out, STR(",\"source\":"));
		buf_add_json(out, e->source);
		if (site_of(e->source).n > 0) {
			buf_add(out, STR(",\"site\":"));
			buf_add_json(out, site_of(e->source));
		}
		buf_add(out, STR(",\"line\":"));
		buf_add_json(out, e->line);
		buf_add(out, STR("}\n"));
	}
}

static void
show(const struct term *t, struct story *s, struct str entity, struct buf *out)
{
	size_t shown = s->l->o->all || s->n <= EPISODES_SHOWN ? s->n : EPISODES_SHOWN;
	char number[32];

	if (s->nhits == 0) {
		term_text(t, out, entity, t->columns);
		buf_addf(out, _(": nothing in %s lines\n"), term_count(store_lines(&s->l->store), number));
		return;
	}
	tally_sort(&s->kinds);
	show_head(t, s, entity, out);
	for (size_t i = 0; i < s->n; i++) {
		/* The beginning and the end of a long story; --all shows what lies between. */
		if (i == shown / 2 && shown < s->n) {
			term_ink(t, out, INK_DIM, _("  ... %s more ...\n"), term_count(s->n - shown, number));
			i += s->n - shown;
		}
		show_episode(t, &s->episodes[i], out);
	}
}

/* An address is looked for by value, anything else as it is written. */
static void
query_for(struct str entity, struct buf *out)
{
	struct addr a;

	if (addr_parse(entity, &a) == 0 && addr_is_v4(&a)) {
		buf_add(out, entity);
		return;
	}
	buf_add_byte(out, '"');
	for (size_t i = 0; i < entity.n; i++) {
		if (entity.p[i] == '"' || entity.p[i] == '\\')
			buf_add_byte(out, '\\');
		buf_add_byte(out, entity.p[i]);
	}
	buf_add_byte(out, '"');
}

int
command_story(const struct options *o)
{
	struct str entity = str_z(o->args[0]);
	struct buf out = BUF_INIT(256u << 20), text = BUF_INIT(QUERY_TEXT_MAX);
	struct story s = { 0 };
	struct log l;
	struct term t;
	bool troubled = false;
	int rc;

	query_for(entity, &text);
	rc = log_open(&l, o, buf_str(&text));
	if (rc == 0) {
		s.l = &l;
		rc = gather(&s);
		troubled = log_complain(&l);
		term_init(&t, stdout, o->plain);
		if (rc == 0 && o->json)
			show_json(&s, &out);
		else if (rc == 0)
			show(&t, &s, entity, &out);
		if (rc == 0 && (!buf_ok(&out) || !out_write(stdout, buf_str(&out))))
			rc = -EIO;
		if (rc < 0)
			complain(_("guarita story: %s\n"), strerror(-rc));
	}
	tally_free(&s.kinds);
	tally_free(&s.hosts);
	tally_free(&s.sites);
	arena_free(&s.texts);
	free(s.hits);
	free(s.episodes);
	log_close(&l);
	buf_free(&out);
	buf_free(&text);
	return rc == -EINVAL ? EXIT_USAGE : rc < 0 || troubled ? EXIT_FAILED : EXIT_CLEAN;
}
