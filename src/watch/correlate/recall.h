/*
 * recall: the last records that some rule asked for, as compact copies in a ring of fixed size. An incident that
 * opens with its fifth record can so tell the names of the first four; a record whose session opens late can be
 * counted again. What has left the ring is only untold, never uncounted.
 */
#ifndef GUARITA_WATCH_CORRELATE_RECALL_H
#define GUARITA_WATCH_CORRELATE_RECALL_H

#include "event/record.h"

#define RECALL_BYTES (1u << 20)
#define RECALL_SLOTS (1u << 14)
#define RECALL_VALUE_MAX 255u
#define RECALL_NONE 0u

struct recall {
	uint8_t *ring;
	uint64_t *at;          /* by seq: absolute position */
	uint64_t head;         /* bytes written so far */
	uint32_t next;         /* seq of the next copy; the first is 1 */
};

int recall_init(struct recall *k) WARN_UNUSED;
void recall_free(struct recall *k);
/* Keeps the fields whose bits are set; there are bits for all fields of the record. Returns its seq. */
uint32_t recall_keep(struct recall *k, const struct record *r, const uint64_t *fields);
/* Rebuilds the copy; its texts point into the ring and die with the next recall_keep(). False: no longer there. */
bool recall_get(const struct recall *k, uint32_t seq, struct record *ret);
/* The copy as bytes for who must keep it longer, and back; texts of *ret then lie in those bytes (aligned to 8). */
struct str recall_bytes(const struct recall *k, uint32_t seq);
bool recall_read(struct str bytes, struct record *ret);
/* A chain of copies through one number each, for whoever needs it. */
uint32_t recall_link(const struct recall *k, uint32_t seq);
void recall_set_link(struct recall *k, uint32_t seq, uint32_t link);
void recall_save(const struct recall *k, struct buf *out);
/* The copies speak of kinds and fields by the numbers of another rule set: puts those of this one. */
struct renames;
void recall_rename(struct recall *k, const struct renames *names);
void recall_rename_bytes(void *bytes, size_t n, const struct renames *names);
int recall_load(struct recall *k, struct str *in) WARN_UNUSED;

#endif
