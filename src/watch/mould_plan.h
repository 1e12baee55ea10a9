/*
 * mould_plan: what finish.c decides for every line anew, decided once for all lines of a mould: which fields there will
 * be, in which order, with which constants, and as far as no value has a say, the kind. A line then only says where its
 * values lie. Must come to what finish_match() comes to, or stand back: a plan that does not hold for a line changes
 * nothing.
 */
#ifndef GUARITA_WATCH_MOULD_PLAN_H
#define GUARITA_WATCH_MOULD_PLAN_H

#include "watch/engine.h"

#define PLAN_SLOTS_MAX 32
#define PLAN_FIELDS_MAX 24
#define PLAN_EXTRA_MAX 64u
#define PLAN_REFINES_MAX 16

struct plan_slot {                     /* one value, and where it goes */
	uint16_t key;                  /* the field that it is for */
	uint16_t target;               /* and the one that store.h must name, or FIELD_NONE */
	uint8_t value;                 /* in mould.values */
	uint8_t field;                 /* in plan.fields; PLAN_NOWHERE: it is not kept, or is the time */
	uint8_t how;                   /* enum plan_how */
};
#define PLAN_NOWHERE UINT8_MAX

struct plan {
	bool made, asks;               /* asks: the line's `when` depends on values */
	uint8_t nslots, nfields, nrefines, nextra;
	uint16_t kind;                 /* when no refinement of the list holds */
	bool hostile;
	uint8_t refines[PLAN_REFINES_MAX];     /* of the line's: those that depend on values */
	struct plan_slot slots[PLAN_SLOTS_MAX];
	uint64_t keys_seen;
	uint8_t hint[64];
	struct field fields[PLAN_FIELDS_MAX];  /* constants: offset in extra */
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
    const struct match *match, const char **from, const char **to, struct record *r);

#endif
