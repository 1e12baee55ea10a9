/*
 * integrity_state: where the memory of account files is kept between two looks: today one file that
 * only root can read. Callers know only these four functions, so that a sealed store can take its
 * place.
 */
#ifndef GUARITA_CONSOLE_ACCOUNTS_INTEGRITY_STATE_H
#define GUARITA_CONSOLE_ACCOUNTS_INTEGRITY_STATE_H

#include "vault/digest.h"
#include "watch/accounts/integrity_memory.h"

struct integrity_state {
	const char *path;              /* NULL: nothing is remembered */
	struct integrity_memory *old, *now;
	size_t nold, nnow;
	bool *seen;                    /* of old: a file of now is the same log */
	uint64_t seed;
	bool fresh;                    /* there was no memory yet */
	struct digest digest;          /* of the file as it was read, unless fresh */
	struct buf text;               /* as it will be written */
};

/* 0; -EBADMSG when the memory itself was damaged or edited: then it is as if there were none; or a negative errno. */
int integrity_state_open(struct integrity_state *s, const char *path) WARN_UNUSED;
/*
 * What is remembered of this file, NULL: nothing. Rotation renames, copies and packs, so all files are asked for in
 * three rounds: the same inode with the same first records; the same first records anywhere; the same inode, whatever
 * is in it now. head: its first INTEGRITY_BLOCK records. Tables are known by their path alone.
 */
enum integrity_round { INTEGRITY_SAME, INTEGRITY_MOVED, INTEGRITY_OVERWRITTEN, INTEGRITY_ROUNDS };
struct integrity_memory *integrity_state_find(struct integrity_state *s, enum integrity_round round,
    const struct integrity_memory *file, struct str head);
/* A new memory in the making; NULL without memory. Good until the next call. */
struct integrity_memory *integrity_state_new(struct integrity_state *s, const char *path, uint32_t record_size);
/* Nothing that the old memory says is believed. */
void integrity_state_forget(struct integrity_state *s);
/*
 * Puts together what was seen now and what was remembered of files that were not looked at; the digest of the text,
 * so that it can be sealed before it is written.
 */
int integrity_state_finish(struct integrity_state *s, struct digest *ret) WARN_UNUSED;
int integrity_state_save(struct integrity_state *s) WARN_UNUSED;
void integrity_state_close(struct integrity_state *s);

#endif
