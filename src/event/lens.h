/*
 * lens: the head of a line. Finds the dialect, the time, host, program, pid and message, and resolves missing years
 * and zones from what it has seen. One lens per source; a zone book is shared by the sources of one run.
 */
#ifndef GUARITA_EVENT_LENS_H
#define GUARITA_EVENT_LENS_H

#include "event/record.h"

struct zone_book;             /* offsets learned from stamps that carry one, per directory or host; and the default */
struct zone_book *zone_book_new(int default_offset_min);
void zone_book_free(struct zone_book *z);

struct lens;
struct lens_opts {
	struct str place;             /* file path or peer address, for the zone book and for routing by file name */
	int64_t anchor_us;            /* newest plausible time: file's mtime, or WHEN_NONE (then received_us counts) */
	bool envelope;                /* received from the network: PRI and a head are expected */
};
struct lens *lens_new(struct zone_book *z, const struct lens_opts *o);
void lens_free(struct lens *l);
/* Looks at the first lines of a source before reading starts: learns dialect, zone and year. May be called often. */
void lens_sniff(struct lens *l, struct str line);
/* Fills the head of r (record_begin() was called). Never fails: at worst the message is the whole line. */
void lens_read(struct lens *l, struct record *r);
/*
 * To be called after decode(): resolves r->stamp (the time that a decoder found inside the message) into r->time_us by
 * the same rules as a stamp in the head. A line that has no time of its own in head or hole is searched for one.
 */
void lens_time(struct lens *l, struct record *r);

#endif
