/*
 * forms: messages that are no sentence, into fields under the writer's own keys. A message is taken apart once; then
 * the decoders of its form are asked in order. Keys that no rule names are passed over, so foreign text can neither
 * fill the registry of fields nor a record.
 */
#include "watch/forms.h"

#include <stdlib.h>

#include "watch/gist/gist.h"
#include "watch/store.h"
#include "wire/json.h"
#include "wire/kv.h"
#include "wire/syslog.h"

#define KEY_MAX 128
#define FLAGS_MAX 256
#define SOURCES_MAX 256                /* sources whose columns are remembered by one thread */
#define HEADER_MAX 8192

struct header {                        /* columns of one source, as its last header line named them */
	uint32_t source;
	char *line;
	struct columns columns;
	uint16_t fields[COLUMNS_MAX];
};

#define KNOWN_KEYS 256u                /* power of two */
#define KNOWN_KEY_MAX 13u

struct known_key {                     /* a key as it was written, and its field */
	uint16_t field;
	uint8_t n;
	char text[KNOWN_KEY_MAX];
};

struct forms_work {
	struct header headers[SOURCES_MAX];
	struct known_key keys[KNOWN_KEYS];
	struct gist_words *words;
};

struct forms_work *
forms_work_new(void)
{
	struct forms_work *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->words = gist_words_new();
	if (!w->words) {
		free(w);
		return NULL;
	}
	return w;
}

void
forms_work_free(struct forms_work *w)
{
	for (size_t i = 0; w && i < SOURCES_MAX; i++)
		free(w->headers[i].line);
	if (w)
		gist_words_free(w->words);
	free(w);
}

/* Field names by byte: small letters; 0 for other signs, which become _. */
static const char name_bytes[256] = {
	['_'] = '_', ['.'] = '.', ['-'] = '-',
	['0'] = '0', '1', '2', '3', '4', '5', '6', '7', '8', '9',
	['A'] = 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p', 'q', 'r', 's', 't', 'u', 'v',
	'w', 'x', 'y', 'z',
	['a'] = 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p', 'q', 'r', 's', 't', 'u', 'v',
	'w', 'x', 'y', 'z',
};

/* The field that rules know a writer's key by: small letters, '@' dropped, other signs become _. */
uint16_t
forms_field(const struct ruleset *rs, struct str key)
{
	char name[KEY_MAX];
	size_t n = 0;

	for (size_t i = 0; i < key.n && n < sizeof(name); i++) {
		char c = name_bytes[(unsigned char)key.p[i]];

		c = c ? c : '_';
		if (i > 0 || c != '_' || key.p[0] == '_')
			name[n++] = c;
	}
	while (n > 0 && name[n - 1] == '_' && key.n && key.p[key.n - 1] != '_')
		n--;
	return fields_find(rs->fields, str_of(name, n));
}

/* forms_field(), which remembers: the keys of a log are few. */
static uint16_t
known_field(const struct ruleset *rs, struct forms_work *w, struct str key)
{
	const uint8_t *p = (const uint8_t *)key.p;
	struct known_key *k;

	if (key.n == 0 || key.n > KNOWN_KEY_MAX)
		return forms_field(rs, key);
	k = &w->keys[(p[0] * 5u + p[key.n - 1] * 37u + p[key.n / 2] * 11u + key.n) % KNOWN_KEYS];
	if (k->n != key.n || !same_bytes(k->text, key.p, key.n)) {
		k->field = forms_field(rs, key);
		k->n = (uint8_t)key.n;
		memcpy(k->text, key.p, key.n);
	}
	return k->field;
}

/*
 * Room for everything that unescaping a text of n bytes may add, so that extra does not move while slices of it are
 * in use. False: there is none, and escapes are left as they stand.
 */
static bool
make_room(struct record *r, size_t n)
{
	struct buf *b = r->extra;

	return b && b->n + n <= b->max && buf_reserve(b, n);
}

struct taking {
	const struct ruleset *rs;
	struct record *r;
	struct str text;
	struct slot base;
	bool room;
};

static struct slot
slot_in(const struct taking *t, struct str value)
{
	return slot_part(t->base, (size_t)(value.p - t->text.p), value.n);
}

/* Stores a value of the text, without its escapes when it has some. */
static void
take_pair(struct taking *t, uint16_t field, struct str value, bool escaped, void (*unescape)(struct str, struct buf *))
{
	struct buf *extra = t->r->extra;
	struct slot at = slot_in(t, value);

	if (escaped && t->room) {
		at.off = (uint32_t)(t->r->raw.n + extra->n);
		unescape(value, extra);
		at.len = (uint32_t)(t->r->raw.n + extra->n) - at.off;
	}
	store_mapped(t->r, field, at);
}

static struct taking
taking_of(const struct ruleset *rs, struct record *r, struct slot base)
{
	struct taking t = { .rs = rs, .r = r, .base = base };

	t.room = make_room(r, (size_t)base.len + FLAGS_MAX);
	t.text = record_text(r, base);
	return t;
}

static bool
take_item(void *ctx, const struct json_item *item)
{
	struct taking *t = ctx;
	uint16_t field;

	if (item->type == JSON_NULL || item->type == JSON_EMPTY)
		return true;
	field = forms_field(t->rs, item->key);
	if (field != FIELD_NONE)
		take_pair(t, field, item->value, item->escaped, json_unescape);
	return true;
}

static bool
take_json(const struct ruleset *rs, struct record *r, struct slot base)
{
	struct taking t = taking_of(rs, r, base);

	return json_walk(t.text, take_item, &t, NULL) == 0;
}

/* Bare words in a row, as one text. */
static size_t
add_flag(char *flags, size_t n, struct str word)
{
	if (word.n == 0 || n + word.n + 1 > FLAGS_MAX)
		return n;
	if (n)
		flags[n++] = ' ';
	memcpy(flags + n, word.p, word.n);
	return n + word.n;
}

bool
forms_is_unread(const struct line *l, uint16_t field)
{
	if (!l || !(l->unread >> (field % 64) & 1))
		return false;
	for (uint32_t i = 0; i < l->nunread; i++)
		if (l->drops[i] == field)
			return true;
	return false;
}

void
forms_pairs(const struct ruleset *rs, struct forms_work *w, const struct line *l, struct record *r, struct slot at)
{
	struct taking t = taking_of(rs, r, at);
	struct str rest = t.text;
	char flags[FLAGS_MAX];
	size_t n = 0;
	struct kv kv;

	while (kv_next(&rest, &kv)) {
		uint16_t field;

		if (kv.key.n == 0) {
			n = add_flag(flags, n, kv.value);
			continue;
		}
		field = known_field(rs, w, kv.key);
		if (field != FIELD_NONE && !forms_is_unread(l, field))
			take_pair(&t, field, kv.value, kv.escaped, kv_unescape);
	}
	if (n)
		record_set_text(r, FIELD_flags, str_of(flags, n), 0);
}

static bool
take_kv(const struct ruleset *rs, struct forms_work *w, struct record *r, struct slot base)
{
	forms_pairs(rs, w, NULL, r, base);
	return true;
}

/* syslog_unescape() for store: what data says between its quotes. */
static void
data_unescape(struct str raw, struct buf *out)
{
	if (buf_reserve(out, raw.n))
		out->n += syslog_unescape(raw, out->p + out->n);
}

static bool
take_data(const struct ruleset *rs, struct forms_work *w, struct record *r)
{
	struct taking t = taking_of(rs, r, r->data);
	struct str rest = t.text;
	struct syslog_param p = { .escaped = false };

	while (syslog_data_next(&rest, &p)) {
		uint16_t field = known_field(rs, w, p.name);

		if (field != FIELD_NONE)
			take_pair(&t, field, p.value, p.escaped, data_unescape);
	}
	return true;
}

static bool
take_cef(const struct ruleset *rs, struct record *r, struct slot base)
{
	struct taking t = taking_of(rs, r, base);
	struct cef cef;
	struct kv kv;
	struct str rest;

	if (!cef_parse(t.text, &cef))
		return false;
	const struct {
		struct str key, value;
	} head[] = {
		{ STR("cef.vendor"), cef.vendor }, { STR("cef.product"), cef.product }, { STR("cef.version"), cef.version },
		{ STR("cef.id"), cef.id }, { STR("cef.name"), cef.name }, { STR("cef.severity"), cef.severity },
	};

	for (size_t i = 0; i < ARRAY_LEN(head); i++) {
		uint16_t field = head[i].value.n ? fields_find(rs->fields, head[i].key) : FIELD_NONE;

		if (field != FIELD_NONE)
			take_pair(&t, field, head[i].value, str_find_byte(head[i].value, '\\') < head[i].value.n, kv_unescape);
	}
	rest = cef.extension;
	while (cef_next(&cef, &rest, &kv)) {
		uint16_t field = kv.key.n ? forms_field(rs, kv.key) : FIELD_NONE;

		if (field != FIELD_NONE)
			take_pair(&t, field, kv.value, kv.escaped, kv_unescape);
	}
	return true;
}

static bool
take_csv(const struct decoder *d, const struct ruleset *rs, struct record *r, struct slot base)
{
	struct taking t = taking_of(rs, r, base);
	struct str rest = t.text, cell;
	uint32_t n = 0;
	bool quoted;

	for (; n < d->ncolumns && csv_next(&rest, ',', &cell, &quoted); n++)
		if (d->columns[n] != FIELD_NONE && cell.n)
			take_pair(&t, d->columns[n], cell, quoted && str_find_byte(cell, '"') < cell.n, csv_unescape);
	return n >= 3 || n == d->ncolumns;
}

/* What is said goes to the field that rules ask; who said it to the fields that it is about. */
static bool
take_prose(const struct ruleset *rs, const struct forms_work *w, struct record *r, struct slot base)
{
	struct taking t = taking_of(rs, r, base);
	uint16_t said = fields_find(rs->fields, STR("said"));
	struct gist g;

	if (said == FIELD_NONE || !gist_read(w->words, t.text, &g))
		return false;
	const struct {
		uint16_t field;
		struct str value;
	} who[] = {
		{ FIELD_src, g.src }, { FIELD_src_port, g.src_port }, { FIELD_dst, g.dst }, { FIELD_dst_port, g.dst_port },
		{ FIELD_user, g.user },
	};
	for (size_t i = 0; i < ARRAY_LEN(who); i++)
		if (who[i].value.n)
			store_mapped(r, who[i].field, slot_in(&t, who[i].value));
	return record_set_text(r, said, gist_said_name(g.said), 0);
}

/* Columns. */

static struct header *
header_of(struct forms_work *w, uint32_t source)
{
	return &w->headers[source % SOURCES_MAX];
}

static bool
learn_header(const struct ruleset *rs, struct forms_work *w, struct str line, const struct record *r)
{
	struct header *h = header_of(w, r->source);
	struct columns columns;
	char *copy;

	if (line.n > HEADER_MAX || !columns_header(line, &columns))
		return false;
	copy = malloc(line.n);
	if (!copy)
		return false;
	memcpy(copy, line.p, line.n);
	free(h->line);
	h->line = copy;
	h->source = r->source;
	if (!columns_header(str_of(copy, line.n), &h->columns))
		return false;
	for (uint16_t i = 0; i < h->columns.count; i++)
		h->fields[i] = forms_field(rs, h->columns.names[i]);
	return true;
}

/* W3C writes the day and the time of day in two columns beside each other: together they are the time. */
static bool
take_cells(struct taking *t, const struct header *h)
{
	struct str rest = t->text, cell, date = STR_NULL;

	for (uint16_t i = 0; i < h->columns.count; i++) {
		if (!columns_next(&h->columns, &rest, &cell))
			return false;
		if (str_eq(h->columns.names[i], STR("date"))) {
			date = cell;
		} else if (h->fields[i] == FIELD_time && date.p) {
			store_slot(t->r, FIELD_time, slot_in(t, str_of(date.p, (size_t)(cell.p + cell.n - date.p))));
			continue;
		}
		if (h->fields[i] != FIELD_NONE && !str_eq(cell, STR("(empty)")))
			store_mapped(t->r, h->fields[i], slot_in(t, cell));
	}
	return !columns_next(&h->columns, &rest, &cell);
}

static bool
take_columns(const struct ruleset *rs, struct forms_work *w, struct record *r, struct slot base)
{
	const struct header *h = header_of(w, r->source);
	struct taking t = taking_of(rs, r, base);

	return h->line && h->source == r->source && take_cells(&t, h);
}

/* A line that begins with # under a columns decoder says something about the lines that follow. */
static bool
take_comment(const struct ruleset *rs, struct decode_work *w, const struct decoder *d, struct str text,
    struct record *r)
{
	if (text.n == 0 || text.p[0] != '#')
		return false;
	if (!learn_header(rs, w->forms, text, r) && (!header_of(w->forms, r->source)->line))
		return false;
	r->kind = KIND_info;
	r->hostile = false;
	r->decoder = (uint32_t)(d - rs->decoders->decoders);
	return true;
}

/* Asking the decoders. */

/* The text that a form is read from: the message, or the data before it. */
static struct slot
text_of(enum form form, const struct record *r, struct slot message)
{
	return form == FORM_DATA ? r->data : message;
}

/* Could the text be of this form at all? Only what is cheap to see. */
static bool
looks_like(enum form form, struct str text)
{
	size_t at;

	if (text.n == 0)
		return false;

	switch (form) {
	case FORM_TEXT:
		return false;
	case FORM_JSON:
		return text.p[0] == '{' && text.p[text.n - 1] == '}';
	case FORM_KV:
		at = str_find_byte(text, '=');
		return at < text.n && str_find_byte(str_from(text, at + 1), '=') < text.n - at - 1;
	case FORM_CEF:
		return str_find(text, STR("CEF:")) < text.n || str_find(text, STR("LEEF:")) < text.n;
	case FORM_COLUMNS:
		return true;
	case FORM_CSV:
		return str_find_byte(text, ',') < text.n;
	case FORM_DATA:
		return text.p[0] == '[';
	case FORM_PROSE:
		return true;
	}
	return false;
}

static bool
take_apart(const struct ruleset *rs, struct decode_work *w, const struct decoder *d, struct slot base,
    struct record *r)
{
	switch (d->form) {
	case FORM_TEXT:
		return false;
	case FORM_JSON:
		return take_json(rs, r, base);
	case FORM_KV:
		return take_kv(rs, w->forms, r, base);
	case FORM_CEF:
		return take_cef(rs, r, base);
	case FORM_COLUMNS:
		return take_columns(rs, w->forms, r, base);
	case FORM_CSV:
		return take_csv(d, rs, r, base);
	case FORM_DATA:
		return take_data(rs, w->forms, r);
	case FORM_PROSE:
		return take_prose(rs, w->forms, r, base);
	}
	return false;
}

static bool
try_line(const struct ruleset *rs, struct decode_work *w, const struct line *l, struct record *r)
{
	const struct field *f;
	struct str text;

	if (l->on == FIELD_NONE)
		return finish_line(rs, l, r);
	f = record_field(r, l->on);
	if (!f)
		return false;
	text = pattern_trim(record_text(r, f->at));
	match_forget_times(&w->match);
	w->match.lead_limited = false;
	if (!pattern_match(&l->pattern, text, &w->match))
		return false;
	return finish_match(rs, w, l, text, record_slot(r, text), r);
}

/* For people who ask why: what took it, in the place of a pattern. */
static void
tell_taken(const struct decode_work *w, enum form form, const struct line *l)
{
	static const struct str names[] = {
		[FORM_TEXT] = STR_INIT(""), [FORM_JSON] = STR_INIT("a JSON object"), [FORM_KV] = STR_INIT("key=value pairs"),
		[FORM_CEF] = STR_INIT("CEF or LEEF"), [FORM_COLUMNS] = STR_INIT("columns under a header"),
		[FORM_CSV] = STR_INIT("comma separated values"), [FORM_DATA] = STR_INIT("structured data (RFC 5424)"),
		[FORM_PROSE] = STR_INIT("what its words say, in any order"),
	};
	struct decode_try t = { .decoder = l->decoder, .where = l->where, .matched = true,
	    .pattern = l->on == FIELD_NONE ? names[form] : l->pattern.source };

	if (w->on_try)
		w->on_try(w->on_try_ctx, &t);
}

/* The lines of one decoder on a record that has been taken apart. */
static bool
try_lines(const struct ruleset *rs, struct decode_work *w, const struct decoder *d, struct record *r)
{
	struct kept apart;

	if (!conditions_hold(d->needs, d->nneeds, rs, r, NULL))
		return false;
	keep_state(r, &apart);
	for (uint32_t i = 0; i < d->nlines; i++) {
		const struct line *l = &rs->decoders->lines[d->first_line + i];

		if (try_line(rs, w, l, r)) {
			w->hit = l;
			tell_taken(w, d->form, l);
			return true;
		}
		restore_state(r, &apart);
	}
	return false;
}

/* Does some test of a decoder name a key that the text does not even hold? Spares taking most lines apart. */
static bool
keys_missing(const struct ruleset *rs, const struct decoder *d, struct str text)
{
	for (uint32_t i = 0; i < d->nneeds; i++) {
		enum condition_op op = d->needs[i].op;
		struct str name = fields_name(rs->fields, d->needs[i].field);

		if (op != CONDITION_IS && op != CONDITION_HAS && op != CONDITION_STARTS && op != CONDITION_EXISTS)
			continue;
		if (str_find_byte(name, '.') == name.n && str_find_byte(name, '_') == name.n &&
		    str_find_nocase(text, name) == text.n)
			return true;
	}
	return false;
}

/* Forms whose keys stand in the text as the rules name them. */
static bool
keyed(enum form form)
{
	return form == FORM_KV || form == FORM_JSON || form == FORM_DATA;
}

bool
forms_decode(const struct ruleset *rs, struct decode_work *w, const struct group *g, unsigned forms,
    struct slot message, struct record *r)
{
	struct kept before;
	enum form apart = FORM_TEXT;

	keep_state(r, &before);
	for (uint32_t i = 0; i < g->nforms; i++) {
		const struct decoder *d = g->forms[i];
		struct str text = record_text(r, text_of(d->form, r, message));

		if (!(forms >> d->form & 1))
			continue;
		if (d->form == FORM_COLUMNS && take_comment(rs, w, d, text, r))
			return true;
		if (!looks_like(d->form, text) || (keyed(d->form) && keys_missing(rs, d, text)))
			continue;
		if (apart != d->form || d->form == FORM_CSV) {
			restore_state(r, &before);
			apart = take_apart(rs, w, d, message, r) ? d->form : FORM_TEXT;
		}
		if (apart == d->form && try_lines(rs, w, d, r))
			return true;
	}
	restore_state(r, &before);
	return false;
}
