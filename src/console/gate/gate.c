/*
 * gate: what the gate does, as it is in the kernel: `guarita fw rules`, `fw counters`, `routes`,
 * `interfaces`. Flags are those that operators know from RouterOS. Only shows.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "console/i18n.h"
#include "console/reply.h"
#include "console/term.h"

struct showing {
	const struct options *o;
	struct term term;
	struct buf out;
	char hook[32];                 /* of the rule before */
	bool counters, quiet;
	uint64_t shown;
};

static void
begin(struct showing *s, const struct options *o)
{
	*s = (struct showing){ .o = o, .out = BUF_INIT(16u << 20) };
	term_init(&s->term, stdout, o->plain);
}

static int
end(struct showing *s, int code)
{
	term_flush(&s->term, &s->out);
	buf_free(&s->out);
	return code;
}

/* The word after the command: a hook, or what the rule's line, word, name or text has in it. */
static bool
rule_wanted(const struct showing *s, const struct reply *r)
{
	static const char *const keys[] = { "hook", "word", "name", "text", "why", "comment", "id" };
	struct str word = s->o->nargs ? str_z(s->o->args[0]) : STR_NULL;

	if (s->counters && reply_number(r, "packets") == 0 && !s->o->all)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(keys) && word.n; i++) {
		struct str value = reply_get(r, keys[i]);
		if (str_find_nocase(value, word) < value.n)
			return true;
	}
	return word.n == 0;
}

static void
show_origin(struct showing *s, const struct reply *r)
{
	struct str why = reply_get(r, "why"), comment = reply_get(r, "comment"), name = reply_get(r, "name"),
	    file = reply_get(r, "file");
	struct buf b = BUF_INIT(8192);
	size_t slash = str_rfind(file, STR("/"));

	if (reply_number(r, "line"))
		buf_addf(&b, "%.*s:%llu ", STR_FMT(slash < file.n ? str_from(file, slash + 1) : file),
		    (unsigned long long)reply_number(r, "line"));
	buf_addf(&b, "%.*s%s%.*s", STR_FMT(reply_get(r, "word")), name.n ? " " : "", STR_FMT(name));
	if (why.n || comment.n)
		buf_addf(&b, ": %.*s", STR_FMT(comment.n ? comment : why));
	buf_add(&s->out, STR("                         "));
	term_text(&s->term, &s->out, buf_str(&b), s->term.columns - 26);
	buf_add_byte(&s->out, '\n');
	buf_free(&b);
}

static void
show_rule(void *ctx, const struct reply *r)
{
	struct showing *s = ctx;
	struct str hook = reply_get(r, "hook");
	char packets[32], bytes[32];

	if (!rule_wanted(s, r))
		return;
	if (!str_eq(hook, str_z(s->hook))) {
		snprintf(s->hook, sizeof(s->hook), "%.*s", STR_FMT(hook));
		term_ink(&s->term, &s->out, INK_BOLD, "%s%.*s\n", s->shown ? "\n" : "", STR_FMT(hook));
	}
	s->shown++;
	buf_addf(&s->out, "%4llu %11s %7s ", (unsigned long long)reply_number(r, "number"),
	    term_count(reply_number(r, "packets"), packets),
	    text_show_size(reply_number(r, "bytes"), bytes, sizeof(bytes)));
	term_text(&s->term, &s->out, reply_get(r, "text"), s->term.columns - 26);
	buf_add_byte(&s->out, '\n');
	if (!s->counters)
		show_origin(s, r);
	if (s->out.n > 1u << 20)
		term_flush(&s->term, &s->out);
}

static int
rules(const struct options *o, bool counters)
{
	struct showing s;

	begin(&s, o);
	s.counters = counters;
	int code = reply_order(o, STR("{\"cmd\":\"rules\"}"), show_rule, &s);
	if (code == EXIT_CLEAN && !o->json && s.shown == 0)
		buf_addf(&s.out, counters ? _("Nothing was counted yet; --all shows every rule.\n") : _("No such rule.\n"));
	return end(&s, code);
}

int
command_fw_rules(const struct options *o)
{
	return rules(o, false);
}

int
command_fw_counters(const struct options *o)
{
	return rules(o, true);
}

/* X disabled or down, R running; as `interface print` has it. */
static void
show_interface(void *ctx, const struct reply *r)
{
	struct showing *s = ctx;
	char key[64], rx[32], tx[32];
	bool missing = reply_true(r, "missing");

	if (s->shown++ == 0)
		term_ink(&s->term, &s->out, INK_BOLD, "   %-16s %-14s %-8s %5s %9s %9s  %s\n", _("NAME"), _("ZONE"),
		    _("KIND"), _("MTU"), _("IN"), _("OUT"), _("ADDRESSES"));
	buf_addf(&s->out, "%c  ", missing ? '-' : !reply_true(r, "up") ? 'X' : reply_true(r, "carrier") ? 'R' : ' ');
	term_cell(&s->term, &s->out, reply_get(r, "name"), 16);
	buf_add_byte(&s->out, ' ');
	term_cell(&s->term, &s->out, reply_get(r, "zone"), 14);
	buf_add_byte(&s->out, ' ');
	if (missing) {
		buf_addf(&s->out, _("named in the configuration, not there\n"));
		return;
	}
	term_cell(&s->term, &s->out, reply_get(r, "kind"), 8);
	buf_addf(&s->out, " %5llu %9s %9s ", (unsigned long long)reply_number(r, "mtu"),
	    text_show_size(reply_number(r, "rx_bytes"), rx, sizeof(rx)),
	    text_show_size(reply_number(r, "tx_bytes"), tx, sizeof(tx)));
	for (unsigned i = 0; ; i++) {
		snprintf(key, sizeof(key), "addresses.%u.address", i);
		struct str address = reply_get(r, key);
		if (address.n == 0)
			break;
		snprintf(key, sizeof(key), "addresses.%u.ours", i);
		buf_addf(&s->out, " %.*s%s", STR_FMT(address), reply_true(r, key) ? "" : "*");
	}
	buf_add_byte(&s->out, '\n');
}

int
command_interfaces(const struct options *o)
{
	struct showing s;

	begin(&s, o);
	int code = reply_order(o, STR("{\"cmd\":\"interfaces\"}"), show_interface, &s);
	if (code == EXIT_CLEAN && !o->json)
		buf_addf(&s.out, _("X down, R running, - missing; addresses with * were not given by Guarita\n"));
	return end(&s, code);
}

/* A active, D dynamic, C connected, S static, G ours; as `ip route print` has it. */
static void
show_route(void *ctx, const struct reply *r)
{
	struct showing *s = ctx;
	struct str from = reply_get(r, "from"), via = reply_get(r, "via");
	bool connected = str_eq(from, STR("connected")), ours = str_eq(from, STR("guarita")),
	    fixed = str_eq(from, STR("static"));

	if (s->shown++ == 0)
		term_ink(&s->term, &s->out, INK_BOLD, "     %-26s %-26s %-16s %s\n", _("TO"), _("VIA"),
		    _("INTERFACE"), _("METRIC"));
	buf_addf(&s->out, "%c%c%c  ", reply_true(r, "active") ? 'A' : ' ', ours || fixed ? ' ' : 'D',
	    connected ? 'C' : ours ? 'G' : fixed ? 'S' : 'o');
	term_cell(&s->term, &s->out, reply_get(r, "to"), 26);
	buf_add_byte(&s->out, ' ');
	term_cell(&s->term, &s->out, via.n ? via : STR("on the link"), 26);
	buf_add_byte(&s->out, ' ');
	term_cell(&s->term, &s->out, reply_get(r, "interface"), 16);
	buf_addf(&s->out, " %llu\n", (unsigned long long)reply_number(r, "metric"));
}

int
command_routes(const struct options *o)
{
	struct showing s;

	begin(&s, o);
	int code = reply_order(o, STR("{\"cmd\":\"routes\"}"), show_route, &s);
	if (code == EXIT_CLEAN && !o->json)
		buf_addf(&s.out, _("A active, D dynamic, C connected, S static, G of Guarita, o of another program\n"));
	return end(&s, code);
}
