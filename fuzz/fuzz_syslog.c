/*
 * Heads of log lines: every part lies in the line, in its order, and is bounded; structured data is
 * walked to an end.
 */
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

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = fuzz_input(data, size);

	for (unsigned flags = 0; flags < 4; flags++)
		check_head(in, flags);
	check_data(in, in);
	return 0;
}
