/* who: `guarita who`: the users of utmp whose process is still alive. */
#include <errno.h>
#include <signal.h>

#include "console/accounts/show.h"
#include "console/i18n.h"
#include "console/term.h"

/* A record outlives its process when that was killed: who(1) leaves it out too, if the file is this machine's. */
static bool
alive(const struct utmp *u)
{
	return u->pid <= 0 || kill((pid_t)u->pid, 0) == 0 || errno != ESRCH;
}

static void
show(struct account_show *s, const struct utmp *u)
{
	char text[46];
	struct str addr = u->has_addr ? str_of(text, addr_show(&u->addr, text)) : STR_NULL;

	if (s->o->json) {
		buf_add(&s->out, STR("{\"what\":\"present\""));
		account_json_text(s, "user", u->user);
		account_json_text(s, "tty", u->line);
		account_json_text(s, "host", u->host);
		account_json_text(s, "addr", addr);
		account_json_time(s, "begin", u->time_us);
		account_json_number(s, "pid", u->pid);
		buf_add(&s->out, STR("}\n"));
		return;
	}
	account_show_cell(s, u->user, 13);
	account_show_cell(s, u->line, 13);
	account_show_time(s, u->time_us);
	if (u->host.n > 0) {
		buf_add(&s->out, STR("  "));
		buf_add_escaped(&s->out, u->host);
		if (u->host_full)
			buf_add(&s->out, STR(" (cut)"));
	}
	buf_add_byte(&s->out, '\n');
}

int
command_who(const struct options *o)
{
	struct account_show s;
	struct account_set set;
	int rc = account_set_open(&set, ACCOUNT_LOGINS, o->files, (size_t)o->nfiles, "/run/utmp");

	account_show_begin(&s, o);
	if (rc == 0 && account_show_problems(&set, "who"))
		rc = -ENOENT;
	for (size_t i = 0; rc == 0 && i < set.n; i++) {
		struct account_file *f = &set.files[i];

		for (uint64_t at = 0; f->kind != ACCOUNT_SQLITE && at < f->count; at++) {
			struct str bytes = account_at(f, at);
			struct utmp u;

			if (bytes.n == 0)
				break;
			utmp_read((enum utmp_layout)f->layout, bytes, &u);
			if (u.type == UTMP_USER && u.user.n > 0 && (o->nfiles > 0 || alive(&u)))
				show(&s, &u);
			account_show_flush(&s);
		}
	}
	if (account_show_end(&s) < 0)
		rc = -EPIPE;
	account_set_close(&set);
	return rc < 0 ? EXIT_FAILED : EXIT_CLEAN;
}
