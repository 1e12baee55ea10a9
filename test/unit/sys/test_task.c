/* task: what a child says arrives whole and in order, its end is told, its parent's descriptors are not its own. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <unistd.h>
#include <cmocka.h>

#include "sys/task.h"

struct seen {
	struct loop *loop;
	struct task *task;
	unsigned said[8];
	size_t n;
	bool ended, release;
	int status, fd, keep;
};

static void
on_said(void *ctx, const void *bytes)
{
	struct seen *s = ctx;

	assert_true(s->n < ARRAY_LEN(s->said));
	memcpy(&s->said[s->n++], bytes, sizeof(unsigned));
	if (s->release)
		task_release(s->task);
}

static void
on_ended(void *ctx, int status)
{
	struct seen *s = ctx;

	s->ended = true;
	s->status = status;
}

static int
count(void *ctx, const struct task_end *end)
{
	(void)ctx;
	for (unsigned i = 1; i <= 3; i++)
		if (!task_say(end, &i, sizeof(i)))
			return 9;
	return 5;
}

static int
until_released(void *ctx, const struct task_end *end)
{
	unsigned one = 1;

	(void)ctx;
	if (!task_say(end, &one, sizeof(one)))
		return 9;
	while (task_wait(end, 60000))
		;
	return 0;
}

static int
fall(void *ctx, const struct task_end *end)
{
	(void)ctx;
	(void)end;
	signal(SIGALRM, SIG_DFL);
	raise(SIGALRM);
	return 0;
}

/* What it holds of the first hundred descriptors, and whether what was kept is among them. */
static int
what_is_open(void *ctx, const struct task_end *end)
{
	struct seen *s = ctx;
	unsigned n = 0;

	for (int fd = STDERR_FILENO + 1; fd < 100; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return task_say(end, &n, sizeof(n)) && fcntl(s->fd, F_GETFD) >= 0 ? 0 : 1;
}

static void
run(struct seen *s, int (*fn)(void *ctx, const struct task_end *end))
{
	struct task_calls calls = {
		.ctx = s, .keep = s->keep, .said_bytes = sizeof(unsigned), .run = fn, .said = on_said, .ended = on_ended,
	};

	assert_int_equal(loop_new(&s->loop), 0);
	assert_int_equal(task_start(s->loop, &calls, &s->task), 0);
	while (!s->ended)
		loop_run_once(s->loop, true);
	loop_free(s->loop);
}

static void
test_says(void **state)
{
	struct seen s = { .n = 0 };

	(void)state;
	run(&s, count);
	assert_int_equal(s.n, 3);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(s.said[i], i + 1);
	assert_int_equal(s.status, 5);
}

static void
test_released(void **state)
{
	struct seen s = { .release = true };

	(void)state;
	run(&s, until_released);
	assert_int_equal(s.n, 1);
	assert_int_equal(s.status, 0);
}

static void
test_falls(void **state)
{
	struct seen s = { .n = 0 };

	(void)state;
	run(&s, fall);
	assert_int_equal(s.n, 0);
	assert_int_equal(s.status, -SIGALRM);
}

static void
test_descriptors(void **state)
{
	int fd = open("/dev/null", O_RDONLY);
	struct seen closed = { .fd = fd }, kept = { .fd = fd, .keep = fd };

	(void)state;
	assert_true(fd > 0);
	run(&closed, what_is_open);
	assert_int_equal(closed.status, 1);
	assert_int_equal(closed.said[0], 2);
	run(&kept, what_is_open);
	assert_int_equal(kept.status, 0);
	assert_int_equal(kept.said[0], 3);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_says),
		cmocka_unit_test(test_released),
		cmocka_unit_test(test_falls),
		cmocka_unit_test(test_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
