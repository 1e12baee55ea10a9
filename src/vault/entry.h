/*
 * entry: one line as the vault keeps it, and its canonical bytes, which are what is hashed. The same
 * entry always gives the same bytes, so whoever holds the entries can compute the tree again.
 *
 *   u8 version (1), u8 transport, u8 flags, u16 length of source, i64 time received (ns since 1970,
 *   UTC), source, line          numbers big-endian; the line is the rest, byte for byte as received
 *
 * The leaf is SHA-256(0x00 || nonce || record), with a nonce of 16 bytes that makes it impossible to
 * guess an erased line from its leaf. The place in the tree (the index) is not part of the record.
 *
 * An erased entry (VAULT_ERASED) keeps place and time; its source is empty and its line is the leaf
 * itself, 32 bytes. It has no record: entry_leaf() gives the leaf back.
 */
#ifndef GUARITA_VAULT_ENTRY_H
#define GUARITA_VAULT_ENTRY_H

#include "base/cur.h"
#include "vault/digest.h"

#define VAULT_NONCE_BYTES 16
#define VAULT_RECORD_HEAD 13
/* C2SP tlog-tiles gives a length of 16 bits to what is hashed, which is nonce and record. */
#define VAULT_RECORD_MAX (65535 - VAULT_NONCE_BYTES)
#define VAULT_SOURCE_MAX 1024
/* Of one entry; a longer line goes on in the next entries of its source (VAULT_MORE). */
#define VAULT_RAW_MAX (VAULT_RECORD_MAX - VAULT_RECORD_HEAD - VAULT_SOURCE_MAX)

enum vault_transport {
	VAULT_OWN,                 /* written by Guarita itself */
	VAULT_FILE,
	VAULT_UDP,
	VAULT_TCP,
	VAULT_TLS,
	VAULT_UNIX,
	VAULT_JOURNAL,
	VAULT_STDIN,
	VAULT_SITE,                /* from another Guarita */
	VAULT_TRANSPORTS,
};

enum {
	VAULT_MORE = 1 << 0,       /* the line goes on in the next entry of this source */
	VAULT_CUT = 1 << 1,        /* the line was longer than allowed; the rest was dropped and counted */
	VAULT_ERASED = 1 << 7,     /* never in a record: see above */
};

#define VAULT_FLAGS_RECORDED (VAULT_MORE | VAULT_CUT)

struct vault_entry {
	uint64_t index;
	int64_t recv_ns;
	struct str source;         /* "/var/log/auth.log", "udp 192.0.2.1", ... */
	uint8_t transport;         /* enum vault_transport */
	uint8_t flags;
	struct str raw;
};

/* True when the entry has canonical bytes: lengths, flags and transport as above, not erased. */
bool vault_entry_valid(const struct vault_entry *e);
static inline size_t
vault_entry_bytes(const struct vault_entry *e)
{
	return VAULT_RECORD_HEAD + e->source.n + e->raw.n;
}

/* Appends the canonical bytes of a valid entry; the sticky error of out tells when they did not fit. */
void vault_entry_encode(const struct vault_entry *e, struct enc *out);
/*
 * Takes exactly one record, as written by encode: 0, or -EBADMSG (*ret untouched). Slices point into the record; the
 * index, which is not in it, is handed in.
 */
int vault_entry_decode(struct str record, uint64_t index, struct vault_entry *ret) WARN_UNUSED;
/* The leaf of a record's bytes. */
struct digest vault_leaf(const uint8_t nonce[VAULT_NONCE_BYTES], struct str record);
/* The leaf of an entry; for an erased one what it holds (the nonce is not used). */
struct digest vault_entry_leaf(const struct vault_entry *e, const uint8_t nonce[VAULT_NONCE_BYTES]);

#endif
