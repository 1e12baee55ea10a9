/* text: a configuration's rules in the language of nft, for the scene that holds netd's own messages against it. */
#include <stdio.h>

#include "base/arena.h"
#include "gate/nft/text.h"

int
main(int argc, char **argv)
{
	struct arena arena = { .max = 256u << 20 };
	struct diags *d = diags_new();
	struct buf text = BUF_INIT(64 << 20), out = BUF_INIT(NFT_TEXT_MAX);
	struct config *config;
	struct policy *policy;
	char bytes[65536];
	size_t n;

	if (argc != 1 || !d) {
		fprintf(stderr, "usage: %s <configuration\n", argv[0]);
		return 2;
	}
	while ((n = fread(bytes, 1, sizeof(bytes), stdin)) > 0)
		buf_add(&text, str_of(bytes, n));
	bool good = config_load(&arena, d, STR("stdin"), buf_str(&text), NULL, &config) == 0 && policy_build(&arena, config, d, &policy) == 0;
	if (good)
		nft_text(policy, NULL, &out);
	else
		diags_show(d, &out);
	fwrite(buf_cstr(&out), 1, out.n, good ? stdout : stderr);
	buf_free(&text);
	buf_free(&out);
	diags_free(d);
	arena_free(&arena);
	return good ? 0 : 1;
}
