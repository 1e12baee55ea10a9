/*
 * positions_run: a machine whose states are sets of positions. A state is made when a text first leads there, so what it
 * costs depends on the texts and not on the expression; when there are too many, the rest goes set by set: slower, the same.
 */
#include <stdlib.h>
#include <string.h>

#include "vault/positions.h"

#define STATES_MAX 1024u
#define SLOTS (4 * STATES_MAX)
#define UNKNOWN 0u              /* state 0 is none: a row of zeroes knows nothing */
#define WHOLE UINT16_MAX        /* a match is whole */

struct runner {
	const struct positions *p;
	uint32_t n;
	struct posset sets[STATES_MAX];
	uint16_t next[STATES_MAX][256];
	uint16_t slots[SLOTS];
};

struct runner *
runner_new(const struct positions *p)
{
	struct runner *r = calloc(1, sizeof(*r));

	if (r) {
		r->p = p;
		r->n = 1;
	}
	return r;
}

void
runner_free(struct runner *r)
{
	free(r);
}

static uint32_t
slot_of(const struct posset *s)
{
	uint64_t h = 0;

	for (int i = 0; i < 4; i++)
		h = (h ^ s->w[i]) * UINT64_C(0x9e3779b97f4a7c15);
	return (uint32_t)(h >> 40) % SLOTS;
}

/* The state of a set, or UNKNOWN when there is no room for it. */
static uint16_t
state_of(struct runner *r, const struct posset *s)
{
	uint32_t at = slot_of(s);

	for (; r->slots[at]; at = (at + 1) % SLOTS) {
		if (memcmp(&r->sets[r->slots[at]], s, sizeof(*s)) == 0)
			return r->slots[at];
	}
	if (r->n == STATES_MAX)
		return UNKNOWN;
	r->sets[r->n] = *s;
	r->slots[at] = (uint16_t)r->n;
	return (uint16_t)r->n++;
}

static bool
run_sets(const struct positions *p, struct posset s, struct str text, struct posset *ret_to)
{
	for (size_t i = 0; i < text.n; i++) {
		s = positions_step(p, s, &p->at[(unsigned char)text.p[i]]);
		if (posset_meets(&s, &p->last))
			return true;
	}
	*ret_to = s;
	return false;
}

static uint16_t
make_next(struct runner *r, uint16_t state, unsigned char byte)
{
	struct posset s = positions_step(r->p, r->sets[state], &r->p->at[byte]);
	uint16_t next = posset_meets(&s, &r->p->last) ? WHOLE : state_of(r, &s);

	r->next[state][byte] = next;
	return next;
}

bool
runner_run(struct runner *r, const struct posset *from, struct str text, struct posset *ret_to)
{
	uint16_t state = state_of(r, from);

	if (state == UNKNOWN)
		return run_sets(r->p, *from, text, ret_to);
	for (size_t i = 0; i < text.n; i++) {
		unsigned char byte = (unsigned char)text.p[i];
		uint16_t next = r->next[state][byte];

		if (next == UNKNOWN)
			next = make_next(r, state, byte);
		if (next == WHOLE)
			return true;
		if (next == UNKNOWN)
			return run_sets(r->p, r->sets[state], str_from(text, i), ret_to);
		state = next;
	}
	*ret_to = r->sets[state];
	return false;
}
