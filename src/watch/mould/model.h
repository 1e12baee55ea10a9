/*
 * model: all texts that fit a mould, as far as is known of them: fixed bytes, and runs of bytes of some kind, laid
 * over the one text that the mould was made of. Answers what is certain for every one of them. Private to mould*.c.
 */
#ifndef GUARITA_WATCH_MOULD_MODEL_H
#define GUARITA_WATCH_MOULD_MODEL_H

#include "watch/mould/mould.h"

#define MODEL_RUNS_MAX 100
#define MODEL_FIXED UINT8_MAX

struct model_run {
	size_t begin, end;
	uint8_t kind;                  /* enum mould_run */
	bool has[256];                 /* bytes that it may hold */
	uint8_t begins[HOLE_TYPES];    /* can a hole begin with one of them? 0: not asked yet */
};

struct model {
	struct str text;
	uint8_t run_at[MOULD_TEXT_MAX];        /* by byte: MODEL_FIXED, or its run */
	struct model_run runs[MODEL_RUNS_MAX];
	uint8_t nruns;
	bool no_time;                  /* no text that fits begins with a time */
	bool foreign;                  /* all begin with foreign text: match_lead() is 0 */
	bool no_lead;                  /* so a wildcard at the very beginning may take nothing in the group that is asked */
};

/* A part's run lies at text[from..to). False when there are too many. */
bool model_add(struct model *m, const struct mould_part *part, size_t from, size_t to);
/* Could c stand at this place? */
bool model_may_be(const struct model *m, size_t pos, char c);
bool model_may_be_blank(const struct model *m, size_t pos);
/* Is it certain that step u of a pattern cannot match at pos, with all that may follow it? */
bool model_fails(struct model *m, const struct pattern *p, uint16_t u, size_t pos);
/* Is it certain that this step, no wildcard, does not end before text[end]? */
bool model_ends_otherwise(const struct model *m, const struct step *s, size_t end);
/*
 * Right of the untrusted hole, where steps are passed from the end back: is it certain that step u cannot end at text[end],
 * with all that may come before it down to the hole, which is step pivot?
 */
bool model_fails_back(const struct model *m, const struct pattern *p, uint16_t pivot, uint16_t u, size_t end);
/* Could some text that fits hold step s, a literal or blanks before one, at or behind pos? */
bool model_may_hold(const struct model *m, const struct pattern *p, const struct step *s, size_t pos);
/* Is it certain that the pattern matches no text at all that fits? */
bool model_refuses(struct model *m, const struct pattern *p);

/*
 * Writes down which lines of the group may have to be tried before the mould's own, whose trail through the text this is.
 * False when they are too many.
 */
bool mould_doubts(const struct mould_groups *g, struct model *model, const struct trail *trail, struct mould *m);

static inline bool
mould_is_letter(char c)
{
	return (unsigned char)((c | 0x20) - 'a') < 26;
}

/* The run that the byte belongs to; NULL: it is fixed. */
static inline const struct model_run *
model_run_of(const struct model *m, size_t pos)
{
	return m->run_at[pos] == MODEL_FIXED ? NULL : &m->runs[m->run_at[pos]];
}

static inline char
mould_other_case(const struct step *s, char c)
{
	return s->nocase && mould_is_letter(c) ? (char)(c ^ 0x20) : c;
}

static inline bool
model_run_takes(const struct model_run *run, const struct step *s, char c)
{
	return run->has[(unsigned char)c] || run->has[(unsigned char)mould_other_case(s, c)];
}

/* Could the run of this byte hold a blank anywhere? */
static inline bool
model_run_may_be_blank(const struct model *m, size_t pos)
{
	const struct model_run *run = model_run_of(m, pos);

	return run->has[' '] || run->has['\t'] || run->kind == RUN_QUOTED || run->kind == RUN_HOLE || run->kind == RUN_TIME;
}

#endif
