/*
 * routeros: an export of RouterOS (`/export`, a .rsc file) read as statements, and turned into our configuration.
 * Every statement ends in exactly one of three ways: converted, needless here (with the reason), or listed as not
 * converted (with the reason). Nothing is guessed and nothing is left out silently. Pure: text in, text out.
 */
#ifndef GUARITA_GATE_ROUTEROS_ROUTEROS_H
#define GUARITA_GATE_ROUTEROS_ROUTEROS_H

#include "base/arena.h"
#include "base/buf.h"

#define ROUTEROS_TEXT_MAX (16u << 20)
#define ROUTEROS_STATEMENTS_MAX 100000
#define ROUTEROS_PAIRS_MAX 64

struct routeros_pair {
	struct str key, value;         /* quotes and escapes resolved */
};

enum routeros_fate { ROUTEROS_OPEN, ROUTEROS_CONVERTED, ROUTEROS_NEEDLESS, ROUTEROS_NOT };

struct routeros_statement {
	uint32_t line;                 /* where it begins */
	struct str menu;               /* "/ip firewall filter" */
	struct str verb;               /* "add", "set" ... */
	struct str find;               /* inside [ find ... ], or the plain word that set is about */
	struct routeros_pair *pairs;
	uint32_t npairs;
	struct str text;               /* on one line, for the list */
	enum routeros_fate fate;
	const char *why;               /* of NEEDLESS and NOT */
};

struct routeros {
	struct routeros_statement *v;
	uint32_t n;
	uint32_t skipped;              /* beyond ROUTEROS_STATEMENTS_MAX */
};

/* 0 or -ENOMEM; text that is no statement becomes one that cannot be converted. */
int routeros_parse(struct arena *a, struct str text, struct routeros *ret) WARN_UNUSED;
/* The value of a key, or STR_NULL. */
struct str routeros_get(const struct routeros_statement *s, const char *key);
bool routeros_is(const struct routeros_statement *s, const char *menu, const char *verb);

struct routeros_counts {
	uint32_t converted, needless, not_converted;
};

/*
 * The configuration, with the lists of what was needless and what was not converted as comments at its end. Marks the
 * fate of each statement. 0 or -ENOMEM.
 */
int routeros_convert(struct arena *a, struct routeros *r, struct buf *out, struct routeros_counts *ret) WARN_UNUSED;

#endif
