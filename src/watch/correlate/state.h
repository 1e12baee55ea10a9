/* state: the form of a correlator's saved state, between state.c (out) and state_load.c (in). */
#ifndef GUARITA_WATCH_CORRELATE_STATE_H
#define GUARITA_WATCH_CORRELATE_STATE_H

#include "watch/correlate/correlator.h"

#define STATE_MAGIC 0x54535247u    /* "GRST", and another word on a machine of the other byte order */
#define STATE_VERSION 4u
#define STATE_HASH_SEED 5
#define DROPPED UINT32_MAX         /* no index: what is not taken over, and the end of a list */
#define KEYS_MOST (1u << 26)
#define SIZES (sizeof(struct track) | sizeof(struct dossier) << 8 | sizeof(struct session) << 20 | sizeof(struct held) << 28)

struct state_head {
	uint32_t magic, version;
	uint64_t sizes, payload;   /* of structures; hash of all, this being 0 */
	uint64_t seed, next_serial, next_id, evicted;
	int64_t lateness_us, watermark_us, now_us, started_us, last_time_us;
	uint32_t nrules, njoins, nkeys, ntracks, ndossiers, nsessions, npassed, nkeepsakes,
	    keys_max;
	struct correlate_stats stats;
};

uint64_t state_hash(const struct state_head *h, struct str body);

#endif
