/* lens_private: what the files lens*.c and zone.c share. Private to event/. */
#ifndef GUARITA_EVENT_LENS_PRIVATE_H
#define GUARITA_EVENT_LENS_PRIVATE_H

#include "event/lens.h"
#include "wire/syslog.h"

#define ZONE_SPANS 8
#define ZONE_PLACES_MAX 4096
#define PAINT_LOOK 40                    /* bytes at the beginning of a line that may be in colour */
#define QUICK_STAMP 15                   /* bytes of "Jan  1 00:00:00" */
#define ZONES_APART (26 * WHEN_HOUR)     /* no two clocks that are right differ by more */

/*
 * An offset, and over which stretch of time it was seen: two spans of one place are summer and
 * winter.
 */
struct zone_span {
	int64_t first_us, last_us;
	int16_t offset_min;
};

struct zone_place {
	uint64_t hash;
	uint32_t lessons; /* counts what changes spans */
	uint8_t count;
	struct zone_span spans[ZONE_SPANS];
};

struct zone_book {
	int16_t default_offset_min;
	size_t count;
	struct zone_place *places[ZONE_PLACES_MAX];
};

/*
 * The place of a path is its directory, of a peer the whole text. NULL when the book is full:
 * nothing is learned.
 */
struct zone_place *zone_place_of(struct zone_book *z, struct str place);
struct zone_place *zone_place_by_hash(struct zone_book *z, uint64_t hash);
void zone_learn(struct zone_place *p, int64_t t, int16_t offset_min);
/* Offset at a local time; *ret_known says whether the place taught it. */
int16_t zone_offset(
    const struct zone_book *z, const struct zone_place *p, int64_t local_us, bool *ret_known);

/* The BSD stamp read last, and what it meant under which circumstances. */
struct quick {
	bool known, guessed, year_sure;
	char text[QUICK_STAMP];
	uint32_t lessons;
	int64_t time_us, received_us;
};

struct lens {
	struct zone_book *zones;
	struct zone_place *place;
	int64_t anchor_us;
	bool envelope;
	bool zoned;       /* the operator's word on the zone goes before what was learned */
	int16_t zone_min;
	bool columns;     /* a header line named columns: lines stay whole */
	bool spoken;      /* the line before was one, or went on with one */
	bool year_sure;   /* a stamp of this source has named its year */
	int64_t last_us;  /* of the line before that had a time */
	int64_t first_us; /* seen while sniffing */
	int64_t sniffed_us;
	uint16_t cached_day;     /* month << 8 | day of the stamp resolved last */
	int64_t cached_midnight; /* of that day, local */
	uint8_t json_first[256]; /* index of the first key row with that letter */
	struct quick quick;
};

/* The head of a line that needs few looks; false, and nothing done, for any other. */
bool lens_quick(struct lens *l, struct record *r);
/* Remembers what the stamp at the very beginning of the text meant, if the next one may mean the same. */
void lens_quick_learn(struct lens *l, const struct record *r, struct str text, const struct stamp *st);
/* The number of a process, -1 when that is none. */
int64_t lens_pid(struct str s);

/*
 * A stamp to a moment; *io_guessed is set when context had to help. WHEN_NONE when nothing at all
 * is known.
 */
int64_t lens_resolve(struct lens *l, const struct stamp *st, int64_t received_us, bool *io_guessed);
/* The first trustworthy stamp within s. */
bool lens_find_stamp(struct str s, struct stamp *ret);
/* Gives the record the time of its stamp, or of its neighbours when it has none. */
void lens_set_time(struct lens *l, struct record *r, const struct stamp *st);
/* The line without colours, in extra where there were any; else s itself. */
struct str lens_unpaint(struct record *r, struct str s);
/* Lays a head that lies inside raw or extra over the record: all but the time. */
void lens_take_head(struct lens *l, struct record *r, const struct syslog_head *h);
/*
 * What an envelope carries: a line of its own when no program is named, else perhaps a full head.
 * `timed`: the envelope has a time of its own.
 */
void lens_within(struct lens *l, struct record *r, bool timed);

void lens_json_index(uint8_t first[256]);
/* text is '{'... : an envelope is opened, anything else stays whole. False when it is no JSON. */
bool lens_json(struct lens *l, struct record *r, struct str text);
/* One entry of the journal's export format. */
bool lens_journal(struct lens *l, struct record *r, struct str text);

#endif
