/* text: numbers, units, UTF-8 and near words. Nothing here allocates. */
#ifndef GUARITA_BASE_TEXT_H
#define GUARITA_BASE_TEXT_H

#include "base/str.h"

/* Whole slice must be the number; 0, -EINVAL or -ERANGE. */
int text_u64(struct str s, uint64_t *ret_value) WARN_UNUSED;
int text_i64(struct str s, int64_t *ret_value) WARN_UNUSED;
/* "500ms" "30s" "5m" "2h" "7d" "4w" "1y" (365 days), sums allowed: "1h30m". Microseconds. */
int text_duration(struct str s, int64_t *ret_us) WARN_UNUSED;
/* "64K" "10M" "2G" (powers of 1024), plain bytes without a unit. */
int text_size(struct str s, uint64_t *ret_bytes) WARN_UNUSED;
/* Writes "1h 30m", "250 ms" and the like; returns dst. */
char *text_show_duration(int64_t us, char *dst, size_t size);
char *text_show_size(uint64_t bytes, char *dst, size_t size);

/* An address: IPv4 is held as ::ffff:a.b.c.d, so one source has one form. */
struct addr {
	uint8_t b[16];
};
/*
 * Dotted quad, or RFC 4291 text, optionally in [brackets] or with a %zone (dropped). 0 or -EINVAL.
 */
int addr_parse(struct str s, struct addr *ret) WARN_UNUSED;
/* Bytes of the dotted quad that s begins with, if addr_parse() takes it and no digit follows; else 0. */
size_t text_quad(struct str s);
bool addr_is_v4(const struct addr *a);
/* RFC 5952 text, IPv4 as dotted quad; needs 46 bytes. Returns the length. */
size_t addr_show(const struct addr *a, char dst[46]);
struct cidr {
	struct addr net;
	uint8_t bits;          /* of 128; an IPv4 /24 is 120 */
};
int cidr_parse(struct str s, struct cidr *ret) WARN_UNUSED;  /* "10.0.0.0/8", "::1", host bits must be zero: -EDOM */
bool cidr_has(const struct cidr *c, const struct addr *a);

/* Length of the UTF-8 sequence at s (1-4), or 0 when it is not valid (RFC 3629). */
size_t utf8_len(struct str s);
/* Columns that the text takes on a terminal (East Asian wide = 2, combining = 0). */
size_t utf8_columns(struct str s);

/* The candidate nearest to `word` (edit distance, at most a third of its length), or STR_NULL. */
struct str text_nearest(struct str word, const struct str *candidates, size_t n);

#endif
