/*
 * automaton: the determinised beginnings of all patterns of a group, made as texts ask for them. A state is a set of
 * places within ways; what the set proposes when it is entered, and when the text ends there, is kept with it. Without
 * credit for a new state the set is carried from byte to byte instead: slower, never different.
 */
#include "watch/pattern/automaton.h"

#include <assert.h>
#include <stdlib.h>

#include "watch/pattern/chain.h"
#include "watch/pattern/places.h"

#define STATES_MAX 16000u
#define BYTES_MAX (3u << 20)           /* then it begins anew: lines have changed */

#define FEW 3u                         /* patterns that are tried rather than told apart by new states */
#define LEFT_BEFORE_MADE 2             /* times: a shape seen once or twice is not worth its states */

enum { UNKNOWN, START };
#define SPECIAL 0x8000u                /* of a link: something happens on entering the state, or a chain begins there */
#define END_UNKNOWN UINT32_MAX

_Static_assert(STATES_MAX < SPECIAL, "a link names any state");

/* Chains are learnt from texts that took many look-ups; ever more seldom while there is nothing to learn. */
#define WORTH_LEARNING 16u
#define LEARN_SELDOM 64u

struct state {
	uint32_t places, nplaces;      /* in automaton.places */
	uint32_t arrived, narrived;    /* in automaton.ranks */
	uint32_t end, nend;            /* likewise, when the text ends here; nend END_UNKNOWN: not asked yet */
	uint32_t hash;
	uint32_t chain;                /* that begins here; 0: none */
	uint8_t left;                  /* how often it was left for a state not made yet */
	bool stop;                     /* nothing more can be learnt from the text */
};

struct automaton {
	const struct index *x;
	uint16_t *links;               /* by state and class: the next state; UNKNOWN: no text has been there */
	unsigned row_bits;             /* a state has a row of so many links, as power of two */
	struct state *states;
	uint32_t nstates, states_size;
	place *places;
	uint32_t nplaces, places_size;
	uint32_t *ranks;
	uint32_t nranks, ranks_size;
	uint16_t *table;               /* of states, by hash */
	uint32_t table_size;           /* power of two */
	struct chains chains;
	struct chain_draft draft;      /* scratch, as are these: */
	struct places_set next, other;
	uint32_t learn_every, passed;  /* texts worth learning from: every so many is; so many were not */
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
	uint16_t *links;

	if (states)
		a->states = states;
	links = states ? reallocarray(a->links, (size_t)size << a->row_bits, sizeof(*links)) : NULL;
	if (!links)
		return false;
	a->links = links;
	a->states_size = size;
	return true;
}

static size_t
bytes_used(const struct automaton *a)
{
	return a->nstates * (sizeof(struct state) + (sizeof(*a->links) << a->row_bits)) + a->nplaces * sizeof(place) +
	    a->nranks * sizeof(uint32_t) + a->chains.n;
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
	memset(a->links + ((size_t)id << a->row_bits), 0, sizeof(*a->links) << a->row_bits);
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
	a->learn_every = 1;
	chains_empty(&a->chains);
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
	while (1u << a->row_bits < x->nclasses)
		a->row_bits++;
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
	chains_free(&a->chains);
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

static inline uint16_t *
link_of(const struct automaton *a, uint16_t id, char c)
{
	return &a->links[((size_t)id << a->row_bits) + a->x->class[(unsigned char)c]];
}

/* Does it propose anything, or is it the last that a text needs? */
static bool
tells(const struct state *st)
{
	return st->narrived || st->stop;
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
	*link_of(a, *id, c) = (uint16_t)(to | (tells(&a->states[to]) || a->states[to].chain ? SPECIAL : 0));
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
 * As far as the states are known, from *id on: one look-up a byte. Ends behind the byte that led to a special state, or
 * at the byte that leads nowhere yet. Returns whether the state is special.
 */
static bool
run(const struct automaton *a, uint16_t *id, struct str text, size_t *pos)
{
	const uint16_t *links = a->links;
	const uint8_t *class = a->x->class;
	const char *p = text.p + *pos, *end = text.p + text.n;
	unsigned bits = a->row_bits;
	size_t at = *id;
	bool special = false;

	while (p < end) {
		uint16_t to = links[(at << bits) + class[(unsigned char)*p]];

		if ((uint16_t)(to - 1) >= SPECIAL - 1) {       /* or unknown, which is 0 */
			special = to != UNKNOWN;
			at = special ? to & ~SPECIAL : at;
			p += special;
			break;
		}
		/* Within a hole a state leads to itself: then nothing waits for the look-up before. */
		for (p++; to == at && p < end && links[(at << bits) + class[(unsigned char)*p]] == to; p++)
			;
		at = to;
	}
	*id = (uint16_t)at;
	*pos = (size_t)(p - text.p);
	return special;
}

/*
 * Along the chains that begin at state *id, and what their ends propose. Returns whether nothing more can be learnt.
 */
static bool
follow_chains(const struct automaton *a, uint16_t *id, struct str text, size_t *pos, struct candidates *c)
{
	while (a->states[*id].chain && *pos < text.n) {
		size_t n = chain_follow(&a->chains, a->states[*id].chain, str_from(text, *pos), id);

		if (n == 0)
			return false;
		*pos += n;
		if (tells(&a->states[*id]) && enter(a, *id, text, c))
			return true;
	}
	return false;
}

/* Keeps the draft as the chain of state `head`, to which a link leads (NULL: it is the start). */
static bool
keep_chain(struct automaton *a, uint16_t head, uint16_t *link)
{
	struct state *st = &a->states[head];

	if (!st->chain && (a->draft.n < CHAIN_LEAST || bytes_used(a) > BYTES_MAX))
		return false;
	if (st->chain && (!link || *link & SPECIAL))
		return false;
	if (!st->chain)
		st->chain = chain_keep(&a->chains, &a->draft);
	if (link && st->chain)
		*link |= SPECIAL;
	return st->chain != 0;
}

/*
 * Walks a text once more along known states and keeps what lies between its holes as chains: they begin where a run of
 * bytes that led to the state itself has ended, and end before the next, or where something is proposed. Returns
 * whether there was anything new.
 */
static bool
learn(struct automaton *a, struct str text)
{
	struct chain_draft *d = &a->draft;
	uint16_t at = START, head = START, *to_head = NULL;
	bool drafting = true, new = false;

	d->n = 0;
	for (size_t i = 0; i < text.n; i++) {
		uint16_t *link = link_of(a, at, text.p[i]), to = *link & (uint16_t)~SPECIAL;
		bool stays = to == at;

		if (to == UNKNOWN)
			break;
		if (drafting && !stays) {
			d->states[d->n] = to;
			d->bytes[d->n++] = text.p[i];
		}
		if (drafting && (stays || tells(&a->states[to]) || d->n == CHAIN_MAX)) {
			new |= keep_chain(a, head, to_head);
			drafting = false;
		} else if (!drafting && !stays) {
			head = to;
			to_head = link;
			drafting = true;
			d->n = 0;
		}
		at = to;
	}
	return (drafting && keep_chain(a, head, to_head)) || new;
}

/* A text has taken so many look-ups. */
static void
perhaps_learn(struct automaton *a, struct str text, size_t looked_up)
{
	if (looked_up < WORTH_LEARNING || ++a->passed < a->learn_every)
		return;
	a->passed = 0;
	if (learn(a, text))
		a->learn_every = 1;
	else if (a->learn_every < LEARN_SELDOM)
		a->learn_every *= 2;
}

/* Over the whole text or until all is proposed; *looked_up: bytes that no chain covered. */
static void
pass_over(struct automaton *a, struct automata_budget *b, struct str text, struct candidates *c, struct match *m,
    size_t *looked_up)
{
	uint16_t id = START;
	size_t pos = 0, from;

	if (follow_chains(a, &id, text, &pos, c))
		return;
	while (pos < text.n) {
		from = pos;
		if (run(a, &id, text, &pos)) {
			*looked_up += pos - from;
			if (enter(a, id, text, c) || follow_chains(a, &id, text, &pos, c))
				return;
			continue;
		}
		*looked_up += pos - from;
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

void
automaton_walk(struct automaton *a, struct automata_budget *b, struct str text, struct candidates *c, struct match *m)
{
	size_t looked_up = 0;

	if (a->full) {
		b->emptied++;
		if (!empty(a))
			return;
	}
	if (enter(a, START, text, c))
		return;
	m->steps += text.n / 8 + 1;
	pass_over(a, b, text, c, m, &looked_up);
	perhaps_learn(a, text, looked_up);
}
