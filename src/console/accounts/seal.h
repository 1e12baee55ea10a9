/*
 * seal: what the vault is told of an account file while it grows: how many records there were and the SHA-256
 * of all of them, one JSON object a line. A file that is edited later cannot give that digest again. Knows bytes and
 * text; who seals and who compares is the caller's (role/intake/accounts, console/accounts/integrity_sealed).
 */
#ifndef GUARITA_CONSOLE_ACCOUNTS_SEAL_H
#define GUARITA_CONSOLE_ACCOUNTS_SEAL_H

#include "base/buf.h"
#include "vault/digest.h"

/* Sources of these lines in a vault: they are not handed on to the watch. */
#define ACCOUNT_SEAL_SOURCE "accounts-seen"
#define ACCOUNT_SEAL_WORD "account_seen"        /* stands in every such line: what to search for */
#define ACCOUNT_SEAL_PATH_MAX 700              /* of a path in a line of the control socket */

/* The digest of records as they come, without keeping more than a few. */
struct account_chain {
	struct digest whole;           /* of all complete chunks */
	struct buf part;               /* the chunk that is being filled */
	size_t in_part;
	uint64_t records;
};

void account_chain_begin(struct account_chain *c);
void account_chain_free(struct account_chain *c);
int account_chain_add(struct account_chain *c, struct str record) WARN_UNUSED;
/* Of all records added so far. */
struct digest account_chain_digest(const struct account_chain *c);

enum account_seal_kind {
	ACCOUNT_SEAL_RECORDS,          /* a log: its records first..first+count-1 */
	ACCOUNT_SEAL_ENTRY,            /* a table: the entry of one uid */
	ACCOUNT_SEAL_MEMORY,           /* the file in which `guarita integrity` remembers */
};

struct account_seal {
	enum account_seal_kind kind;
	uint64_t dev, ino;
	uint64_t record_size;
	uint64_t first, count;         /* records, from 1; of an entry: first is its uid */
	int64_t last_us;               /* time of the last record; 0: it has none */
	struct digest digest;
};

/* Appends the members of the object behind its "{" or another member, and its end. */
void account_seal_write(const struct account_seal *s, struct str path, struct buf *out);
/* 0, or -EBADMSG: no such line. The path is appended to ret_path. */
int account_seal_read(struct str line, struct account_seal *ret, struct buf *ret_path) WARN_UNUSED;

#endif
