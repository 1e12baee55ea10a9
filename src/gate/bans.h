/*
 * bans: who is kept out, until when, and why. The kernel holds what is in force; this is the book
 * about it, and its lines in the journal. Pure: times are handed in.
 */
#ifndef GUARITA_GATE_BANS_H
#define GUARITA_GATE_BANS_H

#include "base/buf.h"
#include "base/text.h"

#define BANS_MAX 1000000
#define BAN_REASON_MAX 300
#define BAN_SERVICE_MAX 31

struct ban {
	struct cidr net;
	char service[BAN_SERVICE_MAX + 1];     /* only from this service; empty: from everything */
	int64_t since_us, until_us;    /* wall clock; until 0: for ever */
	uint32_t times;                /* how often it was banned so far */
	uint64_t incident;             /* 0: by an operator */
	struct str reason;
};

struct bans;

int bans_new(uint64_t seed, struct bans **ret) WARN_UNUSED;
void bans_free(struct bans *b);
size_t bans_count(const struct bans *b);
/*
 * Enters it, or takes the place of an earlier one of the same network and service. The reason is
 * copied, and cut. 1: it is new, 0: it was there, or -ENOSPC, -ENOMEM.
 */
int bans_put(struct bans *b, const struct ban *ban) WARN_UNUSED;
/* The ban of exactly this network and service, or NULL. */
const struct ban *bans_find(const struct bans *b, const struct cidr *net, struct str service);
/* False when there is none. */
bool bans_remove(struct bans *b, const struct cidr *net, struct str service);
/* Forgets what is over; how many. */
size_t bans_expire(struct bans *b, int64_t now_us);
/* Calls fn for each, in no order; fn must not change the book. */
void bans_each(const struct bans *b, void (*fn)(void *ctx, const struct ban *ban), void *ctx);

/*
 * A line of the journal, with its newline: "+ 192.0.2.7/32 - SINCE UNTIL TIMES INCIDENT REASON",
 * "- 192.0.2.7/32 -". The reason is escaped.
 */
void ban_line(const struct ban *ban, bool put, struct buf *out);
/* Reads one, without its newline; the reason points into it. 0 or -EINVAL. */
int ban_line_read(struct str line, struct ban *ret, bool *ret_put) WARN_UNUSED;
/* "192.0.2.0/24"; a whole address without its prefix. dst of 52 bytes; the length. */
size_t ban_show_net(const struct cidr *net, char dst[52]);

#endif
