/*
 * lens: the head of a line. Finds the dialect, the time, host, program, pid and message, and
 * resolves missing years and zones from what it has seen. One lens per source; a zone book is
 * shared by the sources of one run.
 *
 * What a decoder finds in r->message:
 * - syslog of any kind: the text behind the tag, without Solaris' "[ID ...]" and the kernel's "[
 *   12.345678]". program is the tag as written, without "[pid]" and "(module)". A stamp followed by
 *   "name[pid]:" counts as a tag.
 * - Cisco: from the mnemonic on ("%SEC-6-IPACCESSLOGP: list ..."); program is the mnemonic.
 * - RouterOS: from the topics on ("system,error,critical login failure ..."); program and data are
 *   the topics.
 * - a stamp at the start that is no syslog (DIALECT_STAMP): what follows the stamp, blanks and one
 *   of : , | ; or " - ". Level, thread and the like stay. A stamp in brackets is taken with them,
 *   if the bracket closes right behind it.
 * - everything else, also CLF and the lines under a "#Fields:" header: the whole line
 *   (DIALECT_NONE).
 * - JSON: the text that an envelope carries (journal, Docker, Kubernetes CRI, Beats, GELF, Loki,
 *   syslog as JSON), read as a line of its own if the envelope names no program; an application's
 *   own object stays whole (DIALECT_JSON).
 * - a full syslog head (stamp, host, tag) at the start of the message of a network syslog line, an
 *   RFC 5424 line or an envelope replaces the outer one, once. A stamp alone is left in such a
 *   message.
 *
 * Times: a missing year is the one that puts the stamp nearest to, and not more than a day after,
 * the anchor (once the source has named a year: nearest to the line before); a missing zone is the
 * offset that stamps of the same directory or peer showed at that time of year, else the default; a
 * missing date is that of the line before, or the anchor's.
 */
#ifndef GUARITA_EVENT_LENS_H
#define GUARITA_EVENT_LENS_H

#include "base/cur.h"
#include "event/record.h"

/* Offsets learned from stamps that carry one, per directory or host; and the default. */
struct zone_book;
struct zone_book *zone_book_new(int default_offset_min);
void zone_book_free(struct zone_book *z);
/* What it learned, and back into one that is new; -EBADMSG when the bytes are not that. */
void zone_book_save(const struct zone_book *z, struct buf *out);
int zone_book_load(struct zone_book *z, struct cur *in) WARN_UNUSED;

struct lens;
struct lens_opts {
	struct str place;  /* file path or peer address, for the zone book */
	int64_t anchor_us; /* newest plausible time: mtime, or WHEN_NONE (received_us counts) */
	bool zoned;        /* the operator said the zone of stamps that have none: */
	int16_t zone_min;
	bool envelope;     /* received from the network: PRI and a head are expected */
};
struct lens *lens_new(struct zone_book *z, const struct lens_opts *o);
void lens_free(struct lens *l);
/* What it learned of its source, LENS_LEARNED_BYTES of it, and back. -EBADMSG */
#define LENS_LEARNED_BYTES 25
void lens_save(const struct lens *l, struct enc *e);
int lens_load(struct lens *l, struct cur *in) WARN_UNUSED;
/*
 * Looks at the first lines of a source before reading starts: learns dialect, zone and year. May be
 * called often.
 */
void lens_sniff(struct lens *l, struct str line);
/*
 * Fills the head of r (record_begin() was called). Never fails: at worst the message is the whole
 * line.
 */
void lens_read(struct lens *l, struct record *r);
/*
 * To be called after decode(): resolves r->stamp (the time that a decoder found inside the message)
 * into r->time_us by the same rules as a stamp in the head. A line that has no time of its own in
 * head or hole is searched for one.
 */
void lens_time(struct lens *l, struct record *r);

#endif
