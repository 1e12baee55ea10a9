/* respond_ban: which networks may be banned at all, for how long, and who was banned before. Only for respond.c. */
#ifndef GUARITA_WATCH_CORRELATE_RESPOND_BAN_H
#define GUARITA_WATCH_CORRELATE_RESPOND_BAN_H

#include "watch/correlate/respond.h"

struct ban_known {
	struct cidr net;
	bool used;
	uint32_t times;
	int64_t until_us;              /* INT64_MAX: for ever */
	int64_t last_us;
};

struct ban_memory {
	struct ban_known *known;       /* open addressing, BANS_REMEMBERED * 2 places */
	uint32_t count;
	uint64_t seed;
};

int ban_memory_init(struct ban_memory *m, uint64_t seed) WARN_UNUSED;
void ban_memory_free(struct ban_memory *m);
/* False when it is banned still; else how long, by what it did before. */
bool ban_memory_take(struct ban_memory *m, const struct cidr *net, const struct conf_ban *ban,
    int64_t now_us,
    uint32_t *ret_times, int64_t *ret_duration_us);
/* Let in before its time: who comes again is banned again, and was banned before. */
void ban_memory_let_in(struct ban_memory *m, const struct cidr *net);
int ban_memory_save(const struct ban_memory *m, struct buf *out) WARN_UNUSED;
int ban_memory_load(struct ban_memory *m, struct str state) WARN_UNUSED;

struct cidr ban_net(const struct addr *a, bool whole_net);
/* Loopback, link-local, multicast, broadcast, unspecified: no one's address. */
bool ban_never(const struct cidr *net);

#endif
