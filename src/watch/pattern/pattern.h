/*
 * pattern: a text pattern of rules/ as a graph of steps without loops: `{a|b}` is a fork. It is matched from left to
 * right up to the first untrusted hole, and from the right end back to it. A wildcard that failed from one place is
 * never tried again further on, so a match is linear in the text; a budget of steps makes that a promise.
 */
#ifndef GUARITA_WATCH_PATTERN_PATTERN_H
#define GUARITA_WATCH_PATTERN_PATTERN_H

#include "watch/pattern/hole.h"
#include "watch/load.h"
#include "wire/stamp.h"

#define PATTERN_HOLES_MAX 60
#define PATTERN_STEPS_MAX 400
#define PATTERN_LINKS_MAX 8000
#define PATTERN_WILDS_MAX 32
#define PATTERN_MUST_MAX 3

enum step_code {
	STEP_LIT,        /* these bytes, none of them a blank */
	STEP_BLANKS,     /* one or more blanks; none are needed at either end of the text, or after a blank */
	STEP_HOLE,       /* a bounded typed hole */
	STEP_SKIP,       /* anything, as little as possible */
	STEP_PIVOT,      /* untrusted: what is left between both sides */
};

#define STEP_NOT_KEPT UINT8_MAX
#define STEP_START UINT16_MAX      /* in `prev` lists */
#define STEP_END (UINT16_MAX - 1)  /* in `next` lists */

struct step {
	uint8_t code;
	uint8_t type;        /* enum hole_type */
	uint8_t hole;        /* capture to fill, or STEP_NOT_KEPT */
	uint8_t wild;        /* wildcards: their number in the pattern */
	bool nocase;
	bool then_blank;     /* STEP_LIT: only blanks or the end may follow */
	uint16_t len;        /* STEP_LIT */
	uint16_t next, nnext;    /* in pattern.links: what may follow, in the order of the text */
	uint16_t prev, nprev;
	const char *lit;     /* lower case when nocase */
};

struct hole {
	uint16_t field;      /* FIELD_NONE: not kept */
	uint8_t type;
};

struct pattern {
	struct str source;
	const struct step *steps;      /* each stands after all that may come before it */
	const uint16_t *links;
	const struct hole *holes;
	uint16_t nsteps;
	uint16_t first, nfirst;        /* in links: what may begin */
	uint16_t last, nlast;          /* and end */
	uint16_t nwilds;
	uint16_t nholes;
	uint16_t min_len;              /* no shorter text can match */
	uint16_t must[PATTERN_MUST_MAX];       /* literals on every way, in order: cheap to miss */
	uint8_t nmust;
	bool ends_literal;             /* every way ends in a literal */
	bool nocase;
};

/* How a match came about: each step and what it took. */
#define TRAIL_MAX 200
struct trail_step {
	uint16_t step;
	uint32_t from, to;
};

struct trail {
	uint16_t n;              /* more than TRAIL_MAX: the rest is missing */
	uint16_t right;          /* from here on the steps stand from the right end back, the untrusted hole last */
	struct trail_step passed[TRAIL_MAX];
};

/* What one match captured. */
struct match {
	struct str at[PATTERN_HOLES_MAX];
	uint64_t have;           /* bit per capture */
	uint64_t steps;          /* work done since the caller zeroed it: the unit of the linear bound */
	bool lead_limited;       /* a wildcard at the very beginning must not reach into foreign text; the caller says */
	size_t lead_max;         /* where that begins; SIZE_MAX: not looked for yet in this text */
	struct match_times {     /* looked for at the beginning and elsewhere: many patterns want one there */
		struct {
			const char *at;      /* NULL: none yet. The caller forgets them with every new text */
			size_t n;            /* how long it was, or HOLE_MISS */
			struct stamp stamp;
		} v[2];
	} times;
	struct time_memo {       /* the last time that was read: in a log the next line often has the same */
		char text[HOLE_TIME_MAX];
		uint8_t n, read;     /* bytes of text that decided it, and how many of them are the time */
		bool to_end;         /* the text ended there */
		struct stamp stamp;
	} memo;
	struct trail *trail;     /* NULL: nobody wants to know */
	size_t stopped_at;       /* after a miss: how far it came, and the step that failed */
	uint16_t stopped_step;   /* STEP_END: the end of the text was wanted */
};

/* The work that one match may do on a text of n bytes. */
#define MATCH_STEPS_MAX(n) (64 * (uint64_t)(n) + 4096)

/* Compiles w's text into the arena of l; faults are reported at their column. 0 or -EINVAL. */
int pattern_compile(struct load *l, const struct conf_word *w, bool nocase, struct pattern *ret) WARN_UNUSED;
/* Blanks at both ends of the text must be trimmed by the caller (pattern_trim). True when all of it matches. */
bool pattern_match(const struct pattern *p, struct str text, struct match *m);
static inline void
match_forget_times(struct match *m)
{
	m->times.v[0].at = m->times.v[1].at = NULL;
}

/* How far a wildcard at the very beginning may reach into this text when it is limited; remembered. */
size_t match_lead(struct match *m, struct str text);
/* May it take anything at all? Only a quote or an address at the very beginning forbids it. */
static inline bool
match_may_lead(struct match *m, struct str text)
{
	bool doubtful = text.n == 0 || text.p[0] == '"' || (unsigned)(text.p[0] - '0') <= 9;

	return !doubtful || match_lead(m, text) > 0;
}
/* hole_forward() for times, which remembers. */
size_t match_time(struct match *m, struct str text, size_t pos);
/* What match_time() read at this place in the text, or NULL. */
const struct stamp *match_stamp(const struct match *m, const char *at);
/* Could it, to judge by its length and its end? */
bool pattern_may_match(const struct pattern *p, struct str text);
/* Does the literal stand anywhere in the text? */
bool step_stands_in(const struct step *literal, struct str text);
/* Is step i on every way through the pattern? */
bool pattern_always_passes(const struct pattern *p, uint16_t i);
/* The longest literal that every match holds, or NULL. */
const struct step *pattern_needle(const struct pattern *p);
/* What a step wants, in words for explain: the literal itself, or "<ip>". */
void step_show(const struct step *s, struct buf *out);

/* What a wildcard took is kept without the blanks around it. */
static inline struct str
match_wild_value(struct str value)
{
	while (value.n && (value.p[0] == ' ' || value.p[0] == '\t'))
		value = str_from(value, 1);
	while (value.n && (value.p[value.n - 1] == ' ' || value.p[value.n - 1] == '\t'))
		value.n--;
	return value;
}

static inline bool
step_is_wild(const struct step *s)
{
	return s->code == STEP_SKIP || s->code == STEP_PIVOT;
}

static inline bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

bool step_literal_nocase(const struct step *s, const char *text);

/* Are n bytes the same? Literals are short: two loads that overlap compare most of them, without a call. */
static inline bool
same_bytes(const char *a, const char *b, size_t n)
{
	uint64_t x[2], y[2];
	uint32_t v[2], w[2];

	if (n > 16)
		return memcmp(a, b, n) == 0;
	if (n >= 8) {
		memcpy(&x[0], a, 8);
		memcpy(&y[0], b, 8);
		memcpy(&x[1], a + n - 8, 8);
		memcpy(&y[1], b + n - 8, 8);
		return ((x[0] ^ y[0]) | (x[1] ^ y[1])) == 0;
	}
	if (n >= 4) {
		memcpy(&v[0], a, 4);
		memcpy(&w[0], b, 4);
		memcpy(&v[1], a + n - 4, 4);
		memcpy(&w[1], b + n - 4, 4);
		return ((v[0] ^ w[0]) | (v[1] ^ w[1])) == 0;
	}
	return n == 0 || (a[0] == b[0] && a[n >> 1] == b[n >> 1] && a[n - 1] == b[n - 1]);
}

/* Do the bytes of a literal step stand at text[pos], or end before text[end] and not below low? */
static inline bool
step_literal_at(const struct step *s, struct str text, size_t pos)
{
	const char *p = text.p + pos;

	if (text.n - pos < s->len)
		return false;
	if (s->nocase)
		return step_literal_nocase(s, p);
	return p[0] == s->lit[0] && (s->len == 1 || same_bytes(p + 1, s->lit + 1, s->len - 1u));
}

/* As the end of a word: what must be a blank behind the literal is one. */
static inline bool
step_ends_word(const struct step *s, struct str text, size_t pos)
{
	size_t end = pos + s->len;

	return step_literal_at(s, text, pos) && (!s->then_blank || end == text.n || is_blank(text.p[end]));
}

static inline bool
step_literal_before(const struct step *s, struct str text, size_t low, size_t end)
{
	return end - low >= s->len && step_literal_at(s, text, end - s->len);
}

/* Without leading blanks, and without blanks, CR, LF and NUL at the end. */
static inline struct str
pattern_trim(struct str s)
{
	while (s.n && is_blank(s.p[0]))
		s = str_of(s.p + 1, s.n - 1);
	while (s.n && (is_blank(s.p[s.n - 1]) || s.p[s.n - 1] == '\r' || s.p[s.n - 1] == '\n' || !s.p[s.n - 1]))
		s.n--;
	return s;
}

#endif
