/* utx: see utx.h. Must never look behind the bytes it was given. */
#include "wire/utx.h"

#include "wire/record_place.h"

static const struct place type_at = { 0, 1 }, time_at = { 1, 8 }, id_at = { 9, 8 }, pid_at = { 17, 4 }, user_at = { 21, 32 },
    line_at = { 53, 16 }, host_at = { 69, 128 };

#define BODY_MIN 3                     /* type, and two bytes of a time, of which the second is never zero after 1980 */
#define TYPES 9
#define SKIPS_MAX 65536u               /* bytes looked at for the next record at once */

static const uint8_t types[TYPES] = { UTMP_EMPTY, UTMP_BOOT, UTMP_OLD_TIME, UTMP_NEW_TIME, UTMP_USER, UTMP_INIT, UTMP_LOGIN,
	UTMP_DEAD, UTMP_SHUTDOWN };

/* A text up to the end of the record, which may come before that of its room. */
static struct str
text(struct str body, struct place p)
{
	struct str room = str_head(str_from(body, p.off), p.len);

	return str_head(room, str_find_byte(room, '\0'));
}

static uint64_t
number(struct str body, struct place p)
{
	uint64_t v = 0;

	for (size_t i = 0; i < p.len; i++)
		v = v << 8 | (p.off + i < body.n ? (uint8_t)body.p[p.off + i] : 0);
	return v;
}

static bool
printable(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
			return false;
	return true;
}

static bool
read_body(struct str body, struct utmp *ret)
{
	const uint64_t first = UINT64_C(315532800000000), last = UINT64_C(7258118400000000);   /* 1980, 2200 */
	uint64_t type = number(body, type_at), us = number(body, time_at);
	struct utmp u = { .number = (int16_t)type, .pid = (int64_t)number(body, pid_at) };

	if (type == 0 || type >= TYPES || us < first || us > last || body.p[body.n - 1] == '\0')
		return false;
	u.type = types[type];
	u.time_us = (int64_t)us;
	u.id = text(body, id_at);
	u.user = text(body, user_at);
	u.line = text(body, line_at);
	u.host = text(body, host_at);
	u.host_full = u.host.n == host_at.len;
	if (!printable(u.user) || !printable(u.line) || !printable(u.host))
		return false;
	*ret = u;
	return true;
}

int
utx_next(struct str *io_rest, struct utmp *ret)
{
	struct str s = *io_rest, body;
	size_t n = s.n >= 2 ? (size_t)((uint8_t)s.p[0] << 8 | (uint8_t)s.p[1]) : 0;

	if (n < BODY_MIN || n > UTX_BODY_MAX || s.n - 2 < n)
		return 0;
	body = str_of(s.p + 2, n);
	if (!read_body(body, ret))
		return 0;
	*io_rest = str_from(s, 2 + n);
	return 1;
}

size_t
utx_skip(struct str *io_rest)
{
	size_t skipped = 0;
	struct utmp u;

	while (io_rest->n > 0 && skipped < SKIPS_MAX) {
		struct str rest = *io_rest = str_from(*io_rest, 1);

		skipped++;
		if (utx_next(&rest, &u) == 1)
			break;
	}
	return skipped;
}

/* The first three records, or all that there are. */
bool
utx_detect(struct str head)
{
	unsigned n = 0;
	struct utmp u;

	while (n < 3 && utx_next(&head, &u) == 1)
		n++;
	return n == 3 || (n > 0 && head.n == 0);
}

static void
put(uint8_t *body, struct place p, uint64_t v)
{
	for (size_t i = 0; i < p.len; i++)
		body[p.off + i] = (uint8_t)(v >> 8 * (p.len - 1u - i));
}

static void
put_text(uint8_t *body, struct place p, struct str s)
{
	s = str_head(s, p.len);
	if (s.n > 0)
		memcpy(body + p.off, s.p, s.n);
}

size_t
utx_write(const struct utmp *u, uint8_t dst[2 + UTX_BODY_MAX])
{
	uint8_t *body = dst + 2;
	size_t n = UTX_BODY_MAX;

	memset(dst, 0, 2 + UTX_BODY_MAX);
	for (unsigned t = 0; t < TYPES; t++)
		if (types[t] == u->type)
			put(body, type_at, t);
	put(body, time_at, (uint64_t)u->time_us);
	put(body, pid_at, (uint64_t)u->pid);
	put_text(body, id_at, u->id);
	put_text(body, user_at, u->user);
	put_text(body, line_at, u->line);
	put_text(body, host_at, u->host);
	while (n > BODY_MIN && body[n - 1] == 0)
		n--;
	dst[0] = (uint8_t)(n >> 8);
	dst[1] = (uint8_t)n;
	return 2 + n;
}
