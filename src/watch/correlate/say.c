/* say: see say.h. */
#include "watch/correlate/say.h"

/* Words for people and the fields they mean. */
static const struct {
	const char *word, *field;
} said_as[] = {
	{ "users", "user" },
	{ "ports", "dst_port" },
	{ "hosts", "dst" },
	{ "sources", "src" },
	{ "paths", "path" },
	{ "services", "service" },
	{ "sites", "site" },
};

static struct str
field_word(struct str word)
{
	for (size_t i = 0; i < ARRAY_LEN(said_as); i++) {
		if (str_eq(word, str_z(said_as[i].word)))
			return str_z(said_as[i].field);
	}
	return word;
}

static bool
is_own_word(struct str word)
{
	return str_eq(word, STR("count")) || str_eq(word, STR("span")) || str_eq(word,
	    STR("title")) ||
	    str_eq(word, STR("rule")) || str_eq(word, STR("watched"));
}

/* Cuts the next piece: text, or the word of a {word}. False at the end; *ret_bad when a brace is not closed. */
static bool
next_piece(struct str *rest, struct str *ret, bool *ret_word, bool *ret_bad)
{
	size_t n = 0;

	if (rest->n == 0)
		return false;
	*ret_word = rest->p[0] == '{';
	while (n < rest->n && (*ret_word ? rest->p[n] != '}' : rest->p[n] != '{'))
		n++;
	*ret = str_head(*rest, n);
	if (*ret_word) {
		*ret_bad = n == rest->n;
		*ret = str_from(*ret, 1);
		n++;
	}
	*rest = str_from(*rest, n);
	return !*ret_bad;
}

bool
say_fields(struct str text, struct fields *fields, void (*on_field)(void *ctx, uint16_t field),
    void *ctx)
{
	bool word, bad = false;
	struct str piece;

	while (next_piece(&text, &piece, &word, &bad)) {
		uint16_t field;

		if (!word || is_own_word(piece))
			continue;
		field = fields_intern(fields, field_word(piece));
		if (field == FIELD_NONE)
			return false;
		on_field(ctx, field);
	}
	return !bad;
}

static bool
say_watched(const struct say_facts *f, struct buf *out)
{
	int64_t days = f->since_us == WHEN_NONE ? 0 : (f->first_us - f->since_us) / WHEN_DAY;

	if (days < 1)
		return false;
	buf_addf(out, days == 1 ? "%lld day" : "%lld days", (long long)days);
	return true;
}

/* False when nothing is known of what the word names. */
static bool
say_word(const struct say_facts *f, const struct fields *fields, struct str word, struct buf *out)
{
	char span[64];
	uint16_t field;

	if (str_eq(word, STR("count"))) {
		buf_addf(out, "%llu", (unsigned long long)f->count);
	} else if (str_eq(word, STR("span"))) {
		int64_t us = f->last_us - f->first_us;

		buf_add(out, str_z(text_show_duration(us < WHEN_SECOND ? WHEN_SECOND : us, span,
		    sizeof(span))));
	} else if (str_eq(word, STR("watched"))) {
		return say_watched(f, out);
	} else if (str_eq(word, STR("title"))) {
		buf_add(out, f->rule->title);
	} else if (str_eq(word, STR("rule"))) {
		buf_add(out, f->rule->name);
	} else {
		field = fields_find(fields, field_word(word));
		return field != FIELD_NONE && f->value(f->ctx, field, out);
	}
	return true;
}

/* Text without optional parts in it. */
static bool
say_part(const struct say_facts *f, const struct fields *fields, struct str text, struct buf *out)
{
	bool word, bad = false, all = true;
	struct str piece;

	while (next_piece(&text, &piece, &word, &bad)) {
		if (!word) {
			buf_add(out, piece);
		} else if (!say_word(f, fields, piece, out)) {
			buf_add(out, STR("?"));
			all = false;
		}
	}
	return all;
}

void
say(const struct say_facts *f, const struct fields *fields, struct buf *out)
{
	struct str text = f->rule->say.n ? f->rule->say : STR("{title}: {count} in {span}");

	while (text.n > 0) {
		bool optional = text.p[0] == '[';
		size_t n = str_find_byte(text, optional ? ']' : '['), before = out->n;
		struct str part = str_head(text, n);

		if (!say_part(f, fields, optional ? str_from(part, 1) : part, out) && optional &&
		    buf_ok(out))
			out->n = before;
		text = str_from(text, optional ? n + 1 : n);
	}
}
