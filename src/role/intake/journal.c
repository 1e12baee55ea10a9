/*
 * journal: the journal of systemd by its own reader, `journalctl -o export --follow`,
 * started while we still may. Where we are is known from the spool, and for older times from a
 * small file. Must never read an entry twice.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "role/intake/intake.h"
#include "sys/file.h"
#include "sys/spawn.h"

#define PROGRAM "/usr/bin/journalctl"

static int
spool_path(const struct intake *in, const char *name, char path[PATH_MAX])
{
	char dir[PATH_MAX];
	int r = file_path(dir, sizeof(dir), in->role->config->state_dir.p, "spool");

	return r < 0 ? r : file_path(path, PATH_MAX, dir, name);
}

void
intake_journal_note(struct intake *in, struct str entry)
{
	static const char key[] = "__CURSOR=";
	struct str line = str_head(entry, str_find_byte(entry, '\n'));

	if (!str_starts(line, STR("__CURSOR=")) || line.n - (sizeof(key) - 1) >= sizeof(in->cursor))
		return;
	line = str_from(line, sizeof(key) - 1);
	memcpy(in->cursor, line.p, line.n);
	in->cursor[line.n] = '\0';
	in->cursor_new = true;
}

void
intake_journal_keep(struct intake *in)
{
	char path[PATH_MAX];

	if (!in->cursor_new || spool_path(in, "journal.cursor", path) < 0)
		return;
	/* The spool knows better anyway, as long as it holds an entry. */
	in->cursor_new = file_replace(path, str_z(in->cursor), 0600, false) < 0;
}

static void
note_spooled(void *ctx, const struct entry *e)
{
	if (!(e->flags & (ENTRY_SOURCE | ENTRY_POSITION)))
		intake_journal_note(ctx, e->bytes);
}

static void
recall(struct intake *in)
{
	struct buf b = BUF_INIT(sizeof(in->cursor) - 1);
	char path[PATH_MAX];

	if (spool_path(in, "journal.cursor", path) == 0 && file_read(path, &b) == 0) {
		memcpy(in->cursor, b.p ? b.p : "", b.n);
		in->cursor[b.n] = '\0';
	}
	buf_free(&b);
	if (spool_path(in, ".", path) == 0)
		(void)!spool_scan(path, note_spooled, in);
}

/* Its end shows as the end of its output. */
static void
on_exit_child(void *ctx, int status, int signo)
{
	(void)ctx;
	(void)status;
	(void)signo;
}

int
intake_journal_start(struct intake_source *s)
{
	struct intake *in = s->in;
	char program[] = PROGRAM, format[] = "--output=export", follow[] = "--follow",
	     none[] = "--lines=0";
	char after[sizeof(in->cursor) + 32];
	char *argv[] = { program, format, follow, none, NULL };
	int ends[2], fds[] = { -1, -1, 2 };
	struct child *child;

	recall(in);
	if (in->cursor[0]) {
		snprintf(after, sizeof(after), "--after-cursor=%s", in->cursor);
		argv[3] = after;
	}
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	fds[1] = ends[1];
	struct spawn_opts o = {
		.program = program, .argv = argv, .fds = fds, .nfds = 3, .dir = "/"
	};
	int r = spawn(in->role->loop, &o, on_exit_child, s, &child);
	close(ends[1]);
	if (r == 0)
		r = fd_set_nonblock(ends[0]);
	if (r < 0) {
		close(ends[0]);
		return r;
	}
	s->must_live = true;
	return ends[0];
}
