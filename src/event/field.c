/*
 * field: the registry of field names. Numbers are given once and never change; nothing is ever
 * forgotten.
 */
#include "event/field.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/hash.h"

#define FIELD_NAME_MAX 255

struct field_row {
	struct str name;
	const char *type, *ecs;
};

static const struct field_row well_known[] = {
#define FIELD(id, name, type, ecs, help) [FIELD_##id] = { STR_INIT(name), type, ecs },
#include "event/fields.def"
#undef FIELD
};

struct fields {
	struct arena arena; /* texts of added names */
	struct strmap numbers;
	uint32_t count;
	struct str names[FIELD_MAX];
};

static uint16_t
fields_add(struct fields *f, struct str name)
{
	if (f->count >= FIELD_MAX || strmap_put(&f->numbers, name, f->count) < 0)
		return FIELD_NONE;
	f->names[f->count] = name;
	return (uint16_t)f->count++;
}

struct fields *
fields_new(void)
{
	struct fields *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(well_known); i++) {
		if (fields_add(f, well_known[i].name) == FIELD_NONE) {
			fields_free(f);
			return NULL;
		}
	}
	return f;
}

void
fields_free(struct fields *f)
{
	if (!f)
		return;
	strmap_free(&f->numbers);
	arena_free(&f->arena);
	free(f);
}

static bool
name_valid(struct str name)
{
	if (name.n == 0 || name.n > FIELD_NAME_MAX)
		return false;
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];
		bool letter = (unsigned)(c - 'a') < 26, digit = (unsigned)(c - '0') < 10;
		if (!letter && !digit && c != '_' && c != '.' && c != '-')
			return false;
	}
	return true;
}

uint16_t
fields_intern(struct fields *f, struct str name)
{
	uint16_t known = fields_find(f, name);
	struct str kept;

	if (known != FIELD_NONE)
		return known;
	if (f->count >= FIELD_MAX || !name_valid(name))
		return FIELD_NONE;
	kept = arena_str(&f->arena, name);
	return kept.p ? fields_add(f, kept) : FIELD_NONE;
}

uint16_t
fields_find(const struct fields *f, struct str name)
{
	uint32_t key = strmap_get(&f->numbers, name);

	return key == STRMAP_NONE ? FIELD_NONE : (uint16_t)key;
}

uint16_t
fields_count(const struct fields *f)
{
	return (uint16_t)f->count;
}

struct str
fields_name(const struct fields *f, uint16_t key)
{
	return key < f->count ? f->names[key] : STR_NULL;
}

const char *
fields_ecs(uint16_t key)
{
	return key < ARRAY_LEN(well_known) ? well_known[key].ecs : NULL;
}

const char *
fields_type(uint16_t key)
{
	return key < ARRAY_LEN(well_known) ? well_known[key].type : "word";
}
