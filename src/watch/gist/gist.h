/*
 * gist: what a line says that no decoder knows: did a login fail, was a connection refused, a packet dropped, an attack
 * seen; from which address, by which account. Read from words and from what stands beside them (words.def), in
 * prose, in key=value pairs and in JSON alike. It is a guess and goes no further than a guess may: an address is only
 * named where a second one could not be meant. Must never look at a byte more often than a few times.
 */
#ifndef GUARITA_WATCH_GIST_GIST_H
#define GUARITA_WATCH_GIST_GIST_H

#include "base/str.h"

enum gist_said {
	GIST_NOTHING,
	GIST_AUTH_FAIL,
	GIST_AUTH_OK,
	GIST_LEFT,             /* a session ended */
	GIST_REFUSED,
	GIST_DENIED,           /* a packet */
	GIST_PASSED,
	GIST_ATTACK,
	GIST_FLOOD,
	GIST_MALWARE,
	GIST_BANNED,
	GIST_UNBANNED,
};

struct gist {
	enum gist_said said;
	struct str src, src_port, dst, dst_port, user;  /* slices of the text; empty: not said, or not for certain */
};

struct gist_words;                     /* the vocabulary, ready to be looked up */
struct gist_words *gist_words_new(void);
void gist_words_free(struct gist_words *w);

/* False when the text says nothing of the kind. */
bool gist_read(const struct gist_words *w, struct str text, struct gist *ret);
/* "auth_fail" and so on, as rules ask for it. */
struct str gist_said_name(enum gist_said said);

#endif
