/*
 * pacct: the two shapes of an accounting record: struct acct (versions 0 to 2) and struct acct_v3
 * of linux/acct.h. Must never trust the command to be text.
 */
#include "wire/pacct.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "base/cur.h"

#define BIG 0x80                   /* ACCT_BYTEORDER */
#define VERSION 0x0f
#define TIME_MIN 315532800u        /* 1980 */

int64_t
pacct_end_us(const struct pacct *p)
{
	int64_t ticks = p->elapsed_ticks < UINT64_C(1) << 40 ? (int64_t)p->elapsed_ticks : 0;

	return ((int64_t)p->begin * PACCT_TICKS + ticks + ticks / 2048) * (1000000 / PACCT_TICKS);
}

uint64_t
pacct_comp_read(uint16_t c)
{
	return (uint64_t)(c & 0x1fff) << (3 * (c >> 13));
}

/* As encode_comp_t() of the kernel does it: rounded, not cut. */
uint16_t
pacct_comp_write(uint64_t v)
{
	unsigned exponent = 0, round = 0;

	while (v > 0x1fff) {
		round = v & 4;
		v >>= 3;
		exponent++;
	}
	if (round && ++v > 0x1fff) {
		v >>= 3;
		exponent++;
	}
	return exponent > 7 ? 0xffff : (uint16_t)(exponent << 13 | v);
}

struct numbers {                   /* a cursor that knows its byte order */
	struct cur c;
	bool big;
};

static uint16_t
u16(struct numbers *n)
{
	return n->big ? cur_u16(&n->c) : cur_u16le(&n->c);
}

static uint32_t
u32(struct numbers *n)
{
	return n->big ? cur_u32(&n->c) : cur_u32le(&n->c);
}

static uint64_t
comp(struct numbers *n)
{
	return pacct_comp_read(u16(n));
}

static struct str
command(struct numbers *n, size_t width, bool *ret_dirty)
{
	struct str whole = cur_bytes(&n->c, width), text = str_head(whole, str_find_byte(whole, '\0'));

	*ret_dirty = false;
	for (size_t i = text.n; i < whole.n; i++)
		*ret_dirty |= whole.p[i] != '\0';
	return text;
}

/* Elapsed time is an IEEE float of ticks; what is no number is none. */
static uint64_t
ticks_of_float(uint32_t bits)
{
	float f;

	memcpy(&f, &bits, sizeof(f));
	return f >= 0 && f < 1e18f ? (uint64_t)f : 0;
}

static void
read_v3(struct numbers *n, struct pacct *p)
{
	p->tty = u16(n);
	p->exit = u32(n);
	p->uid = u32(n);
	p->gid = u32(n);
	p->pid = u32(n);
	p->ppid = u32(n);
	p->begin = u32(n);
	p->elapsed_ticks = ticks_of_float(u32(n));
	p->user_ticks = comp(n);
	p->system_ticks = comp(n);
	p->memory = comp(n);
	p->io = comp(n);
	(void)u16(n);
	p->minor = comp(n);
	p->major = comp(n);
	(void)u16(n);
	p->command = command(n, 16, &p->dirty);
}

static void
read_v2(struct numbers *n, struct pacct *p)
{
	uint32_t uid16 = u16(n), gid16 = u16(n);

	p->tty = u16(n);
	p->begin = u32(n);
	p->user_ticks = comp(n);
	p->system_ticks = comp(n);
	p->elapsed_ticks = comp(n);
	p->memory = comp(n);
	p->io = comp(n);
	(void)u16(n);
	p->minor = comp(n);
	p->major = comp(n);
	(void)u16(n);
	(void)u16(n);
	p->exit = u32(n);
	p->command = command(n, 17, &p->dirty);
	(void)cur_bytes(&n->c, 3);
	p->uid = u32(n);
	p->gid = u32(n);
	/* Before version 2 there were 16 bits only, and the rest of the record was padding. */
	if (p->version < 2) {
		p->uid = uid16;
		p->gid = gid16;
	}
}

int
pacct_read(struct str record, struct pacct *ret)
{
	struct numbers n = { .c = cur_of(record) };
	struct pacct p = { 0 };
	uint8_t version;

	assert(record.n == PACCT_SIZE);
	p.flags = cur_u8(&n.c);
	version = cur_u8(&n.c);
	n.big = p.big = (version & BIG) != 0;
	p.version = version & VERSION;
	if (p.version > 3 || version & ~(BIG | VERSION))
		return -EINVAL;
	if (p.version == 3)
		read_v3(&n, &p);
	else
		read_v2(&n, &p);
	assert(cur_done(&n.c));
	if (p.begin == 0 && p.command.n == 0 && p.flags == 0 && p.exit == 0)
		return -EINVAL;
	*ret = p;
	return 0;
}

static void
put(uint8_t **at, bool big, uint64_t v, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		(*at)[i] = (uint8_t)(v >> 8 * (big ? bytes - 1 - i : i));
	*at += bytes;
}

static void
put_command(uint8_t **at, struct str text, size_t width)
{
	struct str fits = str_head(text, width);

	if (fits.n > 0)
		memcpy(*at, fits.p, fits.n);
	*at += width;
}

static void
write_v3(const struct pacct *p, uint8_t *at)
{
	const uint32_t words[] = { p->exit, p->uid, p->gid, p->pid, p->ppid, p->begin };
	const uint64_t comps[] = { p->user_ticks, p->system_ticks, p->memory, p->io, 0, p->minor, p->major, 0 };
	float elapsed = (float)p->elapsed_ticks;
	uint32_t bits;

	memcpy(&bits, &elapsed, sizeof(bits));
	put(&at, p->big, p->tty, 2);
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		put(&at, p->big, words[i], 4);
	put(&at, p->big, bits, 4);
	for (size_t i = 0; i < ARRAY_LEN(comps); i++)
		put(&at, p->big, pacct_comp_write(comps[i]), 2);
	put_command(&at, p->command, 16);
}

static void
write_v2(const struct pacct *p, uint8_t *at)
{
	const uint64_t comps[] = { p->user_ticks, p->system_ticks, p->elapsed_ticks, p->memory, p->io, 0, p->minor,
		p->major, 0 };

	put(&at, p->big, p->uid, 2);
	put(&at, p->big, p->gid, 2);
	put(&at, p->big, p->tty, 2);
	put(&at, p->big, p->begin, 4);
	for (size_t i = 0; i < ARRAY_LEN(comps); i++)
		put(&at, p->big, pacct_comp_write(comps[i]), 2);
	put(&at, p->big, PACCT_TICKS, 2);
	put(&at, p->big, p->exit, 4);
	put_command(&at, p->command, 17);
	at += 3;
	if (p->version == 2) {
		put(&at, p->big, p->uid, 4);
		put(&at, p->big, p->gid, 4);
	}
}

void
pacct_write(const struct pacct *p, uint8_t dst[PACCT_SIZE])
{
	memset(dst, 0, PACCT_SIZE);
	dst[0] = p->flags;
	dst[1] = (uint8_t)(p->version | (p->big ? BIG : 0));
	if (p->version == 3)
		write_v3(p, dst + 2);
	else
		write_v2(p, dst + 2);
}

bool
pacct_plausible(struct str record)
{
	struct pacct p;

	if (pacct_read(record, &p) < 0 || p.dirty || p.flags & ~PACCT_FLAGS || p.begin < TIME_MIN || p.command.n == 0)
		return false;
	/* A process may call itself what it likes, with control bytes too; ticks have their limit. */
	return p.elapsed_ticks < UINT64_C(100) * 365 * 86400 * PACCT_TICKS;
}

bool
pacct_detect(struct str head)
{
	size_t said = 0, right = 0;

	for (head = str_head(head, PACCT_DETECT_BYTES); head.n >= PACCT_SIZE; head = str_from(head, PACCT_SIZE)) {
		struct str record = str_head(head, PACCT_SIZE);

		said += record.p[1] != '\0' || record.p[0] != '\0' || pacct_plausible(record);
		right += pacct_plausible(record);
	}
	return right > 0 && 4 * right >= 3 * said;
}

void
pacct_flags_show(uint8_t flags, char dst[6])
{
	dst[0] = flags & PACCT_SU ? 'S' : ' ';
	dst[1] = flags & PACCT_FORK ? 'F' : ' ';
	dst[2] = flags & PACCT_COMPAT ? 'C' : ' ';
	dst[3] = flags & PACCT_CORE ? 'D' : ' ';
	dst[4] = flags & PACCT_SIGNAL ? 'X' : ' ';
	dst[5] = '\0';
}

/* Character devices with a name of their own: linux/Documentation/admin-guide/devices.txt. */
static const struct terminal {
	uint8_t major, first, last;
	const char *name;
} terminals[] = {
	{ 4, 0, 63, "tty" }, { 4, 64, 255, "ttyS" }, { 3, 0, 255, "ttyp" }, { 166, 0, 255, "ttyACM" },
	{ 188, 0, 255, "ttyUSB" }, { 204, 64, 79, "ttyAMA" }, { 229, 0, 255, "hvc" },
};

size_t
pacct_tty_show(uint16_t device, char dst[24])
{
	unsigned major = device >> 8, minor = device & 0xff;

	if (device == 0)
		return (size_t)snprintf(dst, 24, "-");
	if (major >= 136 && major <= 143)
		return (size_t)snprintf(dst, 24, "pts/%u", (major - 136) * 256 + minor);
	if (device == 0x0501)
		return (size_t)snprintf(dst, 24, "console");
	for (size_t i = 0; i < ARRAY_LEN(terminals); i++) {
		const struct terminal *t = &terminals[i];

		if (t->major == major && minor >= t->first && minor <= t->last)
			return (size_t)snprintf(dst, 24, "%s%u", t->name, minor - t->first);
	}
	return (size_t)snprintf(dst, 24, "%u:%u", major, minor);
}
