/*
 * Heads of log lines: every part lies in the line, in its order, and is bounded; structured data is
 * walked to an end.
 */
#include "base/buf.h"
#include "fuzz.h"
#include "wire/syslog.h"

static void
check_data(struct str whole, struct str data)
{
	struct syslog_param p = { 0 };
	struct str rest = data;
	size_t rounds = 0;

	while (syslog_data_next(&rest, &p)) {
		char *dst = malloc(p.value.n + 1);
		CLAIM(dst);
		CLAIM(fuzz_within(whole, p.id) && fuzz_within(whole, p.name) &&
		    fuzz_within(whole, p.value));
		CLAIM(syslog_unescape(p.value, dst) <= p.value.n);
		CLAIM(++rounds <= data.n);
		free(dst);
	}
}

static void
check_head(struct str in, unsigned flags)
{
	struct syslog_head h;

	syslog_parse(in, flags, &h);
	CLAIM(h.form <= SYSLOG_ROUTEROS);
	CLAIM(h.facility >= -1 && h.facility <= 23 && h.severity >= -1 && h.severity <= 7);
	CLAIM(fuzz_within(in, h.host) && fuzz_within(in, h.program) && fuzz_within(in, h.pid));
	CLAIM(fuzz_within(in, h.message) && fuzz_within(in, h.module) && fuzz_within(in, h.data));
	CLAIM(fuzz_within(in, h.msgid));
	CLAIM(h.host.n <= SYSLOG_HOST_MAX);
	if (h.host.n && h.message.n)
		CLAIM(h.host.p + h.host.n <= h.message.p);
	if (h.form == SYSLOG_RFC5424)
		check_data(in, h.data);
}

/* What the plain road finds behind a stamp, the other finds too. */
static void
check_plain(struct str in)
{
	const struct str stamp = STR("Jan  1 00:00:07 ");
	struct buf line = BUF_INIT(1u << 20);
	struct syslog_plain plain;
	struct syslog_head h;

	buf_add(&line, stamp);
	buf_add(&line, in);
	if (buf_ok(&line) && in.n && in.p[0] > '9' && syslog_plain(syslog_without_end(in), &plain)) {
		syslog_parse(buf_str(&line), 0, &h);
		CLAIM(h.form == SYSLOG_BSD && str_eq(h.host, plain.host) && str_eq(h.program, plain.program));
		CLAIM(str_eq(h.pid, plain.pid) && str_eq(h.message, plain.message));
		CLAIM(h.facility == -1 && !h.module.n && !h.data.n && h.stamp.flags == (STAMP_NO_YEAR | STAMP_NO_ZONE));
		CLAIM(h.message.p - line.p == plain.message.p - in.p + (ptrdiff_t)stamp.n);
	}
	buf_free(&line);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = fuzz_input(data, size);

	for (unsigned flags = 0; flags < 4; flags++)
		check_head(in, flags);
	check_data(in, in);
	check_plain(in);
	check_plain(str_from(in, 16));
	return 0;
}
