/*
 * mppe: one direction of RFC 3078. In stateless mode the key changes with every packet, so a receiver may step over lost
 * ones; in stateful mode it changes when the low byte of the count is 255. Must never go back in the count.
 */
#include "wire/mppe.h"

#include <assert.h>
#include <errno.h>

#define FLAG_FLUSHED 0x8000
#define FLAG_ENCRYPTED 0x1000
#define COUNT_MASK 0x0fff
/* A packet so far ahead is one from behind: half of the count's circle. */
#define AHEAD_MAX (MPPE_COUNT / 2)

/* Weak keys have known first bytes: RFC 3079 section 3.1 and 3.2. */
static void
weaken(const struct mppe *m, uint8_t key[MPPE_KEY])
{
	if (m->bits & MPPE_40) {
		key[0] = 0xd1;
		key[1] = 0x26;
		key[2] = 0x9e;
	} else if (m->bits & MPPE_56) {
		key[0] = 0xd1;
	}
}

/* GetNewKeyFromSHA: SHA(start, pad1, session, pad2), cut. Both pads fill: two blocks and the length. */
static void
mix_key(const struct mppe *m, uint8_t ret[MPPE_KEY])
{
	static const uint8_t pad1[40];
	uint8_t pad2[40], sum[SHA1_SIZE];
	struct digest d;

	memset(pad2, 0xf2, sizeof(pad2));
	sha1_begin(&d);
	sha1_add(&d, str_of((const char *)m->start, m->key_len));
	sha1_add(&d, str_of((const char *)pad1, sizeof(pad1)));
	sha1_add(&d, str_of((const char *)m->session, m->key_len));
	sha1_add(&d, str_of((const char *)pad2, sizeof(pad2)));
	sha1_end(&d, sum);
	memcpy(ret, sum, m->key_len);
}

/*
 * RFC 3079 section 3.3: the mixed key encrypts itself to be the next. It is made while this one's key schedule is set up:
 * two schedules side by side take little longer than one, and they are what a stateless link pays for with every packet.
 */
static void
use_key(struct mppe *m, struct rc4 *stream)
{
	uint8_t interim[MPPE_KEY];
	struct rc4 mixing;

	mix_key(m, interim);
	rc4_key_two(stream, m->session, &mixing, interim, m->key_len);
	rc4_crypt(&mixing, interim, m->next, m->key_len);
	weaken(m, m->next);
}

static void
change_key(struct mppe *m, struct rc4 *stream)
{
	memcpy(m->session, m->next, MPPE_KEY);
	use_key(m, stream);
}

static bool
stateless(const struct mppe *m)
{
	return (m->bits & MPPE_STATELESS) != 0;
}

void
mppe_begin(struct mppe *m, const uint8_t start[MPPE_KEY], uint32_t bits, struct rc4 *kept)
{
	struct rc4 first;

	assert((bits & MPPE_STRENGTHS) != 0 && (kept || bits & MPPE_STATELESS));
	*m = (struct mppe){ .bits = bits, .key_len = bits & MPPE_128 ? 16 : 8, .fresh = true, .kept = kept };
	memcpy(m->start, start, MPPE_KEY);
	memcpy(m->session, start, MPPE_KEY);
	mix_key(m, m->session);
	weaken(m, m->session);
	use_key(m, kept ? kept : &first);
}

void
mppe_end(struct mppe *m)
{
	wipe(m, sizeof(*m));
}

void
mppe_reset(struct mppe *m)
{
	m->flush = true;
}

static uint16_t
next_count(const struct mppe *m)
{
	return m->fresh ? 0 : (m->count + 1) & COUNT_MASK;
}

/* A "flag" packet of a stateful link: it changes the key. */
static bool
is_flag(uint16_t count)
{
	return (count & 0xff) == 0xff;
}

size_t
mppe_encrypt(struct mppe *m, struct str in, uint8_t *out)
{
	struct rc4 once, *stream = stateless(m) ? &once : m->kept;

	m->count = next_count(m);
	m->fresh = false;
	bool flushed = m->flush || stateless(m) || is_flag(m->count);
	if (stateless(m) || is_flag(m->count))
		change_key(m, stream);
	else if (m->flush)
		rc4_key(stream, m->session, m->key_len);
	m->flush = false;
	uint16_t head = (uint16_t)(m->count | FLAG_ENCRYPTED | (flushed ? FLAG_FLUSHED : 0));
	out[0] = (uint8_t)(head >> 8);
	out[1] = (uint8_t)head;
	rc4_crypt(stream, (const uint8_t *)in.p, out + 2, in.n);
	return in.n + 2;
}

/* Section 8.1: the key changes with every packet; lost ones are stepped over, at the price of their keys. */
static int
receive_stateless(struct mppe *m, uint16_t count, bool flushed, struct rc4 *stream)
{
	uint16_t ahead = (uint16_t)(m->fresh ? count + 1 : (count - m->count) & COUNT_MASK);

	if (!flushed)
		return -EBADMSG;
	if (ahead == 0 || ahead > AHEAD_MAX)
		return -EALREADY;
	while (ahead-- > 0)
		change_key(m, stream);
	m->count = count;
	m->fresh = false;
	return 0;
}

/*
 * Section 8.2. After a gap nothing is read until a flushed packet, which begins anew with the current key; the changes of
 * the flag packets that were lost in between are made up for. (Linux changes the key at every flushed packet and so loses
 * the thread for good when such a packet is lost: stateful links are only for peers that insist.)
 */
static int
receive_stateful(struct mppe *m, uint16_t count, bool flushed)
{
	if (!m->flush && count != next_count(m))
		m->flush = true;
	if (m->flush && !flushed)
		return -EAGAIN;
	for (uint16_t at = next_count(m); at != count; at = (at + 1) & COUNT_MASK)
		if (is_flag(at))
			change_key(m, m->kept);
	if (is_flag(count))
		change_key(m, m->kept);
	else if (flushed)
		rc4_key(m->kept, m->session, m->key_len);
	m->flush = false;
	m->count = count;
	m->fresh = false;
	return 0;
}

int
mppe_decrypt(struct mppe *m, struct str in, uint8_t *out)
{
	const uint8_t *p = (const uint8_t *)in.p;
	struct rc4 once, *stream = stateless(m) ? &once : m->kept;

	if (in.n < 3 || !(p[0] & FLAG_ENCRYPTED >> 8))
		return -EBADMSG;
	uint16_t head = (uint16_t)(p[0] << 8 | p[1]), count = head & COUNT_MASK;
	bool flushed = (head & FLAG_FLUSHED) != 0;
	int r = stateless(m) ? receive_stateless(m, count, flushed, stream) : receive_stateful(m, count, flushed);
	if (r < 0)
		return r;
	rc4_crypt(stream, p + 2, out, in.n - 2);
	return (int)in.n - 2;
}
