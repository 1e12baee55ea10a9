/*
 * nft: the packet filter of the kernel, spoken to by netlink: whole rulesets as messages that others wrote, single elements of
 * sets and counters by themselves, because a ban must not wait. A few rules may also come as text, through libnftables, in a
 * process of their own that ends with its memory. Everything is in one table of ours.
 */
#ifndef GUARITA_SYS_NFT_H
#define GUARITA_SYS_NFT_H

#include "base/buf.h"
#include "base/text.h"

/*
 * One transaction: all of the text or nothing of it. check_only: nothing, but it is tried. 0, or
 * -EINVAL with the beginning of what nft said in why; other errors: nothing was tried.
 */
int nft_run(struct str text, bool check_only, struct buf *why) WARN_UNUSED;

struct nft;

/*
 * Messages of nftables, numbered up to last, which asks for an answer, as one transaction: all of them or nothing.
 * check_only: nothing, but the kernel has looked at each. 0, or the kernel's error; then
 * *ret_seq is the number of the message that it did not take, 0 when the transaction was not tried.
 */
int nft_commit(struct nft *n, struct str messages, uint32_t last, bool check_only, uint32_t *ret_seq) WARN_UNUSED;
/* The number that the next messages may begin with. */
uint32_t nft_next(const struct nft *n);

int nft_open(const char *table, struct nft **ret) WARN_UNUSED;
void nft_close(struct nft *n);         /* accepts NULL */

/* An element: the bytes of its key, parts padded to four each. */
struct nft_element {
	uint8_t key[40];
	uint8_t n;
	uint8_t end[40];               /* of an interval, exclusive; used when ranged */
	bool ranged, open_end;         /* open_end: up to the last address */
	uint64_t timeout_ms;           /* 0: for ever */
	uint64_t expires_ms;           /* only when listed: what is left */
};

/*
 * Adds or removes elements, in as few transactions as the kernel takes (400 in each). An
 * element that is there keeps the time-out it has: remove it first. Removing what is not there is
 * -ENOENT.
 */
int nft_add(struct nft *n, const char *set, const struct nft_element *v, size_t count) WARN_UNUSED;
int nft_del(struct nft *n, const char *set, const struct nft_element *v, size_t count) WARN_UNUSED;
/* Removes those that are there and adds all, in one transaction: the elements get the time-outs told here. */
int nft_renew(struct nft *n, const char *set, const struct nft_element *v, size_t count) WARN_UNUSED;
int nft_list(struct nft *n, const char *set, void (*fn)(void *ctx, const struct nft_element *e),
    void *ctx) WARN_UNUSED;

/*
 * Whether the kernel can answer SYNs with cookies: 0, -ENOENT or another error of its when not. Tried with a transaction
 * that is never committed.
 */
int nft_has_synproxy(struct nft *n) WARN_UNUSED;

struct nft_count {
	char name[32];
	uint64_t packets, bytes;
};
/* Every named counter of the table. -ENOENT: there is no table. */
int nft_counters(struct nft *n, void (*fn)(void *ctx, const struct nft_count *c),
    void *ctx) WARN_UNUSED;
/* Where a rule of the table stands, and the counter that it names; the handle is what traces call it. */
struct nft_place {
	char chain[32], counter[32];
	uint64_t handle;
};
int nft_places(struct nft *n, void (*fn)(void *ctx, const struct nft_place *p), void *ctx) WARN_UNUSED;
/* Removes the table with all in it. */
int nft_drop_table(struct nft *n) WARN_UNUSED;

/* Keys: an address, or the network's first and last. */
struct nft_element nft_key_addr(const struct addr *a);
struct nft_element nft_key_net(const struct cidr *c);
struct nft_element nft_key_port(const struct addr *a, uint8_t protocol, uint16_t port);
struct nft_element nft_key_name(struct str interface);

#endif
