/* guarita: the command. Everything it can do is a row in console/command.c. */
#include "console/command.h"

int
main(int argc, char **argv)
{
	return command_main(argc, argv);
}
