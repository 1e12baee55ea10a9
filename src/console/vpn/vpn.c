/*
 * vpn: who is connected and how, and what stands in the way of who is not: `guarita vpn list`, `show`, `kick`, `dial`.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/text.h"
#include "base/when.h"
#include "console/gate/candidate.h"
#include "console/i18n.h"
#include "console/reply.h"
#include "console/term.h"

struct showing {
	struct term term;
	struct buf out;
	unsigned shown;
	bool whole;                    /* all there is of each, not a line */
};

static const struct { const char *key, *title; unsigned width; } columns[] = {
	{ "name", N_("name"), 22 }, { "state", N_("state"), 10 }, { "address", N_("address"), 15 },
	{ "interface", N_("interface"), 15 }, { "encoding", N_("encryption"), 18 },
};

static void
cell(struct showing *s, struct str text, unsigned width)
{
	term_cell(&s->term, &s->out, text, width);
	buf_add_byte(&s->out, ' ');
}

static void
head(struct showing *s)
{
	for (size_t i = 0; i < ARRAY_LEN(columns); i++)
		cell(s, str_z(_(columns[i].title)), columns[i].width);
	cell(s, str_z(_("since")), 9);
	cell(s, str_z(_("answers in")), 11);
	cell(s, str_z(_("in")), 7);
	buf_addf(&s->out, "%s\n", _("out"));
}

static void
add_size(struct showing *s, const struct reply *r, const char *key)
{
	char text[32];

	cell(s, str_z(text_show_size(reply_number(r, key), text, sizeof(text))), 7);
}

static void
add_span(struct showing *s, int64_t us, unsigned width)
{
	char text[40] = "";

	if (us > 0)
		text_show_duration(us, text, sizeof(text));
	cell(s, str_z(text), width);
}

static void
line(struct showing *s, const struct reply *r)
{
	bool up = str_eq(reply_get(r, "state"), STR("up"));

	for (size_t i = 0; i < ARRAY_LEN(columns); i++)
		cell(s, reply_get(r, columns[i].key), columns[i].width);
	if (up) {
		add_span(s, (int64_t)reply_number(r, "uptime") * WHEN_SECOND, 9);
		add_span(s, (int64_t)reply_number(r, "rtt_us"), 11);
		add_size(s, r, "in_bytes");
		add_size(s, r, "out_bytes");
	}
	buf_add_byte(&s->out, '\n');
	if (!up && reply_get(r, "last").n > 0) {
		term_ink(&s->term, &s->out, INK_YELLOW, "%s", "");
		term_wrap(&s->term, &s->out, reply_get(r, "last"), 4);
	}
}

static void
whole(struct showing *s, const struct reply *r)
{
	static const struct { const char *key, *title; } members[] = {
		{ "side", N_("side") }, { "state", N_("state") }, { "last", N_("last failure") }, { "peer", N_("peer") },
		{ "peer_name", N_("calls itself") }, { "interface", N_("interface") }, { "address", N_("its address") },
		{ "local", N_("our address") }, { "prefix", N_("its IPv6") }, { "local6", N_("our IPv6") },
		{ "link6", N_("IPv6 on the link") }, { "dns", N_("name server") }, { "authentication", N_("known by") },
		{ "encoding", N_("encryption") }, { "mtu", N_("largest packet") }, { "uptime", N_("seconds up") },
		{ "rtt_us", N_("answers in (us)") }, { "echoes", N_("questions") }, { "echoes_lost", N_("unanswered") },
		{ "in_packets", N_("packets in") }, { "in_bytes", N_("bytes in") }, { "out_packets", N_("packets out") },
		{ "out_bytes", N_("bytes out") }, { "in_limited", N_("too much in") },
		{ "out_limited", N_("too much out") }, { "joined", N_("put together") },
		{ "pieces_lost", N_("pieces lost") }, { "pieces_late", N_("pieces late") }, { "tries", N_("tries") }, { "left", N_("seconds away") },
	};

	term_ink(&s->term, &s->out, INK_BOLD, "%.*s\n", STR_FMT(reply_get(r, "name")));
	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		struct str value = reply_get(r, members[i].key);
		if (value.n == 0)
			continue;
		buf_add(&s->out, STR("  "));
		cell(s, str_z(_(members[i].title)), 18);
		term_text(&s->term, &s->out, value, 200);
		buf_add_byte(&s->out, '\n');
	}
}

static void
show(void *ctx, const struct reply *r)
{
	struct showing *s = ctx;

	if (reply_get(r, "side").n == 0)
		return;
	if (!s->whole && s->shown == 0)
		head(s);
	s->shown++;
	if (s->whole)
		whole(s, r);
	else
		line(s, r);
}

/* {"cmd":"...","name":"..."} */
static void
write_order(struct buf *order, const char *cmd, const char *name)
{
	buf_addf(order, "{\"cmd\":\"%s\"", cmd);
	if (name) {
		buf_add(order, STR(",\"name\":"));
		buf_add_json(order, str_z(name));
	}
	buf_add_byte(order, '}');
}

static int
list(const struct options *o, bool whole_of_each)
{
	struct showing s = { .out = BUF_INIT(16u << 20), .whole = whole_of_each };
	struct buf order = BUF_INIT(1000);

	term_init(&s.term, stdout, o->plain);
	write_order(&order, "vpn", o->nargs ? o->args[0] : NULL);
	int code = reply_order(o, buf_str(&order), show, &s);
	if (code == EXIT_CLEAN && !o->json && s.shown == 0)
		buf_add(&s.out, str_z(_("Nobody is connected.\n")));
	term_flush(&s.term, &s.out);
	buf_free(&s.out);
	buf_free(&order);
	return code;
}

int
command_vpn_list(const struct options *o)
{
	return list(o, false);
}

/* The VPN's own records, shown as all others are. */
int
command_vpn_last(const struct options *o)
{
	struct options *own = malloc(sizeof(*own));
	char *path = candidate_path_if_any(o), file[PATH_MAX];
	struct loaded l = { 0 };
	int code = EXIT_FAILED;

	/* Without a configuration the usual place is meant. */
	bool read = path && access(path, R_OK) == 0 && loaded_read(&l, path) == 0;
	snprintf(file, sizeof(file), "%s/vpn/%s", read ? l.config->state_dir.p : "/var/lib/guarita", o->bad ? "btmp" : "wtmp");
	if (own) {
		*own = *o;
		if (own->nfiles == 0)
			own->files[own->nfiles++] = file;
		code = command_last(own);
	}
	loaded_free(&l);
	free(path);
	free(own);
	return code;
}

int
command_vpn_show(const struct options *o)
{
	return list(o, true);
}

static void
say_done(void *ctx, const struct reply *r)
{
	(void)ctx;
	if (str_eq(reply_get(r, "type"), STR("kicked")))
		printf(_("%.*s is disconnected\n"), STR_FMT(reply_get(r, "name")));
	else if (str_eq(reply_get(r, "type"), STR("dialling")))
		printf(_("dialling; `guarita vpn list` shows what becomes of it\n"));
}

static int
command(const struct options *o, const char *cmd)
{
	struct buf order = BUF_INIT(1000);

	write_order(&order, cmd, o->nargs ? o->args[0] : NULL);
	int code = reply_order(o, buf_str(&order), say_done, NULL);
	buf_free(&order);
	return code;
}

int
command_vpn_kick(const struct options *o)
{
	return command(o, "vpn-kick");
}

int
command_vpn_dial(const struct options *o)
{
	return command(o, "vpn-dial");
}
