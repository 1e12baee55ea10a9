/*
 * import: `guarita import routeros FILE`, `guarita import syslog.conf FILE`: the configuration of another program as ours, on
 * standard output. Changes nothing.
 */
#include <errno.h>
#include <stdio.h>

#include "console/command.h"
#include "console/i18n.h"
#include "console/syslogconf.h"
#include "console/term.h"
#include "gate/policy/policy.h"
#include "gate/routeros/routeros.h"
#include "sys/file.h"

/* What was made must be a configuration; where it is not, the operator is told the same as by check. */
static int
check_result(struct arena *a, struct str text)
{
	struct buf shown = BUF_INIT(4u << 20);
	struct diags *d = diags_new();
	struct policy *p;
	struct config *c;
	int rc = d ? config_load(a, d, STR("imported"), text, NULL, &c) : -ENOMEM;

	if (rc == 0)
		rc = policy_build(a, c, d, &p);
	if (d && diags_errors(d) > 0) {
		diags_show(d, &shown);
		(void)out_write(stderr, buf_str(&shown));
		complain(_("guarita: these places must be mended by hand\n"));
	}
	buf_free(&shown);
	diags_free(d);
	return rc;
}

int
command_import_routeros(const struct options *o)
{
	struct buf text = BUF_INIT(ROUTEROS_TEXT_MAX), out = BUF_INIT(8u * ROUTEROS_TEXT_MAX);
	struct routeros_counts n;
	struct arena a = { 0 };
	struct routeros r;
	int rc = file_read(o->args[0], &text);

	if (rc == 0)
		rc = routeros_parse(&a, buf_str(&text), &r);
	if (rc == 0)
		rc = routeros_convert(&a, &r, &out, &n);
	if (rc < 0) {
		complain(_("guarita: %s: %s\n"), o->args[0], strerror(-rc));
	} else {
		(void)out_write(stdout, buf_str(&out));
		complain(_("%s: %u converted, %u needless here, %u not converted (listed at the end)\n"), o->args[0], n.converted,
		    n.needless, n.not_converted);
		rc = check_result(&a, buf_str(&out));
	}
	buf_free(&text);
	buf_free(&out);
	arena_free(&a);
	return rc < 0 ? EXIT_FAILED : EXIT_CLEAN;
}

int
command_import_syslog(const struct options *o)
{
	struct buf text = BUF_INIT(SYSLOGCONF_TEXT_MAX), out = BUF_INIT(8u * SYSLOGCONF_TEXT_MAX);
	struct syslogconf_counts n;
	struct arena a = { 0 };
	int rc = file_read(o->args[0], &text);

	if (rc == 0)
		rc = syslogconf_convert(buf_str(&text), &out, &n);
	if (rc < 0) {
		complain(_("guarita: %s: %s\n"), o->args[0], strerror(-rc));
	} else {
		(void)out_write(stdout, buf_str(&out));
		complain(_("%s: %u rules converted, %u not (listed at the end)\n"), o->args[0], n.converted, n.not_converted);
		rc = check_result(&a, buf_str(&out));
	}
	buf_free(&text);
	buf_free(&out);
	arena_free(&a);
	return rc < 0 ? EXIT_FAILED : EXIT_CLEAN;
}
