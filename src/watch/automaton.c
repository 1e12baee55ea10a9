/*
 * automaton: the determinised beginnings of all patterns of a group, made as texts ask for them. A state is a set of
 * places within ways; what the set proposes when it is entered, and when the text ends there, is kept with it. Without
 * credit for a new state the set is carried from byte to byte instead: slower, never different.
 */
#include "watch/automaton.h"

#include <assert.h>
#include <stdlib.h>

#include "watch/places.h"

#define STATES_MAX 16000u
#define BYTES_MAX (3u << 20)           /* then it begins anew: lines have changed */

#define FEW 3u                         /* patterns that are tried rather than told apart by new states */
#define LEFT_BEFORE_MADE 2             /* times: a shape seen once or twice is not worth its states */

enum { UNKNOWN, START };
#define SPECIAL 0x80000000u            /* of a link: something happens on entering the state */
#define END_UNKNOWN UINT32_MAX

struct state {
	uint32_t places, nplaces;      /* in automaton.places */
	uint32_t arrived, narrived;    /* in automaton.ranks */
	uint32_t end, nend;            /* likewise, when the text ends here; nend END_UNKNOWN: not asked yet */
	uint32_t hash;
	uint8_t left;                  /* how often it was left for a state not made yet */
	bool stop;                     /* nothing more can be learnt from the text */
};

struct automaton {
	const struct index *x;
	uint32_t *links;               /* by state and class: the row of the next state; UNKNOWN: no text has been there */
	struct state *states;
	uint32_t nstates, states_size;
	place *places;
	uint32_t nplaces, places_size;
	uint32_t *ranks;
	uint32_t nranks, ranks_size;
	uint16_t *table;               /* of states, by hash */
	uint32_t table_size;           /* power of two */
	struct places_set next, other;        /* scratch */
	bool full;
};

static void
propose_all(const struct index *x, const uint32_t *ranks, uint32_t n, struct str text, struct candidates *c)
{
	for (uint32_t i = 0; i < n; i++)
		if (pattern_may_match(x->ways[ranks[i]].pattern, text))
			candidates_add(c, ranks[i]);
}

static uint32_t
hash_set(const struct places_set *s)
{
	uint64_t h = 1469598103934665603u ^ s->n;

	for (uint32_t i = 0; i < s->n; i++)
		h = (h ^ s->v[i] ^ s->v[i] >> 29) * 1099511628211u;
	for (uint32_t i = 0; i < s->narrived; i++)
		h = (h ^ s->arrived[i]) * 1099511628211u;
	return (uint32_t)(h ^ h >> 32);
}

static bool
is_state(const struct automaton *a, const struct state *st, const struct places_set *s, uint32_t hash)
{
	if (st->hash != hash || st->nplaces != s->n || st->narrived != s->narrived)
		return false;
	return (s->n == 0 || memcmp(a->places + st->places, s->v, s->n * sizeof(*s->v)) == 0) &&
	    (s->narrived == 0 || memcmp(a->ranks + st->arrived, s->arrived, s->narrived * sizeof(*s->arrived)) == 0);
}

static uint32_t
keep_ranks(struct automaton *a, const uint32_t *v, uint32_t n)
{
	uint32_t first = a->nranks;

	for (uint32_t i = 0; i < n; i++) {
		if (!places_room(&a->ranks, a->nranks, &a->ranks_size, sizeof(*a->ranks)))
			return END_UNKNOWN;
		a->ranks[a->nranks++] = v[i];
	}
	return first;
}

static bool
grow_table(struct automaton *a)
{
	uint32_t size = a->table_size ? a->table_size * 2 : 128;
	uint16_t *table = calloc(size, sizeof(*table));

	if (!table)
		return false;
	for (uint32_t id = START; id < a->nstates; id++) {
		uint32_t at = a->states[id].hash & (size - 1);

		while (table[at])
			at = (at + 1) & (size - 1);
		table[at] = (uint16_t)id;
	}
	free(a->table);
	a->table = table;
	a->table_size = size;
	return true;
}

static bool
grow_states(struct automaton *a)
{
	uint32_t size = a->states_size ? a->states_size * 2 : 32;
	struct state *states = reallocarray(a->states, size, sizeof(*states));
	uint32_t *links;

	if (states)
		a->states = states;
	links = states ? reallocarray(a->links, (size_t)size * a->x->nclasses, sizeof(*links)) : NULL;
	if (!links)
		return false;
	a->links = links;
	a->states_size = size;
	return true;
}

static size_t
bytes_used(const struct automaton *a)
{
	return (size_t)a->nstates * (sizeof(struct state) + a->x->nclasses * sizeof(uint32_t)) +
	    a->nplaces * sizeof(place) + a->nranks * sizeof(uint32_t);
}

/* The set in `next` as a new state; 0 without memory. */
static uint16_t
add_state(struct automaton *a, const struct places_set *s, uint32_t hash, bool stop)
{
	struct state st = { .hash = hash, .nplaces = s->n, .places = a->nplaces, .narrived = s->narrived,
	    .nend = END_UNKNOWN, .stop = stop };
	uint16_t id = (uint16_t)a->nstates;

	if (a->nstates == a->states_size && !grow_states(a))
		return UNKNOWN;
	st.arrived = keep_ranks(a, s->arrived, s->narrived);
	if (st.arrived == END_UNKNOWN)
		return UNKNOWN;
	for (uint32_t i = 0; i < s->n; i++) {
		if (!places_room(&a->places, a->nplaces, &a->places_size, sizeof(*a->places)))
			return UNKNOWN;
		a->places[a->nplaces++] = s->v[i];
	}
	a->states[id] = st;
	memset(a->links + (size_t)id * a->x->nclasses, 0, a->x->nclasses * sizeof(*a->links));
	a->nstates++;
	return id;
}

/* The state that the set in `next` is, made when it is new and may be made; 0 otherwise. */
static uint16_t
intern(struct automaton *a, struct automata_budget *b, bool stop)
{
	uint32_t hash = hash_set(&a->next), at;
	uint16_t id;

	if (a->next.failed || ((a->nstates + 1) * 2 > a->table_size && !grow_table(a)))
		return UNKNOWN;
	at = hash & (a->table_size - 1);
	for (; a->table[at]; at = (at + 1) & (a->table_size - 1))
		if (is_state(a, &a->states[a->table[at]], &a->next, hash))
			return a->table[at];
	if (b->credit == 0 || a->nstates >= STATES_MAX || bytes_used(a) > BYTES_MAX) {
		a->full |= b->credit > 0;
		return UNKNOWN;
	}
	id = add_state(a, &a->next, hash, stop);
	if (id) {
		a->table[at] = id;
		b->credit--;
		b->built++;
	}
	return id;
}

/* Forgets all states but the start. False without memory. */
static bool
empty(struct automaton *a)
{
	struct automata_budget free_of_charge = { .credit = 1 };

	a->nstates = START;
	a->nplaces = a->nranks = 0;
	a->full = false;
	free(a->table);
	a->table = NULL;
	a->table_size = 0;
	if (a->states_size == 0 && !grow_states(a))
		return false;
	places_begin(a->x, &a->next);
	return !a->next.failed && intern(a, &free_of_charge, a->next.n == 0) == START;
}

struct automaton *
automaton_new(const struct index *x)
{
	struct automaton *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->x = x;
	if (!empty(a)) {
		automaton_free(a);
		return NULL;
	}
	return a;
}

void
automaton_free(struct automaton *a)
{
	if (!a)
		return;
	free(a->links);
	free(a->states);
	free(a->places);
	free(a->ranks);
	free(a->table);
	places_free(&a->next);
	places_free(&a->other);
	free(a);
}

/* Proposes what state id does on being entered; true when that was all. */
static bool
enter(const struct automaton *a, uint16_t id, struct str text, struct candidates *c)
{
	const struct state *st = &a->states[id];

	propose_all(a->x, a->ranks + st->arrived, st->narrived, text, c);
	return st->stop;
}

enum left { LEFT_FOR_STATE, LEFT_FOR_GOOD, LEFT_STUCK };

/*
 * Leaves state *id for c by a link that is not there yet. LEFT_FOR_GOOD: all that is left is proposed. LEFT_STUCK: no
 * state could be made; *id is as before.
 */
static enum left
leave_state(struct automaton *a, struct automata_budget *b, uint16_t *id, char c, struct str text,
    struct candidates *found)
{
	struct state *from = &a->states[*id];
	uint32_t few[FEW], nfew;
	uint16_t to;
	bool stop = places_advance(a->x, a->places + from->places, from->nplaces, c, &a->next);

	if (!stop && from->left < LEFT_BEFORE_MADE && places_few(a->x, &a->next, FEW, few, &nfew)) {
		from->left++;
		propose_all(a->x, a->next.arrived, a->next.narrived, text, found);
		propose_all(a->x, few, nfew, text, found);
		return LEFT_FOR_GOOD;
	}
	to = intern(a, b, stop);
	if (!to)
		return LEFT_STUCK;
	from = &a->states[to];
	a->links[*id * a->x->nclasses + a->x->class[(unsigned char)c]] =
	    to * a->x->nclasses | (from->narrived || from->stop ? SPECIAL : 0);
	*id = to;
	return enter(a, to, text, found) ? LEFT_FOR_GOOD : LEFT_FOR_STATE;
}

/* From text[pos] on without states: the set itself is carried along. It begins as that of state id. */
static void
carry(struct automaton *a, uint16_t id, struct str text, size_t pos, struct candidates *c, struct match *m)
{
	const place *from = a->places + a->states[id].places;
	uint32_t n = a->states[id].nplaces;

	for (; pos < text.n; pos++) {
		struct places_set done;
		bool stop;

		m->steps += 1 + n / 8;
		stop = places_advance(a->x, from, n, text.p[pos], &a->next);
		propose_all(a->x, a->next.arrived, a->next.narrived, text, c);
		if (stop)
			return;
		done = a->other;
		a->other = a->next;
		a->next = done;
		from = a->other.v;
		n = a->other.n;
	}
	places_at_end(a->x, from, n, &a->next);
	propose_all(a->x, a->next.arrived, a->next.narrived, text, c);
}

/* What the end of the text in this state proposes. */
static void
end_in(struct automaton *a, uint16_t id, struct str text, struct candidates *c)
{
	struct state *st = &a->states[id];

	if (st->nend == END_UNKNOWN) {
		places_at_end(a->x, a->places + st->places, st->nplaces, &a->next);
		st->end = keep_ranks(a, a->next.arrived, a->next.narrived);
		if (st->end == END_UNKNOWN) {
			propose_all(a->x, a->next.arrived, a->next.narrived, text, c);
			return;
		}
		st->nend = a->next.narrived;
	}
	propose_all(a->x, a->ranks + st->end, st->nend, text, c);
}

/*
 * As far as the states are known, from the row of one on: one look-up a byte. Returns the row where that ends, *pos
 * behind the byte that led there, or at the byte that leads nowhere yet.
 */
static uint32_t
run(const struct automaton *a, uint32_t row, struct str text, size_t *pos)
{
	const uint32_t *links = a->links;
	const uint8_t *class = a->x->class;
	const char *p = text.p + *pos, *end = text.p + text.n;

	while (p < end) {
		uint32_t to = links[row + class[(unsigned char)*p]];

		if ((int32_t)to <= (int32_t)UNKNOWN) {   /* or special */
			row = to == UNKNOWN ? row : to;
			p += to != UNKNOWN;
			break;
		}
		row = to;
		p++;
	}
	*pos = (size_t)(p - text.p);
	return row;
}

void
automaton_walk(struct automaton *a, struct automata_budget *b, struct str text, struct candidates *c, struct match *m)
{
	uint16_t id = START;
	size_t pos = 0;

	if (a->full) {
		b->emptied++;
		if (!empty(a))
			return;
	}
	if (enter(a, START, text, c))
		return;
	m->steps += text.n / 8 + 1;
	while (pos < text.n) {
		uint32_t row = run(a, id * a->x->nclasses, text, &pos);

		id = (uint16_t)((row & ~SPECIAL) / a->x->nclasses);
		if (row & SPECIAL) {
			if (enter(a, id, text, c))
				return;
			continue;
		}
		if (pos == text.n)
			break;
		m->steps += a->states[id].nplaces / 8;
		switch (leave_state(a, b, &id, text.p[pos], text, c)) {
		case LEFT_FOR_STATE:
			pos++;
			break;
		case LEFT_FOR_GOOD:
			return;
		case LEFT_STUCK:
			carry(a, id, text, pos, c, m);
			return;
		}
	}
	end_in(a, id, text, c);
}
