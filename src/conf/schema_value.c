/*
 * schema_value: one value from words, and back to text. Each kind is a row with its reader and
 * writer; lists are elements of another kind. Says exactly what was wrong with a value; decides
 * nothing about blocks.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "base/when.h"
#include "conf/schema_value.h"

#define VALUE_WORD_MAX 128
#define VALUE_STRING_MAX 65536
#define VALUE_SEALED_MAX 512
#define VALUE_PATH_MAX 4095

struct kind_text {
	const char *wants;
	const char *arg;
};

static const struct kind_text kind_texts[] = {
	[SCHEMA_BOOL] = { "yes or no", "yes|no" },
	[SCHEMA_INT] = { "a number", "NUMBER" },
	[SCHEMA_SIZE] = { "a size such as 64K or 10M", "SIZE" },
	[SCHEMA_DURATION] = { "a duration such as 30s or 1h30m", "DURATION" },
	[SCHEMA_MODE] = { "permissions in octal such as 0640", "MODE" },
	[SCHEMA_ENUM] = { "a word", "WORD" },
	[SCHEMA_WORD] = { "a word of letters, digits . _ -", "NAME" },
	[SCHEMA_STRING] = { "a text", "TEXT" },
	[SCHEMA_PATH] = { "an absolute path", "PATH" },
	[SCHEMA_ADDRESS] = { "an IPv4 or IPv6 address", "ADDRESS" },
	[SCHEMA_ENDPOINT] = { "an endpoint such as 192.0.2.1:514, [2001:db8::1]:514 or :514",
	    "ADDRESS:PORT" },
	[SCHEMA_CIDRS] = { "networks such as 192.0.2.0/24, 2001:db8::/32", "NETWORK, ..." },
	[SCHEMA_PREFIXES] = { "addresses with their prefix such as 192.0.2.1/24", "ADDRESS/BITS, ..." },
	[SCHEMA_WORDS] = { "words, with commas between them", "WORD, ..." },
	[SCHEMA_STRINGS] = { "texts, with commas between them", "TEXT, ..." },
	[SCHEMA_PATHS] = { "absolute paths, with commas between them", "PATH, ..." },
};

const char *
schema_kind_wants(enum schema_kind kind)
{
	return kind < ARRAY_LEN(kind_texts) ? kind_texts[kind].wants : "a block";
}

const char *
schema_row_arg(const struct schema_row *row)
{
	if (row->arg)
		return row->arg;
	return row->kind < ARRAY_LEN(kind_texts) ? kind_texts[row->kind].arg : "";
}

/* What may stand here, as a hint: the kind, the range, an example. */
static void
value_hint(const struct schema_row *row, struct buf *hint)
{
	if (row->kind == SCHEMA_ENUM) {
		buf_add(hint, STR("one of: "));
		for (size_t i = 0; row->names[i]; i++)
			buf_addf(hint, "%s%s", i ? ", " : "", row->names[i]);
	} else {
		buf_addf(hint, "expected: %s", schema_kind_wants(row->kind));
	}
	if (row->zero)
		buf_addf(hint, ", or `%s`", row->zero);
	if (row->example)
		buf_addf(hint, "; example: %s", row->example);
}

void
value_bad(const struct value_in *in, const struct conf_word *w, const char *fmt, ...)
{
	char message[512];
	struct buf hint = BUF_INIT(2048);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	value_hint(in->row, &hint);
	diag_error(in->d, w->pos, w->span, buf_cstr(&hint), "%s", message);
	buf_free(&hint);
}

/* The name of what is read, for messages: "buffer", "ADDRESS:PORT". */
static const char *
value_name(const struct value_in *in)
{
	return in->row->keyword ? in->row->keyword : schema_row_arg(in->row);
}

static bool
read_bool(const struct value_in *in, const struct conf_word *w, void *out)
{
	static const char *const yes[] = { "yes", "true", "on" };
	static const char *const no[] = { "no", "false", "off" };

	for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
		bool is_yes = str_eq(w->text, str_z(yes[i]));
		if (is_yes || str_eq(w->text, str_z(no[i]))) {
			*(bool *)out = is_yes;
			return true;
		}
	}
	value_bad(in, w, "`%.*s` is neither yes nor no", STR_FMT(shown(w)));
	return false;
}

static void
write_bool(const struct schema_row *row, const void *in, struct buf *out)
{
	buf_addf(out, *(const bool *)in ? "yes" : "no");
}

static bool
value_in_range(const struct value_in *in, const struct conf_word *w, int64_t v)
{
	if (!schema_has_range(in->row) || (v >= in->row->min && v <= in->row->max) ||
	    (v == 0 && in->row->zero))
		return true;
	struct buf b = BUF_INIT(256);
	schema_number_write(in->row, in->row->min, &b);
	buf_add(&b, STR(" and "));
	schema_number_write(in->row, in->row->max, &b);
	value_bad(in, w, "`%s` must be between %s, here is %.*s", value_name(in), buf_cstr(&b),
	    STR_FMT(shown(w)));
	buf_free(&b);
	return false;
}

static int
parse_mode(struct str s, int64_t *ret)
{
	int64_t v = 0;

	if (s.n < 3 || s.n > 4)
		return -EINVAL;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '7')
			return -EINVAL;
		v = v * 8 + (s.p[i] - '0');
	}
	*ret = v;
	return 0;
}

static int
parse_number(enum schema_kind kind, struct str s, int64_t *ret)
{
	uint64_t size = 0;
	int r;

	if (kind == SCHEMA_INT)
		return text_i64(s, ret);
	if (kind == SCHEMA_DURATION)
		return text_duration(s, ret);
	if (kind == SCHEMA_MODE)
		return parse_mode(s, ret);
	r = text_size(s, &size);
	if (r == 0 && size > INT64_MAX)
		r = -ERANGE;
	if (r == 0)
		*ret = (int64_t)size;
	return r;
}

static bool
read_number(const struct value_in *in, const struct conf_word *w, void *out)
{
	struct str s = w->text;
	int64_t v = 0;
	int r = 0;

	if (in->row->prefix && str_starts(s, str_z(in->row->prefix)))
		s = str_from(s, strlen(in->row->prefix));
	if (!in->row->zero || !str_eq(s, str_z(in->row->zero)))
		r = parse_number(in->row->kind, s, &v);
	if (r == -ERANGE) {
		value_bad(in, w, "the number of `%s` is too large: %.*s", value_name(in),
		    STR_FMT(shown(w)));
		return false;
	}
	if (r < 0) {
		value_bad(in, w, "`%.*s` is not %s", STR_FMT(shown(w)),
		    schema_kind_wants(in->row->kind));
		return false;
	}
	if (!value_in_range(in, w, v))
		return false;
	memcpy(out, &v, sizeof(v));
	return true;
}

struct unit {
	const char *name;
	int64_t worth;
};

/* The number in the largest unit that leaves no rest. */
static void
write_in_units(const struct unit *units, size_t n, int64_t v, struct buf *out)
{
	size_t i = 0;

	while (i + 1 < n && (v == 0 || v % units[i].worth != 0))
		i++;
	buf_addf(out, "%lld%s", (long long)(v / units[i].worth), units[i].name);
}

void
schema_number_write(const struct schema_row *row, int64_t v, struct buf *out)
{
	static const struct unit sizes[] = {
		{ "T", INT64_C(1) << 40 }, { "G", 1 << 30 }, { "M", 1 << 20 }, { "K", 1 << 10 },
		{ "", 1 },
	};
	static const struct unit durations[] = {
		{ "d", WHEN_DAY }, { "h", WHEN_HOUR }, { "m", WHEN_MINUTE }, { "s", WHEN_SECOND },
		{ "ms", 1000 }, { "us", 1 },
	};

	if (v == 0 && row->zero)
		buf_addf(out, "%s", row->zero);
	else if (row->kind == SCHEMA_SIZE)
		write_in_units(sizes, ARRAY_LEN(sizes), v, out);
	else if (row->kind == SCHEMA_DURATION)
		write_in_units(durations, ARRAY_LEN(durations), v, out);
	else if (row->kind == SCHEMA_MODE)
		buf_addf(out, "%04llo", (unsigned long long)v);
	else
		buf_addf(out, "%s%lld", row->prefix ? row->prefix : "", (long long)v);
}

static void
write_number(const struct schema_row *row, const void *in, struct buf *out)
{
	int64_t v;

	memcpy(&v, in, sizeof(v));
	schema_number_write(row, v, out);
}

static bool
read_enum(const struct value_in *in, const struct conf_word *w, void *out)
{
	struct str names[SCHEMA_ROWS_MAX];
	size_t n = 0;

	for (; in->row->names[n]; n++) {
		assert(n < SCHEMA_ROWS_MAX);
		names[n] = str_z(in->row->names[n]);
		if (str_eq(w->text, names[n])) {
			int v = (int)n;
			memcpy(out, &v, sizeof(v));
			return true;
		}
	}
	struct str near = text_nearest(shown(w), names, n);
	if (near.n > 0)
		value_bad(in, w, "unknown word `%.*s` for `%s`; did you mean `%.*s`?",
		    STR_FMT(shown(w)), value_name(in), STR_FMT(near));
	else
		value_bad(in, w, "unknown word `%.*s` for `%s`", STR_FMT(shown(w)), value_name(in));
	return false;
}

static void
write_enum(const struct schema_row *row, const void *in, struct buf *out)
{
	int v;

	memcpy(&v, in, sizeof(v));
	buf_addf(out, "%s", row->names[v]);
}

/*
 * A copy with a NUL after it; the text itself must have none, or a path could mean less than it
 * shows.
 */
static bool
keep_text(const struct value_in *in, const struct conf_word *w, size_t max, void *out)
{
	if (in->row->max != 0 && !schema_is_list(in->row) && (size_t)in->row->max < max)
		max = (size_t)in->row->max;
	if (str_find_byte(w->text, '\0') < w->text.n) {
		value_bad(in, w, "a NUL byte in `%s`", value_name(in));
		return false;
	}
	if (w->text.n == 0) {
		value_bad(in, w, "`%s` is empty", value_name(in));
		return false;
	}
	if (w->text.n > max) {
		value_bad(in, w, "`%s` is longer than %zu bytes", value_name(in), max);
		return false;
	}
	struct str copy = in->arena ? arena_str(in->arena, w->text) : w->text;
	if (copy.p == NULL) {
		value_bad(in, w, "no memory left for `%s`", value_name(in));
		return false;
	}
	*(struct str *)out = copy;
	return true;
}

static bool
is_word_byte(char c, bool pattern)
{
	bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

	return alnum || c == '.' || c == '_' || c == '-' ||
	    (pattern && (c == '*' || c == '/' || c == ':'));
}

static bool
read_word(const struct value_in *in, const struct conf_word *w, void *out)
{
	bool pattern = in->row->kind == SCHEMA_WORDS;

	for (size_t i = 0; i < w->text.n; i++) {
		if (!is_word_byte(w->text.p[i], pattern)) {
			value_bad(in, w, "`%.*s` is not a plain word", STR_FMT(shown(w)));
			return false;
		}
	}
	if (w->text.n > 0 && (w->text.p[0] == '-' || w->text.p[0] == '.')) {
		value_bad(in, w, "`%.*s` begins with `%c`", STR_FMT(shown(w)), w->text.p[0]);
		return false;
	}
	return keep_text(in, w, VALUE_WORD_MAX, out);
}

static void
write_word(const struct schema_row *row, const void *in, struct buf *out)
{
	buf_add(out, *(const struct str *)in);
}

static bool
read_string(const struct value_in *in, const struct conf_word *w, void *out)
{
	bool sealed = str_starts(w->text, STR("sealed:"));

	if (sealed && !in->row->secret) {
		value_bad(in, w, "`%s` is no secret: nothing sealed can stand here", value_name(in));
		return false;
	}
	/* Sealed it is longer than what it hides. */
	if (sealed && !schema_is_list(in->row) && w->text.n <= VALUE_SEALED_MAX) {
		*(struct str *)out = in->arena ? arena_str(in->arena, w->text) : w->text;
		return true;
	}
	return keep_text(in, w, VALUE_STRING_MAX, out);
}

void
value_write_string(const struct schema_row *row, const void *in, struct buf *out)
{
	struct str s = *(const struct str *)in;

	buf_add_byte(out, '"');
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		size_t n = c < 0x80 ? 1 : utf8_len(str_from(s, i));
		if (c == '"' || c == '\\')
			buf_addf(out, "\\%c", c);
		else if (c < 0x20 || c == 0x7f || n == 0)
			buf_addf(out, "\\x%02x", c);
		else
			buf_add(out, str_of(s.p + i, n));
		i += n > 1 ? n - 1 : 0;
	}
	buf_add_byte(out, '"');
}

bool
value_read_path(const struct value_in *in, const struct conf_word *w, void *out)
{
	if (w->text.n > 0 && w->text.p[0] != '/') {
		value_bad(in, w, "the path `%.*s` does not begin with /", STR_FMT(shown(w)));
		return false;
	}
	return keep_text(in, w, VALUE_PATH_MAX, out);
}

struct kind_row {
	bool (*read)(const struct value_in *in, const struct conf_word *w, void *out);
	void (*write)(const struct schema_row *row, const void *in, struct buf *out);
	size_t list_of;       /* size of an element; 0: no list */
};

static const struct kind_row kinds[] = {
	[SCHEMA_BOOL] = { read_bool, write_bool },
	[SCHEMA_INT] = { read_number, write_number },
	[SCHEMA_SIZE] = { read_number, write_number },
	[SCHEMA_DURATION] = { read_number, write_number },
	[SCHEMA_MODE] = { read_number, write_number },
	[SCHEMA_ENUM] = { read_enum, write_enum },
	[SCHEMA_WORD] = { read_word, write_word },
	[SCHEMA_STRING] = { read_string, value_write_string },
	[SCHEMA_PATH] = { value_read_path, value_write_string },
	[SCHEMA_ADDRESS] = { value_read_address, value_write_address },
	[SCHEMA_ENDPOINT] = { value_read_endpoint, value_write_endpoint },
	[SCHEMA_CIDRS] = { value_read_cidr, value_write_cidr, sizeof(struct cidr) },
	[SCHEMA_PREFIXES] = { value_read_prefix, value_write_cidr, sizeof(struct cidr) },
	[SCHEMA_WORDS] = { read_word, write_word, sizeof(struct str) },
	[SCHEMA_STRINGS] = { read_string, value_write_string, sizeof(struct str) },
	[SCHEMA_PATHS] = { value_read_path, value_write_string, sizeof(struct str) },
};

/* All lists look like this; the elements' type is the kind's. */
struct any_list {
	void *v;
	uint32_t n;
};

/*
 * How many elements an array of n has room for: the next power of two, so that many short
 * statements stay cheap.
 */
static size_t
list_size(size_t n)
{
	size_t size = n > 0;

	while (size < n)
		size *= 2;
	return size;
}

/* The list's array with room for `more`, or NULL when that is too many. */
static void *
list_room(struct arena *a, const struct any_list *l, size_t more, size_t element)
{
	if (l->n + more > SCHEMA_LIST_MAX)
		return NULL;
	if (list_size(l->n + more) == list_size(l->n))
		return l->v;
	void *v = arena_array(a, list_size(l->n + more), element);
	if (v && l->n > 0)
		memcpy(v, l->v, l->n * element);
	return v;
}

/* The words of one list, up to the one without a comma, are added to what the list has. */
static bool
read_list(const struct value_in *in, const struct conf_word *words, uint32_t nwords, void *out,
    uint32_t *ret_used)
{
	const struct kind_row *k = &kinds[in->row->kind];
	struct any_list l;
	uint32_t n = 0;
	bool ok = true;

	memcpy(&l, out, sizeof(l));
	while (n < nwords && (n == 0 || words[n - 1].comma))
		n++;
	*ret_used = n;
	if (in->row->max != 0 && l.n + n > (uint64_t)in->row->max) {
		value_bad(in, &words[n - 1], "`%s`: at most %lld can stand here", value_name(in),
		    (long long)in->row->max);
		return false;
	}
	uint8_t *v = list_room(in->arena, &l, n, k->list_of);
	if (v == NULL) {
		value_bad(in, &words[0], "`%s` has too many values", value_name(in));
		return false;
	}
	for (uint32_t i = 0; i < n; i++)
		ok &= k->read(in, &words[i], v + (l.n + i) * k->list_of);
	l = (struct any_list){ .v = v, .n = l.n + n };
	memcpy(out, &l, sizeof(l));
	return ok;
}

bool
schema_value_read(const struct schema_row *row, const struct conf_word *words, uint32_t nwords,
    struct arena *a, struct diags *d, void *out, uint32_t *ret_used)
{
	const struct value_in in = { .row = row, .arena = a, .d = d };

	assert(nwords > 0 && row->kind < ARRAY_LEN(kinds));
	if (schema_is_list(row))
		return read_list(&in, words, nwords, out, ret_used);
	*ret_used = 1;
	if (words[0].comma) {
		value_bad(&in, &words[0], "`%s` takes one value, not a list", value_name(&in));
		while (*ret_used < nwords && words[*ret_used - 1].comma)
			++*ret_used;
		return false;
	}
	return kinds[row->kind].read(&in, &words[0], out);
}

static bool
value_is_empty(const struct schema_row *row, const void *in)
{
	static const struct addr none;

	switch (row->kind) {
	case SCHEMA_WORD: case SCHEMA_STRING: case SCHEMA_PATH:
		return ((const struct str *)in)->n == 0;
	case SCHEMA_CIDRS: case SCHEMA_PREFIXES: case SCHEMA_WORDS: case SCHEMA_STRINGS:
	case SCHEMA_PATHS:
		return ((const struct any_list *)in)->n == 0;
	case SCHEMA_ENDPOINT:
		return ((const struct conf_endpoint *)in)->port == 0 &&
		    ((const struct conf_endpoint *)in)->path.n == 0;
	case SCHEMA_ADDRESS:
		return memcmp(in, &none, sizeof(none)) == 0;
	case SCHEMA_BOOL: case SCHEMA_INT: case SCHEMA_SIZE: case SCHEMA_DURATION:
	case SCHEMA_MODE: case SCHEMA_ENUM: case SCHEMA_BLOCK: case SCHEMA_BLOCK_OPT:
	case SCHEMA_BLOCKS: case SCHEMA_CONST: case SCHEMA_WHERE:
	case SCHEMA_INCLUDE:
		return false;
	}
	return false;
}

void
schema_value_write(const struct schema_row *row, const void *in, struct buf *out)
{
	const struct kind_row *k = &kinds[row->kind];

	assert(row->kind < ARRAY_LEN(kinds));
	if (value_is_empty(row, in))
		return;
	if (k->list_of == 0) {
		k->write(row, in, out);
		return;
	}
	const struct any_list *l = in;
	for (uint32_t i = 0; i < l->n; i++) {
		if (i > 0)
			buf_add(out, STR(", "));
		k->write(row, (const uint8_t *)l->v + i * k->list_of, out);
	}
}
