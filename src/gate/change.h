/*
 * change: which configuration runs, which one boots, and what became of every change, as pure logic over one small
 * text (the book). A change is begun, and then either confirmed or rolled back; until it is confirmed, and for ever
 * when it is not, the one before it boots. Time is handed in; files and locks are the caller's.
 *
 *   begin    boots: old    runs: new until the deadline, in this boot of the machine
 *   confirm  boots: new    runs: new
 *   anything else (deadline, reboot, cancel, a supervisor started anew)   boots: old   runs: old
 *
 * A book is only ever replaced as a whole, so each of its states is either before or after a step; there is none in
 * between that a power cut could leave.
 */
#ifndef GUARITA_GATE_CHANGE_H
#define GUARITA_GATE_CHANGE_H

#include "base/arena.h"
#include "base/buf.h"

#define CHANGE_KEPT_MAX 100            /* older generations are forgotten, never the one that boots */
#define CHANGE_BOOK_MAX (1u << 20)
#define CHANGE_HASH_HEX 64
#define CHANGE_BOOT_ID_MAX 64
#define CHANGE_CONFIRM_US INT64_C(120000000)
#define CHANGE_CONFIRM_MIN_US INT64_C(1000000)
#define CHANGE_CONFIRM_MAX_US INT64_C(86400000000)

enum change_fate { CHANGE_PENDING, CHANGE_CONFIRMED, CHANGE_ROLLED_BACK };

struct change {
	uint32_t number;               /* of the generation; never used twice */
	enum change_fate fate;
	int64_t began_us, ended_us;    /* wall clock */
	char hash[CHANGE_HASH_HEX + 1];/* of the configuration */
	struct str who, from;          /* user, and address or terminal */
	struct str why;                /* of its end: "confirmed from 192.0.2.7", "not confirmed in time" */
};

/* The present moment, three ways. */
struct change_now {
	int64_t wall_us;
	int64_t boot_us;               /* since the machine was started; sleep counts */
	struct str boot_id;            /* another one after each start of the machine */
};

struct change_book {
	struct arena *arena;
	struct change changes[CHANGE_KEPT_MAX];        /* in order of their numbers */
	uint32_t nchanges;
	uint32_t boots;                /* 0: nothing was ever confirmed */
	uint32_t pending;              /* 0: none */
	int64_t until_us;              /* of the pending one, in change_now.boot_us */
	struct str boot_id;
};

/* 0, -EBADMSG (not written by change_write) or -ENOMEM. An empty text is an empty book. */
int change_parse(struct change_book *b, struct arena *a, struct str text) WARN_UNUSED;
void change_write(const struct change_book *b, struct buf *out);

struct change_by {
	const char *hash;
	struct str who, from;
};

/* The first configuration there is: confirmed at once, there is nothing to go back to. -EEXIST when it is not. */
int change_adopt(struct change_book *b, const struct change_now *now, const struct change_by *by) WARN_UNUSED;
/* Its number, or -EBUSY (another one waits), -ENOENT (nothing was adopted), -ENOMEM. */
int change_begin(struct change_book *b, const struct change_now *now, const struct change_by *by,
    int64_t within_us) WARN_UNUSED;
/* 0, -ENOENT (none waits) or -ETIME (too late: it counts as rolled back, whoever notices first). */
int change_confirm(struct change_book *b, const struct change_now *now, struct str why) WARN_UNUSED;
/* 0, or -ENOENT when none waits. */
int change_roll_back(struct change_book *b, const struct change_now *now, struct str why) WARN_UNUSED;
/* Rolls back what may no longer run: past its time, or begun before the machine was started. True when it did. */
bool change_settle(struct change_book *b, const struct change_now *now);
/* The generation that is to run now; 0: none was ever confirmed. */
uint32_t change_runs(const struct change_book *b, const struct change_now *now);
/* Until the pending one is rolled back; 0: none, or due. */
int64_t change_left_us(const struct change_book *b, const struct change_now *now);
const struct change *change_of(const struct change_book *b, uint32_t number);      /* NULL: forgotten or never there */
/* The last confirmed one before the one that boots, or NULL. */
const struct change *change_before(const struct change_book *b);
const char *change_fate_name(enum change_fate f);

/*
 * A confirmation counts only over a connection that did not exist before the change: an old one lives on through
 * established state whatever the new rules say. `known`: the machine's connections at the beginning, one a line as
 * change_connection() writes them. True when `connection` is none of them.
 */
bool change_is_new_connection(struct str known, struct str connection);

#endif
