/*
 * prove: proofs as texts that a stranger checks without the vault. One line: a C2SP tlog-proof, whose extra data is the
 * nonce and the record. A run of lines without a gap: our own text in the same manner,
 *
 *   guarita-range@v1
 *   first N
 *   line BASE64(nonce || record)            as many as there are
 *   before HASH                             subtrees to the left of the first line, from the left
 *   behind HASH                             subtrees to the right of the last, from the left
 *                                           an empty line, then the signed checkpoint
 */
#ifndef GUARITA_VAULT_PROVE_H
#define GUARITA_VAULT_PROVE_H

#include "vault/checkpoint.h"
#include "vault/entry.h"
#include "vault/epoch.h"
#include "vault/identity.h"
#include "vault/tree.h"

#define PROVE_TEXT_MAX (256u << 20)
#define PROVE_LINE_BYTES (VAULT_NONCE_BYTES + VAULT_RECORD_MAX)

struct line_proof {
	uint64_t index;
	struct str line;               /* nonce and record */
	struct tree_path path;
	struct str note;
};

void line_proof_show(const struct line_proof *p, struct buf *out);
/* 0 or -EBADMSG; the line is decoded into `decoded`, an empty buffer of the caller's. */
int line_proof_read(struct str text, struct buf *decoded, struct line_proof *ret) WARN_UNUSED;

struct range_proof {
	uint64_t first, count;
	struct str lines;              /* u16 length, nonce and record; one after the other */
	struct tree_path before, behind;
	struct str note;
};

void range_proof_show(const struct range_proof *p, struct buf *out);
int range_proof_read(struct str text, struct buf *decoded, struct range_proof *ret) WARN_UNUSED;
/* The next of range_proof.lines: 1, 0 at the end, -EBADMSG. */
int range_line(struct cur *lines, struct str *ret_line, struct vault_entry *ret, uint64_t index) WARN_UNUSED;

/* What a proof says, once it holds. */
struct verdict {
	struct checkpoint checkpoint;
	struct epoch_key epochs;       /* who: given, or as found in the note */
	struct epoch_mark mark;        /* when it was signed, with the key of which epoch */
	bool known;                    /* an identity was given, and it is this one; its log key signed too */
	unsigned cosigned;             /* witnesses whose keys were given and who signed */
	uint64_t cosigned_s;           /* when the last of them did, by his clock */
	const char *why;               /* when it does not hold: the end of a sentence */
};

/* Keys that the checker trusts. */
struct trust {
	const struct identity *identity;       /* NULL: none known */
	const struct note_key *witnesses;
	size_t nwitnesses;
	unsigned quorum;               /* so many of them must have signed */
};

/* 0, or -EBADMSG with ret->why. */
int line_proof_check(const struct line_proof *p, const struct trust *t, struct verdict *ret) WARN_UNUSED;
int range_proof_check(const struct range_proof *p, const struct trust *t, struct verdict *ret) WARN_UNUSED;
/* The note alone. */
int prove_note(struct str note, const struct trust *t, struct verdict *ret) WARN_UNUSED;

#endif
