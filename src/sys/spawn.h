/*
 * spawn: starts a program with an argument vector and chosen descriptors; never through a shell.
 * Nothing else is inherited: every other descriptor is close-on-exec.
 */
#ifndef GUARITA_SYS_SPAWN_H
#define GUARITA_SYS_SPAWN_H

#include "sys/loop.h"

struct child;

/*
 * status: exit code, or -1 when a signal ended it (then signo is not 0). The child is freed after
 * the call.
 */
typedef void child_fn(void *ctx, int status, int signo);

struct spawn_opts {
	const char *program;          /* absolute path */
	char *const *argv;            /* NULL-terminated, argv[0] included */
	char *const *env;             /* NULL-terminated; NULL: an empty environment */
	const char *dir;              /* working directory, NULL: unchanged */
	const int *fds;               /* fds[i] becomes descriptor i of the child; -1: /dev/null */
	int nfds;
	bool session;                 /* own session and process group, so that child_kill() reaches its children */
};

int spawn(struct loop *l, const struct spawn_opts *o, child_fn *on_exit, void *ctx,
    struct child **ret) WARN_UNUSED;
int child_pid(const struct child *c);
void child_kill(struct child *c, int signo);     /* the whole group when it has its own session */

#endif
