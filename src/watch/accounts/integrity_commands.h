/*
 * integrity_commands: process accounting, in the order of the file: wiped records, records out of
 * the order of their ends, accounting that was off for a while.
 */
#ifndef GUARITA_WATCH_ACCOUNTS_INTEGRITY_COMMANDS_H
#define GUARITA_WATCH_ACCOUNTS_INTEGRITY_COMMANDS_H

#include "watch/accounts/integrity.h"
#include "wire/pacct.h"

struct integrity_commands {
	struct integrity_calls calls;
	int64_t now_us;                /* WHEN_NONE: nothing is in the future */
	int64_t gap_us;                /* a silence of so long is told; 0: never */
	/* private */
	int64_t high_us;               /* the latest end so far */
	int64_t low_us;                /* an end below it that waits for the next record */
	uint64_t low_number;
	bool any, doubt;
	bool off;                      /* the last record says that accounting was switched off or over */
	int64_t off_us;
	uint64_t off_number;
};

/* calls, now_us and gap_us are set by the caller, all else is zero. */
void integrity_commands_record(struct integrity_commands *c, struct str record, uint64_t number);
void integrity_commands_file_end(struct integrity_commands *c, size_t rest);
/* After the last file of the log. */
void integrity_commands_end(struct integrity_commands *c);

#endif
