/*
 * identity: who a vault is, for everybody to know: a small text of lines "word value".
 *
 *   guarita-vault 1
 *   origin example.com/matriz
 *   key NAME+ID+BASE64            Ed25519, of checkpoints (C2SP signed-note, type 0x01)
 *   epochs NAME+ID+BASE64         identity of the epoch keys (vault/epoch.h)
 *   id 16 hex digits              a number drawn when it was made
 *   made 1700000000               seconds since 1970
 */
#ifndef GUARITA_VAULT_IDENTITY_H
#define GUARITA_VAULT_IDENTITY_H

#include "vault/epoch.h"
#include "vault/note.h"

struct identity {
	struct str origin;
	struct note_key key;
	struct epoch_key epochs;
	uint64_t id;
	int64_t made_s;
};

void identity_show(const struct identity *i, struct buf *out);
/* Exactly such a text, the keys named after the origin: 0 or -EBADMSG. Slices point into it. */
int identity_read(struct str text, struct identity *ret) WARN_UNUSED;

#endif
