/*
 * engine: what decoder statements become: lines, grouped by who writes them. Private to the decoding half of this
 * folder; everything is immutable once loaded.
 */
#ifndef GUARITA_WATCH_ENGINE_H
#define GUARITA_WATCH_ENGINE_H

#include "base/hash.h"
#include "watch/pattern/automaton.h"
#include "watch/condition.h"
#include "watch/pattern/index.h"
#include "watch/decoder.h"

enum form {
	FORM_TEXT,
	FORM_JSON,
	FORM_KV,
	FORM_CEF,
	FORM_COLUMNS,
	FORM_CSV,
	FORM_DATA,                     /* structured data of RFC 5424 6.3, whatever the message is */
	FORM_PROSE,                    /* words of any order, as gist.h reads them */
};

#define CSV_COLUMNS_MAX 64

struct constant {
	uint16_t field;
	struct str text;
};

struct mapping {                       /* map FIELD from KEY, KEY */
	uint16_t field;
	const uint16_t *from;
	uint32_t nfrom;
};

struct line_refine {                   /* refine KIND when ... */
	uint16_t kind;
	const struct condition *when;
	uint32_t nwhen;
};

enum verdict { VERDICT_OF_KIND, VERDICT_HOSTILE, VERDICT_BENIGN };

struct line {                          /* one `line` statement */
	uint32_t decoder;
	struct conf_pos where;
	struct pattern pattern;        /* no source: by form alone */
	uint16_t on;                   /* field whose text the pattern is for, or FIELD_NONE: the message */
	uint16_t kind;
	enum verdict verdict;
	bool odd_ok;                   /* `set odd ok`: strange bytes are usual here */
	bool guess;
	const struct constant *constants;
	uint32_t nconstants;
	const struct mapping *maps;
	uint32_t nmaps;
	uint16_t *drops;
	uint32_t ndrops, nunread;      /* the first nunread of them nothing in this line asks for */
	uint64_t unread;               /* bit key % 64 of those */
	const struct condition *when;
	uint32_t nwhen;
	const struct line_refine *refines;
	uint32_t nrefines;
};

struct sample {
	const struct conf_stmt *stmt;
	uint32_t decoder;
};

struct decoder {
	struct str name;
	struct conf_pos where;
	enum form form;
	bool caseless, guess, any, none;       /* none: lines that name no program */
	bool last;                     /* a guess that knows no more than the form of a line: asked after all others */
	struct str *programs;          /* normalised: lower case, no directory */
	uint32_t nprograms;
	struct str *files;             /* globs of base names */
	uint32_t nfiles;
	const struct condition *needs;
	uint32_t nneeds;
	const uint16_t *columns;       /* csv */
	uint32_t ncolumns;
	uint32_t first_line, nlines;   /* in decoders.lines */
};

struct group {                         /* everything that one program may say */
	struct index index;
	const struct line **lines;     /* as the index numbers them */
	const struct decoder **forms;  /* decoders of other forms than text, in order of file */
	uint32_t nforms;
	unsigned form_bits;            /* which forms occur */
	bool empty;
};

struct file_route {
	struct str glob;
	uint32_t group;
};

struct refinement;                     /* refine.h */

struct decoders {
	struct decoder *decoders;
	uint32_t ndecoders, decoders_size;
	struct line *lines;
	uint32_t nlines, lines_size;
	struct sample *samples;
	uint32_t nsamples, samples_size;
	struct group *groups;
	uint32_t ngroups;
	uint32_t *built;               /* by number of a program or file route: its group */
	uint32_t any, none, guess, last;       /* groups */
	struct strmap programs;        /* normalised name, "name/" for all its parts: group */
	struct file_route *files;
	uint32_t nfiles;
	struct refinement *refinement;
};

#define GROUP_NONE UINT32_MAX

/* Scratch of one thread. */
#define WORK_MEMO 256
#define WORK_PROGRAM_MAX 40
#define WORK_GROUPS_MAX 3

struct mould_set;
struct moulds;                         /* mould.h */

struct memo {                          /* program as written: the groups it may belong to */
	char name[WORK_PROGRAM_MAX];
	uint8_t len, ngroups;
	struct mould_set *moulds;      /* of these groups; NULL: none are kept */
	uint32_t group[WORK_GROUPS_MAX];
};

struct decode_work {
	const struct ruleset *rs;
	struct literals_work *literals;
	struct automaton **automata;   /* by group; NULL until a text is walked */
	struct automata_budget budget;
	struct moulds *moulds;
	struct candidates candidates;
	struct match match;
	struct memo memo[WORK_MEMO];
	struct forms_work *forms;      /* forms.h */
	struct refine_memo *plain;     /* refine.h: values known to hold nothing */
	const struct line *hit;        /* the line that took the record, or NULL */
	void (*on_try)(void *ctx, const struct decode_try *t);   /* explain */
	void *on_try_ctx;
};

/* finish.c: what a match captured becomes fields, then the line's constants, maps, conditions and kind. */
struct kept {                          /* enough of a record to take back what a refused line stored */
	uint16_t nfields;
	uint64_t keys_seen;
	struct stamp stamp;
	size_t extra;
};

void keep_state(const struct record *r, struct kept *ret);
void restore_state(struct record *r, const struct kept *k);
/* False (and the record as before) when a condition does not hold. text lies at base. */
bool finish_match(const struct ruleset *rs, struct decode_work *w, const struct line *l, struct str text,
    struct slot base, struct record *r);
/* All but the captures; on false the caller restores. */
bool finish_line(const struct ruleset *rs, const struct line *l, struct record *r);

#endif
