/*
 * Account files: whatever the bytes, the detectors and readers stay inside them, and what was read
 * and written again reads the same.
 */
#include "fuzz.h"
#include "wire/lastlog.h"
#include "wire/pacct.h"
#include "wire/utmp.h"
#include "wire/utx.h"

static void
try_utmp(struct str in, enum utmp_layout l)
{
	size_t size = utmp_size(l);

	for (; in.n >= size; in = str_from(in, size)) {
		struct str record = str_head(in, size);
		uint8_t bytes[UTMP_SIZE_MAX], again[UTMP_SIZE_MAX];
		struct utmp u, v;

		utmp_read(l, record, &u);
		CLAIM(fuzz_within(record, u.user) && fuzz_within(record, u.host) && fuzz_within(record, u.line));
		CLAIM(u.type < UTMP_TYPES && utmp_type_name(u.type));
		utmp_write(l, &u, bytes);
		utmp_read(l, str_of((char *)bytes, size), &v);
		CLAIM(str_eq(u.user, v.user) && str_eq(u.host, v.host) && str_eq(u.line, v.line));
		CLAIM(u.pid == v.pid && u.session == v.session && u.has_addr == v.has_addr);
		utmp_write(l, &v, again);
		CLAIM(memcmp(bytes, again, size) == 0);
	}
}

static void
try_lastlog(struct str in, enum lastlog_layout l)
{
	size_t size = lastlog_size(l);

	for (; in.n >= size; in = str_from(in, size)) {
		uint8_t bytes[LASTLOG_SIZE_MAX];
		struct lastlog e, f;

		lastlog_read(l, str_head(in, size), &e);
		CLAIM(fuzz_within(in, e.line) && fuzz_within(in, e.host));
		lastlog_write(l, &e, bytes);
		lastlog_read(l, str_of((char *)bytes, size), &f);
		CLAIM(e.time_s == f.time_s && e.fails == f.fails && str_eq(e.host, f.host) && str_eq(e.line, f.line));
	}
}

static void
try_pacct(struct str in)
{
	for (; in.n >= PACCT_SIZE; in = str_from(in, PACCT_SIZE)) {
		uint8_t bytes[PACCT_SIZE], again[PACCT_SIZE];
		struct pacct p, q;
		char tty[24], flags[6];

		if (pacct_read(str_head(in, PACCT_SIZE), &p) < 0)
			continue;
		CLAIM(fuzz_within(in, p.command) && p.command.n <= 17);
		CLAIM(pacct_tty_show(p.tty, tty) < sizeof(tty));
		pacct_flags_show(p.flags, flags);
		pacct_write(&p, bytes);
		if (pacct_read(str_of((char *)bytes, PACCT_SIZE), &q) < 0)
			continue;
		CLAIM(p.uid == q.uid && p.begin == q.begin && p.user_ticks == q.user_ticks && p.exit == q.exit);
		CLAIM(str_eq(p.command, q.command));
		pacct_write(&q, again);
		CLAIM(memcmp(bytes, again, PACCT_SIZE) == 0);
	}
}

static void
try_utx(struct str in)
{
	struct str rest = in;

	while (rest.n > 0) {
		uint8_t bytes[2 + UTX_BODY_MAX];
		struct str before = rest, again;
		struct utmp u, v;

		if (utx_next(&rest, &u) == 0) {
			CLAIM(utx_skip(&rest) > 0 && rest.n < before.n);
			continue;
		}
		CLAIM(rest.n < before.n && fuzz_within(before, u.user) && fuzz_within(before, u.host) && fuzz_within(before, u.line));
		again = str_of((char *)bytes, utx_write(&u, bytes));
		CLAIM(utx_next(&again, &v) == 1 && again.n == 0);
		CLAIM(u.type == v.type && u.time_us == v.time_us && str_eq(u.user, v.user) && str_eq(u.host, v.host));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = fuzz_input(data, size);
	enum lastlog_layout table;
	enum utmp_layout l;

	if (size == 0)
		return 0;
	if (utmp_detect(in, size, &l) == 0)
		try_utmp(in, l);
	for (int fails = 0; fails < 2; fails++)
		if (lastlog_detect(in, data[0], fails, &table) == 0)
			try_lastlog(in, table);
	try_utmp(str_from(in, 1), data[0] % UTMP_LAYOUTS);
	try_lastlog(str_from(in, 1), data[0] % LASTLOG_LAYOUTS);
	try_utx(in);
	try_pacct(pacct_detect(in) ? in : str_from(in, 1));
	return 0;
}
