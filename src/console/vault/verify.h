/* verify: a whole vault checked against its signed notes, and its seals too by whoever has the auditor's key. */
#ifndef GUARITA_CONSOLE_VAULT_VERIFY_H
#define GUARITA_CONSOLE_VAULT_VERIFY_H

#include "console/vault/dir.h"
#include "vault/keys.h"

struct vault_report {
	uint64_t lines, frames, bytes;         /* read */
	uint64_t packed;                       /* of them in segments */
	uint64_t expired, erased;              /* of them gone: with their whole segment; one by one */
	uint64_t epochs;                       /* closed, their notes good */
	uint64_t signed_size;                  /* lines under the newest good note */
	uint64_t signed_s;                     /* when that was */
	uint64_t unsealed_bytes;               /* behind the last frame that the keys know: being written, or torn */
	int64_t from_us, to_us;                /* when the first and the last frame were sealed */
	bool keys_seen;                        /* the sealing keys could be read: the end was checked too */
	bool seals_seen;                       /* the auditor's key was given: every seal was checked */
	uint64_t fault_index;                  /* where it went wrong: this entry, or one behind it in the same frame */
	char fault[320];                       /* empty: whole */
};

/* auditor: A(0), or NULL. 0 when the question could be answered, whatever the answer. */
int vault_verify(struct vault_dir *d, const struct digest *auditor, struct vault_report *ret) WARN_UNUSED;

#endif
