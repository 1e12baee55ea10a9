/* learn: what learn.c and choose.c share. Private to them. */
#ifndef GUARITA_WATCH_MOULD_LEARN_H
#define GUARITA_WATCH_MOULD_LEARN_H

#include "watch/mould/model.h"

#define NO_PART UINT8_MAX

struct learner {
	const struct pattern *p;
	struct str text;
	struct trail trail;            /* in the order of the text once sort_trail() was there */
	uint16_t n, pivot;             /* pivot: place of the untrusted hole in the trail, or n */
	unsigned width;
	bool lead_limited;
	struct mould *m;
	uint16_t nbytes;
	uint8_t rest;                  /* capture of a wildcard that found nothing left, or STEP_NOT_KEPT */
	size_t from;                   /* where the text begins that no part has yet */
	uint8_t part_of[TRAIL_MAX];    /* by step of the trail: its run's part, or NO_PART */
	struct model model;
};

static inline const struct step *
step_of(const struct learner *L, uint16_t at)
{
	return &L->p->steps[L->trail.passed[at].step];
}

/* Has the byte no other case that the step would take for it as well? */
static inline bool
one_case(const struct step *s, char c)
{
	return !s->nocase || !mould_is_letter(c);
}

/* Are all bytes of the stretch such as the part's run may hold? */
bool all_of(const struct learner *L, const struct mould_part *part, const struct trail_step *at);
/*
 * A kind of run for what step i of the trail took, such that the step ends there in every text that fits. Its `stop` is
 * set. False when there is none.
 */
bool choose_run(const struct learner *L, uint16_t i, struct mould_part *part);
/* For a piece of a text that no step looks at: any run will do that what follows ends. */
bool choose_piece(const struct learner *L, size_t from, size_t to, struct mould_part *part);

#endif
