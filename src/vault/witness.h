/*
 * witness: what somebody else's log may show next (C2SP tlog-witness). A witness remembers one checkpoint of each log, signs
 * only what continues it, and says what it was shown when it does not. Pure: who remembers, and that it is on the disk before
 * an answer goes out, is the caller's business.
 */
#ifndef GUARITA_VAULT_WITNESS_H
#define GUARITA_VAULT_WITNESS_H

#include "vault/checkpoint.h"
#include "vault/epoch.h"
#include "vault/tree.h"

#define WITNESS_PATH_MAX 63            /* digests of a consistency proof: C2SP tlog-witness */
#define WITNESS_EVERY_S 10

/* The answers of C2SP tlog-witness, as of HTTP. */
enum witness_status {
	WITNESS_COSIGNED = 200,
	WITNESS_MALFORMED = 400,
	WITNESS_FORBIDDEN = 403,       /* not signed by the key of that log */
	WITNESS_UNKNOWN = 404,
	WITNESS_CONFLICT = 409,        /* `old` is not what was seen last; or the same size with another root */
	WITNESS_UNPROVED = 422,        /* the proof does not lead from one to the other */
};

/* What is remembered of a log. */
struct witness_seen {
	uint64_t size;                 /* 0: nothing yet */
	struct digest root;
};

struct witness_request {
	uint64_t old;
	struct str path;               /* digests one after the other */
	struct str note;
};

struct witness_verdict {
	enum witness_status status;
	struct note note;
	struct checkpoint checkpoint;  /* of 200 and 409 and 422 */
	const char *alarm;             /* what no honest log does, as the end of a sentence; NULL: nothing of the kind */
	const char *what;              /* the same in a word: "rewound", "forked" */
};

/* The name of `key` is the log's origin. Slices point into the request. */
void witness_judge(const struct witness_seen *seen, const struct epoch_key *key, const struct witness_request *r,
    struct witness_verdict *ret);
/* The proof as it travels; -EMSGSIZE past WITNESS_PATH_MAX. */
int witness_path(const struct tree_path *p, struct buf *out) WARN_UNUSED;

/* A witness's signing key, made from the secret of its site; and that key as others know it. */
void witness_seed(const uint8_t site[SIGN_SEED_BYTES], uint8_t ret[SIGN_SEED_BYTES]);
int witness_key(const uint8_t seed[SIGN_SEED_BYTES], struct str name, struct note_key *ret) WARN_UNUSED;

/*
 * The memory of one log, as a file: "guarita-witness 1", site (whose log), key (of its epochs), size, root; a line each.
 */
struct witness_memory {
	struct str site, key;
	struct witness_seen seen;
};
void witness_memory_show(const struct witness_memory *m, struct buf *out);
int witness_memory_read(struct str text, struct witness_memory *ret) WARN_UNUSED;

#endif
