/* guarita: the command. Everything it can do is a row in console/command.c. */
#include "console/command.h"
#include "sys/memory.h"

int
main(int argc, char **argv)
{
	memory_begin();
	return command_main(argc, argv);
}
