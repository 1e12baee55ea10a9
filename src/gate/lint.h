/*
 * lint: configurations that are allowed and unwise. Each finding has a code that never changes its meaning, a place, and
 * a remedy; the pages guarita-firewall(5) and guarita.conf(5) may name the code. Pure.
 */
#ifndef GUARITA_GATE_LINT_H
#define GUARITA_GATE_LINT_H

#include "gate/policy/policy.h"

enum lint_code {
	LINT_PUBLIC_INSIDE = 1,        /* G001 */
	LINT_TELNET,
	LINT_SMUX,
	LINT_GRE,
	LINT_MANAGEMENT_OPEN,          /* G005 */
	LINT_RESOLVER_OPEN,
	LINT_PROXY_OPEN,
	LINT_FILES_OPEN,
	LINT_HIDES_SOURCES,
	LINT_SHADOWED,                 /* G010 */
	LINT_OVERLAP,
	LINT_ONE_FAMILY,
	LINT_MARK_TOO_LATE,
	LINT_MARK_IN_OUTPUT,
	LINT_L2TP_BARE,                /* G015 */
	LINT_UNKNOWN_ALLOWED,
	LINT_NO_SUCH_INTERFACE,
	LINT_CODES,
};

struct lint_row {
	const char *title, *remedy;
};

/* Of a code; a row for each from LINT_PUBLIC_INSIDE on. */
const struct lint_row *lint_row(enum lint_code code);
/* Warnings into d, which is that of policy_build(). Returns how many. */
size_t lint(const struct policy *p, struct diags *d);

#endif
