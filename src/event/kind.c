/*
 * kind: the registry of kinds. Built-in rows first, in the order of kinds.def; nothing is ever
 * taken out.
 */
#include "event/kind.h"

#include <errno.h>
#include <stdlib.h>

#include "base/hash.h"

static const struct kind_row built_in[] = {
#define KIND(id, text, is_hostile, how_grave, technique, what) \
	[KIND_##id] = {                                        \
		.name = STR_INIT(text),                        \
		.hostile = is_hostile,                         \
		.severity = how_grave,                         \
		.attack = technique,                           \
		.help = what,                                  \
	},
#include "event/kinds.def"
#undef KIND
};

struct kinds {
	struct strmap numbers;
	uint32_t count;
	struct kind_row rows[KIND_MAX];
};

struct kinds *
kinds_new(void)
{
	struct kinds *k = calloc(1, sizeof(*k));

	if (!k)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(built_in); i++) {
		if (kinds_add(k, &built_in[i]) == KIND_NONE) {
			kinds_free(k);
			return NULL;
		}
	}
	return k;
}

void
kinds_free(struct kinds *k)
{
	if (!k)
		return;
	strmap_free(&k->numbers);
	free(k);
}

uint16_t
kinds_find(const struct kinds *k, struct str name)
{
	uint32_t kind = strmap_get(&k->numbers, name);

	return kind == STRMAP_NONE ? KIND_NONE : (uint16_t)kind;
}

uint16_t
kinds_add(struct kinds *k, const struct kind_row *row)
{
	if (k->count >= KIND_MAX || row->name.n == 0 || kinds_find(k, row->name) != KIND_NONE)
		return KIND_NONE;
	if (strmap_put(&k->numbers, row->name, k->count) < 0)
		return KIND_NONE;
	k->rows[k->count] = *row;
	return (uint16_t)k->count++;
}

const struct kind_row *
kinds_row(const struct kinds *k, uint16_t kind)
{
	return kind < k->count ? &k->rows[kind] : NULL;
}

uint16_t
kinds_count(const struct kinds *k)
{
	return k->count;
}

bool
kinds_covers(const struct kinds *k, struct str pattern, uint16_t kind)
{
	const struct kind_row *row = kinds_row(k, kind);

	if (!row)
		return false;
	if (str_ends(pattern, STR(".*")))
		return pattern.n > 2 && str_starts(row->name, str_head(pattern, pattern.n - 1));
	if (pattern.n == 0 || !str_starts(row->name, pattern))
		return false;
	return row->name.n == pattern.n || row->name.p[pattern.n] == '.';
}

static const struct str severities[] = {
	[SEVERITY_INFO] = STR_INIT("info"),
	[SEVERITY_LOW] = STR_INIT("low"),
	[SEVERITY_MEDIUM] = STR_INIT("medium"),
	[SEVERITY_HIGH] = STR_INIT("high"),
	[SEVERITY_CRITICAL] = STR_INIT("critical"),
};

const char *
severity_name(enum severity s)
{
	return (size_t)s < ARRAY_LEN(severities) ? severities[s].p : "info";
}

int
severity_parse(struct str s, enum severity *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(severities); i++) {
		if (str_eq(s, severities[i])) {
			*ret = (enum severity)i;
			return 0;
		}
	}
	return -EINVAL;
}
