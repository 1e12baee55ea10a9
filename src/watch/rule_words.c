/* rule_words: see rule_words.h. */
#include "watch/rule_words.h"

#include <stdarg.h>
#include <stdio.h>

#include "watch/correlate/key.h"

#define KEYS_MAX 1024

static const struct conf_word *
word(const struct rule_words *w)
{
	return w->at < w->s->nwords ? &w->s->words[w->at] : NULL;
}

void
rule_words_fail(struct rule_words *w, const char *hint, const char *fmt, ...)
{
	const struct conf_word *at = word(w) ? word(w) : &w->s->words[w->s->nwords - 1];
	char text[256];
	va_list ap;

	if (w->failed)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	diag_error(w->l->d, at->pos, (uint32_t)(at->text.n ? at->text.n : 1), hint, "%s", text);
	w->failed = true;
}

bool
rule_words_more(const struct rule_words *w)
{
	return !w->failed && w->at < w->s->nwords;
}

bool
rule_words_if(struct rule_words *w, const char *keyword)
{
	const struct conf_word *next = word(w);

	if (w->failed || !next || next->quote != CONF_BARE || !str_eq(next->text, str_z(keyword)))
		return false;
	w->at++;
	return true;
}

void
rule_words_want(struct rule_words *w, const char *keyword)
{
	if (!rule_words_if(w, keyword))
		rule_words_fail(w, NULL, "expected `%s`", keyword);
}

uint32_t
rule_words_number(struct rule_words *w, uint32_t min, uint32_t max)
{
	const struct conf_word *next = word(w);
	uint64_t value;

	if (w->failed)
		return min;
	if (!next || text_u64(next->text, &value) < 0 || value < min || value > max) {
		rule_words_fail(w, NULL, "expected a number from %u to %u", min, max);
		return min;
	}
	w->at++;
	return (uint32_t)value;
}

int64_t
rule_words_duration(struct rule_words *w)
{
	const struct conf_word *next = word(w);
	int64_t us;

	if (w->failed)
		return 0;
	if (!next || text_duration(next->text, &us) < 0 || us < 0 || us > 3660 * WHEN_DAY) {
		rule_words_fail(w, "for instance 30s, 10m, 2h, 7d", "expected a duration");
		return 0;
	}
	w->at++;
	return us;
}

uint16_t
rule_words_field(struct rule_words *w)
{
	uint16_t field;

	if (w->failed)
		return FIELD_NONE;
	if (!word(w)) {
		rule_words_fail(w, NULL, "expected a field");
		return FIELD_NONE;
	}
	field = load_field(w->l, word(w));
	w->failed |= field == FIELD_NONE;
	w->at++;
	return field;
}

static uint64_t *
new_bits(struct load *l)
{
	uint64_t *bits = ARENA_ARRAY(&l->rs->arena, uint64_t, KIND_MAX / 64);

	if (!bits)
		diag_error(l->d, (struct conf_pos){ 0 }, 1, NULL,
		    "not enough memory for the rules");
	return bits;
}

static size_t
add_kinds(const struct load *l, struct str pattern, uint64_t *bits)
{
	size_t n = 0;

	for (uint16_t k = 0; k < kinds_count(l->rs->kinds); k++) {
		if (kinds_covers(l->rs->kinds, pattern, k)) {
			bits[k >> 6] |= UINT64_C(1) << (k & 63);
			n++;
		}
	}
	return n;
}

/* One kind, or a family as "family.*". */
static void
take_kind(struct rule_words *w, struct kind_set *set, uint64_t *bits)
{
	const struct conf_word *next = word(w);

	if (!next) {
		rule_words_fail(w, NULL, "expected a kind");
		return;
	}
	if (str_eq(next->text, STR("any")))
		set->any = true;
	else if (str_ends(next->text, STR(".*"))) {
		if (add_kinds(w->l, next->text, bits) == 0)
			rule_words_fail(w, NULL, "no kind of the family %.*s is known",
			    STR_FMT(next->text));
	} else if (load_kind(w->l, next) == KIND_NONE)
		w->failed = true;
	else
		add_kinds(w->l, next->text, bits);
	w->at++;
}

struct kind_set
rule_words_kinds(struct rule_words *w)
{
	uint64_t *bits = new_bits(w->l);
	struct kind_set set = { .bits = bits };

	if (!bits)
		w->failed = true;
	while (!w->failed) {
		take_kind(w, &set, bits);
		if (w->failed || !w->s->words[w->at - 1].comma)
			break;
	}
	return set;
}

struct kind_set
rules_hostile_kinds(struct load *l)
{
	uint64_t *bits = new_bits(l);
	struct kind_set set = { .bits = bits };

	for (uint16_t k = 0; bits && k < kinds_count(l->rs->kinds); k++) {
		if (kinds_row(l->rs->kinds, k)->hostile)
			bits[k >> 6] |= UINT64_C(1) << (k & 63);
	}
	return set;
}

struct key_part
rule_words_part(struct rule_words *w)
{
	const struct conf_word *next = word(w);
	struct key_part part = { .field = FIELD_NONE };
	struct conf_word bare;

	if (!next) {
		rule_words_fail(w, NULL, "expected a field to count by");
		return part;
	}
	bare = *next;
	part.net = str_starts(bare.text, STR("net:"));
	if (part.net)
		bare.text = str_from(bare.text, 4);
	part.field = load_field(w->l, &bare);
	w->failed |= part.field == FIELD_NONE;
	w->at++;
	return part;
}

uint16_t
rules_key(struct load *l, const struct key_spec *key)
{
	struct rules *rules = l->rs->rules;

	for (uint32_t i = 0; i < rules->nkeys; i++) {
		if (key_spec_equal(&rules->keys[i], key))
			return (uint16_t)i;
	}
	if (!rules->keys)
		rules->keys = ARENA_ARRAY(&l->rs->arena, struct key_spec, KEYS_MAX);
	if (!rules->keys || rules->nkeys == KEYS_MAX) {
		diag_error(l->d, (struct conf_pos){ 0 }, 1, NULL,
		    "more than %d different keys in the rules", KEYS_MAX);
		return 0;
	}
	rules->keys[rules->nkeys] = *key;
	return (uint16_t)rules->nkeys++;
}

/* Order of fields does not matter: they are kept sorted. */
static void
add_part(struct key_spec *key, struct key_part part)
{
	uint8_t i = key->n++;

	for (; i > 0 && key->part[i - 1].field > part.field; i--)
		key->part[i] = key->part[i - 1];
	key->part[i] = part;
}

uint16_t
rule_words_key(struct rule_words *w)
{
	struct key_spec key = { 0 };

	while (!w->failed) {
		struct key_part part = rule_words_part(w);

		if (w->failed)
			break;
		if (key.n == RULE_KEY_PARTS_MAX) {
			w->at--;
			rule_words_fail(w, NULL, "at most %d fields make a key",
			    RULE_KEY_PARTS_MAX);
			break;
		}
		add_part(&key, part);
		if (!w->s->words[w->at - 1].comma)
			break;
	}
	return w->failed ? 0 : rules_key(w->l, &key);
}

void
rule_words_where(struct rule_words *w, const struct condition **ret, uint32_t *ret_n)
{
	struct condition conds[16], *kept;
	uint32_t n = 0;

	if (!rule_words_if(w, "where"))
		return;
	do {
		if (n == ARRAY_LEN(conds))
			rule_words_fail(w, NULL, "at most %zu conditions", ARRAY_LEN(conds));
		else if (condition_compile(w->l, w->s, &w->at, &conds[n++]) < 0)
			w->failed = true;
	} while (rule_words_if(w, "and"));
	if (w->failed)
		return;
	kept = ARENA_ARRAY(&w->l->rs->arena, struct condition, n);
	if (!kept) {
		rule_words_fail(w, NULL, "not enough memory");
		return;
	}
	memcpy(kept, conds, n * sizeof(*conds));
	*ret = kept;
	*ret_n = n;
}

void
rule_words_end(struct rule_words *w)
{
	if (rule_words_more(w))
		rule_words_fail(w, NULL, "unexpected `%.*s`", STR_FMT(word(w)->text));
}
