/* check: `guarita check CONFIG`: the configuration and the rules it would run with; nothing is changed. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/schema_doc.h"
#include "console/command.h"
#include "console/config_file.h"
#include "console/engine.h"
#include "console/i18n.h"
#include "console/term.h"
#include "gate/lint.h"
#include "sys/clock.h"

static void
show(const struct diags *d)
{
	struct buf out = BUF_INIT(4u << 20);

	diags_show(d, &out);
	(void)out_write(stderr, buf_str(&out));
	buf_free(&out);
}

static void
say_what_it_does(const struct config *c)
{
	printf(_("site %.*s: "), STR_FMT(c->site));
	printf(P_("%u source, ", "%u sources, ", c->nsources), c->nsources);
	printf(P_("%u response, ", "%u responses, ", c->nresponds), c->nresponds);
	printf(_("state in %.*s\n"), STR_FMT(c->state_dir));
}

/* What the words of the gate mean together, and what is allowed and unwise. */
static int
look_at_gate(struct arena *a, const struct config *c, struct diags *d)
{
	struct policy *policy;
	int rc = policy_build(a, c, d, &policy);

	if (rc == 0 && conf_has_gate(&c->gate))
		(void)lint(policy, d);
	return rc;
}

/* A password that every user of the machine can read is none. */
static void
look_at_passwords(const struct config *c, struct diags *d)
{
	struct conf_pos where;
	struct stat st;
	char path[PATH_MAX];

	if (!config_plain_password(c, &where))
		return;
	struct str name = diags_file_name(d, where.file);
	if (name.n >= sizeof(path))
		return;
	snprintf(path, sizeof(path), "%.*s", STR_FMT(name));
	if (stat(path, &st) == 0 && st.st_mode & 004)
		diag_warn(d, where, 1, "chmod 640 the file, or seal its passwords: guarita vpn password",
		    "passwords stand here in plain text, and everybody on this machine can read the file");
}

/* A name that nobody knows would silently be UTC. */
static void
look_at_zones(const struct config *c, struct diags *d)
{
	struct conf_pos where;
	struct str zone;

	for (uint32_t i = 0; config_zone(c, i, &zone, &where); i++)
		if (!clock_zone_known(zone))
			diag_error(d, where, (uint32_t)zone.n, "/usr/share/zoneinfo holds those that are known; without it: apt-get install tzdata",
			    "this machine knows no time zone `%.*s`", STR_FMT(zone));
}

static bool
is_kind(const struct kinds *k, struct str pattern)
{
	for (uint16_t i = 0; i < kinds_count(k); i++)
		if (kinds_covers(k, pattern, i))
			return true;
	return false;
}

static int
look_at_kinds(const struct conf_relay *r, const struct kinds *k)
{
	int rc = 0;

	for (uint32_t i = 0; i < r->kinds.n; i++) {
		if (is_kind(k, r->kinds.v[i]))
			continue;
		complain(_("guarita: line %u: no kind is called \"%s\"; guarita-rules(5) lists them\n"), r->where.line, r->kinds.v[i].p);
		rc = -EINVAL;
	}
	return rc;
}

/* Names of rules and kinds stand in the configuration; only here are both known. */
static int
look_at_rules(const struct config *c, const struct engine *e)
{
	int rc = 0;

	for (uint32_t i = 0; i < c->nrelays; i++)
		if (look_at_kinds(&c->relays[i], e->rules->kinds) < 0)
			rc = -EINVAL;

	for (size_t i = 0; i < c->watch.disable_rules.n; i++) {
		if (rule_find(e->rules, c->watch.disable_rules.v[i]) != UINT32_MAX)
			continue;
		complain(_("guarita: no decoder or rule is called \"%s\""), c->watch.disable_rules.v[i].p);
		complain(" (disable-rule)\n");
		rc = -EINVAL;
	}
	return rc;
}

int
command_check(const struct options *o)
{
	struct arena arena = { 0 };
	struct diags *d = diags_new();
	struct config *config;
	struct options with_rules = *o;
	struct engine e;
	int rc = d ? config_file_load(&arena, d, o->args[0], &config) : -ENOMEM;

	if (rc == 0)
		rc = look_at_gate(&arena, config, d);
	if (rc == 0) {
		look_at_passwords(config, d);
		look_at_zones(config, d);
		rc = diags_errors(d) > 0 ? -EINVAL : 0;
	}
	if (d)
		show(d);
	if (rc == 0) {
		if (!o->rules && config->rules_dirs.n > 0)
			with_rules.rules = arena_strdup(&arena, config->rules_dirs.v[0]);
		rc = command_engine(&e, &with_rules);
		if (rc == -ENOENT && !o->rules)
			complain(_("`make install` puts them there; `rules-dir` in the configuration names another folder.\n"));
		if (rc == 0) {
			show(e.diags);
			rc = look_at_rules(config, &e);
			if (rc == 0) {
				say_what_it_does(config);
				printf(P_("%s: good; rules from %s (%zu file)\n", "%s: good; rules from %s (%zu files)\n",
				    e.nfiles), o->args[0], e.dir, e.nfiles);
			}
			engine_close(&e);
		}
	} else {
		complain(_("guarita: %s cannot be used: %s\n"), o->args[0],
		    rc == -EINVAL ? _("see above") : strerror(-rc));
	}
	diags_free(d);
	arena_free(&arena);
	return rc == 0 ? EXIT_CLEAN : EXIT_FAILED;
}

/* "lateness" for "watch.lateness": every option, in whatever block, that ends so. */
static bool
explain_everywhere(struct str word, struct buf *out)
{
	struct buf words = BUF_INIT(1u << 16);
	bool any = false;

	schema_words(&config_schema, &words);
	for (struct str rest = buf_str(&words), path; str_split(&rest, '\n', &path);) {
		if (path.n <= word.n || path.p[path.n - word.n - 1] != '.' || !str_ends(path, word))
			continue;
		if (any)
			buf_add_byte(out, '\n');
		any = true;
		buf_addf(out, "%.*s\n", STR_FMT(path));
		if (schema_explain(&config_schema, path, out) < 0)
			return false;
	}
	buf_free(&words);
	return any;
}

bool
explain_option(const struct options *o, struct str path)
{
	struct buf out = BUF_INIT(1u << 16), nested = BUF_INIT(1u << 16);
	bool known = config_explain(NULL, NULL, path, &out) == 0;

	if (known)
		(void)out_write(stdout, buf_str(&out));
	else if (path.n > 0 && explain_everywhere(path, &nested)) {
		(void)out_write(stdout, buf_str(&nested));
		known = true;
	}
	buf_free(&out);
	buf_free(&nested);
	return known;
}
