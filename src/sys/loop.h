/*
 * loop: one thread that waits for descriptors, timers and signals (libuv underneath, so that it is
 * portable and dull). Callbacks run on the thread of loop_run(). A callback may close any watcher,
 * its own included.
 */
#ifndef GUARITA_SYS_LOOP_H
#define GUARITA_SYS_LOOP_H

#include "base/str.h"

struct loop;
struct poll;
struct timer;

enum { WANT_READ = 1, WANT_WRITE = 2 };

typedef void poll_fn(void *ctx, int events);   /* WANT_READ and WANT_WRITE; an error or hang-up shows as both wanted */
typedef void timer_fn(void *ctx);
typedef void signal_fn(void *ctx, int signo);

int loop_new(struct loop **ret) WARN_UNUSED;
/*
 * Closes what is left open (watchers, timers, signals), never the descriptors, which are the
 * caller's.
 */
void loop_free(struct loop *l);
void loop_run(struct loop *l);                  /* until loop_stop() */
void loop_run_once(struct loop *l, bool wait);  /* one turn */
void loop_stop(struct loop *l);

/* Watches fd; it stays the caller's, who must call poll_close() before closing it. */
int poll_open(
    struct loop *l, int fd, int events, poll_fn *fn, void *ctx, struct poll **ret) WARN_UNUSED;
void poll_want(struct poll *p, int events);     /* 0 pauses; a call without change costs nothing */
void poll_close(struct poll *p);                /* accepts NULL */

int timer_open(struct loop *l, timer_fn *fn, void *ctx, struct timer **ret) WARN_UNUSED;
void timer_start(struct timer *t, uint64_t first_ms, uint64_t repeat_ms);   /* repeat 0: once */
void timer_stop(struct timer *t);
bool timer_active(const struct timer *t);
void timer_close(struct timer *t);              /* accepts NULL */

int signal_open(struct loop *l, int signo, signal_fn *fn, void *ctx) WARN_UNUSED;   /* lives as long as the loop */

/*
 * Runs work on another thread, then done on the loop's. Neither may touch what the other uses
 * meanwhile.
 */
int work_start(
    struct loop *l, void (*work)(void *ctx), void (*done)(void *ctx), void *ctx) WARN_UNUSED;

struct uv_loop_s;
struct uv_loop_s *loop_uv(struct loop *l);      /* for sys/spawn */

#endif
