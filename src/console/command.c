/* command: the table of commands and options, and what is read from it: usage, help, dispatch. */
#include "console/command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "base/when.h"
#include "console/engine.h"
#include "console/i18n.h"
#include "console/language.h"
#include "console/term.h"
#include "gate/change.h"
#include "wire/stamp.h"

#define USAGE_LEFT 28                 /* columns for the words of a command, before what it does */

static const struct command commands[] = {
	{ "scan", NULL, "PATH...", 1, -1, "japrsu", N_("reads logs, finds intrusions, reports"), command_scan },
	{ "decode", NULL, "PATH...", 1, -1, "jr", N_("what each line means, one record per line"), command_decode },
	{ "explain", NULL, "LINE | - | OPTION | NAME", 1, -1, "aCpr",
		N_("why a line is read as it is, what an option means, what follows from a name"), command_explain },
	{ "rules", "list", "[WORD]", 0, 1, "jpr", N_("decoders and rules, each with its title"), command_rules_list },
	{ "rules", "test", "", 0, 0, "pr", N_("runs the samples of all decoders and rules"), command_rules_test },
	{ "rules", "show", "NAME", 1, 1, "r", N_("one decoder or rule as it is written"), command_rules_show },
	{ "who", NULL, "", 0, 0, "fjp", N_("who is logged in"), command_who },
	{ "last", NULL, "[USER|TTY|HOST]...", 0, -1, "abfjpsu", N_("who was logged in, newest first; --bad: who failed to"),
		command_last },
	{ "lastlog", NULL, "[USER]...", 0, -1, "afjps", N_("when and whence each account logged in last"), command_lastlog },
	{ "lastcomm", NULL, "[USER|COMMAND|TTY]...", 0, -1, "fjpsu", N_("commands that were run, newest first"),
		command_lastcomm },
	{ "accounting", "on", "[FILE]", 0, 1, "", N_("records every command that ends"), command_accounting_on },
	{ "accounting", "off", "", 0, 0, "", N_("does not any more"), command_accounting_off },
	{ "accounting", "rotate", "[FILE]", 0, 1, "", N_("begins a new file without losing a record"),
		command_accounting_rotate },
	{ "audit", NULL, "[ROOT]", 0, 1, "jpx", N_("are the logs owned and protected as they should be?"), command_audit },
	{ "integrity", NULL, "[PATH]...", 0, -1, "acjmprV", N_("has somebody tampered with the account files?"),
		command_integrity },
	{ "vault", "status", "", 0, 0, "CVj", N_("who the vault is, how much is signed, and when"), command_vault_status },
	{ "vault", "verify", "", 0, 0, "ACV", N_("is everything there as it was sealed?"), command_vault_verify },
	{ "vault", "prove", "ENTRY | FIRST-LAST", 1, 1, "CHVo", N_("a proof that a stranger can check"), command_vault_prove },
	{ "vault", "export", "[FIRST-LAST]", 0, 1, "CVj", N_("lines as they were received, with number, time and source"),
		command_vault_export },
	{ "vault", "checkpoint", "", 0, 0, "aCVo", N_("the newest signed checkpoint; --all: and the keys to check it"),
		command_vault_checkpoint },
	{ "vault", "erase", "ENTRY REASON...", 2, -1, "cj", N_("erases one line for good; the log says who ordered it, and why"),
		command_vault_erase },
	{ "vault", "rekey", "", 0, 0, "cj", N_("replaces the master key: all other keys are wrapped under a new one"),
		command_vault_rekey },
	{ "vault", "pack", "", 0, 0, "CVr", N_("packs complete files of the log into segments now"), command_vault_pack },
	{ "verify", NULL, "FILE", 1, 1, "kW", N_("checks a proof, without a vault"), command_verify },
	{ "check", NULL, "CONFIG", 1, 1, "r", N_("checks a configuration and its rules"), command_check },
	{ "run", NULL, "CONFIG", 1, 1, "", N_("runs in the foreground until interrupted"), command_run },
	{ "plan", NULL, "", 0, 0, "Cp", N_("what the edited configuration would change, and its hash"), command_plan },
	{ "apply", NULL, "HASH", 1, 1, "cCpwX", N_("runs a plan; it is rolled back unless confirmed in time"),
		command_apply },
	{ "confirm", NULL, "", 0, 0, "CX", N_("keeps what was applied; counts over a new connection only"),
		command_confirm },
	{ "rollback", NULL, "[GENERATION]", 0, 1, "cCpwX", N_("ends an unconfirmed change, or runs an earlier generation"),
		command_rollback },
	{ "undo", NULL, "", 0, 0, "cCpwX", N_("takes back the last change"), command_undo },
	{ "history", NULL, "", 0, 0, "Cjp", N_("generations of the configuration and what became of them"),
		command_history },
	{ "compare", NULL, "GENERATION [GENERATION]", 1, 2, "Cp",
		N_("how two generations differ, or one from the edited file"), command_compare },
	{ "import", "routeros", "FILE", 1, 1, "", N_("turns an export of RouterOS into a configuration"),
		command_import_routeros },
	{ "import", "syslog.conf", "FILE", 1, 1, "", N_("turns the rules of a syslog.conf into a configuration"),
		command_import_syslog },
	{ "why", NULL, "SRC DST[:PORT[/PROTOCOL]]", 2, 2, "Ci",
		N_("what becomes of such a packet, and by which lines"), command_why },
	{ "fw", "rules", "[WORD]", 0, 1, "cjp", N_("rules in force, with their counters and lines"), command_fw_rules },
	{ "fw", "counters", "[WORD]", 0, 1, "acjp", N_("rules that met packets"), command_fw_counters },
	{ "fw", "trace", "SRC [DST[:PORT[/PROTOCOL]]]", 1, 2, "cjpPT",
		N_("the way of real packets through the rules, as they come"), command_fw_trace },
	{ "interfaces", NULL, "", 0, 0, "cjp", N_("interfaces, their zones and addresses"), command_interfaces },
	{ "routes", NULL, "", 0, 0, "cjp", N_("routes, and who made them"), command_routes },
	{ "bans", NULL, "", 0, 0, "cjp", N_("who is kept out, how long, and why"), command_bans },
	{ "block", NULL, "NETWORK [TIME [REASON]]", 1, -1, "c", N_("keeps an address or network out"), command_block },
	{ "unblock", NULL, "NETWORK", 1, 1, "c", N_("lets it in again"), command_unblock },
	{ "log", NULL, "[QUERY]...", 0, -1, "aFjNnprsuV", N_("finds lines in the vault, by words, fields, networks, expressions"),
		command_log },
	{ "story", NULL, "ADDRESS | USER | HOST", 1, 1, "ajprsuV", N_("everything that the vault knows of one of them, in order"),
		command_story },
	{ "vpn", "list", "", 0, 0, "cjp", N_("who is connected, and why who is not"), command_vpn_list },
	{ "vpn", "show", "NAME", 1, 1, "cjp", N_("all there is to know of one connection"), command_vpn_show },
	{ "vpn", "kick", "NAME", 1, 1, "c", N_("ends the connection of a user"), command_vpn_kick },
	{ "vpn", "dial", "[HOST]", 0, 1, "c", N_("dials a headquarters now"), command_vpn_dial },
	{ "vpn", "last", "[USER|HOST]...", 0, -1, "bfjpsuC", N_("who was connected, newest first; --bad: who failed to"),
	  command_vpn_last },
	{ "vpn", "test", "[SERVER]", 0, 1, "Cjp", N_("dials from here, step by step, and says what stands in the way"), command_vpn_test },
	{ "vpn", "password", "", 0, 0, "C", N_("seals a password for the configuration, read from the terminal or a pipe"),
	  command_vpn_password },
	{ "site", "key", "", 0, 0, "C", N_("this site's public key, as a line for the others' configuration"),
		command_site_key },
	{ "site", "list", "", 0, 0, "cjp", N_("other sites: who is connected, and why who is not"), command_site_list },
	{ "status", NULL, "", 0, 0, "cj", N_("processes, their rights, sources and losses"), command_status },
	{ "watch", NULL, "", 0, 0, "cjp", N_("incidents as they happen"), command_watch },
	{ "reload", NULL, "", 0, 0, "c", N_("reads the configuration again"), command_reload },
	{ "stop", NULL, "", 0, 0, "c", N_("stops all processes in order"), command_stop },
};

static int take_time(const char *word, int64_t now_us, int64_t *ret);

struct option_row {
	char letter;
	const char *name;
	const char *arg;        /* NULL: a switch */
	const char *help;
	int (*take)(struct options *o, const char *arg);
	char typed;             /* when the letter as it is typed means something else elsewhere */
};

static int take_json(struct options *o, const char *arg) { o->json = true; return 0; }
static int take_plain(struct options *o, const char *arg) { o->plain = true; return 0; }
static int take_all(struct options *o, const char *arg) { o->all = true; return 0; }
static int take_rules(struct options *o, const char *arg) { o->rules = arg; return 0; }
static int take_control(struct options *o, const char *arg) { o->control = arg; return 0; }
static int take_memory(struct options *o, const char *arg) { o->memory = arg; return 0; }
static int take_fix(struct options *o, const char *arg) { o->fix = true; return 0; }
static int take_bad(struct options *o, const char *arg) { o->bad = true; return 0; }
static int take_config(struct options *o, const char *arg) { o->config = arg; return 0; }
static int take_in(struct options *o, const char *arg) { o->in = arg; return 0; }
static int take_vault(struct options *o, const char *arg) { o->vault = arg; return 0; }
static int take_key(struct options *o, const char *arg) { o->key = arg; return 0; }
static int take_auditor(struct options *o, const char *arg) { o->auditor = arg; return 0; }
static int take_out(struct options *o, const char *arg) { o->out = arg; return 0; }
static int take_html(struct options *o, const char *arg) { o->html = true; return 0; }
static int take_follow(struct options *o, const char *arg) { o->follow = true; return 0; }
static int take_lines(struct options *o, const char *arg) { o->lines_given = true; return text_u64(str_z(arg), &o->lines); }
static int take_context(struct options *o, const char *arg) { return text_u64(str_z(arg), &o->context); }
static int take_force(struct options *o, const char *arg) { o->force = true; return 0; }
static int take_packets(struct options *o, const char *arg) { return text_u64(str_z(arg), &o->packets); }
static int take_since(struct options *o, const char *arg) { return take_time(arg, o->now_us, &o->since_us); }
static int take_until(struct options *o, const char *arg) { return take_time(arg, o->now_us, &o->until_us); }

static int
take_file(struct options *o, const char *arg)
{
	if (o->nfiles == OPTION_FILES_MAX)
		return -E2BIG;
	o->files[o->nfiles++] = (char *)(uintptr_t)arg;
	return 0;
}

static int
take_witness(struct options *o, const char *arg)
{
	if (o->nwitnesses == OPTION_WITNESSES_MAX)
		return -E2BIG;
	o->witnesses[o->nwitnesses++] = (char *)(uintptr_t)arg;
	return 0;
}

static int
take_within(struct options *o, const char *arg)
{
	int64_t us;

	if (text_duration(str_z(arg), &us) < 0 || us < CHANGE_CONFIRM_MIN_US || us > CHANGE_CONFIRM_MAX_US)
		return -EINVAL;
	o->within_us = us;
	return 0;
}

static int
take_for(struct options *o, const char *arg)
{
	return text_duration(str_z(arg), &o->for_us) < 0 || o->for_us < WHEN_SECOND ? -EINVAL : 0;
}

static const struct option_row option_rows[] = {
	{ 'j', "json", NULL, N_("one JSON object per line"), take_json },
	{ 'p', "plain", NULL, N_("no colour, no progress"), take_plain },
	{ 'a', "all", NULL, N_("everything, not only the first few"), take_all },
	{ 'b', "bad", NULL, N_("failed logins instead of sessions"), take_bad },
	{ 'f', "file", "FILE", N_("read this file instead of the system's own; may be given often"), take_file },
	{ 'x', "fix", NULL, N_("put right what can be, and say what was done"), take_fix },
	{ 'm', "memory", "FILE", N_("remember there what the files look like"), take_memory },
	{ 'r', "rules", "DIR", N_("folder of rules"), take_rules },
	{ 'c', "control", "PATH", N_("control socket of the running Guarita"), take_control },
	{ 'C', "config", "PATH", N_("the configuration that is meant (/etc/guarita/guarita.conf)"), take_config },
	{ 'V', "vault", "DIR", N_("the vault that is meant; else as the configuration says"), take_vault },
	{ 'k', "key", "FILE", N_("the vault's identity, as its owner gave it to you"), take_key },
	{ 'W', "witness", "KEY", N_("key of a witness who must have signed too; may be given often"), take_witness, 'w' },
	{ 'A', "auditor", "FILE", N_("the auditor's key: every seal is checked too"), take_auditor },
	{ 'o', "out", "FILE", N_("write there instead of to the screen"), take_out },
	{ 'H', "html", NULL, N_("a page that checks itself in any browser"), take_html },
	{ 'i', "in", "INTERFACE", N_("the interface that the packet comes by"), take_in },
	{ 'w', "within", "TIME", N_("time to confirm (2m)"), take_within },
	{ 'T', "for", "TIME", N_("goes on for so long (30s)"), take_for },
	{ 'P', "packets", "COUNT", N_("ends after so many packets (20)"), take_packets },
	{ 'X', "force", NULL, N_("although it is advised against"), take_force, 'x' },
	{ 'F', "follow", NULL, N_("goes on with new lines as they come"), take_follow, 'f' },
	{ 'n', "lines", "COUNT", N_("so many of the newest (100); 0: all"), take_lines },
	{ 'N', "context", "COUNT", N_("so many lines before and behind each"), take_context, 'C' },
	{ 's', "since", "TIME", N_("only what happened since (2h, 7d, 2026-11-21, 2026-11-21T08:00:00Z)"), take_since },
	{ 'u', "until", "TIME", N_("only what happened before"), take_until },
};

static char
typed_letter(const struct option_row *row)
{
	return row->typed ? row->typed : row->letter;
}

/* "2h": so long ago; else a date or a full stamp, as UTC unless it says otherwise. */
static int
take_time(const char *word, int64_t now_us, int64_t *ret)
{
	struct stamp st;
	struct civil civil;
	int64_t us;

	if (text_duration(str_z(word), &us) == 0) {
		*ret = now_us - us;
		return 0;
	}
	if (stamp_parse(str_z(word), &st) != strlen(word) || st.flags & (STAMP_NO_YEAR | STAMP_NO_DATE))
		return -EINVAL;
	civil = stamp_civil(&st);
	*ret = st.form == STAMP_EPOCH ? st.epoch_us : when_from_civil(&civil) - st.offset_min * WHEN_MINUTE;
	return 0;
}

static void
usage_row(FILE *to, const struct command *c)
{
	char left[64];

	snprintf(left, sizeof(left), "%s%s%s %s", c->name, c->sub ? " " : "", c->sub ? c->sub : "", c->args);
	if (strlen(left) > USAGE_LEFT)
		fprintf(to, "  %s\n  %-*s %s\n", left, USAGE_LEFT, "", _(c->help));
	else
		fprintf(to, "  %-*s %s\n", USAGE_LEFT, left, _(c->help));
}

static void
usage(FILE *to)
{
	fprintf(to, _("usage: guarita COMMAND [OPTIONS] ...\n\n"));
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		usage_row(to, &commands[i]);
	fprintf(to, _("\nguarita help COMMAND shows its options; the manual is guarita(1).\n"));
}

/* A first word alone: what may follow it. */
static void
usage_of_group(FILE *to, const char *name)
{
	fprintf(to, _("usage: guarita %s COMMAND [OPTIONS] ...\n\n"), name);
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		if (strcmp(commands[i].name, name) == 0)
			usage_row(to, &commands[i]);
	}
}

static int
usage_of(FILE *to, const struct command *c)
{
	fprintf(to, _("usage: guarita %s%s%s [OPTIONS] %s\n  %s\n"), c->name, c->sub ? " " : "", c->sub ? c->sub : "",
	    c->args, _(c->help));
	for (size_t i = 0; i < ARRAY_LEN(option_rows); i++) {
		const struct option_row *row = &option_rows[i];
		char left[32];

		if (!strchr(c->takes, row->letter))
			continue;
		snprintf(left, sizeof(left), "--%s%s%s", row->name, row->arg ? " " : "", row->arg ? row->arg : "");
		fprintf(to, "  -%c, %-18s %s\n", typed_letter(row), left, _(row->help));
	}
	return EXIT_USAGE;
}

static const struct command *
find_command(const char *name, const char *sub)
{
	const struct command *first = NULL;

	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		if (strcmp(commands[i].name, name) != 0)
			continue;
		if (!commands[i].sub || (sub && strcmp(commands[i].sub, sub) == 0))
			return &commands[i];
		if (!first)
			first = &commands[i];
	}
	return sub ? NULL : first;
}

static int
unknown_command(const char *name, const char *sub)
{
	struct str names[ARRAY_LEN(commands)], near;

	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		names[i] = str_z(!sub ? commands[i].name : commands[i].sub ? commands[i].sub : "");
	near = text_nearest(str_z(sub ? sub : name), names, ARRAY_LEN(names));
	complain(_("guarita: there is no command \"%s%s%s\""), name, sub ? " " : "", sub ? sub : "");
	if (near.n > 0)
		complain(_("; did you mean \"%s%s%.*s\"?"), sub ? name : "", sub ? " " : "", STR_FMT(near));
	complain("\n");
	usage(stderr);
	return EXIT_USAGE;
}

static const struct option_row *
find_option(const struct command *c, const char *word, const char **ret_value)
{
	const char *eq = strchr(word, '=');
	size_t n = eq ? (size_t)(eq - word) : strlen(word);

	*ret_value = eq ? eq + 1 : NULL;
	for (size_t i = 0; i < ARRAY_LEN(option_rows); i++) {
		const struct option_row *row = &option_rows[i];
		bool is_long = n > 2 && strncmp(word, "--", 2) == 0 && strlen(row->name) == n - 2 &&
		    strncmp(word + 2, row->name, n - 2) == 0;

		if ((is_long || (n == 2 && word[0] == '-' && word[1] == typed_letter(row))) && strchr(c->takes, row->letter))
			return row;
	}
	return NULL;
}

static void
unknown_option(const struct command *c, const char *whole)
{
	struct str names[ARRAY_LEN(option_rows)], near;
	const char *word = whole;
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(option_rows); i++) {
		if (strchr(c->takes, option_rows[i].letter))
			names[n++] = str_z(option_rows[i].name);
	}
	word += strspn(word, "-");
	near = text_nearest(str_of(word, strcspn(word, "=")), names, n);
	complain(_("guarita %s: unknown option %s"), c->name, whole);
	if (near.n > 0)
		complain(_("; did you mean --%.*s?"), STR_FMT(near));
	complain("\n");
}

static void
bad_value(const struct command *c, const struct option_row *row, const char *value)
{
	complain(_("guarita %s: --%s cannot be \"%s\"\n"), c->name, row->name, value);
	complain("  --%s %s: %s\n", row->name, row->arg, _(row->help));
}

static bool
wants_help(int argc, char **argv)
{
	for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			return true;
	}
	return false;
}

/* Options may stand anywhere before a "--"; the rest are arguments. -EINVAL: how it is used should be shown. */
static int
parse(const struct command *c, int argc, char **argv, struct options *o)
{
	bool literal = false;

	o->args = argv;
	for (int i = 0; i < argc; i++) {
		const struct option_row *row;
		const char *value;

		if (literal || argv[i][0] != '-' || argv[i][1] == '\0') {
			o->args[o->nargs++] = argv[i];
			continue;
		}
		if (strcmp(argv[i], "--") == 0) {
			literal = true;
			continue;
		}
		row = find_option(c, argv[i], &value);
		if (!row) {
			unknown_option(c, argv[i]);
			return -EINVAL;
		}
		if (row->arg && !value) {
			if (i + 1 == argc) {
				complain(_("guarita %s: %s needs %s\n"), c->name, argv[i], row->arg);
				return -EINVAL;
			}
			value = argv[++i];
		}
		if (row->take(o, value) < 0) {
			bad_value(c, row, value);
			return -EDOM;
		}
	}
	if (o->nargs < c->min_args || (c->max_args >= 0 && o->nargs > c->max_args))
		return -EINVAL;
	return 0;
}

int
command_engine(struct engine *e, const struct options *o)
{
	int rc = engine_open(e, o->rules);

	if (rc < 0) {
		struct buf text = BUF_INIT(1u << 20);

		diags_show(e->diags, &text);
		(void)out_write(stderr, buf_str(&text));
		complain(_("guarita: the rules in %s cannot be used: %s\n"), e->dir ? e->dir : "?",
		    rc == -EINVAL ? _("see above") : strerror(-rc));
		if (rc == -ENOENT)
			complain(_("Say where they are with --rules DIR or in $GUARITA_RULES.\n"));
		buf_free(&text);
		engine_close(e);
	}
	return rc;
}

static int
help(int argc, char **argv)
{
	const struct command *c = argc > 2 ? find_command(argv[2], argc > 3 ? argv[3] : NULL) : NULL;

	if (!c && argc > 2)
		return unknown_command(argv[2], find_command(argv[2], NULL) ? argv[3] : NULL);
	if (c && c->sub && argc == 3)
		usage_of_group(stdout, argv[2]);
	else if (c)
		usage_of(stdout, c);
	else
		usage(stdout);
	return EXIT_CLEAN;
}

int
command_main(int argc, char **argv)
{
	struct options o = { .since_us = WHEN_NONE, .until_us = WHEN_NONE, .within_us = CHANGE_CONFIRM_US };
	const struct command *c;
	struct timespec now;
	int skip, rc;

	language_begin();
	if (argc < 2) {
		usage(stderr);
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return help(argc, argv);
	if (strcmp(argv[1], "version") == 0 || strcmp(argv[1], "--version") == 0) {
		printf("guarita %s\n", GUARITA_VERSION);
		return EXIT_CLEAN;
	}
	c = find_command(argv[1], argc > 2 ? argv[2] : NULL);
	if (!c && wants_help(argc - 2, argv + 2) && find_command(argv[1], NULL)) {
		usage_of_group(stdout, argv[1]);
		return EXIT_CLEAN;
	}
	if (!c)
		return unknown_command(argv[1], find_command(argv[1], NULL) && argc > 2 ? argv[2] : NULL);
	skip = c->sub ? 3 : 2;
	if (skip > argc) {
		usage_of_group(stderr, argv[1]);
		return EXIT_USAGE;
	}
	if (wants_help(argc - skip, argv + skip)) {
		usage_of(stdout, c);
		return EXIT_CLEAN;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	o.now_us = now.tv_sec * WHEN_SECOND + now.tv_nsec / 1000;
	rc = parse(c, argc - skip, argv + skip, &o);
	if (rc < 0)
		return rc == -EINVAL ? usage_of(stderr, c) : EXIT_USAGE;
	return c->run(&o);
}
