/*
 * site: what an administrator needs to let two sites trust each other: `guarita site key` shows this
 * site's public key as the line for the other's configuration, `guarita site list` how they stand.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/when.h"
#include "console/config_file.h"
#include "console/i18n.h"
#include "console/reply.h"
#include "console/term.h"
#include "sys/file.h"
#include "sys/sitekey.h"

#define LAG_S 5                        /* lines that wait shorter are on their way */
#define DEFAULT_CONFIG "/etc/guarita/guarita.conf"

/* Makes the key where there is none yet. */
static int
take_key(const struct config *c, char path[PATH_MAX], struct buf *public)
{
	uint8_t seed[TLS_KEY_BYTES];
	int r = 0;

	if (c->sites.key.n)
		snprintf(path, PATH_MAX, "%s", c->sites.key.p);
	else
		r = file_path(path, PATH_MAX, c->state_dir.p, "site.key");
	if (r == 0)
		r = sitekey_read(path, seed);
	if (r == -ENOENT && !c->sites.key.n)
		(void)!file_make_dirs(c->state_dir.p, 0755);
	if (r == -ENOENT)
		r = sitekey_make(path, seed);
	if (r == 0)
		r = sitekey_show(seed, public);
	tls_wipe(seed, sizeof(seed));
	return r;
}

static int
show_key(const struct config *c)
{
	struct buf public = BUF_INIT(256);
	char path[PATH_MAX] = "";
	int r = take_key(c, path, &public);

	if (r == 0) {
		printf(_("# The key of site %.*s; for guarita.conf of the other site:\n"), STR_FMT(c->site));
		printf("peer %.*s \"%s\";\n", STR_FMT(c->site), buf_cstr(&public));
	} else {
		complain(_("guarita: %s: %s\n"), path,
		    r == -EPERM ? _("others can read this secret; run `chmod 600` on it")
		    : r == -EBADMSG ? _("there is no key in it") : strerror(-r));
	}
	buf_free(&public);
	return r;
}

int
command_site_key(const struct options *o)
{
	const char *path = o->config ? o->config : DEFAULT_CONFIG;
	struct buf faults = BUF_INIT(1u << 20);
	struct arena arena = { 0 };
	struct diags *diags = diags_new();
	struct config *c = NULL;
	int r = diags ? config_file_load(&arena, diags, path, &c) : -ENOMEM;

	if (r < 0) {
		if (diags && diags_errors(diags) > 0) {
			diags_show(diags, &faults);
			(void)out_write(stderr, buf_str(&faults));
		}
		complain(_("guarita: %s: %s\n"), path, r == -EINVAL ? _("the configuration has errors") : strerror(-r));
	} else {
		r = show_key(c);
	}
	buf_free(&faults);
	diags_free(diags);
	arena_free(&arena);
	return r < 0 ? EXIT_FAILED : EXIT_CLEAN;
}

/* The list. */

struct showing {
	struct term term;
	struct buf out;
	unsigned shown;
	int64_t now_us;
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
	cell(s, str_z(_("site")), 20);
	cell(s, str_z(_("state")), 14);
	cell(s, str_z(_("since")), 12);
	cell(s, str_z(_("lines in")), 10);
	cell(s, str_z(_("lines out")), 10);
	cell(s, str_z(_("waiting")), 10);
	cell(s, str_z(_("bans in")), 8);
	buf_addf(&s->out, "%s\n", _("bans out"));
}

static void
remark(struct showing *s, struct str text)
{
	term_ink(&s->term, &s->out, INK_YELLOW, "%s", "");
	term_wrap(&s->term, &s->out, text, 4);
}

/* As witnesses of each other. */
static void
show_witness(struct showing *s, const struct reply *r)
{
	static const struct { const char *word, *text; } alarms[] = {
		{ "rewound", N_("its vault was set back: it signs fewer lines than it did") },
		{ "forked", N_("its vault was written anew: what it signs does not continue what it signed before") },
		{ "replaced", N_("it shows another vault than before, with other keys") },
	};
	uint64_t answer = reply_number(r, "witness");

	for (size_t i = 0; i < ARRAY_LEN(alarms); i++)
		if (str_eq(reply_get(r, "vault_alarm"), str_z(alarms[i].word)))
			remark(s, str_z(_(alarms[i].text)));
	if (answer == 409 || answer == 422)
		remark(s, str_z(_("it does not sign our checkpoint: it has seen another history of our vault")));
	else if (answer && answer != 200)
		remark(s, str_z(_("it does not sign our checkpoint: it is no witness of our vault")));
}

/* What waits for that site, and what did not reach it in time. */
static void
show_lag(struct showing *s, const struct reply *r)
{
	unsigned long long lines = reply_number(r, "behind"), lost = reply_number(r, "lost_out") + reply_number(r, "lost_in");
	struct buf text = BUF_INIT(1024);
	char size[40], span[40];

	if (lines && reply_number(r, "behind_s") >= LAG_S)
		buf_addf(&text, _("%llu lines wait for it, about %s, the oldest for %s"), lines,
		    text_show_size(reply_number(r, "behind_bytes"), size, sizeof(size)),
		    text_show_duration((int64_t)reply_number(r, "behind_s") * WHEN_SECOND, span, sizeof(span)));
	if (text.n)
		remark(s, buf_str(&text));
	buf_reset(&text);
	if (lost)
		buf_addf(&text, _("%llu lines were not copied: the log had let go of them (they are in the vault of their site)"), lost);
	if (text.n)
		remark(s, buf_str(&text));
	buf_free(&text);
}

static void
show_peer(void *ctx, const struct reply *r)
{
	struct showing *s = ctx;
	bool up = reply_true(r, "connected");
	int64_t since_us = (int64_t)reply_number(r, "since") * WHEN_SECOND;
	char span[40];

	if (!str_eq(reply_get(r, "type"), STR("site")))
		return;
	if (s->shown++ == 0)
		head(s);
	cell(s, reply_get(r, "name"), 20);
	cell(s, str_z(up ? _("connected") : _("not connected")), 14);
	cell(s, str_z(text_show_duration(s->now_us > since_us ? s->now_us - since_us : 0, span, sizeof(span))), 12);
	cell(s, reply_get(r, "lines_in"), 10);
	cell(s, reply_get(r, "lines_out"), 10);
	cell(s, reply_get(r, "behind"), 10);
	cell(s, reply_get(r, "bans_in"), 8);
	term_text(&s->term, &s->out, reply_get(r, "bans_out"), 12);
	buf_add_byte(&s->out, '\n');
	if (!up && reply_get(r, "why").n)
		remark(s, reply_get(r, "why"));
	show_lag(s, r);
	show_witness(s, r);
}

int
command_site_list(const struct options *o)
{
	struct showing s = { .out = BUF_INIT(4u << 20), .now_us = o->now_us };

	term_init(&s.term, stdout, o->plain);
	int code = reply_order(o, STR("{\"cmd\":\"sites\"}"), show_peer, &s);
	term_flush(&s.term, &s.out);
	buf_free(&s.out);
	return code;
}
