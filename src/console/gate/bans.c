/*
 * bans: `guarita bans`, `block`, `unblock`: who is kept out and why, and the operator's own word.
 */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/text.h"
#include "base/when.h"
#include "console/i18n.h"
#include "console/reply.h"
#include "console/term.h"

struct listing {
	struct term term;
	struct buf out;
	uint64_t shown, more;
};

static void
show_ban(void *ctx, const struct reply *r)
{
	struct listing *l = ctx;
	uint64_t seconds = reply_number(r, "seconds"), incident = reply_number(r, "incident");
	struct str service = reply_get(r, "service");
	char left[64];

	if (str_eq(reply_get(r, "type"), STR("more"))) {
		l->more = reply_number(r, "bans");
		return;
	}
	if (l->shown++ == 0)
		term_ink(&l->term, &l->out, INK_BOLD, "%-28s %-12s %-10s %s\n", _("NETWORK"), _("LEFT"), _("INCIDENT"),
		    _("WHY"));
	term_cell(&l->term, &l->out, reply_get(r, "net"), 28);
	buf_addf(&l->out, " %-12s ", seconds ? text_show_duration((int64_t)seconds * WHEN_SECOND, left, sizeof(left))
					     : _("for ever"));
	if (incident)
		buf_addf(&l->out, "%-10llu ", (unsigned long long)incident);
	else
		buf_addf(&l->out, "%-10s ", "-");
	if (service.n)
		buf_addf(&l->out, _("(%.*s only) "), STR_FMT(service));
	term_text(&l->term, &l->out, reply_get(r, "reason"), l->term.columns > 60 ? l->term.columns - 54 : 26);
	buf_add_byte(&l->out, '\n');
}

int
command_bans(const struct options *o)
{
	struct listing l = { .out = BUF_INIT(16u << 20) };

	term_init(&l.term, stdout, o->plain);
	int code = reply_order(o, STR("{\"cmd\":\"bans\"}"), show_ban, &l);
	if (code == EXIT_CLEAN && !o->json && l.shown == 0)
		buf_addf(&l.out, _("Nobody is kept out.\n"));
	if (l.more)
		buf_addf(&l.out, _("and %llu more\n"), (unsigned long long)l.more);
	term_flush(&l.term, &l.out);
	buf_free(&l.out);
	return code;
}

/* Who asks, for the log: the person behind sudo, when there is one. */
static void
add_person(struct buf *out)
{
	const char *sudo = getenv("SUDO_USER");
	const struct passwd *pw = getpwuid(getuid());

	buf_add(out, STR(",\"by\":"));
	buf_add_json(out, str_head(str_z(sudo ? sudo : pw ? pw->pw_name : "?"), 64));
}

static int
check_net(const char *word)
{
	struct cidr net;
	int r = cidr_parse(str_z(word), &net);

	if (r < 0)
		complain(r == -EDOM ? _("guarita: \"%s\" has bits set after its prefix\n")
				    : _("guarita: \"%s\" is neither an address nor a network\n"), word);
	return r;
}

static void
say_done(void *ctx, const struct reply *r)
{
	uint64_t seconds = reply_number(r, "seconds");
	char left[64];

	if (str_eq(reply_get(r, "type"), STR("unblocked")))
		printf(_("%.*s is let in again\n"), STR_FMT(reply_get(r, "net")));
	else if (seconds)
		printf(_("%.*s is kept out for %s\n"), STR_FMT(reply_get(r, "net")),
		    text_show_duration((int64_t)seconds * WHEN_SECOND, left, sizeof(left)));
	else
		printf(_("%.*s is kept out until `guarita unblock`\n"), STR_FMT(reply_get(r, "net")));
}

int
command_block(const struct options *o)
{
	struct buf order = BUF_INIT(1000), reason = BUF_INIT(600);
	int64_t us = 0;

	if (check_net(o->args[0]) < 0)
		return EXIT_USAGE;
	if (o->nargs > 1 && text_duration(str_z(o->args[1]), &us) < 0) {
		complain(_("guarita: \"%s\" is no time; example: 30m, 2h, 7d\n"), o->args[1]);
		return EXIT_USAGE;
	}
	for (int i = 2; i < o->nargs; i++)
		buf_addf(&reason, "%s%s", i > 2 ? " " : "", o->args[i]);
	buf_addf(&order, "{\"cmd\":\"block\",\"net\":\"%s\",\"seconds\":%lld", o->args[0],
	    (long long)((us + WHEN_SECOND - 1) / WHEN_SECOND));
	add_person(&order);
	buf_add(&order, STR(",\"reason\":"));
	buf_add_json(&order, reason.n ? str_head(buf_str(&reason), 300) : STR("by hand"));
	buf_add_byte(&order, '}');
	int code = buf_ok(&order) && buf_ok(&reason) ? reply_order(o, buf_str(&order), say_done, NULL) : EXIT_USAGE;
	buf_free(&order);
	buf_free(&reason);
	return code;
}

int
command_unblock(const struct options *o)
{
	struct buf order = BUF_INIT(1000);

	if (check_net(o->args[0]) < 0)
		return EXIT_USAGE;
	buf_addf(&order, "{\"cmd\":\"unblock\",\"net\":\"%s\"", o->args[0]);
	add_person(&order);
	buf_add_byte(&order, '}');
	int code = reply_order(o, buf_str(&order), say_done, NULL);
	buf_free(&order);
	return code;
}
