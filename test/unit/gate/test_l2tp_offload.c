/* Cutting and joining: what was cut is what was sent, joins to what it was, with every checksum right; MSS; bad offloads. */
#include "../base/cmocka_std.h"
#include "../base/prng.h"
#include "gate/l2tp/offload.h"

#include <errno.h>
#include <stdlib.h>

#define MSS 1348

static void
put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static uint32_t
get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static struct str
part(const uint8_t *p, size_t n)
{
	return str_of((const char *)p, n);
}

/* The checksum as RFC 1071 writes it, two bytes at a time: slow, and not the code under test. */
static uint16_t
plain_sum(const uint8_t *p, size_t n, uint32_t sum)
{
	for (size_t i = 0; i < n; i++)
		sum += (uint32_t)p[i] << (i % 2 ? 0 : 8);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static uint32_t
pseudo(const uint8_t *ip, uint8_t protocol, size_t length)
{
	bool v6 = ip[0] >> 4 == 6;

	return plain_sum(v6 ? ip + 8 : ip + 12, v6 ? 32 : 8, (uint32_t)length + protocol);
}

/* A TCP packet as the kernel hands it over: heads, options of 12 bytes, payload, partial checksum. Its length. */
static size_t
make_tcp(uint8_t *p, bool v6, size_t payload, uint8_t flags, uint64_t *seed)
{
	size_t ip = v6 ? 40 : 20, n = ip + 32 + payload;

	memset(p, 0, ip + 32);
	if (v6) {
		p[0] = 0x60;
		put16(p + 4, (uint16_t)(n - 40));
		p[6] = 6;
		p[7] = 64;
	} else {
		p[0] = 0x45;
		put16(p + 2, (uint16_t)n);
		put16(p + 4, 0xfffe);
		p[6] = 0x40;
		p[8] = 64;
		p[9] = 6;
	}
	for (size_t i = v6 ? 8 : 12; i < ip; i++)
		p[i] = (uint8_t)prng_next(seed);
	put16(p + ip, 1234);
	put16(p + ip + 2, 80);
	for (size_t i = 4; i < 12; i++)
		p[ip + i] = (uint8_t)prng_next(seed);
	p[ip + 12] = 0x80;
	p[ip + 13] = flags;
	put16(p + ip + 14, 512);
	p[ip + 20] = p[ip + 21] = 1;
	p[ip + 22] = 8;
	p[ip + 23] = 10;
	for (size_t i = 0; i < payload; i++)
		p[ip + 32 + i] = (uint8_t)prng_next(seed);
	put16(p + ip + 16, plain_sum(NULL, 0, pseudo(p, 6, n - ip)));
	return n;
}

static void
assert_sound(const uint8_t *p, size_t n, uint8_t protocol)
{
	size_t ip = p[0] >> 4 == 6 ? 40 : 20;

	if (ip == 20)
		assert_int_equal(plain_sum(p, 20, 0), 0xffff);
	assert_int_equal(plain_sum(p + ip, n - ip, pseudo(p, protocol, n - ip)), 0xffff);
}

static void
cut_and_join(bool v6, size_t payload, uint8_t flags, uint64_t *seed)
{
	static uint8_t big[70000], small[2000];
	static struct joiner j;
	size_t ip = v6 ? 40 : 20, n = make_tcp(big, v6, payload, flags, seed), at = 0;
	struct offload how = { .needs_csum = true, .type = v6 ? OFFLOAD_TCP6 : OFFLOAD_TCP4, .head_len = (uint16_t)(ip + 32),
		.size = MSS, .csum_start = (uint16_t)ip, .csum_offset = 16 };
	struct cutter c;
	unsigned count = 0;

	assert_int_equal(cutter_begin(&c, &how, part(big, n)), 0);
	while (cutter_more(&c)) {
		size_t got = cutter_next(&c, small);
		bool last = !cutter_more(&c);
		assert_true(got > ip + 32 && got <= ip + 32 + MSS);
		assert_sound(small, got, 6);
		assert_memory_equal(small + ip + 32, big + ip + 32 + at, got - ip - 32);
		assert_int_equal(get32(small + ip + 4), (uint32_t)(get32(big + ip + 4) + at));
		assert_int_equal(small[ip + 13] & 0x09, last ? flags & 0x09 : 0);
		assert_int_equal(small[ip + 13] & 0x80, count == 0 ? flags & 0x80 : 0);
		if (!v6)
			assert_int_equal((small[4] << 8 | small[5]), (uint16_t)(0xfffe + count));
		at += got - ip - 32;
		count++;
		if ((flags & ~0x08) == 0x10)
			assert_true(joiner_take(&j, part(small, got)));
		else
			assert_false(joiner_take(&j, part(small, got)) && last);
	}
	assert_int_equal(at, payload);
	struct str whole = joiner_flush(&j);
	if ((flags & ~0x08) != 0x10)
		return;
	const uint8_t *back = (const uint8_t *)whole.p + OFFLOAD_HEAD;
	assert_int_equal(whole.n - OFFLOAD_HEAD, n);
	assert_memory_equal(back + (v6 ? 0 : 12), big + (v6 ? 0 : 12), v6 ? 40 : 8);
	assert_memory_equal(back + ip + 32, big + ip + 32, payload);
	if (!v6)
		assert_int_equal(plain_sum(back, 20, 0), 0xffff);
	struct offload told;
	offload_read((const uint8_t *)whole.p, &told);
	assert_int_equal(told.type, count == 1 ? OFFLOAD_NONE : v6 ? OFFLOAD_TCP6 : OFFLOAD_TCP4);
	if (count > 1)
		assert_true(told.size == MSS && told.head_len == ip + 32 && told.csum_start == ip && told.csum_offset == 16);
}

static void
test_tcp(void **state)
{
	uint64_t seed = 1;

	(void)state;
	for (unsigned i = 0; i < 300; i++) {
		size_t payload = 1 + prng_below(&seed, 60000);
		cut_and_join(i % 3 == 2, payload, i % 2 ? 0x18 : 0x10, &seed);
	}
	cut_and_join(false, MSS, 0x10, &seed);
	cut_and_join(false, 2 * MSS, 0x18, &seed);
	cut_and_join(false, 5 * MSS, 0x91, &seed);
}

/* UDP is cut to one size, and joined again as far as a kernel takes it at once. */
static void
udp_cut_and_join(bool v6, size_t payload, uint16_t size, uint64_t *seed)
{
	static uint8_t big[70000], small[1500], back[70000];
	static struct joiner j;
	uint16_t ip = v6 ? 40 : 20;
	struct offload how = { .needs_csum = true, .type = OFFLOAD_UDP_L4, .size = size, .csum_start = ip, .csum_offset = 6 };
	struct cutter c;
	size_t total = 0, came = 0;
	unsigned flushes = 0;

	size_t n = make_tcp(big, v6, payload - 24, 0, seed);
	big[v6 ? 6 : 9] = 17;
	assert_int_equal(n, ip + 8 + payload);
	assert_int_equal(cutter_begin(&c, &how, part(big, n)), 0);
	j.udp_too = true;
	while (cutter_more(&c)) {
		size_t got = cutter_next(&c, small);
		assert_sound(small, got, 17);
		assert_int_equal((small[ip + 4] << 8 | small[ip + 5]), got - ip);
		assert_memory_equal(small + ip + 8, big + ip + 8 + total, got - ip - 8);
		total += got - ip - 8;
		bool taken = joiner_take(&j, part(small, got));
		if (taken && cutter_more(&c))
			continue;
		struct str whole = joiner_flush(&j);
		const uint8_t *p = (const uint8_t *)whole.p + OFFLOAD_HEAD;
		assert_int_equal((p[ip + 4] << 8 | p[ip + 5]), whole.n - OFFLOAD_HEAD - ip);
		memcpy(back + came, p + ip + 8, whole.n - OFFLOAD_HEAD - ip - 8);
		came += whole.n - OFFLOAD_HEAD - ip - 8;
		flushes++;
		if (!taken)
			assert_true(joiner_take(&j, part(small, got)));
	}
	struct str rest = joiner_flush(&j);
	if (rest.n > 0) {
		memcpy(back + came, rest.p + OFFLOAD_HEAD + ip + 8, rest.n - OFFLOAD_HEAD - ip - 8);
		came += rest.n - OFFLOAD_HEAD - ip - 8;
		flushes++;
	}
	assert_int_equal(total, payload);
	assert_int_equal(came, payload);
	assert_memory_equal(back, big + ip + 8, payload);
	assert_int_equal(flushes, ((payload + size - 1) / size + 63) / 64);
}

static void
test_udp(void **state)
{
	uint64_t seed = 2;

	(void)state;
	for (unsigned v6 = 0; v6 < 2; v6++) {
		udp_cut_and_join(v6, 1200, 500, &seed);
		udp_cut_and_join(v6, 500, 500, &seed);
		udp_cut_and_join(v6, 64 * 36, 36, &seed);
		udp_cut_and_join(v6, 200 * 36 + 1, 36, &seed);
		udp_cut_and_join(v6, 60000, 1344, &seed);
	}
}

/* Where the kernel does not take UDP uncut, and where a datagram says that it has no checksum, nothing is joined. */
static void
test_udp_alone(void **state)
{
	static uint8_t p[200];
	static struct joiner j;
	uint64_t seed = 5;
	struct offload how = { .needs_csum = true, .csum_start = 20, .csum_offset = 6 };
	uint8_t out[200];
	struct cutter c;

	(void)state;
	size_t n = make_tcp(p, false, 40, 0, &seed);
	p[9] = 17;
	put16(p + 10, 0);
	put16(p + 10, (uint16_t)~plain_sum(p, 20, 0));
	put16(p + 24, (uint16_t)(n - 20));
	put16(p + 26, plain_sum(NULL, 0, pseudo(p, 17, n - 20)));
	assert_int_equal(cutter_begin(&c, &how, part(p, n)), 0);
	assert_int_equal(cutter_next(&c, out), n);
	assert_false(joiner_take(&j, part(out, n)));
	j.udp_too = true;
	assert_true(joiner_take(&j, part(out, n)));
	put16(out + 26, 0);
	assert_false(joiner_take(&j, part(out, n)));
}

/* What only lacks its checksum gets it; what the kernel cannot have meant is refused. */
static void
test_whole_and_bad(void **state)
{
	static uint8_t p[2000], out[2000];
	uint64_t seed = 3;
	struct offload how = { .needs_csum = true, .csum_start = 20, .csum_offset = 16 };
	struct cutter c;

	(void)state;
	size_t n = make_tcp(p, false, 77, 0x18, &seed);
	assert_int_equal(cutter_begin(&c, &how, part(p, n)), 0);
	assert_int_equal(cutter_next(&c, out), n);
	put16(out + 10, 0);
	put16(out + 10, (uint16_t)~plain_sum(out, 20, 0));
	assert_sound(out, n, 6);
	assert_false(cutter_more(&c));
	static const struct offload bad[] = {
		{ .needs_csum = true, .csum_start = 120, .csum_offset = 16 },
		{ .needs_csum = true, .type = OFFLOAD_TCP4, .size = 0, .csum_start = 20, .csum_offset = 16 },
		{ .needs_csum = true, .type = OFFLOAD_TCP4, .size = 10, .csum_start = 24, .csum_offset = 16 },
		{ .needs_csum = true, .type = OFFLOAD_TCP4, .size = 10, .csum_start = 120, .csum_offset = 16 },
		{ .needs_csum = false, .type = OFFLOAD_TCP4, .size = 10, .csum_start = 20, .csum_offset = 16 },
		{ .needs_csum = true, .type = OFFLOAD_UDP, .size = 10, .csum_start = 20, .csum_offset = 6 },
		{ .needs_csum = true, .type = 99, .size = 10, .csum_start = 20, .csum_offset = 16 },
	};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (cutter_begin(&c, &bad[i], part(p, n)) == 0)
			fail_msg("offload %zu is taken", i);
	p[32] = 0xf0;
	how.type = OFFLOAD_TCP4;
	how.size = 10;
	assert_int_equal(cutter_begin(&c, &how, part(p, 60)), -EBADMSG);
}

/* A packet with a wrong checksum is never joined: the kernel would take it for a right one. */
static void
test_corrupt_is_not_joined(void **state)
{
	static uint8_t big[4000], small[2000];
	static struct joiner j;
	uint64_t seed = 4;
	struct offload how = { .needs_csum = true, .type = OFFLOAD_TCP4, .size = MSS, .csum_start = 20, .csum_offset = 16 };
	struct cutter c;

	(void)state;
	size_t n = make_tcp(big, false, 2 * MSS, 0x10, &seed);
	assert_int_equal(cutter_begin(&c, &how, part(big, n)), 0);
	size_t got = cutter_next(&c, small);
	assert_true(joiner_take(&j, part(small, got)));
	got = cutter_next(&c, small);
	small[100] ^= 1;
	assert_false(joiner_take(&j, part(small, got)));
	small[100] ^= 1;
	small[35] ^= 1;
	assert_false(joiner_take(&j, part(small, got)));
	small[35] ^= 1;
	assert_true(joiner_take(&j, part(small, got)));
}

static void
test_mss(void **state)
{
	static const struct { uint8_t options[8]; uint16_t was; bool lowered; } cases[] = {
		{ { 2, 4, 0x05, 0xb4, 0, 0, 0, 0 }, 1460, true }, { { 1, 2, 4, 0x05, 0xb4, 0, 0, 0 }, 1460, true },
		{ { 1, 1, 1, 1, 2, 4, 0x05, 0xb4 }, 1460, true }, { { 2, 4, 0x02, 0x18, 0, 0, 0, 0 }, 536, false },
		{ { 3, 3, 7, 2, 4, 0x05, 0xb4, 0 }, 1460, true }, { { 0, 2, 4, 0x05, 0xb4, 0, 0, 0 }, 1460, false },
		{ { 5, 0, 2, 4, 0x05, 0xb4, 0, 0 }, 1460, false }, { { 1, 1, 1, 1, 1, 1, 2, 4 }, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint8_t p[48] = { 0x45, 0, 0, 48, 0, 0, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2 };
		p[32] = 0x70;
		p[33] = 0x02;
		memcpy(p + 40, cases[i].options, 8);
		put16(p + 36, (uint16_t)~plain_sum(p + 20, 28, pseudo(p, 6, 28)));
		assert_int_equal(clamp_mss(p, sizeof(p), 1400), cases[i].lowered);
		assert_int_equal(plain_sum(p + 20, 28, pseudo(p, 6, 28)), 0xffff);
		assert_false(clamp_mss(p, sizeof(p), 1400));
		p[33] = 0x10;
		memcpy(p + 40, cases[i].options, 8);
		assert_false(clamp_mss(p, sizeof(p), 1400));
	}
	uint8_t tiny[1] = { 0x45 };
	for (size_t n = 0; n < 2; n++)
		assert_false(clamp_mss(tiny, n, 1400));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tcp), cmocka_unit_test(test_udp), cmocka_unit_test(test_udp_alone), cmocka_unit_test(test_whole_and_bad),
		cmocka_unit_test(test_corrupt_is_not_joined), cmocka_unit_test(test_mss),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
