/*
 * integrity: has somebody wiped his traces? What every checker finds is a row of one table: what is
 * wrong, how sure that makes us, and what else it may be. Checkers see records and times only; they
 * read nothing and change nothing.
 *
 * LIKELY and CERTAIN are alarms: ordinary life, with crashes, killed sessions, rotation and clocks
 * that were wrong at boot, gives none (bench/accounts measures it). POSSIBLE is a hint for somebody
 * who already looks.
 */
#ifndef GUARITA_WATCH_ACCOUNTS_INTEGRITY_H
#define GUARITA_WATCH_ACCOUNTS_INTEGRITY_H

#include "base/when.h"

/* 0 in a finding: as sure as its row says. */
enum integrity_surety { INTEGRITY_POSSIBLE = 1, INTEGRITY_LIKELY, INTEGRITY_CERTAIN };

enum integrity_what {
#define INTEGRITY(id, name, surety, say) INTEGRITY_##id,
#include "watch/accounts/integrity.def"
#undef INTEGRITY
	INTEGRITY_WHATS
};

struct integrity_finding {
	enum integrity_what what;
	enum integrity_surety surety;
	uint64_t record, count;        /* first record concerned, from 1, and how many; 0: none in particular */
	int64_t after_us, before_us;   /* between which times; WHEN_NONE: unknown */
	struct str user, tty, note;    /* foreign text, good during the call; may be empty */
};

struct integrity_calls {
	void *ctx;
	void (*found)(void *ctx, const struct integrity_finding *f);
};

const char *integrity_name(enum integrity_what w);
const char *integrity_say(enum integrity_what w);
enum integrity_surety integrity_surety_of(enum integrity_what w);
const char *integrity_surety_name(enum integrity_surety s);

#endif
