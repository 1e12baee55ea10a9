/*
 * store: values into the fields of a record, converted as the field wants them: an address that is a name goes to
 * the host field, port names become numbers, a time is kept for the lens. Values come as slots, because the bytes of
 * `extra` may move while fields are added.
 */
#ifndef GUARITA_WATCH_STORE_H
#define GUARITA_WATCH_STORE_H

#include "event/record.h"

/* Stores the text at `at` under key. "-" is what logs write for nothing: it is not stored. */
void store_slot(struct record *r, uint16_t key, struct slot at);
/* As above, and knows "1.2.3.4:55" and "[::1]:55" for src and dst. False when the value says nothing. */
bool store_mapped(struct record *r, uint16_t key, struct slot at);

/* How values of a field are stored. */
enum store_as { STORE_TEXT, STORE_ADDR, STORE_HOST, STORE_PORT, STORE_TIME };
enum store_as store_as(uint16_t key);
/*
 * Under which field store_slot() would keep this text just as it stands; FIELD_NONE: it keeps nothing; STORE_OTHERWISE:
 * it does something else.
 */
#define STORE_OTHERWISE (UINT16_MAX - 1)
uint16_t store_target(uint16_t key, struct str text);
/* The same of store_mapped(). */
uint16_t store_mapped_target(uint16_t key, struct str text);

static inline struct slot
slot_part(struct slot whole, size_t off, size_t n)
{
	return (struct slot){ .off = whole.off + (uint32_t)off, .len = (uint32_t)n };
}

#endif
