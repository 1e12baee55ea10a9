/*
 * integrity_cross: one log against another. Who wipes his traces must wipe them everywhere: wtmp,
 * lastlog, utmp, syslog and accounting tell of the same logins. First the logins of wtmp are handed
 * in, then integrity_cross_ready(), then what the others know.
 */
#ifndef GUARITA_WATCH_ACCOUNTS_INTEGRITY_CROSS_H
#define GUARITA_WATCH_ACCOUNTS_INTEGRITY_CROSS_H

#include "watch/accounts/integrity.h"
#include "wire/utmp.h"

struct integrity_cross;

int integrity_cross_new(const struct integrity_calls *calls, struct integrity_cross **ret) WARN_UNUSED;
void integrity_cross_free(struct integrity_cross *c);

/* Every record of wtmp. 0 or -ENOMEM. */
int integrity_cross_login(struct integrity_cross *c, const struct utmp *u, uint64_t number) WARN_UNUSED;
void integrity_cross_ready(struct integrity_cross *c);

/* What lastlog says of an account; 0: never. */
void integrity_cross_last(struct integrity_cross *c, struct str user, int64_t time_us, struct str tty);
/* A session of utmp. */
void integrity_cross_present(struct integrity_cross *c, const struct utmp *u);
/* A login that syslog tells of; console: at a terminal of the machine, so it must be in wtmp. */
int integrity_cross_syslog(struct integrity_cross *c, struct str user, int64_t time_us, bool console) WARN_UNUSED;
/* All of syslog was handed in: which logins of wtmp does it not know? */
void integrity_cross_syslog_end(struct integrity_cross *c);
/* A command at a terminal by an ordinary account. 0 or -ENOMEM. */
int integrity_cross_command(struct integrity_cross *c, struct str user, int64_t time_us, struct str tty,
    struct str command) WARN_UNUSED;
/*
 * Between these times (before WHEN_NONE: ever since), as far as wtmp knows: was the machine up, and not rebooted?
 * False when wtmp says nothing of that time.
 */
bool integrity_cross_was_up(const struct integrity_cross *c, int64_t after_us, int64_t before_us);
/* This machine came up then: does wtmp know? */
void integrity_cross_boot(struct integrity_cross *c, int64_t boot_us);

#endif
