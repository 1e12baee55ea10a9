/*
 * unit: one role as the supervisor sees it: its process, its link, its history. A unit starts, says
 * ready, runs, and when it dies is started again or parked; it never takes another with it.
 */
#ifndef GUARITA_ROLE_UNIT_H
#define GUARITA_ROLE_UNIT_H

#include "role/role.h"
#include "role/supervise.h"
#include "sys/spawn.h"

enum unit_state {
	UNIT_STOPPED,
	UNIT_STARTING,             /* its process runs, it was not ready yet */
	UNIT_RUNNING,
	UNIT_STOPPING,
	UNIT_WAITING,              /* died; will be started again */
	UNIT_PARKED,               /* died too often; waits for the operator */
};

struct unit;

struct unit_calls {
	void *ctx;
	void (*on_state)(void *ctx, struct unit *u);                   /* its state changed */
	void (*on_msg)(void *ctx, struct unit *u, struct msg *m);      /* other than ready and status */
	void (*on_status)(void *ctx, struct unit *u, uint32_t id);     /* u->status was filled */
};

struct unit {
	const struct role_row *row;
	struct loop *loop;
	const struct log *log;
	struct unit_calls calls;
	char *config_path;
	enum unit_state state;
	struct child *child;
	struct chan *chan;
	struct timer *timer;               /* to start again, to be ready, to stop: one at a time */
	struct supervise history;
	int64_t started_us;
	uint32_t asked, answered;          /* status questions */
	int64_t asked_us;
	char *sandbox;                     /* as it said when it got ready */
	char *status;                      /* JSON of its last answer */
	bool again;                        /* stopped only to be started anew */
	struct role_socket sockets[ROLE_SOCKETS_MAX];  /* handed to it at its start; owned by the supervisor */
	size_t nsockets;
	bool takes_stdin;
};

int unit_open(struct unit *u, const struct role_row *row, struct loop *l, const struct log *log,
    const char *config_path, const struct unit_calls *calls) WARN_UNUSED;
void unit_close(struct unit *u);               /* kills what still runs */
void unit_start(struct unit *u);               /* nothing happens when it runs already */
void unit_stop(struct unit *u);                /* orderly; killed when it takes too long */
void unit_restart(struct unit *u);             /* orderly stop and start; a parked one is forgiven */
void unit_ask(struct unit *u, uint32_t id);    /* its status; also the heart-beat */
/* Kills it when it did not answer for long. */
void unit_check_alive(struct unit *u, int64_t now_us);
/* Makes a link between two running units. */
void unit_link(struct unit *a, struct unit *b);
int unit_pid(const struct unit *u);            /* 0 when no process runs */
const char *unit_state_name(enum unit_state s);
/* What it is started with the next time. */
int unit_set_config(struct unit *u, const char *config_path) WARN_UNUSED;
/* Absolute path of a role's executable: beside this one, in a build tree, or installed. */
int unit_program(const struct role_row *row, char *dst, size_t size) WARN_UNUSED;
int unit_program_named(const char *name, char *dst, size_t size) WARN_UNUSED;

#endif
