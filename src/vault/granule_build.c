/*
 * granule_build: gathering. The table of words is keyed with a seed, so that nobody who writes log lines can make it
 * slow; ids go by first appearance, so the seed shows nowhere.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/hash.h"
#include "vault/granule_private.h"

#define GROUP_CELLS (4 * GROUPS_MAX)
#define WORDS_FIRST 4096u
#define WORDS_MAX (1u << 24)

struct word_cell {
	uint32_t hash;
	uint32_t id;            /* + 1; 0: free */
};

static int
words_grow(struct words *w)
{
	uint32_t size = w->cells ? 2 * (w->mask + 1) : WORDS_FIRST;
	struct word_cell *cells = calloc(size, sizeof(*cells));
	struct word *at = realloc(w->at, size * sizeof(*at));

	if (at)
		w->at = at;
	if (!cells || !at) {
		free(cells);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < w->n; i++) {
		uint32_t hash = (uint32_t)hash_bytes(word_text(w, i), w->seed), c = hash & (size - 1);

		while (cells[c].id)
			c = (c + 1) & (size - 1);
		cells[c] = (struct word_cell){ .hash = hash, .id = i + 1 };
	}
	free(w->cells);
	w->cells = cells;
	w->mask = size - 1;
	return 0;
}

uint32_t
words_add(struct words *w, struct str text)
{
	uint32_t hash = (uint32_t)hash_bytes(text, w->seed), c;

	if (!w->cells || w->n >= w->mask / 2) {
		if (w->n >= WORDS_MAX || words_grow(w) < 0)
			return UINT32_MAX;
	}
	for (c = hash & w->mask; w->cells[c].id; c = (c + 1) & w->mask) {
		if (w->cells[c].hash == hash && str_eq(word_text(w, w->cells[c].id - 1), text))
			return w->cells[c].id - 1;
	}
	w->at[w->n] = (struct word){ .off = (uint32_t)w->text.n, .len = (uint32_t)text.n };
	buf_add(&w->text, text);
	if (!buf_ok(&w->text))
		return UINT32_MAX;
	w->cells[c] = (struct word_cell){ .hash = hash, .id = w->n + 1 };
	return w->n++;
}

struct granule *
granule_new(uint64_t hash_seed, const struct str *names, size_t nnames)
{
	struct granule *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->names = names;
	g->nnames = nnames;
	g->words = (struct words){ .seed = hash_seed, .text = BUF_INIT(GRANULE_WORDS_MAX + (64u << 20)) };
	g->rows = malloc(GRANULE_ROWS * sizeof(*g->rows));
	g->cells = calloc(GROUP_CELLS, sizeof(*g->cells));
	if (!g->rows || !g->cells) {
		granule_free(g);
		return NULL;
	}
	return g;
}

static void
free_groups(struct granule *g)
{
	for (uint32_t i = 0; i < g->ngroups; i++) {
		free(g->groups[i]->values);
		for (uint32_t k = 0; k < g->groups[i]->nextras; k++)
			free(g->groups[i]->extras[k].ids);
	}
	g->ngroups = 0;
}

void
granule_reset(struct granule *g)
{
	free_groups(g);
	arena_reset(&g->arena);
	memset(g->cells, 0, GROUP_CELLS * sizeof(*g->cells));
	if (g->words.cells)
		memset(g->words.cells, 0, ((size_t)g->words.mask + 1) * sizeof(*g->words.cells));
	g->words.n = 0;
	buf_reset(&g->words.text);
	g->nrows = 0;
	g->raw_bytes = 0;
	g->last_source = STR_NULL;
}

void
granule_free(struct granule *g)
{
	if (!g)
		return;
	free_groups(g);
	arena_free(&g->arena);
	buf_free(&g->words.text);
	free(g->words.at);
	free(g->words.cells);
	free(g->groups);
	free(g->cells);
	free(g->rows);
	free(g);
}

uint32_t
granule_rows(const struct granule *g)
{
	return g->nrows;
}

struct group *
granule_new_group(struct granule *g, struct str template, uint64_t hash)
{
	struct group *group = ARENA_NEW(&g->arena, struct group);
	struct str bytes = arena_str(&g->arena, template);

	if (g->ngroups == g->groups_size) {
		uint32_t size = g->groups_size ? 2 * g->groups_size : 256;
		struct group **groups = realloc(g->groups, size * sizeof(struct group *));

		if (!groups)
			return NULL;
		g->groups = groups;
		g->groups_size = size;
	}
	if (!group || !bytes.p || template_parse(&g->arena, bytes, &group->template) < 0)
		return NULL;
	group->hash = hash;
	group->number = g->ngroups;
	group->width = group->template.n + 1;
	g->groups[g->ngroups++] = group;
	return group;
}

/* The group of the template in g->tokens; past GROUPS_MAX templates the line is one text. NULL without memory. */
static struct group *
find_group(struct granule *g, struct str line)
{
	struct str template = str_of((const char *)g->tokens.template, g->tokens.template_len);
	uint64_t hash = hash_bytes(template, g->words.seed);
	struct group *group;
	uint32_t c;

	for (c = (uint32_t)hash & (GROUP_CELLS - 1); g->cells[c]; c = (c + 1) & (GROUP_CELLS - 1)) {
		group = g->groups[g->cells[c] - 1];
		if (group->hash == hash && str_eq(group->template.bytes, template))
			return group;
	}
	if (g->ngroups >= GROUPS_MAX && g->tokens.at[0].type != TOKEN_TEXT) {
		tokens_none(line, &g->tokens);
		return find_group(g, line);
	}
	group = granule_new_group(g, template, hash);
	if (group)
		g->cells[c] = g->ngroups;
	return group;
}

/* The parts between which a fact stands, or PLACE_EXPLICIT. */
static struct place
place_of(const struct tokens *t, struct str line, const struct fact *f)
{
	struct place p = { .name = f->name, .first = PLACE_EXPLICIT, .last = PLACE_EXPLICIT };
	uintptr_t off = (uintptr_t)f->value.p - (uintptr_t)line.p;
	uint32_t low = 0, high = t->n, end = (uint32_t)(off + f->value.n);

	if ((uintptr_t)f->value.p < (uintptr_t)line.p || off >= line.n || f->value.n > line.n - off || f->value.n == 0)
		return p;
	while (low < high) {
		uint32_t mid = (low + high) / 2;

		if (t->at[mid].off < off)
			low = mid + 1;
		else
			high = mid;
	}
	/* The middle of a run has no key in the filter: such a fact is written out. */
	if (low == t->n || t->at[low].off != off || (low > 0 && t->at[low - 1].off + t->at[low - 1].len == off))
		return p;
	for (high = low; high < t->n && t->at[high].off + t->at[high].len < end;)
		high++;
	if (high == t->n || t->at[high].off + t->at[high].len != end)
		return p;
	p.first = (uint8_t)low;
	p.last = (uint8_t)high;
	return p;
}

/* An array with room for one more than n: it doubles whenever n is a power of two. NULL without memory. */
static void *
grown(struct arena *a, void *array, uint32_t n, size_t size)
{
	void *bigger;

	if (n != 0 && (n & (n - 1)) != 0)
		return array;
	bigger = arena_array(a, n ? 2 * (size_t)n : 1, size);
	if (bigger && n > 0)
		memcpy(bigger, array, n * size);
	return bigger;
}

static struct extra *
find_extra(struct granule *g, struct group *group, uint16_t name)
{
	struct extra *e;

	for (uint32_t i = 0; i < group->nextras; i++) {
		if (group->extras[i].name == name)
			return &group->extras[i];
	}
	group->extras = grown(&g->arena, group->extras, group->nextras, sizeof(*e));
	if (!group->extras)
		return NULL;
	e = &group->extras[group->nextras++];
	*e = (struct extra){ .name = name };
	return e;
}

static int
set_extra(struct granule *g, struct group *group, const struct fact *f)
{
	struct extra *e = find_extra(g, group, f->name);
	uint32_t id = words_add(&g->words, f->value);

	if (!e || id == UINT32_MAX)
		return -ENOMEM;
	if (group->rows >= e->size) {
		uint32_t size = 2 * group->rows + 64;
		uint32_t *ids = realloc(e->ids, size * sizeof(*ids));

		if (!ids)
			return -ENOMEM;
		e->ids = ids;
		e->size = size;
	}
	if (e->n < group->rows)
		memset(e->ids + e->n, 0, (group->rows - e->n) * sizeof(*e->ids));
	e->ids[group->rows] = id + 1;
	e->n = group->rows + 1;
	return 0;
}

/* The number of the variant with these places, added when new; UINT32_MAX without memory or when there are too many. */
static uint32_t
find_variant(struct granule *g, struct group *group, const struct place *places, uint32_t n)
{
	struct variant *v;

	for (uint32_t i = 0; i < group->nvariants; i++) {
		v = &group->variants[i];
		if (v->n == n && (n == 0 || memcmp(v->places, places, n * sizeof(*places)) == 0))
			return i;
	}
	if (group->nvariants == VARIANTS_MAX)
		return UINT32_MAX;
	group->variants = grown(&g->arena, group->variants, group->nvariants, sizeof(*v));
	if (!group->variants)
		return UINT32_MAX;
	v = &group->variants[group->nvariants];
	v->places = ARENA_ARRAY(&g->arena, struct place, n + 1);
	if (!v->places)
		return UINT32_MAX;
	memcpy(v->places, places, n * sizeof(*places));
	v->n = n;
	return group->nvariants++;
}

static int
add_facts(struct granule *g, struct group *group, struct str line, const struct fact *facts, size_t nfacts, uint64_t *ret)
{
	struct place places[FACTS_MAX];
	/* A group whose lines mean too many things in too many places writes all of them out. */
	bool full = group->nvariants == VARIANTS_MAX;
	uint32_t n = 0, variant;

	for (size_t i = 0; i < nfacts; i++) {
		struct place p = place_of(&g->tokens, line, &facts[i]);

		if (facts[i].name >= g->nnames)
			return -EINVAL;
		if (full)
			p.first = p.last = PLACE_EXPLICIT;
		if (p.first == PLACE_EXPLICIT && set_extra(g, group, &facts[i]) < 0)
			return -ENOMEM;
		/* Explicit facts need no place: their column says which rows have them. */
		if (p.first != PLACE_EXPLICIT)
			places[n++] = p;
	}
	variant = find_variant(g, group, places, n);
	if (variant == UINT32_MAX && group->nvariants == VARIANTS_MAX && !full)
		return add_facts(g, group, line, facts, nfacts, ret);
	*ret = variant;
	return variant == UINT32_MAX ? -ENOMEM : 0;
}

int
group_add(struct granule *g, struct group *group, struct str line, const struct fact *facts, size_t nfacts)
{
	const struct tokens *t = &g->tokens;
	uint64_t *v;
	int rc;

	if (group->rows == group->size) {
		uint32_t size = group->size ? 2 * group->size : 2;
		uint64_t *values = realloc(group->values, (size_t)size * group->width * sizeof(*values));

		if (!values)
			return -ENOMEM;
		group->values = values;
		group->size = size;
	}
	v = group->values + (size_t)group->rows * group->width;
	for (uint32_t i = 0; i < t->n; i++) {
		v[i] = t->at[i].value;
		if (!token_is_name(t->at[i].type))
			continue;
		v[i] = words_add(&g->words, str_of(line.p + t->at[i].off, t->at[i].len));
		if (v[i] == UINT32_MAX)
			return -ENOMEM;
	}
	rc = add_facts(g, group, line, facts, nfacts, &v[t->n]);
	if (rc == 0)
		group->rows++;
	return rc;
}

static int
add_source(struct granule *g, struct str source)
{
	if (g->last_source.p && str_eq(g->last_source, source))
		return 0;
	g->source = words_add(&g->words, source);
	if (g->source == UINT32_MAX)
		return -ENOMEM;
	g->last_source = arena_str(&g->arena, source);
	return 0;
}

int
granule_add(struct granule *g, const struct vault_entry *e, const struct fact *facts, size_t nfacts)
{
	struct row *row = &g->rows[g->nrows];
	struct group *group;
	int rc;

	if (g->nrows == GRANULE_ROWS || g->words.text.n > GRANULE_WORDS_MAX || g->words.n > GRANULE_WORD_COUNT)
		return -ENOSPC;
	if (nfacts > FACTS_MAX)
		return -EINVAL;
	tokens_cut(e->raw, &g->tokens);
	group = find_group(g, e->raw);
	if (!group || add_source(g, e->source) < 0)
		return -ENOMEM;
	*row = (struct row){ .recv_ns = e->recv_ns, .source = g->source, .transport = e->transport, .flags = e->flags };
	if (group->template.stamp < group->template.n)
		row->stamp = g->tokens.at[group->template.stamp].value;
	rc = group_add(g, group, e->raw, facts, nfacts);
	if (rc < 0)
		return rc;
	row->group = group->number;
	if (g->nrows == 0)
		g->first_index = e->index;
	g->nrows++;
	g->raw_bytes += e->raw.n;
	return 0;
}
