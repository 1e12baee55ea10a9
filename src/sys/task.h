/*
 * task: a function of ours in a process of its own: what it allocates, and what foreign bytes may have done to its
 * memory, ends with it. It keeps its parent's rights and no descriptor of its parent's but those it is handed; it
 * dies with its parent. Must never run while another thread of the parent holds a lock.
 */
#ifndef GUARITA_SYS_TASK_H
#define GUARITA_SYS_TASK_H

#include "sys/loop.h"

struct task;

#define TASK_SAID_MAX 4096         /* so many bytes go through a pipe in one piece */

struct task_end {                  /* of the child: what run() is handed */
	int say, leash;
};

struct task_calls {
	void *ctx;
	int keep;                  /* a descriptor it is left; 0: none */
	size_t said_bytes;         /* size of everything it says: at most TASK_SAID_MAX */
	/* In the child; returns its exit status. */
	int (*run)(void *ctx, const struct task_end *end);
	/* In the parent, on its loop: said_bytes from task_say(). */
	void (*said)(void *ctx, const void *bytes);
	/* It is over, the task freed: its exit status, or minus the signal that ended it. */
	void (*ended)(void *ctx, int status);
};

/* 0 or -errno. */
int task_start(struct loop *l, const struct task_calls *calls, struct task **ret) WARN_UNUSED;
/* Asks it to end: task_wait() tells it so. The end is told by ended(). */
void task_release(struct task *t);
/* Gives it up without waiting, at the end of the parent; accepts NULL. */
void task_free(struct task *t);

/* In the child. False when the parent is gone. */
bool task_say(const struct task_end *end, const void *bytes, size_t n);
/* Sleeps so long, or until the parent wants the end: false then. */
bool task_wait(const struct task_end *end, int ms);

#endif
