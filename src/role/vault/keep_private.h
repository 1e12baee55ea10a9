/* vault_keep_private: what planning a deletion and carrying it out share, both on the other thread. For vault_keep_*.c only. */
#ifndef GUARITA_ROLE_VAULT_KEEP_PRIVATE_H
#define GUARITA_ROLE_VAULT_KEEP_PRIVATE_H

#include "console/vault/seg_reader.h"
#include "role/vault/keep.h"

struct keep_nonces {           /* with a room of its own: the loop's thread uses the disk's */
	const struct vault_disk *disk;
	struct nonce_room room;
	struct nonce_store store;
};

void keep_nonces_open(struct keep_nonces *n, const struct vault_disk *disk);
void keep_nonces_close(struct keep_nonces *n);

/* The job's segment: its first line, its rows, none of them going yet. */
int keep_begin(struct keep_job *j, struct seg_reader *reader, uint64_t number) WARN_UNUSED;
/* All leaves of it; *ret_left: lines that stay. */
int keep_leaves(struct keep_job *j, struct seg_reader *reader, uint64_t *ret_left) WARN_UNUSED;
/* What was on its way when the machine went down: whole segments of which only the tombs are to be left. */
int keep_finish_all_gone(struct keep_job *j, const uint64_t *numbers, size_t n) WARN_UNUSED;

static inline const char *
keep_dir(const struct keep_job *j)
{
	return j->v->disk.dir;
}

#endif
