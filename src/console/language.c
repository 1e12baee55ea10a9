/* language: see language.h. */
#include "console/language.h"

#include <libintl.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BUILD_TREE "/../../po"

/* Catalogues of a build tree lie beside the program; elsewhere there is nothing of that name. */
static const char *
catalogues(char path[4096])
{
	ssize_t n = readlink("/proc/self/exe", path, 4096 - sizeof(BUILD_TREE));
	char *slash;

	if (n <= 0)
		return GUARITA_LOCALEDIR;
	path[n] = '\0';
	slash = strrchr(path, '/');
	if (!slash)
		return GUARITA_LOCALEDIR;
	memcpy(slash, BUILD_TREE, sizeof(BUILD_TREE));
	return access(path, X_OK) == 0 ? path : GUARITA_LOCALEDIR;
}

void
language_begin(void)
{
	char path[4096];

	setlocale(LC_ALL, "");
	/* JSON with a decimal comma is none. */
	setlocale(LC_NUMERIC, "C");
	bindtextdomain("guarita", catalogues(path));
	bind_textdomain_codeset("guarita", "UTF-8");
	textdomain("guarita");
}
