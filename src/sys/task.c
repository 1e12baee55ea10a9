/* task: see task.h. */
#include "sys/task.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

struct task {
	struct task_calls calls;
	struct poll *poll;
	pid_t pid;
	int heard, leash;
	size_t n;
	char bytes[TASK_SAID_MAX];
};

static void
close_both(const int *fds)
{
	close(fds[0]);
	close(fds[1]);
}

/* Where nothing can be closed, nothing may run: the parent's links would never be seen to end. */
static void
close_from(unsigned first, unsigned last)
{
	if (first <= last && close_range(first, last, 0) < 0)
		_exit(127);
}

/* All but the standard ones and those that are kept. */
static void
close_others(const int *keep, size_t n)
{
	unsigned from = STDERR_FILENO + 1, next;

	do {
		next = UINT_MAX;
		for (size_t i = 0; i < n; i++)
			if ((unsigned)keep[i] >= from && (unsigned)keep[i] < next)
				next = (unsigned)keep[i];
		close_from(from, next == UINT_MAX ? next : next - 1);
		from = next + 1;
	} while (next != UINT_MAX);
}

/*
 * A signal for the whole group is the parent's to answer: it has handlers here that write to a loop which is no more.
 */
static void
run_here(const struct task_calls *calls, struct task_end end, pid_t parent)
{
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(127);
	close_others((int[]){ end.say, end.leash, calls->keep }, 3);
	_exit(calls->run(calls->ctx, &end));
}

void
task_release(struct task *t)
{
	if (t->leash >= 0)
		close(t->leash);
	t->leash = -1;
}

void
task_free(struct task *t)
{
	if (!t)
		return;
	poll_close(t->poll);
	task_release(t);
	if (t->heard >= 0)
		close(t->heard);
	free(t);
}

static void
end(struct task *t)
{
	struct task_calls calls = t->calls;
	int status = 0;

	while (waitpid(t->pid, &status, 0) < 0 && errno == EINTR)
		;
	task_free(t);
	calls.ended(calls.ctx, WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status));
}

/* A pipe that has nothing for us is an end only when read() says so. */
static void
on_readable(void *ctx, int events)
{
	struct task *t = ctx;

	(void)events;
	ssize_t n = read(t->heard, t->bytes + t->n, t->calls.said_bytes - t->n);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		end(t);
		return;
	}
	t->n += (size_t)n;
	if (t->n == t->calls.said_bytes) {
		t->n = 0;
		t->calls.said(t->calls.ctx, t->bytes);
	}
}

static int
begin(struct loop *l, struct task *t, int *said, int *leash)
{
	pid_t parent = getpid();

	t->pid = fork();
	if (t->pid < 0)
		return -errno;
	if (t->pid == 0)
		run_here(&t->calls, (struct task_end){ .say = said[1], .leash = leash[0] }, parent);
	t->heard = said[0];
	t->leash = leash[1];
	close(said[1]);
	close(leash[0]);
	int r = fcntl(t->heard, F_SETFL, O_NONBLOCK) < 0 ? -errno : poll_open(l, t->heard, WANT_READ, on_readable, t, &t->poll);
	if (r < 0) {
		task_release(t);
		close(t->heard);
		while (waitpid(t->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	return r;
}

int
task_start(struct loop *l, const struct task_calls *calls, struct task **ret)
{
	int said[2], leash[2];
	struct task *t = calloc(1, sizeof(*t));

	assert(calls->said_bytes > 0 && calls->said_bytes <= TASK_SAID_MAX);
	int r = t ? 0 : -ENOMEM;
	if (r == 0 && pipe2(said, O_CLOEXEC) < 0)
		r = -errno;
	if (r < 0) {
		free(t);
		return r;
	}
	if (pipe2(leash, O_CLOEXEC) < 0) {
		r = -errno;
		close_both(said);
		free(t);
		return r;
	}
	t->calls = *calls;
	r = begin(l, t, said, leash);
	if (r < 0) {
		free(t);
		return r;
	}
	*ret = t;
	return 0;
}

bool
task_say(const struct task_end *end, const void *bytes, size_t n)
{
	ssize_t done;

	assert(n <= TASK_SAID_MAX);
	do
		done = write(end->say, bytes, n);
	while (done < 0 && errno == EINTR);
	return done == (ssize_t)n;
}

bool
task_wait(const struct task_end *end, int ms)
{
	struct pollfd p = { .fd = end->leash, .events = POLLIN };

	/* Nothing is ever written to the leash: whatever comes is its end. */
	return poll(&p, 1, ms) <= 0;
}
