/* loop: libuv behind our own names. Must never do a role's work: it only calls back. */
#include "sys/loop.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <uv.h>

struct loop {
	uv_loop_t uv;
};

struct poll {
	uv_poll_t uv;
	poll_fn *fn;
	void *ctx;
	int events;
};

struct timer {
	uv_timer_t uv;
	timer_fn *fn;
	void *ctx;
};

struct watch_signal {
	uv_signal_t uv;
	signal_fn *fn;
	void *ctx;
};

struct work {
	uv_work_t uv;
	void (*work)(void *ctx);
	void (*done)(void *ctx);
	void *ctx;
};

_Static_assert((int)WANT_READ == (int)UV_READABLE && (int)WANT_WRITE == (int)UV_WRITABLE,
    "events are libuv's");

int
loop_new(struct loop **ret)
{
	struct loop *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	int r = uv_loop_init(&l->uv);
	if (r < 0) {
		free(l);
		return r;
	}
	*ret = l;
	return 0;
}

static void
free_handle(uv_handle_t *h)
{
	/* Each of our handles is the first member of what was allocated. */
	free(h);
}

static void
close_handle(uv_handle_t *h, void *arg)
{
	(void)arg;
	if (!uv_is_closing(h))
		uv_close(h, free_handle);
}

void
loop_free(struct loop *l)
{
	if (!l)
		return;
	uv_walk(&l->uv, close_handle, NULL);
	uv_run(&l->uv, UV_RUN_DEFAULT);
	int r = uv_loop_close(&l->uv);
	assert(r == 0);
	free(l);
}

void
loop_run(struct loop *l)
{
	uv_run(&l->uv, UV_RUN_DEFAULT);
}

void
loop_run_once(struct loop *l, bool wait)
{
	uv_run(&l->uv, wait ? UV_RUN_ONCE : UV_RUN_NOWAIT);
}

void
loop_stop(struct loop *l)
{
	uv_stop(&l->uv);
}

struct uv_loop_s *
loop_uv(struct loop *l)
{
	return &l->uv;
}

static void
on_poll(uv_poll_t *uv, int status, int events)
{
	struct poll *p = (struct poll *)uv;

	/* The reader finds out what is wrong by reading: one way to handle errors, not two. */
	p->fn(p->ctx, status < 0 ? p->events : events);
}

int
poll_open(struct loop *l, int fd, int events, poll_fn *fn, void *ctx, struct poll **ret)
{
	struct poll *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->fn = fn;
	p->ctx = ctx;
	int r = uv_poll_init(&l->uv, &p->uv, fd);
	if (r < 0) {
		free(p);
		return r;
	}
	poll_want(p, events);
	*ret = p;
	return 0;
}

void
poll_want(struct poll *p, int events)
{
	if (p->events == events)
		return;
	p->events = events;
	int r = events ? uv_poll_start(&p->uv, events, on_poll) : uv_poll_stop(&p->uv);
	assert(r == 0);
}

void
poll_close(struct poll *p)
{
	if (p)
		close_handle((uv_handle_t *)&p->uv, NULL);
}

static void
on_timer(uv_timer_t *uv)
{
	struct timer *t = (struct timer *)uv;

	t->fn(t->ctx);
}

int
timer_open(struct loop *l, timer_fn *fn, void *ctx, struct timer **ret)
{
	struct timer *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->fn = fn;
	t->ctx = ctx;
	int r = uv_timer_init(&l->uv, &t->uv);
	assert(r == 0);
	*ret = t;
	return 0;
}

void
timer_start(struct timer *t, uint64_t first_ms, uint64_t repeat_ms)
{
	uv_update_time(t->uv.loop);
	int r = uv_timer_start(&t->uv, on_timer, first_ms, repeat_ms);
	assert(r == 0);
}

void
timer_stop(struct timer *t)
{
	uv_timer_stop(&t->uv);
}

bool
timer_active(const struct timer *t)
{
	return uv_is_active((const uv_handle_t *)&t->uv);
}

void
timer_close(struct timer *t)
{
	if (t)
		close_handle((uv_handle_t *)&t->uv, NULL);
}

static void
on_signal(uv_signal_t *uv, int signo)
{
	struct watch_signal *s = (struct watch_signal *)uv;

	s->fn(s->ctx, signo);
}

int
signal_open(struct loop *l, int signo, signal_fn *fn, void *ctx)
{
	struct watch_signal *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->fn = fn;
	s->ctx = ctx;
	int r = uv_signal_init(&l->uv, &s->uv);
	if (r < 0) {
		free(s);
		return r;
	}
	r = uv_signal_start(&s->uv, on_signal, signo);
	if (r < 0) {
		close_handle((uv_handle_t *)&s->uv, NULL);
		return r;
	}
	uv_unref((uv_handle_t *)&s->uv);
	return 0;
}

static void
on_work(uv_work_t *uv)
{
	struct work *w = (struct work *)uv;

	w->work(w->ctx);
}

static void
on_work_done(uv_work_t *uv, int status)
{
	struct work *w = (struct work *)uv;

	(void)status;
	w->done(w->ctx);
	free(w);
}

int
work_start(struct loop *l, void (*work)(void *ctx), void (*done)(void *ctx), void *ctx)
{
	struct work *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	w->work = work;
	w->done = done;
	w->ctx = ctx;
	int r = uv_queue_work(&l->uv, &w->uv, on_work, on_work_done);
	if (r < 0)
		free(w);
	return r;
}
