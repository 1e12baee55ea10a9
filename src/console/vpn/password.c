/*
 * password: `guarita vpn password`: a password as it may stand in the configuration, worth nothing without this
 * machine's key, which is made at the first time. Must never show what was typed.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "console/gate/candidate.h"
#include "console/i18n.h"
#include "console/term.h"
#include "sys/file.h"
#include "sys/sealed.h"
#include "sys/sitekey.h"
#include "wire/legacy.h"

#define LINE_BYTES (SEALED_PLAIN_MAX + 3)

/* One line without its end: 0, -ENODATA, -EMSGSIZE. */
static int
read_line(char line[LINE_BYTES], struct str *ret)
{
	if (!fgets(line, LINE_BYTES, stdin))
		return -ENODATA;
	size_t n = strcspn(line, "\r\n");
	if (n > SEALED_PLAIN_MAX)
		return -EMSGSIZE;
	*ret = str_of(line, n);
	return n ? 0 : -ENODATA;
}

/* At a terminal it is typed twice, unseen. */
static int
ask(char line[LINE_BYTES], struct str *ret)
{
	struct termios was, quiet;
	char again[LINE_BYTES];
	struct str second = STR_NULL;

	if (!isatty(STDIN_FILENO))
		return read_line(line, ret);
	if (tcgetattr(STDIN_FILENO, &was) < 0)
		return -errno;
	quiet = was;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet) < 0)
		return -errno;
	fputs(_("password: "), stderr);
	int r = read_line(line, ret);
	fputs(_("\nonce more: "), stderr);
	if (r == 0)
		r = read_line(again, &second);
	fputc('\n', stderr);
	(void)!tcsetattr(STDIN_FILENO, TCSAFLUSH, &was);
	if (r == 0 && !str_eq(*ret, second))
		r = -EDOM;
	wipe(again, sizeof(again));
	return r;
}

static int
take_key(const char *state_dir, char path[PATH_MAX], uint8_t key[SEALED_KEY])
{
	int r = file_path(path, PATH_MAX, state_dir, SEALED_KEY_FILE);

	if (r == 0)
		r = sitekey_read(path, key);
	if (r == -ENOENT)
		r = file_make_dirs(state_dir, 0755);
	else
		return r;
	return r == 0 ? sitekey_make(path, key) : r;
}

static int
seal(const char *state_dir)
{
	struct buf out = BUF_INIT(1024);
	char line[LINE_BYTES], path[PATH_MAX] = "";
	uint8_t key[SEALED_KEY];
	struct str plain = STR_NULL;
	int r = ask(line, &plain);

	if (r < 0) {
		complain(_("guarita: %s\n"), r == -EDOM ? _("the two are not the same")
		    : r == -EMSGSIZE ? _("a password has at most 255 bytes") : _("no password was given"));
	} else if ((r = take_key(state_dir, path, key)) < 0) {
		complain(_("guarita: %s: %s\n"), path, r == -EPERM ? _("others can read this secret; run `chmod 600` on it")
		    : r == -EBADMSG ? _("there is no key in it") : strerror(-r));
	} else if ((r = sealed_write(key, plain, &out)) == 0) {
		printf("\"%s\"\n", buf_cstr(&out));
	}
	wipe(line, sizeof(line));
	wipe(key, sizeof(key));
	buf_free(&out);
	return r < 0 ? EXIT_FAILED : EXIT_CLEAN;
}

int
command_vpn_password(const struct options *o)
{
	char *path = candidate_path_if_any(o);
	struct loaded l = { 0 };
	int code = EXIT_FAILED;

	/* Before there is a configuration the usual place is meant; one that was named must be good. */
	if (!o->config && (!path || access(path, R_OK) < 0))
		code = seal("/var/lib/guarita");
	else if (path && loaded_read(&l, path) == 0)
		code = seal(l.config->state_dir.p);
	loaded_free(&l);
	free(path);
	return code;
}
