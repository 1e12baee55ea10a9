/* bans: see bans.h. Chained hashing over cells that never move. */
#include "gate/bans.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/pool.h"

#define BUCKETS_MIN 64

struct cell {
	struct ban ban;
	uint32_t next;
};

struct bans {
	struct pool cells;
	uint32_t *buckets;
	uint32_t nbuckets;
	uint64_t seed;
};

int
bans_new(uint64_t seed, struct bans **ret)
{
	struct bans *b = calloc(1, sizeof(*b));

	if (!b)
		return -ENOMEM;
	b->buckets = malloc(BUCKETS_MIN * sizeof(*b->buckets));
	if (!b->buckets) {
		free(b);
		return -ENOMEM;
	}
	memset(b->buckets, 0xff, BUCKETS_MIN * sizeof(*b->buckets));
	b->nbuckets = BUCKETS_MIN;
	b->seed = seed;
	pool_init(&b->cells, sizeof(struct cell), BANS_MAX);
	*ret = b;
	return 0;
}

static struct cell *
cell_at(const struct bans *b, uint32_t i)
{
	return pool_at(&b->cells, i);
}

void
bans_free(struct bans *b)
{
	if (!b)
		return;
	for (uint32_t i = 0; i < b->cells.size; i++)
		if (pool_used(&b->cells, i))
			free((char *)(uintptr_t)cell_at(b, i)->ban.reason.p);
	pool_free(&b->cells);
	free(b->buckets);
	free(b);
}

size_t
bans_count(const struct bans *b)
{
	return b->cells.count;
}

static uint32_t
bucket_of(const struct bans *b, const struct cidr *net, struct str service)
{
	uint64_t h = hash_bytes(str_of((const char *)net->net.b, 16), b->seed + net->bits);

	return (uint32_t)(hash_mix(h, hash_bytes(service, b->seed)) & (b->nbuckets - 1));
}

static bool
is_ban(const struct ban *x, const struct cidr *net, struct str service)
{
	return x->net.bits == net->bits && memcmp(&x->net.net, &net->net, 16) == 0 &&
	    str_eq(str_z(x->service), service);
}

/* The link that leads to the cell, or to the end of its chain. */
static uint32_t *
link_to(const struct bans *b, const struct cidr *net, struct str service)
{
	uint32_t *link = &b->buckets[bucket_of(b, net, service)];

	while (*link != POOL_NONE && !is_ban(&cell_at(b, *link)->ban, net, service))
		link = &cell_at(b, *link)->next;
	return link;
}

static int
grow(struct bans *b)
{
	uint32_t n = b->nbuckets * 2, *buckets = malloc(n * sizeof(*buckets));

	if (!buckets)
		return -ENOMEM;
	memset(buckets, 0xff, n * sizeof(*buckets));
	free(b->buckets);
	b->buckets = buckets;
	b->nbuckets = n;
	for (uint32_t i = 0; i < b->cells.size; i++) {
		if (!pool_used(&b->cells, i))
			continue;
		struct cell *c = cell_at(b, i);
		uint32_t *first = &buckets[bucket_of(b, &c->ban.net, str_z(c->ban.service))];
		c->next = *first;
		*first = i;
	}
	return 0;
}

int
bans_put(struct bans *b, const struct ban *ban)
{
	struct str service = str_z(ban->service), reason = str_head(ban->reason, BAN_REASON_MAX);
	char *copy = malloc(reason.n + 1);

	if (!copy)
		return -ENOMEM;
	if (reason.n)
		memcpy(copy, reason.p, reason.n);
	uint32_t i = *link_to(b, &ban->net, service);
	bool new = i == POOL_NONE;
	if (new && b->cells.count >= b->nbuckets && grow(b) < 0) {
		free(copy);
		return -ENOMEM;
	}
	if (new)
		i = pool_take(&b->cells);
	if (i == POOL_NONE) {
		free(copy);
		return -ENOSPC;
	}
	struct cell *c = cell_at(b, i);
	if (new) {
		uint32_t *first = &b->buckets[bucket_of(b, &ban->net, service)];
		c->next = *first;
		*first = i;
	} else {
		free((char *)(uintptr_t)c->ban.reason.p);
	}
	c->ban = *ban;
	c->ban.reason = str_of(copy, reason.n);
	return new;
}

const struct ban *
bans_find(const struct bans *b, const struct cidr *net, struct str service)
{
	uint32_t i = *link_to(b, net, service);

	return i == POOL_NONE ? NULL : &cell_at(b, i)->ban;
}

bool
bans_remove(struct bans *b, const struct cidr *net, struct str service)
{
	uint32_t *link = link_to(b, net, service), i = *link;

	if (i == POOL_NONE)
		return false;
	*link = cell_at(b, i)->next;
	free((char *)(uintptr_t)cell_at(b, i)->ban.reason.p);
	pool_give(&b->cells, i);
	return true;
}

size_t
bans_expire(struct bans *b, int64_t now_us)
{
	size_t n = 0;

	for (uint32_t i = 0; i < b->cells.size; i++) {
		if (!pool_used(&b->cells, i))
			continue;
		const struct ban *x = &cell_at(b, i)->ban;
		struct cidr net = x->net;
		if (x->until_us && x->until_us <= now_us)
			n += bans_remove(b, &net, str_z(x->service));
	}
	return n;
}

void
bans_each(const struct bans *b, void (*fn)(void *ctx, const struct ban *ban), void *ctx)
{
	for (uint32_t i = 0; i < b->cells.size; i++)
		if (pool_used(&b->cells, i))
			fn(ctx, &cell_at(b, i)->ban);
}

size_t
ban_show_net(const struct cidr *net, char dst[52])
{
	size_t n = addr_show(&net->net, dst);
	bool v4 = addr_is_v4(&net->net);

	if (net->bits < 128)
		n += (size_t)snprintf(dst + n, 52 - n, "/%u", v4 ? net->bits - 96u : net->bits);
	return n;
}

void
ban_line(const struct ban *ban, bool put, struct buf *out)
{
	char net[52];

	buf_addf(out, "%c %.*s %s", put ? '+' : '-', (int)ban_show_net(&ban->net, net), net,
	    ban->service[0] ? ban->service : "-");
	if (put) {
		buf_addf(out, " %lld %lld %u %llu ", (long long)ban->since_us, (long long)ban->until_us,
		    ban->times, (unsigned long long)ban->incident);
		buf_add_escaped(out, ban->reason);
	}
	buf_add_byte(out, '\n');
}

static bool
take_service(struct str word, char dst[BAN_SERVICE_MAX + 1])
{
	if (word.n == 0 || word.n > BAN_SERVICE_MAX)
		return false;
	for (size_t i = 0; i < word.n; i++)
		if (word.p[i] <= ' ' || word.p[i] >= 0x7f)
			return false;
	if (str_eq(word, STR("-")))
		word.n = 0;
	memcpy(dst, word.p, word.n);
	dst[word.n] = '\0';
	return true;
}

int
ban_line_read(struct str line, struct ban *ret, bool *ret_put)
{
	struct ban b = { .times = 0 };
	struct str sign, net, service, w[4];
	uint64_t times;

	if (!str_word(&line, &sign) || !str_word(&line, &net) || !str_word(&line, &service) ||
	    sign.n != 1 || (sign.p[0] != '+' && sign.p[0] != '-') ||
	    cidr_parse(net, &b.net) < 0 || !take_service(service, b.service))
		return -EINVAL;
	for (size_t i = 0; sign.p[0] == '+' && i < ARRAY_LEN(w); i++)
		if (!str_word(&line, &w[i]))
			return -EINVAL;
	if (sign.p[0] == '+' && (text_i64(w[0], &b.since_us) < 0 || text_i64(w[1], &b.until_us) < 0 ||
	    text_u64(w[2], &times) < 0 || text_u64(w[3], &b.incident) < 0 || times > UINT32_MAX))
		return -EINVAL;
	if (sign.p[0] == '+') {
		b.times = (uint32_t)times;
		b.reason = str_trim(line);
	}
	*ret_put = sign.p[0] == '+';
	*ret = b;
	return 0;
}
