/*
 * keep: what is kept and what goes. One deletion at a time: planned from the rules of retention or from an order to
 * erase a line, told in the log, and only when that is durable carried out; after a crash it is carried out again, which
 * changes nothing. keep.c has the order of things; keep_plan.c what goes next and keep_work.c what is done
 * on the disk, both by another thread.
 */
#ifndef GUARITA_ROLE_VAULT_KEEP_H
#define GUARITA_ROLE_VAULT_KEEP_H

#include "role/vault/vaultd.h"
#include "vault/gone.h"
#include "vault/retain.h"

#define ERASURES_MAX 1024

struct erasure {
	uint64_t index, record;
	uint32_t order;                /* to be answered; 0: it was */
};

enum keep_step {
	KEEP_PLAN,                     /* worker: what is to go? */
	KEEP_SAID,                     /* until the record of it is durable */
	KEEP_CARRY,                    /* worker: a whole segment goes; or work is left for packd */
	KEEP_PACKING,                  /* until packd has written the segment anew */
	KEEP_CHECK,                    /* worker: is it the same but for the lines that go? */
	KEEP_TOLD,                     /* until the digest of the new one is durable */
	KEEP_FINISH,                   /* worker: the new one takes the place of the old, whose key is destroyed */
};

struct keep_job {
	struct vaulting *v;
	enum keep_step step;
	bool busy;                     /* with the worker */
	uint64_t first, rows;          /* the segment; rows 0: there is nothing to do */
	uint64_t record;               /* that tells of it */
	uint64_t durable_at;           /* what is waited for */
	bool *gone;                    /* per row: goes now */
	uint64_t ngone;
	bool whole;                    /* nothing is left of the segment */
	bool erasing;                  /* an order, not a rule */
	char rule[512];                /* why, for people */
	struct digest *leaves;         /* of the rows, once planned */
	struct digest digest;          /* of the segment that packd wrote */
	int error;
	/* Handed in before planning, and given back by it. */
	int64_t now_us;
	struct erasure *asked;
	size_t nasked;
	uint64_t bytes;                /* of log and segments */
	uint64_t log_first;            /* line of the log's oldest file, and when that was begun; 0: there is none */
	int64_t log_since_us;
};

struct keep_seen {                     /* a segment that was looked at, and the rules that were due then */
	uint64_t first, due;
	bool looked;
	int64_t next_us;               /* when something more of it has its time; 0: never */
};

struct keeping {
	struct retain retain;
	uint64_t size_limit;
	struct erasure erasures[ERASURES_MAX];
	size_t nerasures;
	struct keep_job job;
	struct keep_seen *seen;        /* the worker's */
	size_t nseen;
	uint64_t bytes;
	int64_t planned_us;
	uint64_t expired, erased;      /* since the start */
	uint64_t wanted;               /* lines before this are to be packed soon */
	int told_error;
	bool begun;                    /* what was left over from before a restart was looked for */
};

/* Worker, one step each: j->error says how it went. */
void keep_plan(void *job);
void keep_carry(void *job);
void keep_check(void *job);
void keep_finish(void *job);
/* Work that was left for packd before a restart: 0 and j->first, or -ENOENT. */
int keep_left_over(struct keep_job *j) WARN_UNUSED;
bool keep_packd_is_done(const struct keep_job *j);
void keep_job_reset(struct keep_job *j);

#endif
