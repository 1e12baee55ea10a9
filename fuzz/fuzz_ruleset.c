/*
 * Rules from anywhere: a text is refused with a fault that can be shown, or it is a set that can
 * decode.
 */
#include "engine.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rules_text text = { STR("fuzz.rules"), fuzz_input(data, size) };
	struct diags *d = diags_new();
	struct buf shown = BUF_INIT(16u << 20);
	struct ruleset *rules = NULL;
	struct engine e;
	int r;

	CLAIM(d);
	r = ruleset_load(&text, 1, NULL, d, &rules);
	CLAIM((r == 0) == (diags_errors(d) == 0));
	diags_show(d, &shown);
	CLAIM(buf_ok(&shown));
	if (r == 0) {
		engine_open(&e, rules);
		engine_source(&e, "/var/log/messages", false);
		engine_line(&e, text.text);
		engine_line(&e,
		    STR("Jan  1 00:00:00 gw sshd[1]: Failed password for x from 192.0.2.7 port 1 ssh2"));
		engine_close(&e);
		ruleset_free(rules);
	}
	buf_free(&shown);
	diags_free(d);
	return 0;
}
