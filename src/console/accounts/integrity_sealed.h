/*
 * integrity_sealed: account files held against what the vault sealed of them while they grew. Whoever edits a file
 * cannot edit that, not even with the memory beside it. Findings go the same way as all others; nothing is changed.
 */
#ifndef GUARITA_CONSOLE_ACCOUNTS_INTEGRITY_SEALED_H
#define GUARITA_CONSOLE_ACCOUNTS_INTEGRITY_SEALED_H

#include "console/accounts/file.h"
#include "console/accounts/sealed_states.h"
#include "watch/accounts/integrity.h"

struct sealed_file;                    /* one file that was looked at */

struct integrity_sealed {
	struct sealed_states states;
	bool there;                    /* there is a vault */
	struct sealed_file *files;
	size_t nfiles;
};

/* 0 also when there is no vault. -ENOMEM; anything else was explained, and nothing is held against the vault then. */
int integrity_sealed_open(struct integrity_sealed *s, const struct options *o) WARN_UNUSED;
void integrity_sealed_close(struct integrity_sealed *s);
/*
 * A log, with all that rotation made of it: each file with the same stem, which is the path of the one being written.
 * Reads the file once more. The file must live on.
 */
int integrity_sealed_log(struct integrity_sealed *s, struct account_file *f, const char *stem) WARN_UNUSED;
/* A table: every account's entry. */
int integrity_sealed_table(struct integrity_sealed *s, struct account_file *f, const struct integrity_calls *calls) WARN_UNUSED;
/*
 * After the last file. at() is told of which path the next findings are. whole: also logs of which no file was shown
 * are missed.
 */
int integrity_sealed_judge(struct integrity_sealed *s, bool whole, void (*at)(void *ctx, const char *path),
    const struct integrity_calls *calls) WARN_UNUSED;
/*
 * Is this what was sealed of the memory at path? digest NULL: there is no memory. True also when nothing was sealed.
 * The last but one counts as well: it is sealed first and written then.
 */
bool integrity_sealed_memory(const struct integrity_sealed *s, const char *path, const struct digest *digest);
/*
 * What the running Guarita is to seal now, so that the next look can be held against it: a line for each log and entry
 * that is not sealed as it is, and the memory that will be written. 0 or a negative errno, which was explained.
 */
int integrity_sealed_keep(struct integrity_sealed *s, const struct options *o, const char *memory,
    const struct digest *digest) WARN_UNUSED;

#endif
