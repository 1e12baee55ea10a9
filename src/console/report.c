/* report: see report.h. Every foreign byte passes term_text() or buf_add_json(). */
#include "console/report.h"

#include <errno.h>
#include <stdlib.h>

#include "console/i18n.h"
#include "watch/correlate/incident_json.h"

#define PROOFS_SHOWN 4u          /* lines quoted per incident: the first ones and the last */
#define SOURCES_SHOWN 10u
#define LANES_SHOWN 8u
#define SEVERITY_COLUMNS 9u      /* the longest word and a blank */

struct quote {
	uint64_t ref;
	struct str text;
};

struct quotes {
	struct arena arena;
	struct quote *rows;
	size_t n;
};

struct culprit {                 /* one source over all its incidents */
	struct str name;
	uint64_t incidents, records;
	enum severity worst;
	int64_t first_us, last_us;
};

static const char *
severity_word(enum severity s)
{
	static const char *const words[] = {
		[SEVERITY_INFO] = N_("info"), [SEVERITY_LOW] = N_("low"), [SEVERITY_MEDIUM] = N_("medium"),
		[SEVERITY_HIGH] = N_("high"), [SEVERITY_CRITICAL] = N_("critical"),
	};

	return _(words[s]);
}

static enum ink
severity_ink(enum severity s)
{
	static const enum ink inks[] = {
		[SEVERITY_INFO] = INK_DIM, [SEVERITY_LOW] = INK_CYAN, [SEVERITY_MEDIUM] = INK_YELLOW,
		[SEVERITY_HIGH] = INK_RED, [SEVERITY_CRITICAL] = INK_RED,
	};

	return inks[s];
}

static void
show_time(struct buf *out, int64_t us)
{
	struct civil c;

	if (us == WHEN_NONE) {
		buf_add(out, STR("-"));
		return;
	}
	when_to_civil(us, &c);
	buf_addf(out, "%04d-%02d-%02d %02d:%02d:%02d", c.year, c.month, c.day, c.hour, c.minute, c.second);
}

static int
by_ref(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static bool
shown(const struct incident *i, size_t p, bool all)
{
	return all || i->nproofs <= PROOFS_SHOWN || p + 1 < PROOFS_SHOWN || p + 1 == i->nproofs;
}

static void
on_quote(void *ctx, uint64_t ref, struct str line)
{
	struct quotes *q = ctx;

	q->rows[q->n++] = (struct quote){ .ref = ref, .text = arena_str(&q->arena, str_head(line, 4096)) };
}

/* Reads again the lines that the report will quote. */
static void
collect_quotes(struct replay *r, const struct found *f, bool all, struct quotes *q)
{
	size_t n = 0, unique = 0;
	uint64_t *refs;

	for (size_t i = 0; i < f->n; i++)
		n += found_get(f, i)->nproofs;
	refs = calloc(n + 1, sizeof(*refs));
	q->rows = calloc(n + 1, sizeof(*q->rows));
	if (!refs || !q->rows) {
		free(refs);
		return;
	}
	n = 0;
	for (size_t i = 0; i < f->n; i++) {
		const struct incident *in = found_get(f, i);

		for (size_t p = 0; p < in->nproofs; p++) {
			if (shown(in, p, all))
				refs[n++] = in->proofs[p].ref;
		}
	}
	qsort(refs, n, sizeof(*refs), by_ref);
	for (size_t i = 0; i < n; i++) {
		if (i == 0 || refs[i] != refs[i - 1])
			refs[unique++] = refs[i];
	}
	replay_quote(r, refs, unique, on_quote, q);
	free(refs);
}

static struct str
find_quote(const struct quotes *q, uint64_t ref)
{
	size_t low = 0, high = q->n;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (q->rows[mid].ref < ref)
			low = mid + 1;
		else
			high = mid;
	}
	return low < q->n && q->rows[low].ref == ref ? q->rows[low].text : STR_NULL;
}

/* A long path loses its beginning: its end and the number of the line say where to look. */
static size_t
show_place(const struct term *t, struct buf *out, struct str place, size_t columns)
{
	size_t dots = 0;

	while (place.n > columns - dots) {
		size_t slash = str_find_byte(str_from(place, 1), '/');

		if (slash + 1 >= place.n)
			break;
		place = str_from(place, slash + 1);
		dots = 3;
	}
	if (dots)
		buf_add(out, STR("..."));
	return dots + term_text(t, out, place, columns);
}

static void
show_proofs(const struct term *t, struct buf *out, const struct replay *r, const struct incident *i,
    const struct quotes *q, bool all)
{
	size_t skipped = 0;
	char number[32];

	for (size_t p = 0; p < i->nproofs; p++) {
		struct buf place = BUF_INIT(8192);
		struct str path;
		uint64_t line;
		size_t used;

		if (!shown(i, p, all)) {
			skipped++;
			continue;
		}
		if (skipped > 0) {
			buf_add(out, STR("      "));
			term_ink(t, out, INK_DIM, P_("... %s more line", "... %s more lines", skipped),
			    term_count(skipped, number));
			buf_add_byte(out, '\n');
			skipped = 0;
		}
		path = replay_place(r, i->proofs[p].ref, &line);
		buf_addf(&place, "%.*s:%llu", STR_FMT(path), (unsigned long long)line);
		buf_add(out, STR("      "));
		used = show_place(t, out, buf_str(&place), t->columns / 2);
		buf_add(out, STR("  "));
		term_text(t, out, find_quote(q, i->proofs[p].ref), t->columns > used + 9 ? t->columns - used - 9 : 20);
		buf_add_byte(out, '\n');
		buf_free(&place);
	}
	if (i->proofs_cut > 0) {
		term_ink(t, out, INK_DIM, _("      and %s lines more that were counted only"),
		    term_count(i->proofs_cut, number));
		buf_add_byte(out, '\n');
	}
}

static void
show_incident(const struct term *t, struct buf *out, const struct replay *r, const struct incident *i,
    const struct quotes *q, bool all)
{
	const struct ruleset *rs = r->engine->rules;
	const struct kind_row *kind = kinds_row(rs->kinds, i->kind);
	struct buf times = BUF_INIT(128);
	const char *word = severity_word(i->severity);
	size_t used = 2 + SEVERITY_COLUMNS + kind->name.n;

	buf_add(out, STR("  "));
	term_ink(t, out, severity_ink(i->severity), "%s", word);
	for (size_t columns = utf8_columns(str_z(word)); columns < SEVERITY_COLUMNS; columns++)
		buf_add_byte(out, ' ');
	term_ink(t, out, INK_BOLD, "%.*s", STR_FMT(kind->name));
	if (i->src.n > 0) {
		buf_add(out, STR("  "));
		used += 2 + term_text(t, out, i->src, t->columns / 2);
	}
	show_time(&times, i->first_us);
	if (i->last_us != i->first_us) {
		buf_add(&times, STR(" .. "));
		show_time(&times, i->last_us);
	}
	/* On a narrow screen the times stand below. */
	buf_add(out, used + 2 + times.n < t->columns ? STR("  ") : STR("\n    "));
	buf_add(out, buf_str(&times));
	buf_add_byte(out, '\n');
	term_wrap(t, out, i->why, 4);
	if (!i->sure)
		term_wrap(t, out, str_z(_("(read by general patterns, a guess: nobody is banned for it)")), 4);
	show_proofs(t, out, r, i, q, all);
	buf_add_byte(out, '\n');
	buf_free(&times);
}

static int
worst_first(const void *a, const void *b)
{
	const struct culprit *x = a, *y = b;

	if (x->worst != y->worst)
		return x->worst > y->worst ? -1 : 1;
	if (x->incidents != y->incidents)
		return x->incidents > y->incidents ? -1 : 1;
	return x->records > y->records ? -1 : x->records < y->records;
}

static size_t
collect_culprits(const struct found *f, struct culprit *rows)
{
	struct strmap map = { .nocase = true };
	size_t n = 0;

	for (size_t k = 0; k < f->n; k++) {
		const struct incident *i = found_get(f, k);
		uint32_t at = i->src.n ? strmap_get(&map, i->src) : 0;

		if (i->src.n == 0)
			continue;
		if (at == STRMAP_NONE) {
			at = (uint32_t)n;
			if (strmap_put(&map, i->src, at) < 0)
				continue;
			rows[n++] = (struct culprit){ .name = i->src, .first_us = i->first_us, .last_us = i->last_us };
		}
		rows[at].incidents++;
		rows[at].records += i->count;
		if (i->severity > rows[at].worst)
			rows[at].worst = i->severity;
		if (i->first_us < rows[at].first_us)
			rows[at].first_us = i->first_us;
		if (i->last_us > rows[at].last_us)
			rows[at].last_us = i->last_us;
	}
	strmap_free(&map);
	qsort(rows, n, sizeof(*rows), worst_first);
	return n;
}

static void
show_culprits(const struct term *t, struct buf *out, const struct found *f)
{
	struct culprit *rows = calloc(f->n + 1, sizeof(*rows));
	size_t n = rows ? collect_culprits(f, rows) : 0;
	uint64_t max = 0;
	char number[32];

	for (size_t i = 0; i < n; i++)
		max = rows[i].records > max ? rows[i].records : max;
	if (n > 0) {
		term_ink(t, out, INK_BOLD, "%s\n", _("Who did it"));
		for (size_t i = 0; i < n && i < SOURCES_SHOWN; i++) {
			buf_add(out, STR("  "));
			term_cell(t, out, rows[i].name, t->columns > 90 ? 40 : t->columns / 3);
			buf_addf(out, " %6s ", term_count(rows[i].records, number));
			buf_addf(out, P_("lines in %llu incident ", "lines in %llu incidents", rows[i].incidents),
			    (unsigned long long)rows[i].incidents);
			if (t->columns > 90) {
				buf_add_byte(out, ' ');
				term_bar(t, out, rows[i].records, max, t->columns - 76);
			}
			buf_add_byte(out, '\n');
		}
		if (n > SOURCES_SHOWN)
			buf_addf(out, _("  and %s more sources\n"), term_count(n - SOURCES_SHOWN, number));
		buf_add_byte(out, '\n');
	}
	free(rows);
}

static int
most_undecoded(const void *a, const void *b)
{
	const struct lane_count *x = a, *y = b;

	return x->undecoded > y->undecoded ? -1 : x->undecoded < y->undecoded;
}

/* Of one input: where reading ended early, what was cut. */
static void
show_troubles(const struct term *t, struct buf *out, const struct lane_count *l)
{
	struct buf words = BUF_INIT(8192);
	char number[32];

	if (l->error < 0) {
		term_text(t, &words, str_z(l->path), SIZE_MAX);
		buf_addf(&words, _(": read up to line %s only: %s"), term_count(l->lines, number), l->error == -EBADMSG ?
		    _("the archive is damaged or ends too early") : strerror(-l->error));
		term_wrap(t, out, buf_str(&words), 2);
		buf_reset(&words);
	}
	if (l->cut > 0) {
		term_text(t, &words, str_z(l->path), SIZE_MAX);
		buf_addf(&words, P_(": %s line longer than %u MiB was cut", ": %s lines longer than %u MiB were cut", l->cut),
		    term_count(l->cut, number), RECORD_RAW_MAX >> 20);
		term_wrap(t, out, buf_str(&words), 2);
	}
	buf_free(&words);
}

/* What was not understood or not read: always shown, never hidden in a sum. */
static void
show_unread(const struct term *t, struct buf *out, const struct replay *r, const struct summary *s)
{
	struct lane_count *rows = calloc(r->nlanes + 1, sizeof(*rows));
	char number[32];
	size_t n = 0;

	for (uint32_t i = 0; rows && i < r->nlanes; i++) {
		replay_count(r, i, &rows[n]);
		if (rows[n].error < 0 || rows[n].cut > 0)
			show_troubles(t, out, &rows[n]);
		n += rows[n].undecoded > 0;
	}
	if (s->undecoded > 0 && rows) {
		qsort(rows, n, sizeof(*rows), most_undecoded);
		struct buf words = BUF_INIT(8192);

		buf_addf(&words, P_("%s line was not understood", "%s lines were not understood", s->undecoded),
		    term_count(s->undecoded, number));
		for (size_t i = 0; i < n && i < LANES_SHOWN; i++) {
			buf_add(&words, i == 0 ? STR(": ") : STR(", "));
			term_text(t, &words, str_z(rows[i].path), t->columns * 2 / 3);
			buf_addf(&words, " (%s)", term_count(rows[i].undecoded, number));
		}
		buf_add(&words, n > LANES_SHOWN ? STR(", ...") : STR_NULL);
		term_wrap(t, out, buf_str(&words), 2);
		buf_free(&words);
	}
	for (struct str rest = buf_str(&r->problems), line; str_split(&rest, '\n', &line);) {
		if (line.n == 0)
			continue;
		buf_add(out, STR("  "));
		term_text(t, out, line, t->columns - 4);
		buf_add_byte(out, '\n');
	}
	if (s->stats.keys_evicted > 0)
		buf_addf(out, _("  %s counters were dropped for memory: some slow attacks may be missing\n"),
		    term_count(s->stats.keys_evicted, number));
	free(rows);
}

static void
show_gap(const struct term *t, struct buf *out, const struct replay *r, const struct gap *g)
{
	struct buf words = BUF_INIT(8192);
	uint64_t line;
	struct str path = replay_place(r, g->ref, &line);

	term_text(t, &words, path, t->columns * 2 / 3);
	buf_addf(&words, ":%llu: %s, ", (unsigned long long)line, _("nothing for unusually long"));
	show_time(&words, g->from_us);
	buf_add(&words, STR(" -> "));
	show_time(&words, g->to_us);
	term_wrap(t, out, buf_str(&words), 2);
	buf_free(&words);
}

/* Lines that were cut out, or a log that was switched off: nothing to be blamed on anybody, and not to be passed over. */
static void
show_gaps(const struct term *t, struct buf *out, const struct replay *r, const struct summary *s)
{
	bool begun = false;

	for (uint32_t i = 0; i < s->gaps.n; i++) {
		const struct gap *silence = gaps_silence(&s->gaps, i);

		if (silence && !begun)
			term_ink(t, out, INK_BOLD, "%s\n", _("Where time is not as it should be"));
		begun |= silence != NULL;
		if (silence)
			show_gap(t, out, r, silence);
	}
}

static void
show_head(const struct term *t, struct buf *out, const struct replay *r, const struct found *f,
    const struct summary *s)
{
	uint64_t of[SEVERITY_CRITICAL + 1] = { 0 };
	struct buf words = BUF_INIT(1024);
	char a[32], b[32];
	bool first = true;

	for (size_t i = 0; i < f->n; i++)
		of[found_get(f, i)->severity]++;
	buf_addf(&words, P_("%s line", "%s lines", s->records), term_count(s->records, a));
	buf_addf(&words, P_(" of %u file", " of %u files", r->nlanes), r->nlanes);
	if (s->first_us != WHEN_NONE) {
		buf_add(&words, STR(", "));
		show_time(&words, s->first_us);
		buf_add(&words, STR(" .. "));
		show_time(&words, s->last_us);
	}
	buf_addf(&words, _(", read in %.2f s (%s lines/s)"), s->seconds,
	    term_count(s->seconds > 0 ? (uint64_t)((double)s->records / s->seconds) : 0, b));
	term_wrap(t, out, buf_str(&words), 0);
	buf_free(&words);
	if (f->n == 0) {
		term_ink(t, out, INK_GREEN, "%s\n\n", _("No incident found."));
		return;
	}
	term_ink(t, out, INK_BOLD, P_("%s incident", "%s incidents", f->n), term_count(f->n, a));
	for (int k = SEVERITY_CRITICAL; k >= 0; k--) {
		if (of[k] == 0)
			continue;
		buf_add(out, first ? STR(": ") : STR(", "));
		term_ink(t, out, severity_ink((enum severity)k), "%s %s", term_count(of[k], b),
		    severity_word((enum severity)k));
		first = false;
	}
	buf_add(out, STR("\n\n"));
}

void
report_show(const struct term *t, struct replay *r, struct found *f, const struct summary *s, bool all)
{
	struct buf out = BUF_INIT(64u << 20), unread = BUF_INIT(1u << 20);
	struct quotes q = { 0 };

	collect_quotes(r, f, all, &q);
	show_head(t, &out, r, f, s);
	for (size_t i = 0; i < f->n; i++) {
		show_incident(t, &out, r, found_get(f, i), &q, all);
		if (out.n > (1u << 20))
			term_flush(t, &out);
	}
	show_culprits(t, &out, f);
	show_gaps(t, &out, r, s);
	show_unread(t, &unread, r, s);
	if (unread.n > 0) {
		term_ink(t, &out, INK_BOLD, "%s\n", _("What could not be read or understood"));
		buf_add(&out, buf_str(&unread));
	}
	term_flush(t, &out);
	free(q.rows);
	arena_free(&q.arena);
	buf_free(&unread);
	buf_free(&out);
}

static void
json_place(void *ctx, const struct proof *p, struct buf *out)
{
	uint64_t line;
	struct str path = replay_place(ctx, p->ref, &line);

	buf_add(out, STR("\"file\":"));
	buf_add_json(out, path);
	buf_addf(out, ",\"line\":%llu", (unsigned long long)line);
}

void
report_json(FILE *file, struct replay *r, const struct found *f, const struct summary *s)
{
	const struct incident_words words = { .ctx = r, .place = json_place };
	struct buf out = BUF_INIT(256u << 20);

	for (size_t i = 0; i < f->n; i++) {
		incident_json(r->engine->rules, found_get(f, i), &words, &out);
		buf_add(&out, STR("}\n"));
		(void)out_write(file, buf_str(&out));
		buf_reset(&out);
	}
	uint32_t silences = 0;

	for (uint32_t i = 0; i < s->gaps.n; i++)
		silences += gaps_silence(&s->gaps, i) != NULL;
	buf_addf(&out, "{\"type\":\"summary\",\"records\":%llu,\"decoded\":%llu,\"undecoded\":%llu,\"lost\":%llu,"
	    "\"unreadable\":%llu,\"incidents\":%zu,\"keys_evicted\":%llu,\"late\":%llu,"
	    "\"silences\":%u,\"seconds\":%.3f}\n",
	    (unsigned long long)s->records, (unsigned long long)s->decoded, (unsigned long long)s->undecoded,
	    (unsigned long long)s->lost, (unsigned long long)s->unreadable, f->n,
	    (unsigned long long)s->stats.keys_evicted, (unsigned long long)s->stats.late, silences, s->seconds);
	(void)out_write(file, buf_str(&out));
	buf_free(&out);
}
