/* checkpoint: what a log says of its tree (C2SP tlog-checkpoint): origin, size, root, as the text of a note. */
#ifndef GUARITA_VAULT_CHECKPOINT_H
#define GUARITA_VAULT_CHECKPOINT_H

#include "vault/digest.h"
#include "vault/note.h"

struct checkpoint {
	struct str origin;
	uint64_t size;
	struct digest root;
};

void checkpoint_show(const struct checkpoint *c, struct buf *out);
/* From the text of a note: 0 or -EBADMSG. Further lines are signed, and mean nothing to us. */
int checkpoint_read(struct str text, struct checkpoint *ret) WARN_UNUSED;

#endif
