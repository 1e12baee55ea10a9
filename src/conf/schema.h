/*
 * schema: one row per option, and everything that follows from it: parser, defaults, ranges,
 * diagnostics, help, manual, completion, JSON schema, tests. Nothing about an option is written
 * anywhere else. No I/O.
 *
 * A block is a struct; its rows name its members. A row with a keyword is a statement inside the
 * braces; a row without one is a value in the head of the block: `udp :514 { buffer 8M; }` has the
 * head row `listen` and the row `buffer`. A `lead` is a fixed word before the value: `throttle 1
 * per 10m` has head rows with the leads none, `per`.
 */
#ifndef GUARITA_CONF_SCHEMA_H
#define GUARITA_CONF_SCHEMA_H

#include "conf/tree.h"
#include "conf/value.h"

enum schema_kind {
	SCHEMA_BOOL,          /* bool: yes or no; the keyword alone is yes */
	SCHEMA_INT,           /* int64_t */
	SCHEMA_SIZE,          /* uint64_t bytes: 64K */
	SCHEMA_DURATION,      /* int64_t microseconds: 1h30m */
	SCHEMA_MODE,          /* int64_t: permission bits in octal */
	SCHEMA_ENUM,          /* an enum: index in names */
	SCHEMA_WORD,          /* struct str: letters, digits . _ - */
	SCHEMA_STRING,        /* struct str: any text; NUL-terminated */
	SCHEMA_PATH,          /* struct str: absolute; NUL-terminated */
	SCHEMA_ADDRESS,       /* struct addr */
	SCHEMA_ENDPOINT,      /* struct conf_endpoint */
	SCHEMA_CIDRS,         /* struct conf_cidrs; lists are repeatable and add up */
	SCHEMA_PREFIXES,      /* struct conf_cidrs of addresses with their prefix: 192.0.2.1/24 */
	SCHEMA_WORDS,         /* struct conf_strs of patterns of words: auth.* */
	SCHEMA_STRINGS,       /* struct conf_strs */
	SCHEMA_PATHS,         /* struct conf_strs: absolute, globs allowed */
	SCHEMA_BLOCK,         /* a struct inside this one: always there, with its defaults */
	SCHEMA_BLOCK_OPT,     /* a pointer: NULL when not given */
	SCHEMA_BLOCKS,        /* a pointer and a uint32_t count: any number of them */
	SCHEMA_CONST,         /* an enum set to `min`: no words */
	SCHEMA_WHERE,         /* struct conf_pos of the block's keyword: no words */
	SCHEMA_INCLUDE,       /* nothing: the loader replaces it before the rows see it */
};

enum schema_reload { SCHEMA_LIVE, SCHEMA_RESTART };     /* how a change takes effect */

struct schema;

struct schema_row {
	enum schema_kind kind;
	uint32_t offset, count_offset;
	const char *keyword;              /* NULL: in the head of the block */
	const char *lead;                 /* fixed word before the value */
	const char *prefix;               /* that may stand before a number: "x" in x4 */
	const char *arg;                  /* the value's name: "ADDRESS:PORT"; NULL: the kind's */
	const char *def;                  /* as it would be written; NULL: empty, zero, no */
	const char *derived;              /* in words: where it comes from when it is not given */
	int64_t min, max;                 /* of numbers; max: of texts, lists, blocks; 0: any */
	const char *zero;                 /* a word that means 0: "never" */
	const char *const *names;         /* of an enum, in its order, NULL at the end */
	const struct schema *sub;         /* of a block */
	bool required;
	bool inet;                        /* an endpoint that cannot be a unix socket */
	bool secret;                      /* never shown */
	bool common;                      /* shared by several blocks: documented once */
	enum schema_reload reload;
	const char *help;                 /* one line, no full stop */
	const char *text;                 /* a paragraph more, or NULL */
	const char *example;              /* a whole statement; of a head row, its block's */
};

struct schema {
	const char *name;
	size_t size;                      /* of the struct */
	const struct schema_row *rows;
	size_t nrows;
};

#define SCHEMA_ROWS_MAX 128
#define SCHEMA_LIST_MAX 65536u

/* The member's offset, after a check at compile time that it has the type the row's kind writes. */
#define SCHEMA_AT(T, member, type) \
	(offsetof(T, member) + 0 * sizeof(struct { \
		char c; \
		_Static_assert(__builtin_types_compatible_p(__typeof__(((T *)0)->member), type), \
		    #member " does not have the type of its row"); \
	}))
#define SCHEMA_AT_ENUM(T, member) \
	(offsetof(T, member) + 0 * sizeof(struct { \
		char c; \
		_Static_assert(sizeof(((T *)0)->member) == sizeof(int) && \
		    (__typeof__(((T *)0)->member))1.5 == 1, #member " is no enum"); \
	}))
#define SCHEMA_ROW(k, at, ...) { .kind = (k), .offset = (uint32_t)(at), __VA_ARGS__ }

#define BOOL_ROW(T, m, ...) SCHEMA_ROW(SCHEMA_BOOL, SCHEMA_AT(T, m, bool), __VA_ARGS__)
#define INT_ROW(T, m, ...) SCHEMA_ROW(SCHEMA_INT, SCHEMA_AT(T, m, int64_t), __VA_ARGS__)
#define SIZE_ROW(T, m, ...) SCHEMA_ROW(SCHEMA_SIZE, SCHEMA_AT(T, m, uint64_t), __VA_ARGS__)
#define DURATION_ROW(T, m, ...) SCHEMA_ROW(SCHEMA_DURATION, SCHEMA_AT(T, m, int64_t), __VA_ARGS__)
#define MODE_ROW(T, m, ...) SCHEMA_ROW(SCHEMA_MODE, SCHEMA_AT(T, m, int64_t), __VA_ARGS__)
#define ENUM_ROW(T, m, ...) SCHEMA_ROW(SCHEMA_ENUM, SCHEMA_AT_ENUM(T, m), __VA_ARGS__)
#define WORD_ROW(T, m, ...) SCHEMA_ROW(SCHEMA_WORD, SCHEMA_AT(T, m, struct str), __VA_ARGS__)
#define STRING_ROW(T, m, ...) SCHEMA_ROW(SCHEMA_STRING, SCHEMA_AT(T, m, struct str), __VA_ARGS__)
#define PATH_ROW(T, m, ...) SCHEMA_ROW(SCHEMA_PATH, SCHEMA_AT(T, m, struct str), __VA_ARGS__)
#define ADDRESS_ROW(T, m, ...) SCHEMA_ROW(SCHEMA_ADDRESS, SCHEMA_AT(T, m, struct addr), __VA_ARGS__)
#define ENDPOINT_ROW(T, m, ...) \
	SCHEMA_ROW(SCHEMA_ENDPOINT, SCHEMA_AT(T, m, struct conf_endpoint), __VA_ARGS__)
#define CIDRS_ROW(T, m, ...) \
	SCHEMA_ROW(SCHEMA_CIDRS, SCHEMA_AT(T, m, struct conf_cidrs), __VA_ARGS__)
#define PREFIXES_ROW(T, m, ...) \
	SCHEMA_ROW(SCHEMA_PREFIXES, SCHEMA_AT(T, m, struct conf_cidrs), __VA_ARGS__)
#define WORDS_ROW(T, m, ...) \
	SCHEMA_ROW(SCHEMA_WORDS, SCHEMA_AT(T, m, struct conf_strs), __VA_ARGS__)
#define STRINGS_ROW(T, m, ...) \
	SCHEMA_ROW(SCHEMA_STRINGS, SCHEMA_AT(T, m, struct conf_strs), __VA_ARGS__)
#define PATHS_ROW(T, m, ...) \
	SCHEMA_ROW(SCHEMA_PATHS, SCHEMA_AT(T, m, struct conf_strs), __VA_ARGS__)
#define CONST_ROW(T, m, value) \
	{ .kind = SCHEMA_CONST, .offset = (uint32_t)SCHEMA_AT_ENUM(T, m), .min = (value) }
#define WHERE_ROW(T, m) \
	{ .kind = SCHEMA_WHERE, .offset = (uint32_t)SCHEMA_AT(T, m, struct conf_pos) }
/* `type` is the struct of the sub-block, whose schema is `subschema`. */
#define BLOCK_ROW(T, m, type, subschema, ...) \
	SCHEMA_ROW(SCHEMA_BLOCK, SCHEMA_AT(T, m, type), .sub = &(subschema), __VA_ARGS__)
#define BLOCK_OPT_ROW(T, m, type, subschema, ...) \
	SCHEMA_ROW(SCHEMA_BLOCK_OPT, SCHEMA_AT(T, m, type *), .sub = &(subschema), __VA_ARGS__)
#define BLOCKS_ROW(T, m, count, type, subschema, ...) \
	SCHEMA_ROW(SCHEMA_BLOCKS, SCHEMA_AT(T, m, type *), \
	    .count_offset = (uint32_t)SCHEMA_AT(T, count, uint32_t), .sub = &(subschema), \
	    __VA_ARGS__)
#define SCHEMA_OF(name_, type, rows_) \
	{ .name = (name_), .size = sizeof(type), .rows = (rows_), .nrows = ARRAY_LEN(rows_) }

/* Fills *out (schema->size bytes) with the defaults. */
void schema_defaults(const struct schema *s, void *out);
/*
 * Defaults, then what the statements say. `head` is the statement whose block this is, or NULL for
 * a whole text; its words after the keyword fill the head rows. Every fault goes to d; *out is only
 * to be used when none came.
 */
void schema_read(const struct schema *s, const struct conf_stmt *head,
    const struct conf_stmt *first, struct arena *a, struct diags *d, void *out);
/* The struct as statements that read back to the same; secrets are left out. */
void schema_write(const struct schema *s, const void *in, unsigned indent, struct buf *out);

/*
 * Reads one value of a row from its words; false after a fault. *ret_used: words taken. a NULL:
 * texts are not copied.
 */
bool schema_value_read(const struct schema_row *row, const struct conf_word *words,
    uint32_t nwords, struct arena *a, struct diags *d, void *out, uint32_t *ret_used);
/* The row's value in a struct as it would be written; nothing when it is empty. */
void schema_value_write(const struct schema_row *row, const void *in, struct buf *out);
/* A number in the unit of the row's kind: "64K", "10m", "3". */
void schema_number_write(const struct schema_row *row, int64_t v, struct buf *out);
/* "a size such as 64K or 10M"; "NAME" */
const char *schema_kind_wants(enum schema_kind kind);
const char *schema_row_arg(const struct schema_row *row);

static inline bool
schema_is_block(const struct schema_row *row)
{
	return row->sub != NULL;
}

static inline bool
schema_is_list(const struct schema_row *row)
{
	return row->kind >= SCHEMA_CIDRS && row->kind <= SCHEMA_PATHS;
}

/* A value in the head of its block. */
static inline bool
schema_is_head(const struct schema_row *row)
{
	return row->keyword == NULL && row->kind != SCHEMA_CONST && row->kind != SCHEMA_WHERE;
}

static inline bool
schema_has_range(const struct schema_row *row)
{
	return row->kind <= SCHEMA_MODE && row->kind != SCHEMA_BOOL &&
	    (row->min != 0 || row->max != 0);
}

/*
 * True when the struct at `in` is one of this schema: its constants (the type of a source) have
 * their values.
 */
bool schema_is(const struct schema *s, const void *in);
/* The row of a keyword, or NULL. */
const struct schema_row *schema_row(const struct schema *s, struct str keyword);

#endif
