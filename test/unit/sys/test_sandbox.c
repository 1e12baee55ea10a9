/*
 * What the sandbox refuses, tried in a child of its own: a call that should be denied must be denied by the kernel,
 * and what is shown must be what the kernel says. Steps that this machine cannot do are skipped, and said to be.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "sys/sandbox.h"

/* Runs the function in a child; its return value is the exit status. */
static int
in_child(int (*fn)(void))
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(fn());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 200;
}

#define CHECK(n, what) do { if (!(what)) return (n); } while (0)

static int
child_files_filter(void)
{
	struct sandbox_report r;
	struct sandbox_opts o = { .no_new_privs = true, .calls = SANDBOX_CALLS_FILES };

	CHECK(1, sandbox_enter(&o, &r) == 0);
	CHECK(2, r.state[SANDBOX_SECCOMP] == SANDBOX_APPLIED);
	CHECK(3, socket(AF_INET, SOCK_STREAM, 0) < 0 && errno == EPERM);
	CHECK(4, fork() < 0 && errno == EPERM);
	CHECK(5, open("/proc/self/status", O_RDONLY) >= 0);
	return 0;
}

static int
child_task_filter(void)
{
	struct sandbox_report r;
	struct sandbox_opts o = { .no_new_privs = true, .calls = SANDBOX_CALLS_TASK };
	int status;

	CHECK(1, sandbox_enter(&o, &r) == 0);
	CHECK(2, socket(AF_INET, SOCK_STREAM, 0) < 0 && errno == EPERM);
	pid_t pid = fork();
	CHECK(3, pid >= 0);
	if (pid == 0)
		_exit(7);
	CHECK(4, waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 7);
	CHECK(5, execl("/bin/true", "true", (char *)NULL) < 0 && errno == EPERM);
	CHECK(6, syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0) < 0 && errno == EPERM);
	return 0;
}

static int
child_network_filter(void)
{
	struct sandbox_report r;
	struct sandbox_opts o = { .no_new_privs = true, .calls = SANDBOX_CALLS_NETWORK };
	char c;

	CHECK(1, sandbox_enter(&o, &r) == 0);
	CHECK(2, socket(AF_INET, SOCK_DGRAM, 0) < 0 && errno == EPERM);
	CHECK(3, execl("/bin/true", "true", (char *)NULL) < 0 && errno == EPERM);
	/* Its own work is allowed: this fails for another reason than the filter. */
	CHECK(4, recv(0, &c, 1, MSG_DONTWAIT) < 0 && errno != EPERM);
	return 0;
}

static int
child_spawn_filter(void)
{
	struct sandbox_report r;
	struct sandbox_opts o = { .no_new_privs = true, .calls = SANDBOX_CALLS_SPAWN };

	CHECK(1, sandbox_enter(&o, &r) == 0);
	CHECK(2, settimeofday(&(struct timeval){ .tv_sec = 1 }, NULL) < 0 && errno == EPERM);
	execl("/bin/true", "true", (char *)NULL);
	return 3;
}

static char inside[64], outside[64];

static int
child_landlock(void)
{
	struct sandbox_path paths[] = { { .path = inside, .write = true }, { .path = "/does/not/exist" } };
	struct sandbox_opts o = { .no_new_privs = true, .paths = paths, .npaths = 2 };
	struct sandbox_report r;
	char path[128];

	CHECK(1, sandbox_enter(&o, &r) == 0);
	CHECK(2, r.state[SANDBOX_LANDLOCK] == SANDBOX_APPLIED && r.landlock_abi > 0);
	snprintf(path, sizeof(path), "%s/f", inside);
	CHECK(3, open(path, O_RDWR | O_CREAT, 0600) >= 0);
	CHECK(4, unlink(path) == 0);
	snprintf(path, sizeof(path), "%s/f", outside);
	CHECK(5, open(path, O_RDWR | O_CREAT, 0600) < 0 && errno == EACCES);
	CHECK(6, open("/etc/passwd", O_RDONLY) < 0 && errno == EACCES);
	return 0;
}

static int
child_landlock_read_only(void)
{
	struct sandbox_path paths[] = { { .path = inside } };
	struct sandbox_opts o = { .no_new_privs = true, .paths = paths, .npaths = 1 };
	struct sandbox_report r;
	char path[128];

	CHECK(1, sandbox_enter(&o, &r) == 0);
	CHECK(2, open(inside, O_RDONLY | O_DIRECTORY) >= 0);
	snprintf(path, sizeof(path), "%s/f", inside);
	CHECK(3, open(path, O_RDWR | O_CREAT, 0600) < 0 && errno == EACCES);
	return 0;
}

/* More than any sanitizer needs for itself. */
#define MEMORY (UINT64_C(1) << 50)

static int
child_rights(void)
{
	struct sandbox_opts o = { .user = "nobody", .no_new_privs = true, .memory = MEMORY, .files = 64 };
	struct sandbox_report r;
	struct sandbox_facts f;
	struct rlimit l;

	CHECK(1, sandbox_enter(&o, &r) == 0);
	CHECK(2, r.state[SANDBOX_USER] == SANDBOX_APPLIED && r.state[SANDBOX_GROUPS] == SANDBOX_APPLIED);
	CHECK(3, getuid() != 0 && setuid(0) < 0);
	CHECK(4, getgroups(0, NULL) == 0);
	CHECK(5, sandbox_facts(getpid(), &f) == 0);
	CHECK(6, f.uid == getuid() && f.caps == 0 && f.no_new_privs == 1);
	CHECK(7, getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_max == 64);
	CHECK(9, getrlimit(RLIMIT_DATA, &l) == 0 && l.rlim_max == MEMORY);
	CHECK(8, getrlimit(RLIMIT_CORE, &l) == 0 && l.rlim_max == 0);
	return 0;
}

static int
child_keeps_one_capability(void)
{
	struct sandbox_opts o = { .user = "nobody", .keep_caps = UINT64_C(1) << CAP_DAC_READ_SEARCH, .no_new_privs = true };
	struct sandbox_report r;
	struct sandbox_facts f;

	CHECK(1, sandbox_enter(&o, &r) == 0);
	CHECK(2, sandbox_facts(getpid(), &f) == 0);
	CHECK(3, f.caps == UINT64_C(1) << CAP_DAC_READ_SEARCH);
	CHECK(4, open("/etc/shadow", O_RDONLY) >= 0);
	CHECK(5, open("/etc/shadow", O_WRONLY) < 0);
	return 0;
}

/* Without privileges nothing that needs them is said to be applied. */
static int
child_unprivileged(void)
{
	struct sandbox_opts o = { .user = "daemon", .no_new_privs = true, .calls = SANDBOX_CALLS_FILES };
	struct sandbox_report r;
	struct sandbox_facts f;

	CHECK(1, geteuid() != 0 || (setgid(65534) == 0 && setuid(65534) == 0));
	CHECK(2, sandbox_enter(&o, &r) == 0);
	CHECK(3, r.state[SANDBOX_USER] == SANDBOX_MISSING && r.error[SANDBOX_USER] == EPERM);
	CHECK(4, r.state[SANDBOX_NO_NEW_PRIVS] == SANDBOX_APPLIED);
	CHECK(5, sandbox_facts(getpid(), &f) == 0 && f.seccomp == 2 && f.no_new_privs == 1);
	return 0;
}

static void
test_files_filter(void **state)
{
	(void)state;
	assert_int_equal(in_child(child_files_filter), 0);
}

static void
test_task_filter(void **state)
{
	(void)state;
	assert_int_equal(in_child(child_task_filter), 0);
}

static void
test_network_filter(void **state)
{
	(void)state;
	assert_int_equal(in_child(child_network_filter), 0);
}

static void
test_spawn_filter(void **state)
{
	(void)state;
	assert_int_equal(in_child(child_spawn_filter), 0);
}

static void
test_landlock(void **state)
{
	(void)state;
	if (landlock_abi() == 0)
		skip();
	snprintf(inside, sizeof(inside), "/tmp/guarita-in-XXXXXX");
	snprintf(outside, sizeof(outside), "/tmp/guarita-out-XXXXXX");
	assert_non_null(mkdtemp(inside));
	assert_non_null(mkdtemp(outside));
	assert_int_equal(in_child(child_landlock), 0);
	assert_int_equal(in_child(child_landlock_read_only), 0);
	rmdir(inside);
	rmdir(outside);
}

static void
test_rights(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(in_child(child_rights), 0);
}

static void
test_keeps_one_capability(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(in_child(child_keeps_one_capability), 0);
}

static void
test_unprivileged(void **state)
{
	(void)state;
	assert_int_equal(in_child(child_unprivileged), 0);
}

static void
test_report_shows_every_step(void **state)
{
	struct sandbox_report r = { .state = { [SANDBOX_LANDLOCK] = SANDBOX_MISSING }, .error = { [SANDBOX_LANDLOCK] = ENOSYS } };
	struct buf b = BUF_INIT(4096);

	(void)state;
	sandbox_report_show(&r, &b);
	assert_non_null(strstr(buf_cstr(&b), "landlock=missing(ENOSYS)"));
	for (int i = 0; i < SANDBOX_STEPS; i++)
		assert_non_null(strstr(buf_cstr(&b), sandbox_step_name((enum sandbox_step)i)));
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files_filter),
		cmocka_unit_test(test_task_filter),
		cmocka_unit_test(test_network_filter),
		cmocka_unit_test(test_spawn_filter),
		cmocka_unit_test(test_landlock),
		cmocka_unit_test(test_rights),
		cmocka_unit_test(test_keeps_one_capability),
		cmocka_unit_test(test_unprivileged),
		cmocka_unit_test(test_report_shows_every_step),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
