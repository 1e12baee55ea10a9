/* A foreign syslog.conf: whatever stands in it, what is made is a configuration of ours that loads. */
#include "conf/config.h"
#include "console/syslogconf.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = fuzz_input(data, size);
	struct buf out = BUF_INIT(8u * SYSLOGCONF_TEXT_MAX);
	struct syslogconf_counts n;
	struct arena a = { 0 };
	struct config *c;

	if (size > 65536 || syslogconf_convert(in, &out, &n) < 0) {
		buf_free(&out);
		return 0;
	}
	struct diags *d = diags_new();
	/* More rules than may stand in one configuration is the operator's affair. */
	if (d && n.converted <= 32)
		CLAIM(config_load(&a, d, STR("imported"), buf_str(&out), NULL, &c) == 0);
	diags_free(d);
	arena_free(&a);
	buf_free(&out);
	return 0;
}
