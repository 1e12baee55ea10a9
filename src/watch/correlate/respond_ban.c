/* respond_ban: see respond_ban.h. */
#include "watch/correlate/respond_ban.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cur.h"
#include "base/hash.h"

#define PLACES (BANS_REMEMBERED * 2)
#define BANS_MAGIC 0x47424e31u         /* "GBN1" */
#define BAN_BYTES 37u

int
ban_memory_init(struct ban_memory *m, uint64_t seed)
{
	*m = (struct ban_memory){ .known = calloc(PLACES, sizeof(*m->known)), .seed = seed };
	return m->known ? 0 : -ENOMEM;
}

void
ban_memory_free(struct ban_memory *m)
{
	free(m->known);
	m->known = NULL;
}

static bool
same_net(const struct cidr *a, const struct cidr *b)
{
	return a->bits == b->bits && memcmp(a->net.b, b->net.b, sizeof(a->net.b)) == 0;
}

static uint32_t
place(const struct ban_memory *m, const struct cidr *net)
{
	uint32_t at = (uint32_t)hash_bytes(str_of((const char *)net->net.b, 16),
	    m->seed + net->bits) & (PLACES - 1);

	while (m->known[at].used && !same_net(&m->known[at].net, net))
		at = (at + 1) & (PLACES - 1);
	return at;
}

/* Everything is put anew without what is over and forgotten; when that frees nothing, the older half goes. */
static void
forget(struct ban_memory *m, int64_t now_us)
{
	struct ban_known *old = m->known;
	int64_t before = now_us - BAN_FORGOTTEN_AFTER;
	uint32_t kept = 0;

	for (uint32_t i = 0; i < PLACES; i++)
		kept += old[i].used && (old[i].last_us >= before || old[i].until_us > now_us);
	m->known = calloc(PLACES, sizeof(*m->known));
	if (!m->known) {
		m->known = old;
		memset(old, 0, PLACES * sizeof(*old));
		m->count = 0;
		return;
	}
	m->count = 0;
	for (uint32_t i = 0; i < PLACES; i++) {
		bool live = old[i].used && (old[i].last_us >= before || old[i].until_us > now_us);

		if (!live || (kept >= BANS_REMEMBERED && i % 2))
			continue;
		m->known[place(m, &old[i].net)] = old[i];
		m->count++;
	}
	free(old);
}

static int64_t
duration_of(const struct conf_ban *ban, uint32_t times)
{
	int64_t us = ban->duration_us, max = ban->escalate.max_us > 0 ? ban->escalate.max_us :
	    INT64_MAX / 4;

	if (us == 0 || ban->escalate.factor <= 1)
		return us;
	for (uint32_t i = 1; i < times && us < max; i++)
		us = us > max / ban->escalate.factor ? max : us * ban->escalate.factor;
	return us;
}

bool
ban_memory_take(struct ban_memory *m, const struct cidr *net, const struct conf_ban *ban,
    int64_t now_us,
    uint32_t *ret_times, int64_t *ret_duration_us)
{
	struct ban_known *k = &m->known[place(m, net)];

	if (k->used && k->until_us > now_us)
		return false;
	if (!k->used) {
		if (m->count >= BANS_REMEMBERED) {
			forget(m, now_us);
			k = &m->known[place(m, net)];
		}
		*k = (struct ban_known){ .net = *net, .used = true };
		m->count++;
	} else if (now_us - k->last_us > BAN_FORGOTTEN_AFTER) {
		k->times = 0;
	}
	k->times += k->times < UINT32_MAX;
	k->last_us = now_us;
	*ret_times = k->times;
	*ret_duration_us = duration_of(ban, k->times);
	k->until_us = *ret_duration_us ? now_us + *ret_duration_us : INT64_MAX;
	return true;
}

void
ban_memory_let_in(struct ban_memory *m, const struct cidr *net)
{
	struct ban_known *k = &m->known[place(m, net)];

	if (k->used)
		k->until_us = 0;
}

struct cidr
ban_net(const struct addr *a, bool whole_net)
{
	struct cidr net = { .net = *a, .bits = 128 };

	if (!whole_net)
		return net;
	net.bits = addr_is_v4(a) ? 120 : 64;
	memset(net.net.b + net.bits / 8, 0, (128u - net.bits) / 8);
	return net;
}

bool
ban_never(const struct cidr *net)
{
	/* RFC 6890: of IPv4 0/8, 127/8, 169.254/16, 224/4 and 255/8 with it; of IPv6 ::/127, fe80::/10, ff00::/8. */
	static const struct cidr no_one[] = {
		{ { { [10] = 0xff, 0xff, 0 } }, 104 }, { { { [10] = 0xff, 0xff, 127 } }, 104 },
		{ { { [10] = 0xff, 0xff, 169, 254 } }, 112 }, { { { [10] = 0xff, 0xff, 224 } },
		    99 },
		{ { { 0 } }, 127 }, { { { 0xfe, 0x80 } }, 10 }, { { { 0xff } }, 8 },
	};

	for (size_t i = 0; i < ARRAY_LEN(no_one); i++) {
		if (cidr_has(&no_one[i], &net->net))
			return true;
	}
	return false;
}

int
ban_memory_save(const struct ban_memory *m, struct buf *out)
{
	uint8_t bytes[BAN_BYTES];
	struct enc head = enc_of(bytes, sizeof(bytes));

	enc_u32(&head, BANS_MAGIC);
	enc_u32(&head, m->count);
	buf_add(out, str_of((const char *)bytes, head.n));
	for (uint32_t i = 0; i < PLACES; i++) {
		const struct ban_known *k = &m->known[i];
		struct enc e = enc_of(bytes, sizeof(bytes));

		if (!k->used)
			continue;
		enc_bytes(&e, str_of((const char *)k->net.net.b, 16));
		enc_u8(&e, k->net.bits);
		enc_u32(&e, k->times);
		enc_u64(&e, (uint64_t)k->until_us);
		enc_u64(&e, (uint64_t)k->last_us);
		buf_add(out, str_of((const char *)bytes, e.n));
	}
	return buf_ok(out) ? 0 : -ENOMEM;
}

int
ban_memory_load(struct ban_memory *m, struct str state)
{
	struct cur c = cur_of(state);
	uint32_t magic = cur_u32(&c), n = cur_u32(&c);

	if (!cur_ok(&c) || magic != BANS_MAGIC || n > BANS_REMEMBERED ||
	    c.n != (size_t)n * BAN_BYTES)
		return -EINVAL;
	for (uint32_t i = 0; i < n; i++) {
		struct str net = cur_bytes(&c, 16);
		struct ban_known k = { .used = true, .net.bits = cur_u8(&c) }, *to;

		memcpy(k.net.net.b, net.p, 16);
		k.times = cur_u32(&c);
		k.until_us = (int64_t)cur_u64(&c);
		k.last_us = (int64_t)cur_u64(&c);
		to = &m->known[place(m, &k.net)];
		m->count += !to->used;
		*to = k;
	}
	return 0;
}
