/*
 * str: a slice of bytes by value: pointer and length, never owned, never NUL-terminated by promise.
 */
#ifndef GUARITA_BASE_STR_H
#define GUARITA_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
	const char *p;
	size_t n;
};

/* A slice of a string literal, or of a NUL-terminated string. */
#define STR(lit) ((struct str){ .p = "" lit, .n = sizeof(lit) - 1 })
/* The same where C wants a constant: rows of static tables. */
#define STR_INIT(lit) { .p = "" lit, .n = sizeof(lit) - 1 }
#define STR_NULL ((struct str){ .p = NULL, .n = 0 })
/* For printf("%.*s"): lengths above INT_MAX are cut. */
#define STR_FMT(s) (int)((s).n > 0x7fffffff ? 0x7fffffff : (s).n), (s).p

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define WARN_UNUSED __attribute__((warn_unused_result))

static inline struct str
str_of(const char *p, size_t n)
{
	return (struct str){ .p = p, .n = n };
}

static inline struct str
str_z(const char *z)
{
	return (struct str){ .p = z, .n = z ? strlen(z) : 0 };
}

static inline bool
str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool
str_starts(struct str s, struct str prefix)
{
	return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

static inline bool
str_ends(struct str s, struct str suffix)
{
	return s.n >= suffix.n &&
	    (suffix.n == 0 || memcmp(s.p + s.n - suffix.n, suffix.p, suffix.n) == 0);
}

/* The part of s from `from` on; empty when from is at or past the end. */
static inline struct str
str_from(struct str s, size_t from)
{
	return from >= s.n ? str_of(s.p ? s.p + s.n : NULL, 0) : str_of(s.p + from, s.n - from);
}

/* The first `n` bytes of s, or all of it. */
static inline struct str
str_head(struct str s, size_t n)
{
	return str_of(s.p, n < s.n ? n : s.n);
}

/* Index of byte c, or s.n. */
static inline size_t
str_find_byte(struct str s, char c)
{
	const char *hit = s.n ? memchr(s.p, c, s.n) : NULL;
	return hit ? (size_t)(hit - s.p) : s.n;
}

/* ASCII only, whatever the locale. */
static inline char
ascii_lower(char c)
{
	return (unsigned)(c - 'A') < 26 ? (char)(c | 0x20) : c;
}

bool str_eq_nocase(struct str a, struct str b);              /* ASCII only */
bool str_starts_nocase(struct str s, struct str prefix);     /* ASCII only */
int str_cmp(struct str a, struct str b);                     /* byte order; for qsort */
size_t str_find(struct str s, struct str needle);            /* first index, or s.n */
size_t str_rfind(struct str s, struct str needle);           /* last index, or s.n */
size_t str_find_nocase(struct str s, struct str needle);     /* ASCII; first index, or s.n */
struct str str_trim(struct str s);                           /* without blanks, CR and LF at both ends */
/*
 * Cuts the next piece of *rest up to sep; false when nothing is left. "a,,b" gives "a", "", "b";
 * "a," gives "a".
 */
bool str_split(struct str *rest, char sep, struct str *ret_piece);
/* Cuts the next run of non-blanks of *rest; false when only blanks are left. */
bool str_word(struct str *rest, struct str *ret_word);

#endif
