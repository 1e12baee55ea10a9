/*
 * record: one line of evidence and what was read from it. The raw bytes are verbatim and never changed; header
 * parts and fields are {key, offset, length} relative to them, so a record can be mapped, sent and hashed without
 * touching a pointer. Text that does not stand in the line (constants, unescaped JSON) lies in `extra`: an offset
 * at or past raw.n points there (offset - raw.n).
 */
#ifndef GUARITA_EVENT_RECORD_H
#define GUARITA_EVENT_RECORD_H

#include "base/buf.h"
#include "base/text.h"
#include "base/when.h"
#include "event/field.h"
#include "event/kind.h"
#include "wire/stamp.h"

#define RECORD_FIELDS_MAX 64
#define RECORD_RAW_MAX (8u << 20)      /* longer lines are cut there, and counted */
#define RECORD_EXTRA_MAX (1u << 20)

struct slot {                          /* where a text lies; len 0 and off 0: absent */
	uint32_t off;
	uint32_t len;
};

struct field {
	uint16_t key;                  /* event/field.h */
	uint16_t flags;                /* FIELD_JOINED, FIELD_CONST */
	struct slot at;
};

enum {
	FIELD_JOINED = 1 << 0,         /* taken from an earlier line of the same session */
	FIELD_CONST = 1 << 1,          /* said by the decoder, not by the line */
};

enum dialect {                         /* how the head of the line was written */
	DIALECT_NONE,                  /* no head understood: message is the whole line */
	DIALECT_STAMP,                 /* a time stamp of some form, then the message */
	DIALECT_RFC3164,
	DIALECT_RFC5424,
	DIALECT_JOURNAL,               /* journal export, or its JSON */
	DIALECT_JSON,
	DIALECT_CISCO,
	DIALECT_ROUTEROS,
};

struct record {
	struct str raw;
	struct buf *extra;             /* owned by the worker; reset per record */
	int64_t time_us;               /* event time; WHEN_NONE when the line has none and none is known */
	int64_t received_us;
	bool time_guessed;             /* year, zone, date or all of it came from context */
	struct stamp stamp;            /* found by a decoder's <time> hole named `time` (form STAMP_NONE: none); the decoder only
	                                  stores it, lens_time() resolves it after decode() and sets time_us */
	uint32_t source;               /* which input: index given by the caller */
	uint64_t line;                 /* 1-based line in that input, or sequence number */
	uint64_t ref;                  /* caller's handle, handed back in incidents and marks */
	uint32_t repeat;               /* this record stands for so many events (1 normally) */

	enum dialect dialect;
	int16_t facility, severity;    /* RFC 5424 6.2.1; -1 when absent */
	int64_t pid;                   /* -1 when absent */
	struct slot host, program, message;
	struct slot data;              /* RFC 5424 structured data, "-" counts as absent */

	uint16_t kind;                 /* KIND_unknown until decoded */
	bool hostile;
	bool sure;                     /* false: by a generic decoder, a guess */
	bool continues;                /* no head, indented, behind a line of the same source that was one: a part of it */
	uint32_t decoder;              /* index in the rule set, UINT32_MAX when none */
	uint16_t nfields;
	uint64_t keys_seen;            /* bit key % 64: may be among fields; makes absence cheap. record_set() keeps it */
	uint8_t hint[64];              /* by key % 64: where a field of such a key stood last, if nothing moved since */
	struct field fields[RECORD_FIELDS_MAX];
};

static inline struct str
record_text(const struct record *r, struct slot at)
{
	if (at.off >= r->raw.n && r->extra && at.len)
		return str_of(r->extra->p + (at.off - r->raw.n), at.len);
	return str_of(str_from(r->raw, at.off).p, at.len);
}

/* Slot of a slice that lies inside raw or extra. */
struct slot record_slot(const struct record *r, struct str inside);
/*
 * Readies a record for a new line; extra is reset. Keeps nothing of the line before: source, line, ref and the like
 * are the caller's to set afterwards.
 */
void record_begin(struct record *r, struct str raw, struct buf *extra, int64_t received_us);

/* The first of that key, or NULL. Asked dozens of times a line, mostly in vain. */
static inline const struct field *
record_field(const struct record *r, uint16_t key)
{
	size_t at = r->hint[key % 64];

	if (!(r->keys_seen >> (key % 64) & 1))
		return NULL;
	if (at < r->nfields && r->fields[at].key == key)
		return &r->fields[at];
	for (size_t i = 0; i < r->nfields; i++)
		if (r->fields[i].key == key)
			return &r->fields[i];
	return NULL;
}

/* STR_NULL when absent. */
static inline struct str
record_value(const struct record *r, uint16_t key)
{
	const struct field *f = record_field(r, key);

	return f ? record_text(r, f->at) : STR_NULL;
}

/* Adds or replaces; false (and counted by the caller) when RECORD_FIELDS_MAX is reached. The only way to add one. */
bool record_set(struct record *r, uint16_t key, struct slot at, uint16_t flags);
/* Copies text into extra (unless it lies in raw or extra already), then sets; false also when extra is full. */
bool record_set_text(struct record *r, uint16_t key, struct str text, uint16_t flags);
/*
 * Which site of ours received it: its source's name begins so when it came from another, "site NAME ...". Else `own`, which
 * may be empty: then nothing is set.
 */
void record_set_site(struct record *r, struct str source, struct str own);
/* Takes a field out; nothing happens when it is absent. The order of the others stays. */
void record_drop(struct record *r, uint16_t key);
/*
 * One line of JSON (no newline) in the form of `guarita decode --json`; what is absent is left out. `file` may be
 * STR_NULL, `decoder` NULL. Addresses are shown in their normal form (RFC 5952), numeric fields as numbers.
 */
void record_json(const struct record *r, const struct fields *f, const struct kinds *k, struct str file,
    const char *decoder, struct buf *out);

#endif
