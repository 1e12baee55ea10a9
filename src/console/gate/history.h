/*
 * history: the folder CONFIG.history beside a configuration: the book of changes (gate/change.h), one bundle per
 * generation, the connections that were there when the last change began. Whoever changes the book holds the lock;
 * whoever only looks needs none, because every file is replaced as a whole.
 */
#ifndef GUARITA_CONSOLE_GATE_HISTORY_H
#define GUARITA_CONSOLE_GATE_HISTORY_H

#include <limits.h>

#include "gate/change.h"

struct history {
	char config[PATH_MAX];         /* the operator's file */
	char dir[PATH_MAX];
	int lock;                      /* -1: only looking */
	bool there;                    /* something is held */
	struct arena arena;
	struct change_book book;
	char boot_id[64];
};

enum history_use { HISTORY_LOOK, HISTORY_CHANGE };

/*
 * Reads the book; to change it, the folder is made and the lock waited for. 0, -errno, or -EBADMSG (a book that we did
 * not write). history_close() in every case.
 */
int history_open(struct history *h, const char *config, enum history_use use) WARN_UNUSED;
void history_close(struct history *h);
struct change_now history_now(struct history *h);
/* The book is on the disk when this returns 0. Generations that it no longer knows are removed. */
int history_save(struct history *h) WARN_UNUSED;
/* A generation's bundle; it must be there before the book speaks of it. */
int history_keep(struct history *h, uint32_t number, struct str bundle) WARN_UNUSED;
int history_path(const struct history *h, uint32_t number, char *dst, size_t size) WARN_UNUSED;
int history_keep_connections(struct history *h, struct str connections) WARN_UNUSED;
int history_connections(const struct history *h, struct buf *out) WARN_UNUSED;

/*
 * The file to load instead of `config`: the generation that is to run, or `config` itself when nothing is held. At
 * the start of the supervisor what waits is not looked at: only what is confirmed boots.
 */
enum history_moment { HISTORY_START, HISTORY_RUNNING };
int history_runs(const char *config, enum history_moment moment, char *dst, size_t size) WARN_UNUSED;
/* Rolls back what waits. 1 when something did, 0 when not, or -errno. */
int history_drop_waiting(const char *config, struct str why) WARN_UNUSED;

#endif
