/* lastcomm: `guarita lastcomm`: commands that were run, newest first, from process accounting. */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>

#include "console/accounts/show.h"
#include "console/i18n.h"
#include "console/term.h"

#define NAMES 4096u                    /* uids remembered; a power of two */

struct listing {
	struct account_show show;
	const struct options *o;
	const char *path;
	uint64_t record, strange;
	struct name {
		uint32_t uid;
		bool known;
		uint8_t length;
		char text[32];
	} *names;                      /* direct-mapped: a lookup may ask the network */
};

static struct str
user_name(struct listing *l, uint32_t uid)
{
	struct name *n = &l->names[(uid * 2654435761u) >> 20];
	struct passwd *pw;

	if (!n->known || n->uid != uid) {
		pw = getpwuid(uid);
		n->known = true;
		n->uid = uid;
		if (pw)
			snprintf(n->text, sizeof(n->text), "%s", pw->pw_name);
		else
			snprintf(n->text, sizeof(n->text), "%u", uid);
		n->length = (uint8_t)strlen(n->text);
	}
	return str_of(n->text, n->length);
}

static bool
wanted(const struct options *o, struct str user, struct str tty, const struct pacct *p)
{
	int64_t us = p->begin * WHEN_SECOND;

	if ((o->since_us != WHEN_NONE && us < o->since_us) || (o->until_us != WHEN_NONE && us >= o->until_us))
		return false;
	for (int i = 0; i < o->nargs; i++) {
		struct str word = str_z(o->args[i]);

		if (str_eq(word, user) || str_eq(word, p->command) || str_eq(word, tty))
			return true;
	}
	return o->nargs == 0;
}

static void
show_json(struct listing *l, struct str user, struct str tty, const struct pacct *p)
{
	struct account_show *s = &l->show;
	char flags[6], *at = flags;

	pacct_flags_show(p->flags, flags);
	buf_add(&s->out, STR("{\"what\":\"command\""));
	account_json_text(s, "command", p->command);
	account_json_text(s, "user", user);
	account_json_number(s, "uid", p->uid);
	account_json_text(s, "tty", str_eq(tty, STR("-")) ? STR_NULL : tty);
	buf_add(&s->out, STR(",\"flags\":\""));
	for (; *at; at++)
		if (*at != ' ')
			buf_add_byte(&s->out, *at);
	buf_addf(&s->out, "\",\"cpu\":%.2f,\"elapsed\":%.2f", (double)(p->user_ticks + p->system_ticks) / PACCT_TICKS,
	    (double)p->elapsed_ticks / PACCT_TICKS);
	account_json_time(s, "begin", p->begin * WHEN_SECOND);
	if (p->pid)
		account_json_number(s, "pid", p->pid);
	if (p->ppid)
		account_json_number(s, "ppid", p->ppid);
	account_json_number(s, "exit", p->exit);
	account_json_text(s, "file", str_z(l->path));
	account_json_number(s, "record", (int64_t)l->record);
	buf_add(&s->out, STR("}\n"));
}

/* Hundredths by hand: printf(3) of a double costs more than all the rest of the row. */
static void
show_seconds(struct account_show *s, uint64_t ticks)
{
	char text[32], *at = text + sizeof(text);
	uint64_t whole = ticks / PACCT_TICKS;

	*--at = (char)('0' + ticks % 10);
	*--at = (char)('0' + ticks / 10 % 10);
	*--at = '.';
	do {
		*--at = (char)('0' + whole % 10);
	} while ((whole /= 10) > 0);
	while (at > text + sizeof(text) - 9)
		*--at = ' ';
	buf_add(&s->out, str_of(at, (size_t)(text + sizeof(text) - at)));
	buf_add(&s->out, STR(" secs "));
}

static void
show_row(struct listing *l, struct str user, struct str tty, const struct pacct *p)
{
	struct account_show *s = &l->show;
	char flags[6];

	pacct_flags_show(p->flags, flags);
	account_show_cell(s, p->command, 17);
	buf_add(&s->out, str_of(flags, 5));
	buf_add_byte(&s->out, ' ');
	account_show_cell(s, user, 13);
	account_show_cell(s, tty, 9);
	show_seconds(s, p->user_ticks + p->system_ticks);
	account_show_time(s, p->begin * WHEN_SECOND);
	buf_add_byte(&s->out, '\n');
}

static void
list_file(struct listing *l, struct account_file *f)
{
	l->path = f->path;
	for (uint64_t i = f->count; i-- > 0 && !l->show.failed;) {
		struct str bytes = account_at(f, i), user, tty;
		struct pacct p;
		char line[24];

		if (bytes.n == 0)
			break;
		if (pacct_read(bytes, &p) < 0) {
			l->strange++;
			continue;
		}
		l->record = i + 1;
		user = user_name(l, p.uid);
		tty = str_of(line, pacct_tty_show(p.tty, line));
		if (!wanted(l->o, user, tty, &p))
			continue;
		if (l->o->json)
			show_json(l, user, tty, &p);
		else
			show_row(l, user, tty, &p);
		account_show_flush(&l->show);
	}
}

static bool
nothing_in(const struct account_set *set)
{
	for (size_t i = 0; i < set->n; i++)
		if (set->files[i].bytes > 0)
			return false;
	return set->n > 0;
}

int
command_lastcomm(const struct options *o)
{
	struct listing l = { .o = o, .names = calloc(NAMES, sizeof(*l.names)) };
	struct account_set set;
	int rc = account_set_open(&set, ACCOUNT_PROCESSES, o->files, (size_t)o->nfiles, "/var/log/account/pacct*");

	if (rc == 0 && !l.names)
		rc = -ENOMEM;
	if (rc == 0 && set.n == 0 && o->nfiles == 0) {
		account_set_close(&set);
		rc = account_set_open(&set, ACCOUNT_PROCESSES, NULL, 0, "/var/account/pacct*");
	}
	account_show_begin(&l.show, o);
	if (rc == 0 && account_show_problems(&set, "lastcomm")) {
		complain(_("guarita accounting on switches process accounting on.\n"));
		rc = -ENOENT;
	} else if (rc == 0 && nothing_in(&set)) {
		complain(_("guarita lastcomm: %s is empty: guarita accounting on switches process accounting on\n"),
		    set.files[0].path);
	}
	for (size_t i = 0; rc == 0 && i < set.n; i++)
		list_file(&l, &set.files[i]);
	if (account_show_end(&l.show) < 0)
		rc = -EPIPE;
	if (l.strange > 0)
		complain(_("guarita lastcomm: %llu records are of no known version\n"), (unsigned long long)l.strange);
	account_set_close(&set);
	free(l.names);
	return rc < 0 ? EXIT_FAILED : EXIT_CLEAN;
}
