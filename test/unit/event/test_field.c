/* The registry of fields: the table itself, what is a good name, the cap. */
#include "../base/cmocka_std.h"

#include <stdio.h>

#include "event/field.h"

static const struct {
	const char *name, *type, *ecs, *help;
} rows[] = {
#define FIELD(id, name, type, ecs, help) { name, type, ecs, help },
#include "event/fields.def"
#undef FIELD
};

static const char *const hole_types[] = {
	"ip",
	"addr",
	"host",
	"port",
	"int",
	"num",
	"hex",
	"word",
	"text",
	"user",
	"quoted",
	"time",
	"mac",
};

static bool
known_type(const char *type)
{
	for (size_t i = 0; i < ARRAY_LEN(hole_types); i++)
		if (strcmp(type, hole_types[i]) == 0)
			return true;
	return false;
}

static void
every_row_is_registered_once(void **state)
{
	struct fields *f = fields_new();

	assert_non_null(f);
	assert_int_equal(ARRAY_LEN(rows), FIELD_WELL_KNOWN);
	for (uint16_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(fields_find(f, str_z(rows[i].name)), i);
		assert_int_equal(fields_intern(f, str_z(rows[i].name)), i);
		assert_true(str_eq(fields_name(f, i), str_z(rows[i].name)));
		assert_string_equal(fields_type(i), rows[i].type);
		assert_true(known_type(rows[i].type));
		assert_true(
		    fields_ecs(i) == rows[i].ecs || strcmp(fields_ecs(i), rows[i].ecs) == 0);
		assert_true(strlen(rows[i].help) > 3);
	}
	assert_int_equal(fields_find(f, STR("src")), FIELD_src);
	fields_free(f);
}

static void
new_names_get_new_numbers(void **state)
{
	struct fields *f = fields_new();
	char name[] = "request.remote_ip";
	uint16_t key;

	assert_int_equal(fields_find(f, str_z(name)), FIELD_NONE);
	key = fields_intern(f, str_z(name));
	assert_int_equal(key, FIELD_WELL_KNOWN);
	memset(name, 'x', sizeof(name) - 1);
	assert_true(str_eq(fields_name(f, key), STR("request.remote_ip")));
	assert_int_equal(fields_find(f, STR("request.remote_ip")), key);
	assert_int_equal(fields_intern(f, STR("request.remote_ip")), key);
	assert_string_equal(fields_type(key), "word");
	assert_null(fields_ecs(key));
	assert_null(fields_name(f, (uint16_t)(key + 1)).p);
	assert_null(fields_name(f, FIELD_NONE).p);
	fields_free(f);
}

static void
two_registries_are_apart(void **state)
{
	struct fields *a = fields_new(), *b = fields_new();

	assert_int_equal(fields_intern(a, STR("only-in-a")), FIELD_WELL_KNOWN);
	assert_int_equal(fields_find(b, STR("only-in-a")), FIELD_NONE);
	fields_free(a);
	fields_free(b);
	fields_free(NULL);
}

static void
bad_names_are_refused(void **state)
{
	struct fields *f = fields_new();
	char name[257];
	uint16_t next = FIELD_WELL_KNOWN;

	memset(name, 'a', sizeof(name));
	assert_int_equal(fields_intern(f, STR("")), FIELD_NONE);
	assert_int_equal(fields_intern(f, STR_NULL), FIELD_NONE);
	assert_int_equal(fields_intern(f, str_of(name, 256)), FIELD_NONE);
	for (int c = 0; c < 256; c++) {
		char one[2] = { 'q', (char)c };
		bool good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
		    c == '.' || c == '-';
		uint16_t key = fields_intern(f, str_of(one, 2));
		assert_int_equal(key, good ? next : FIELD_NONE);
		next += good;
	}
	assert_int_equal(fields_intern(f, str_of(name, 255)), next);
	fields_free(f);
}

static void
cap_holds(void **state)
{
	struct fields *f = fields_new();
	char name[16];

	for (unsigned i = FIELD_WELL_KNOWN; i < FIELD_MAX; i++) {
		int n = snprintf(name, sizeof(name), "f%u", i);
		assert_int_equal(fields_intern(f, str_of(name, (size_t)n)), i);
	}
	assert_int_equal(fields_intern(f, STR("one-too-many")), FIELD_NONE);
	assert_int_equal(fields_intern(f, STR("f100")), 100);
	assert_int_equal(fields_intern(f, STR("user")), FIELD_user);
	fields_free(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_is_registered_once),
		cmocka_unit_test(new_names_get_new_numbers),
		cmocka_unit_test(two_registries_are_apart),
		cmocka_unit_test(bad_names_are_refused),
		cmocka_unit_test(cap_holds),
	};
	return cmocka_run_group_tests_name("event-field", tests, NULL, NULL);
}
