/* check: `guarita check CONFIG`: the configuration and the rules it would run with; nothing is changed. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "console/command.h"
#include "console/config_file.h"
#include "console/engine.h"
#include "console/i18n.h"

static void
show(const struct diags *d)
{
	struct buf out = BUF_INIT(4u << 20);

	diags_show(d, &out);
	fwrite(out.p, 1, out.n, stderr);
	buf_free(&out);
}

static void
say_what_it_does(const struct config *c)
{
	printf(_("site %.*s: %u sources, %u responses, state in %.*s\n"), STR_FMT(c->site), c->nsources, c->nresponds,
	    STR_FMT(c->state_dir));
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

	if (d)
		show(d);
	if (rc == 0) {
		if (!o->rules && config->rules_dirs.n > 0)
			with_rules.rules = arena_strdup(&arena, config->rules_dirs.v[0]);
		rc = command_engine(&e, &with_rules);
		if (rc == 0) {
			show(e.diags);
			say_what_it_does(config);
			printf(_("%s: good; rules from %s (%zu files)\n"), o->args[0], e.dir, e.nfiles);
			engine_close(&e);
		}
	} else {
		fprintf(stderr, _("guarita: %s cannot be used: %s\n"), o->args[0],
		    rc == -EINVAL ? _("see above") : strerror(-rc));
	}
	diags_free(d);
	arena_free(&arena);
	return rc == 0 ? EXIT_CLEAN : EXIT_FAILED;
}

bool
explain_option(const struct options *o, struct str path)
{
	struct buf out = BUF_INIT(1u << 16);
	bool known = config_explain(NULL, NULL, path, &out) == 0;

	if (known)
		fwrite(out.p, 1, out.n, stdout);
	buf_free(&out);
	return known;
}
