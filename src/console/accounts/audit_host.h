/* audit_host: is this machine one that logs can be trusted to? Only looks. */
#ifndef GUARITA_CONSOLE_ACCOUNTS_AUDIT_HOST_H
#define GUARITA_CONSOLE_ACCOUNTS_AUDIT_HOST_H

#include "base/buf.h"

struct audit_host_calls {
	void *ctx;
	/* subject in short ("accounting"), what is wrong, what to do; both may be long. */
	void (*fault)(void *ctx, const char *subject, struct str what, struct str remedy);
};

/* Process accounting, time, open ports besides syslog, accounts that may log in. */
void audit_host(const struct audit_host_calls *calls);

#endif
