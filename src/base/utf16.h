/*
 * utf16: text as Windows writes it into files (RFC 2781), found by its first bytes and turned into
 * UTF-8. What is no text becomes U+FFFD, so that whatever comes in, UTF-8 comes out. Never
 * allocates, keeps nothing between calls.
 */
#ifndef GUARITA_BASE_UTF16_H
#define GUARITA_BASE_UTF16_H

#include "base/str.h"

enum utf16 {
	UTF16_NOT,
	UTF16_LE,
	UTF16_BE,
};

/*
 * By the mark at the beginning, or, as tools that append write none, by text whose every other
 * byte is zero.
 */
enum utf16 utf16_find(struct str head);
/* Where the first LF is, in bytes, a multiple of two; s.n when there is none. */
size_t utf16_find_lf(enum utf16 order, struct str s);
/* Bytes of s up to and with its last LF; 0 when there is none. */
size_t utf16_whole_lines(enum utf16 order, struct str s);
/*
 * Turns what is whole of s into UTF-8, without marks at its beginning, as far as dst has room:
 * at most three bytes for two. Returns the bytes written; ret_taken says how much of s they were.
 * end: nothing comes after s, so half a character at its end is one that is broken.
 */
size_t utf16_to_utf8(
    enum utf16 order, struct str s, bool end, char *dst, size_t size, size_t *ret_taken);

#endif
