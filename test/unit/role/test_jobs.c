/* Commands: arguments reach them untouched, they end in their time, and no more than stated run at once. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/cur.h"
#include "role/jobs.h"

struct scene {
	struct loop *loop;
	struct jobs *jobs;
	unsigned ended;
	struct job_end last;
	char output[JOB_OUTPUT_MAX + 1];
	unsigned by_how[5];
	size_t most_running;
};

static void
on_end(void *ctx, const struct job_end *e)
{
	struct scene *s = ctx;

	s->ended++;
	s->last = *e;
	memcpy(s->output, e->output.p ? e->output.p : "", e->output.n);
	s->output[e->output.n] = '\0';
	s->by_how[e->how]++;
}

static int
set_up(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	*state = s;
	return loop_new(&s->loop) < 0 ? -1 : jobs_new(s->loop, on_end, s, &s->jobs);
}

static int
tear_down(void **state)
{
	struct scene *s = *state;

	jobs_free(s->jobs);
	loop_free(s->loop);
	free(s);
	return 0;
}

static int
run(struct scene *s, uint64_t id, uint32_t timeout_ms, const char *const *argv)
{
	char bytes[8192];
	struct enc e = enc_of(bytes, sizeof(bytes));

	for (; *argv; argv++)
		enc_str32(&e, str_z(*argv));
	assert_true(enc_ok(&e));
	return jobs_run(s->jobs, id, timeout_ms, str_of(bytes, e.n));
}

static void
wait_for(struct scene *s, unsigned ended)
{
	while (s->ended < ended) {
		if (jobs_running(s->jobs) > s->most_running)
			s->most_running = jobs_running(s->jobs);
		loop_run_once(s->loop, true);
	}
}

#define ARGV(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void
test_arguments_are_no_shell_text(void **state)
{
	struct scene *s = *state;

	assert_int_equal(run(s, 7, 60000, ARGV("/usr/bin/printf", "%s|", "a b", "$(id)", "`id`", ";id", "", "'\"")), 0);
	wait_for(s, 1);
	assert_int_equal(s->last.id, 7);
	assert_int_equal(s->last.how, JOB_EXITED);
	assert_int_equal(s->last.status, 0);
	assert_string_equal(s->output, "a b|$(id)|`id`|;id||'\"|");
}

static void
test_exit_code_and_signal(void **state)
{
	struct scene *s = *state;

	assert_int_equal(run(s, 1, 60000, ARGV("/bin/sh", "-c", "echo gone >&2; exit 3")), 0);
	wait_for(s, 1);
	assert_int_equal(s->last.status, 3);
	assert_string_equal(s->output, "gone\n");
	assert_int_equal(run(s, 2, 60000, ARGV("/bin/sh", "-c", "kill -9 $$")), 0);
	wait_for(s, 2);
	assert_int_equal(s->last.how, JOB_SIGNALLED);
	assert_int_equal(s->last.status, SIGKILL);
}

static void
test_time_out_takes_the_whole_group(void **state)
{
	struct scene *s = *state;
	int pid = 0;

	/* It ignores the polite signal, and has a child of its own. */
	assert_int_equal(run(s, 1, 200, ARGV("/bin/sh", "-c", "trap '' TERM; sleep 1000 & echo $!; wait; wait")), 0);
	wait_for(s, 1);
	assert_int_equal(s->last.how, JOB_TIMED_OUT);
	assert_int_equal(sscanf(s->output, "%d", &pid), 1);
	/* The orphan is reaped by whoever adopted it; it may be a zombie for a moment. */
	for (int i = 0; i < 1000 && kill(pid, 0) == 0; i++)
		usleep(10000);
	assert_int_equal(kill(pid, 0), -1);
}

static void
test_output_is_bounded_and_does_not_block(void **state)
{
	struct scene *s = *state;

	assert_int_equal(run(s, 1, 60000, ARGV("/bin/sh", "-c", "head -c 300000 /dev/zero | tr '\\0' x; exit 5")), 0);
	wait_for(s, 1);
	assert_int_equal(s->last.status, 5);
	assert_int_equal(s->last.output.n, JOB_OUTPUT_MAX);
}

static void
test_not_started(void **state)
{
	struct scene *s = *state;

	assert_int_equal(run(s, 1, 1000, ARGV("/does/not/exist")), 0);
	wait_for(s, 1);
	assert_int_equal(s->last.how, JOB_NOT_STARTED);
	assert_int_equal(s->last.status, ENOENT);
	/* Only absolute paths: nothing is searched for. */
	assert_int_equal(run(s, 2, 1000, ARGV("true")), -EINVAL);
	assert_int_equal(jobs_run(s->jobs, 3, 1000, STR("")), -EINVAL);
	assert_int_equal(jobs_run(s->jobs, 4, 1000, STR("\0\0\0\x05/bin")), -EINVAL);
	assert_int_equal(jobs_run(s->jobs, 5, 1000, STR("\0\0\0\x06/b\0in/")), -EINVAL);
	assert_int_equal(s->ended, 1);
}

static void
test_so_many_at_once_and_so_many_waiting(void **state)
{
	struct scene *s = *state;
	unsigned all = JOBS_RUNNING_MAX + JOBS_WAITING_MAX + 3;

	for (unsigned i = 0; i < all; i++)
		assert_int_equal(run(s, i, 60000, ARGV("/bin/true")), 0);
	assert_int_equal(jobs_running(s->jobs), JOBS_RUNNING_MAX);
	assert_int_equal(jobs_waiting(s->jobs), JOBS_WAITING_MAX);
	assert_int_equal(s->by_how[JOB_REFUSED], 3);
	wait_for(s, all);
	assert_int_equal(s->by_how[JOB_EXITED], all - 3);
	assert_int_equal(s->most_running, JOBS_RUNNING_MAX);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_arguments_are_no_shell_text),
		TEST(test_exit_code_and_signal),
		TEST(test_time_out_takes_the_whole_group),
		TEST(test_output_is_bounded_and_does_not_block),
		TEST(test_not_started),
		TEST(test_so_many_at_once_and_so_many_waiting),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
