/*
 * log_show: lines, counts and histograms on the screen. The time shown first is when this host received the line: what
 * the line says of itself stands in it. Every foreign byte is escaped.
 */
#include "base/text.h"
#include "console/i18n.h"
#include "console/vault/log.h"

#define HITS_SHOWN 32u
#define NS_PER_US 1000

const char *
transport_name(uint8_t transport)
{
	static const char *const names[] = {
		[VAULT_OWN] = "own", [VAULT_FILE] = "file", [VAULT_UDP] = "udp", [VAULT_TCP] = "tcp", [VAULT_TLS] = "tls",
		[VAULT_UNIX] = "unix", [VAULT_JOURNAL] = "journal", [VAULT_STDIN] = "stdin", [VAULT_SITE] = "site",
	};

	return transport < ARRAY_LEN(names) && names[transport] ? names[transport] : "?";
}

void
log_show_time(struct buf *out, int64_t ns, unsigned digits)
{
	struct civil c;

	when_to_civil(ns / NS_PER_US, &c);
	buf_addf(out, "%04d-%02d-%02d %02d:%02d:%02d", c.year, c.month, c.day, c.hour, c.minute, c.second);
	if (digits > 0)
		buf_addf(out, ".%0*d", (int)digits, digits == 3 ? c.us / 1000 : c.us);
}

/* The line with what was looked for in bold. */
static void
show_marked(const struct term *t, const struct query *q, struct str raw, struct buf *out)
{
	struct query_hit hits[HITS_SHOWN];
	size_t n = t->colour ? query_hits(q, raw, hits, HITS_SHOWN) : 0, at = 0;

	for (size_t i = 0; i < n; i++) {
		struct buf piece = BUF_INIT(1u << 20);

		if (hits[i].from < at)
			continue;
		buf_add_escaped(out, str_head(str_from(raw, at), hits[i].from - at));
		buf_add_escaped(&piece, str_head(str_from(raw, hits[i].from), hits[i].to - hits[i].from));
		term_ink(t, out, INK_RED, "%s", buf_cstr(&piece));
		buf_free(&piece);
		at = hits[i].to;
	}
	buf_add_escaped(out, str_from(raw, at));
}

void
log_show_line(const struct term *t, const struct log *l, const struct log_line *line, bool around, struct buf *out)
{
	struct buf when = BUF_INIT(64);

	log_show_time(&when, line->entry.recv_ns, 3);
	term_ink(t, out, INK_DIM, "%s", buf_cstr(&when));
	buf_add(out, around ? STR(" - ") : STR("  "));
	if (line->entry.flags & VAULT_ERASED)
		term_ink(t, out, INK_YELLOW, "%s", _("[erased]"));
	else if (around)
		buf_add_escaped(out, line->entry.raw);
	else
		show_marked(t, &l->query, line->entry.raw, out);
	if (line->entry.flags & VAULT_CUT)
		term_ink(t, out, INK_YELLOW, " %s", _("[cut: it was longer than is kept]"));
	buf_add_byte(out, '\n');
	buf_free(&when);
}

void
log_show_json(const struct log_line *line, struct buf *out)
{
	const struct vault_entry *e = &line->entry;
	char when[40];

	when_show(e->recv_ns / NS_PER_US, 0, when);
	buf_addf(out, "{\"index\":%llu,\"received\":\"%s\",\"source\":", (unsigned long long)e->index, when);
	buf_add_json(out, e->source);
	buf_addf(out, ",\"transport\":\"%s\"", transport_name(e->transport));
	if (e->flags & VAULT_ERASED)
		buf_add(out, STR(",\"erased\":true"));
	if (e->flags & VAULT_CUT)
		buf_add(out, STR(",\"cut\":true"));
	if (e->flags & VAULT_MORE)
		buf_add(out, STR(",\"more\":true"));
	if (!(e->flags & VAULT_ERASED)) {
		buf_add(out, STR(",\"raw\":"));
		buf_add_json(out, e->raw);
	}
	buf_add(out, STR(",\"fields\":{"));
	for (size_t i = 0; i < line->nfacts; i++) {
		if (i > 0)
			buf_add_byte(out, ',');
		buf_add_json(out, line->facts[i].name);
		buf_add_byte(out, ':');
		buf_add_json(out, line->facts[i].value);
	}
	buf_add(out, STR("}}\n"));
}

static uint32_t
rows_wanted(const struct query *q, const struct tally *y)
{
	return q->then == QUERY_TOP && q->top < y->n ? (uint32_t)q->top : y->n;
}

void
log_show_tally(const struct term *t, const struct query *q, const struct tally *y, struct buf *out)
{
	size_t width = t->columns > 100 ? 40 : t->columns / 3;
	char number[32];

	for (uint32_t i = 0; i < rows_wanted(q, y); i++) {
		buf_addf(out, "%12s  ", term_count(y->rows[i].count, number));
		if (t->tty) {
			term_cell(t, out, y->rows[i].value, width);
			buf_add(out, STR("  "));
			term_bar(t, out, y->rows[i].count, y->rows[0].count, t->columns > width + 30 ? t->columns - width - 20 : 10);
		} else {
			buf_add_escaped(out, y->rows[i].value);
		}
		buf_add_byte(out, '\n');
	}
	if (q->by.n == 0) {
		buf_addf(out, "%s\n", term_count(y->total, number));
		return;
	}
	buf_addf(out, P_("%12s  line", "%12s  lines", y->total), term_count(y->total, number));
	buf_addf(out, _(", %u different"), y->n);
	if (y->without > 0)
		buf_addf(out, _(", %s without %.*s"), term_count(y->without, number), STR_FMT(q->by));
	buf_add_byte(out, '\n');
}

void
log_show_histogram(const struct term *t, const struct tally *y, struct buf *out)
{
	uint64_t max = 1;
	char number[32];

	for (size_t i = 0; i < y->nbuckets; i++)
		max = y->buckets[i] > max ? y->buckets[i] : max;
	for (size_t i = 0; i < y->nbuckets; i++) {
		log_show_time(out, y->first_ns + (int64_t)i * y->bucket_ns, 0);
		buf_addf(out, "  %10s  ", term_count(y->buckets[i], number));
		if (t->tty)
			term_bar(t, out, y->buckets[i], max, t->columns > 50 ? t->columns - 36 : 14);
		buf_add_byte(out, '\n');
	}
	buf_addf(out, P_("%s line\n", "%s lines\n", y->total), term_count(y->total, number));
}

void
log_json_tally(const struct query *q, const struct tally *y, struct buf *out)
{
	for (size_t i = 0; i < y->nbuckets; i++) {
		char when[40];

		when_show((y->first_ns + (int64_t)i * y->bucket_ns) / NS_PER_US, 0, when);
		buf_addf(out, "{\"from\":\"%s\",\"count\":%llu}\n", when, (unsigned long long)y->buckets[i]);
	}
	for (uint32_t i = 0; i < rows_wanted(q, y); i++) {
		buf_add(out, STR("{\"value\":"));
		buf_add_json(out, y->rows[i].value);
		buf_addf(out, ",\"count\":%llu}\n", (unsigned long long)y->rows[i].count);
	}
	if (q->by.n == 0 && y->nbuckets == 0)
		buf_addf(out, "{\"count\":%llu}\n", (unsigned long long)y->total);
}
