/*
 * mould: what lines that one statement of a program writes have in common: fixed texts, and runs of certain bytes
 * between them. Moulds are learnt from lines that were understood the long way; a line that fits one is compared with
 * it once, from left to right, and needs neither the automaton nor a search. A mould is only kept when it is certain
 * that the long way would give every line that fits it to the same pattern, with the same values: learn.c shows
 * that, and model.c knows what can be certain. Belongs to one thread.
 */
#ifndef GUARITA_WATCH_MOULD_MOULD_H
#define GUARITA_WATCH_MOULD_MOULD_H

#include "watch/engine.h"
#include "watch/mould/plan.h"

#define MOULD_PARTS_MAX 28
#define MOULD_BYTES_MAX 320u
#define MOULD_TEXT_MAX 1000u           /* longer lines are not learnt from */
#define MOULD_DOUBTS_MAX 4u

enum mould_run {
	RUN_NONE,        /* the text ends */
	RUN_SAME,        /* a value that is part of the mould */
	RUN_DIGITS,
	RUN_PORT,        /* digits, up to 65535 */
	RUN_HEX,
	RUN_HOST,        /* a name that begins with a letter or digit and does not end in a full stop */
	RUN_NAME,        /* letters, digits and . - _ */
	RUN_VISIBLE,     /* printable ASCII but blanks, and but `stop` */
	RUN_TEXT,        /* anything but `stop` */
	RUN_QUOTED,      /* anything but quotes and backslashes; may be empty */
	RUN_REST,        /* anything */
	RUN_QUAD,        /* a dotted quad */
	RUN_TIME,        /* what match_time() takes */
	RUN_HOLE,        /* what hole_forward() takes */
};

struct mould_part {                    /* a fixed text, then a run */
	uint16_t lit, len;             /* the text, in mould.bytes */
	uint16_t same, nsame;          /* RUN_SAME: likewise */
	uint8_t run, type;             /* enum mould_run; RUN_HOLE, RUN_TIME: enum hole_type */
	char stop;                     /* what stands behind the run; 0 at the end of the text */
	const struct step *next;       /* RUN_HOLE: the step that follows */
};

struct mould_hole {                     /* a value that is kept */
	uint8_t hole, part;
	bool wild, empty;              /* empty: behind the run, which ends the text */
	uint16_t back;                 /* MOULD_RUN, or: from so many bytes before the run up to the end of the text */
};
#define MOULD_RUN UINT16_MAX

struct mould {
	struct mould *next;            /* in its bucket */
	const struct line *line;
	const struct line *doubts[MOULD_DOUBTS_MAX];   /* may match too: then the long way decides */
	const struct step *absent[MOULD_DOUBTS_MAX];   /* literals without which they do not, seldom there; or NULL */
	uint8_t ndoubts, nparts, nvalues;
	bool no_time;                  /* only for texts that do not begin with a time */
	uint8_t group;                 /* so many groups of the set are asked before: only for records with one text if any */
	struct mould_part parts[MOULD_PARTS_MAX];
	struct mould_hole values[MOULD_PARTS_MAX];
	char bytes[MOULD_BYTES_MAX];
	struct plan plan;
};

struct moulds;                         /* of one thread */
struct mould_set;                      /* of all programs that have the same groups */

struct moulds *moulds_new(const struct decoders *d);
void moulds_free(struct moulds *m);
/*
 * The set of records that are looked for in these groups first, then in that of any program: NULL when there are too
 * many sets, or m is NULL.
 */
struct mould_set *moulds_of(struct moulds *m, const uint32_t *groups, uint32_t n);
/* How many texts have been taken by moulds. */
uint64_t moulds_taken(const struct moulds *m);
/*
 * Gives the text at base to the pattern of a mould. `alone`: no other text of the record could be the message. False:
 * nothing was changed.
 */
bool moulds_decode(struct decode_work *w, struct mould_set *set, struct slot base, bool alone, struct record *r);
/* The long way gave this text to w->hit, in the i-th of the record's groups: perhaps worth a mould. */
void moulds_learn(struct decode_work *w, struct mould_set *set, uint32_t i, struct str text);

/* Which bytes a run may hold: 256 of them. */
void mould_run_bytes(const struct mould_part *part, bool *ret);
/* Does the text fit? Ends of runs are left in the two lists, by part. */
bool mould_fits(const struct mould *m, struct str text, struct match *match, const char **from, const char **to);

static inline struct str
mould_value(const struct mould_hole *v, struct str text, const char **from, const char **to)
{
	const char *begin = v->empty ? to[v->part] : from[v->part], *end = to[v->part];
	struct str value;

	if (v->back != MOULD_RUN) {
		begin -= v->back;
		end = text.p + text.n;
	}
	value = str_of(begin, (size_t)(end - begin));

	return v->wild ? match_wild_value(value) : value;
}

/* The groups that are asked one after the other; the line is of the last. */
struct mould_groups {
	const struct group *v[WORK_GROUPS_MAX + DECODE_ROUTE_MAX + 2];
	bool lead_limited[WORK_GROUPS_MAX + DECODE_ROUTE_MAX + 2];     /* match.lead_limited */
	uint32_t n;
};

/*
 * A mould of the way in which the line's pattern matched the text; width 0 has the widest runs. False when it is not
 * certain that the pattern matches whatever fits, with the same values, or when too many others of its group might.
 */
#define MOULD_WIDTHS 4
bool mould_learn(const struct mould_groups *g, const struct line *l, struct str text, struct match *scratch, unsigned width,
    struct mould *ret);

#endif
