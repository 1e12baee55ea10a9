/*
 * guaritad_accounting: process accounting as the configuration wants it: on, and its file rotated in time. Here because
 * only root may switch it. Must never read what it holds: intaked does.
 */
#include <errno.h>
#include <stdio.h>

#include "main/guaritad.h"
#include "sys/accounting.h"
#include "sys/clock.h"

static void
told(struct guaritad *g, const char *path, int error)
{
	/* A full disk stays full: once is enough until it is another fault. */
	if (error != g->accounting_error && error < 0)
		log_say(&g->log, LOG_LEVEL_ERROR, "process accounting to %s: %s%s", path, strerror(-error),
		    error == -ENOSYS ? "; this kernel was built without it" : error == -EPERM ? "; CAP_SYS_PACCT is missing" : "");
	g->accounting_error = error;
}

void
guaritad_tend_accounting(struct guaritad *g)
{
	const struct conf_accounting *c = g->file.config->accounting;
	int r = 0;

	if (!c) {
		g->accounting = false;
		return;
	}
	if (!g->accounting || !str_eq(str_z(g->accounting_path), c->path)) {
		r = accounting_on(c->path.p);
		g->accounting = r == 0;
		snprintf(g->accounting_path, sizeof(g->accounting_path), "%s", c->path.p);
	} else if (accounting_is_due(c->path.p, c->rotate, c->every_us, clock_wall_us())) {
		r = accounting_rotate(c->path.p, (unsigned)c->keep);
	}
	told(g, c->path.p, r);
}
