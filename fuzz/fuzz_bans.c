/* Lines of the journal of bans: what is read is written to a line that reads the same. */
#include "fuzz.h"
#include "gate/bans.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = fuzz_input(data, size), line;
	struct buf out = BUF_INIT(1 << 20);
	struct ban b, again;
	bool put, put_again;

	while (str_split(&in, '\n', &line)) {
		if (ban_line_read(line, &b, &put) < 0)
			continue;
		buf_reset(&out);
		ban_line(&b, put, &out);
		CLAIM(buf_ok(&out) && out.n > 0 && out.p[out.n - 1] == '\n');
		CLAIM(ban_line_read(str_head(buf_str(&out), out.n - 1), &again, &put_again) == 0);
		CLAIM(put == put_again && memcmp(&b.net, &again.net, sizeof(b.net)) == 0);
		CLAIM(strcmp(b.service, again.service) == 0 && b.until_us == again.until_us);
	}
	buf_free(&out);
	return 0;
}
