/*
 * plan: what finish.c decides for every line anew, decided once for all lines of a mould: which fields there will
 * be, in which order, with which constants, and as far as no value has a say, the kind. A line then only says where its
 * values lie. Must come to what finish_match() comes to, or stand back: a plan that does not hold for a line changes
 * nothing.
 */
#ifndef GUARITA_WATCH_MOULD_PLAN_H
#define GUARITA_WATCH_MOULD_PLAN_H

#include "watch/engine.h"

#define PLAN_SLOTS_MAX 40
#define PLAN_FIELDS_MAX 24
#define PLAN_EXTRA_MAX 64u
#define PLAN_REFINES_MAX 24

enum plan_how {
	HOW_SURE,        /* always stored as it stands */
	HOW_TEXT,        /* unless it is "-" */
	HOW_STORED,      /* as store_target() says */
	HOW_MAPPED,      /* as store_mapped_target() says */
	HOW_TIME,        /* the time that stands in the line */
};

struct plan_edge {                     /* a place in a text that fits: so many bytes behind the end of a run */
	int16_t off;
	uint8_t run;                   /* part + 1; 0: the beginning of the text */
};

struct plan_slot {                     /* one value, and where it goes */
	uint16_t key;                  /* the field that it is for */
	uint16_t target;               /* and the one that store.h must name, or FIELD_NONE */
	struct plan_edge begin, end;
	bool wild;                     /* blanks around it are not part of it */
	uint8_t field;                 /* in plan.fields; PLAN_NOWHERE: it is not kept, or is the time */
	uint8_t how;                   /* enum plan_how */
};
#define PLAN_NOWHERE UINT8_MAX

struct plan {
	bool made, asks;               /* asks: the line's `when` depends on values */
	uint8_t nslots, nfields, nrefines, nextra;
	uint16_t kind;                 /* when no refinement of the list holds */
	bool hostile;
	uint32_t in_extra;             /* bit per field: a text of the plan, at that offset in extra */
	uint8_t refines[PLAN_REFINES_MAX];     /* of the line's: those that depend on values */
	struct plan_slot slots[PLAN_SLOTS_MAX];
	uint64_t keys_seen;
	uint8_t hint[64];
	struct field fields[PLAN_FIELDS_MAX];
	char extra[PLAN_EXTRA_MAX];
};

struct mould;

/* Makes the plan of a mould; text is one that fits. plan.made tells whether there is one. */
void plan_make(const struct ruleset *rs, struct mould *m, struct str text, const char **from, const char **to);
enum plan_answer { PLAN_DONE, PLAN_REFUSED, PLAN_STANDS_BACK };
/*
 * Finishes r, whose text at base fits the mould, as finish_match() would. PLAN_REFUSED: the line's conditions do not hold.
 * Neither that nor PLAN_STANDS_BACK changes the record.
 */
enum plan_answer plan_finish(const struct ruleset *rs, const struct mould *m, struct str text, struct slot base,
    const struct match *match, const char **to, struct record *r);

#endif
