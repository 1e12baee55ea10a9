/*
 * The whole decoder with the real rules over lines of any bytes, from a file and from the network.
 */
#include "engine.h"

static struct engine engine;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	engine_open(&engine, engine_rules(GUARITA_RULES));
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (int envelope = 0; envelope < 2; envelope++) {
		struct str rest = fuzz_input(data, size), line;
		engine_source(&engine, "/var/log/messages", envelope);
		while (str_split(&rest, '\n', &line))
			engine_line(&engine, line);
	}
	return 0;
}
