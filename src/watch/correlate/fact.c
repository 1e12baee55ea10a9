/* fact: see fact.h. */
#include "watch/correlate/fact.h"

#include <stdlib.h>

#include "base/hash.h"
#include "watch/correlate/key.h"
#include "watch/correlate/rename.h"

#define SET_LEAST 16u

bool
facts_begin(struct facts *f, const struct rule *rule)
{
	*f = (struct facts){ .fact = calloc(rule->nfacts ? rule->nfacts : 1, sizeof(struct fact)) };
	if (!f->fact)
		return false;
	f->n = rule->nfacts;
	for (uint8_t i = 0; i < f->n; i++)
		f->fact[i].field = rule->facts[i];
	return true;
}

void
facts_free(struct facts *f)
{
	for (uint8_t i = 0; i < f->n; i++)
		free(f->fact[i].set);
	free(f->fact);
	free(f->text);
	*f = (struct facts){ 0 };
}

/* True when the hash was not there. */
static bool
set_put(uint32_t *set, uint16_t size, uint32_t hash)
{
	uint16_t at = (uint16_t)(hash & (size - 1u));

	while (set[at] && set[at] != hash)
		at = (uint16_t)((at + 1u) & (size - 1u));
	if (set[at])
		return false;
	set[at] = hash;
	return true;
}

static bool
set_grow(struct fact *fact)
{
	uint16_t size = (uint16_t)(fact->size ? fact->size * 2u : SET_LEAST);
	uint32_t *set = calloc(size, sizeof(*set));

	if (!set)
		return false;
	for (uint16_t i = 0; i < fact->size; i++) {
		if (fact->set[i])
			(void)set_put(set, size, fact->set[i]);
	}
	for (uint32_t i = 0; !fact->size && i < fact->n; i++)
		(void)set_put(set, size, fact->hash[i]);
	free(fact->set);
	fact->set = set;
	fact->size = size;
	return true;
}

static bool
is_new(struct fact *fact, uint32_t hash)
{
	for (uint32_t i = 0; i < FACT_VALUES && i < fact->n; i++) {
		if (fact->hash[i] == hash)
			return false;
	}
	if (fact->n < FACT_VALUES)
		return true;
	if (fact->n >= FACT_DISTINCT_MAX)
		return false;
	if (fact->n * 2 >= fact->size && !set_grow(fact))
		return false;
	return set_put(fact->set, fact->size, hash);
}

/* Few incidents need more than one address and a name. */
static size_t
text_room(size_t n)
{
	return (n + 63) & ~(size_t)63;
}

static void
keep_text(struct facts *f, struct fact *fact, struct str text)
{
	uint32_t i = fact->n;
	size_t room = text_room(f->text_n + text.n), had = text_room(f->text_n);

	fact->off[i] = (uint16_t)f->text_n;
	fact->len[i] = 0;
	if (f->text_n + text.n > FACT_TEXT_MAX)
		return;
	if (room != had || !f->text) {
		char *grown = realloc(f->text, room);

		if (!grown)
			return;
		f->text = grown;
	}
	memcpy(f->text + f->text_n, text.p, text.n);
	fact->len[i] = (uint8_t)text.n;
	f->text_n += (uint32_t)text.n;
}

static void
add_value(struct facts *f, struct fact *fact, uint32_t hash, struct str text)
{
	hash |= 1;
	if (!is_new(fact, hash))
		return;
	if (fact->n < FACT_VALUES) {
		fact->hash[fact->n] = hash;
		keep_text(f, fact, text);
	}
	fact->n++;
}

static struct str
value_of(const struct record *r, uint16_t field)
{
	/* What was aimed at is an address or a name; who did it are two facts. */
	return field == FIELD_src ? record_fact(r, field) : key_value(field, r);
}

void
facts_add(struct facts *f, const struct record *r, uint64_t seed)
{
	for (uint8_t i = 0; i < f->n; i++) {
		struct str v = str_head(value_of(r, f->fact[i].field), KEY_VALUE_MAX);

		if (v.n)
			add_value(f, &f->fact[i], (uint32_t)hash_bytes(v, seed), v);
	}
}

const struct fact *
facts_find(const struct facts *f, uint16_t field)
{
	for (uint8_t i = 0; i < f->n; i++) {
		if (f->fact[i].field == field)
			return &f->fact[i];
	}
	return NULL;
}

struct str
facts_text(const struct facts *f, const struct fact *fact, uint32_t i)
{
	return str_of(f->text ? f->text + fact->off[i] : "", fact->len[i]);
}

void
facts_merge(struct facts *to, const struct facts *from)
{
	for (uint8_t i = 0; i < to->n; i++) {
		const struct fact *other = facts_find(from, to->fact[i].field);
		uint32_t kept = other ? other->n : 0;

		if (!other)
			continue;
		for (uint32_t v = 0; v < FACT_VALUES && v < kept; v++)
			add_value(to, &to->fact[i], other->hash[v], facts_text(from, other, v));
		for (uint16_t s = 0; s < other->size; s++) {
			if (other->set[s])
				add_value(to, &to->fact[i], other->set[s], STR_NULL);
		}
	}
}

bool
facts_say(const struct facts *f, uint16_t field, struct buf *out)
{
	const struct fact *fact = facts_find(f, field);
	uint32_t shown = 0;

	if (field == FIELD_src && (!fact || fact->n == 0))
		fact = facts_find(f, FIELD_src_host);
	if (!fact || fact->n == 0)
		return false;
	for (uint32_t i = 0; i < FACT_VALUES && i < fact->n; i++) {
		struct str v = facts_text(f, fact, i);

		if (v.n == 0)
			continue;
		buf_add(out, shown == 0 ? STR_NULL : fact->n == 2 ? STR(" and ") : STR(", "));
		buf_add_escaped(out, str_head(v, 80));
		buf_add(out, v.n > 80 ? STR("...") : STR_NULL);
		shown++;
	}
	if (fact->n > shown)
		buf_addf(out, shown ? " and %u%s more" : "%u%s", fact->n - shown,
		    fact->n >= FACT_DISTINCT_MAX ? "+" : "");
	return true;
}

void
facts_save(const struct facts *f, struct buf *out)
{
	buf_add(out, str_of((const char *)&f->text_n, sizeof(f->text_n)));
	buf_add(out, str_of(f->text, f->text_n));
	buf_add_byte(out, (char)f->n);
	for (uint8_t i = 0; i < f->n; i++) {
		buf_add(out, str_of((const char *)&f->fact[i], sizeof(struct fact)));
		buf_add(out, str_of((const char *)f->fact[i].set,
		    f->fact[i].size * sizeof(uint32_t)));
	}
}

static bool
take(struct str *in, void *to, size_t n)
{
	if (in->n < n)
		return false;
	memcpy(to, in->p, n);
	*in = str_from(*in, n);
	return true;
}

/* One saved fact; what cannot be is refused, what does not point into the text is forgotten. */
static bool
load_fact(struct fact *fact, uint32_t text_n, struct str *in)
{
	if (!take(in, fact, sizeof(*fact)))
		return false;
	fact->set = NULL;
	if (fact->n > FACT_DISTINCT_MAX || (fact->size & (fact->size - 1u)) ||
	    fact->size > FACT_DISTINCT_MAX * 4 ||
	    (fact->size && (fact->n >= fact->size || fact->size < SET_LEAST)) ||
	    (!fact->size && fact->n > FACT_VALUES))
		return false;
	for (uint32_t v = 0; v < FACT_VALUES; v++) {
		if ((uint32_t)fact->off[v] + fact->len[v] > text_n)
			fact->len[v] = fact->off[v] = 0;
	}
	if (fact->size == 0)
		return true;
	fact->set = calloc(fact->size, sizeof(uint32_t));
	return fact->set && take(in, fact->set, fact->size * sizeof(uint32_t));
}

/* The rule may say other fields today: those it had and has are kept. */
static void
place_fact(struct facts *f, struct fact *saved)
{
	for (uint8_t i = 0; i < f->n; i++) {
		if (f->fact[i].field == saved->field && f->fact[i].n == 0) {
			f->fact[i] = *saved;
			return;
		}
	}
	free(saved->set);
}

/* f is left so that facts_free() may be called, whatever happens. */
bool
facts_load(struct facts *f, const struct rule *rule, const struct renames *names, struct str *in)
{
	uint32_t n;
	uint8_t count;

	if (!facts_begin(f, rule) || !take(in, &n, sizeof(n)) || n > FACT_TEXT_MAX)
		return false;
	f->text = malloc(text_room(n + 1u));
	if (!f->text || !take(in, f->text, n))
		return false;
	f->text_n = n;
	if (!take(in, &count, sizeof(count)) || count > RULE_FACTS_MAX)
		return false;
	for (uint8_t i = 0; i < count; i++) {
		struct fact saved = { 0 };

		if (!load_fact(&saved, f->text_n, in)) {
			free(saved.set);
			return false;
		}
		saved.field = rename_field(names, saved.field);
		place_fact(f, &saved);
	}
	return true;
}
