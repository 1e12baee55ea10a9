/*
 * integrity_logins: the records of one login log (wtmp or btmp), in the order of the file, the
 * oldest file first: zeroed, blanked and edited records, records out of order, sessions that do not
 * fit together. Works one record behind, because what is wrong with a time shows in the next one.
 */
#ifndef GUARITA_WATCH_ACCOUNTS_INTEGRITY_LOGINS_H
#define GUARITA_WATCH_ACCOUNTS_INTEGRITY_LOGINS_H

#include "watch/accounts/integrity.h"
#include "wire/utmp.h"

struct integrity_logins;

struct integrity_logins_opts {
	struct integrity_calls calls;
	int64_t now_us;                /* WHEN_NONE: nothing is in the future */
	bool failures;                 /* btmp: moments, no sessions */
};

int integrity_logins_new(const struct integrity_logins_opts *o, struct integrity_logins **ret) WARN_UNUSED;
void integrity_logins_free(struct integrity_logins *l);
/* number: of the record in its file, from 1. The texts of u are copied as far as they are needed. */
void integrity_logins_record(struct integrity_logins *l, const struct utmp *u, uint64_t number);
/* The file is over; bytes behind its last whole record. Another one may follow. */
void integrity_logins_file_end(struct integrity_logins *l, size_t rest);
/* When the system came up last, by the log: WHEN_NONE when it does not say. */
int64_t integrity_logins_boot(const struct integrity_logins *l);

#endif
