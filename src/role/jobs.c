/*
 * jobs: running commands. Must never hand a string to a shell, nor let a command outlive its time.
 */
#include "role/jobs.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cur.h"
#include "sys/file.h"
#include "sys/spawn.h"

struct job {
	struct jobs *jobs;
	struct job *next;
	uint64_t id;
	uint32_t timeout_ms;
	char *argv[JOB_ARGS_MAX + 1];
	struct child *child;
	int out;                       /* its standard output and error */
	struct poll *poll;
	struct timer *timer;
	bool timed_out;
	size_t n;
	char output[JOB_OUTPUT_MAX];
};

struct jobs {
	struct loop *loop;
	job_end_fn *on_end;
	void *ctx;
	struct job *running, *waiting, **last;
	size_t nrunning, nwaiting;
};

int
jobs_new(struct loop *l, job_end_fn *on_end, void *ctx, struct jobs **ret)
{
	struct jobs *j = calloc(1, sizeof(*j));

	if (!j)
		return -ENOMEM;
	*j = (struct jobs){ .loop = l, .on_end = on_end, .ctx = ctx };
	j->last = &j->waiting;
	*ret = j;
	return 0;
}

static void
job_free(struct job *job)
{
	poll_close(job->poll);
	timer_close(job->timer);
	fd_close(&job->out);
	for (size_t i = 0; job->argv[i]; i++)
		free(job->argv[i]);
	free(job);
}

/* The loop ends with us, so no exit is reported any more to what is freed here. */
void
jobs_free(struct jobs *j)
{
	if (!j)
		return;
	for (struct job *job = j->running, *next; job; job = next) {
		next = job->next;
		child_kill(job->child, SIGKILL);
		job_free(job);
	}
	for (struct job *job = j->waiting, *next; job; job = next) {
		next = job->next;
		job_free(job);
	}
	free(j);
}

static int
read_argv(struct str packed, char *argv[JOB_ARGS_MAX + 1])
{
	struct cur c = cur_of(packed);
	size_t n = 0;

	while (cur_ok(&c) && c.n && n < JOB_ARGS_MAX) {
		struct str arg = cur_str32(&c);
		if (!cur_ok(&c) || memchr(arg.n ? arg.p : "", '\0', arg.n))
			return -EINVAL;
		argv[n] = strndup(arg.n ? arg.p : "", arg.n);
		if (!argv[n])
			return -ENOMEM;
		argv[++n] = NULL;
	}
	return cur_done(&c) && n && argv[0][0] == '/' ? 0 : -EINVAL;
}

static void
tell(struct jobs *j, const struct job *job, enum job_how how, int64_t status)
{
	struct job_end e = {
		.id = job->id, .how = how, .status = status, .output = str_of(job->output, job->n)
	};

	j->on_end(j->ctx, &e);
}

static void start_waiting(struct jobs *j);

static void
unlink_running(struct jobs *j, struct job *job)
{
	struct job **p = &j->running;

	while (*p != job)
		p = &(*p)->next;
	*p = job->next;
	j->nrunning--;
}

/*
 * What comes in is kept up to the limit, and read on so that the command is not stopped by a full
 * pipe.
 */
static bool
read_output(struct job *job)
{
	char spare[4096];
	size_t room = sizeof(job->output) - job->n;
	ssize_t n = read(
	    job->out, room ? job->output + job->n : spare, room ? room : sizeof(spare));

	if (n > 0 && room)
		job->n += (size_t)n;
	return n > 0;
}

static void
on_output(void *ctx, int events)
{
	struct job *job = ctx;

	(void)events;
	if (!read_output(job) && errno != EAGAIN)
		poll_want(job->poll, 0);
}

static void
on_exit_child(void *ctx, int status, int signo)
{
	struct job *job = ctx;
	struct jobs *j = job->jobs;

	while (read_output(job) && job->n < sizeof(job->output))
		;
	/* What it left running belongs to it: the group goes with it. */
	child_kill(job->child, SIGKILL);
	unlink_running(j, job);
	if (job->timed_out)
		tell(j, job, JOB_TIMED_OUT, signo);
	else
		tell(j, job, signo ? JOB_SIGNALLED : JOB_EXITED, signo ? signo : status);
	job_free(job);
	start_waiting(j);
}

static void
on_time(void *ctx)
{
	struct job *job = ctx;

	child_kill(job->child, job->timed_out ? SIGKILL : SIGTERM);
	job->timed_out = true;
	timer_start(job->timer, JOB_KILL_MS, 0);
}

static int
start_process(struct job *job, int out)
{
	char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	char *env[] = { path, NULL };
	int fds[] = { -1, out, out };
	struct spawn_opts o = {
		.program = job->argv[0],
		.argv = job->argv,
		.env = env,
		.dir = "/",
		.fds = fds,
		.nfds = 3,
		.session = true,
	};

	return spawn(job->jobs->loop, &o, on_exit_child, job, &job->child);
}

static int
start(struct job *job)
{
	struct loop *l = job->jobs->loop;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	job->out = ends[0];
	/* The command's own end must block, as it expects. */
	int r = fcntl(ends[1], F_SETFL, 0) < 0 ? -errno : 0;
	if (r == 0)
		r = poll_open(l, job->out, WANT_READ, on_output, job, &job->poll);
	if (r == 0)
		r = timer_open(l, on_time, job, &job->timer);
	if (r == 0)
		r = start_process(job, ends[1]);
	close(ends[1]);
	if (r == 0)
		timer_start(job->timer, job->timeout_ms, 0);
	return r;
}

static void
start_waiting(struct jobs *j)
{
	while (j->waiting && j->nrunning < JOBS_RUNNING_MAX) {
		struct job *job = j->waiting;
		j->waiting = job->next;
		if (!j->waiting)
			j->last = &j->waiting;
		j->nwaiting--;
		int r = start(job);
		if (r < 0) {
			tell(j, job, JOB_NOT_STARTED, -r);
			job_free(job);
			continue;
		}
		job->next = j->running;
		j->running = job;
		j->nrunning++;
	}
}

int
jobs_run(struct jobs *j, uint64_t id, uint32_t timeout_ms, struct str argv)
{
	struct job *job = calloc(1, sizeof(*job));

	if (!job)
		return -ENOMEM;
	*job = (struct job){ .jobs = j, .id = id, .timeout_ms = timeout_ms, .out = -1 };
	int r = read_argv(argv, job->argv);
	if (r < 0) {
		job_free(job);
		return r;
	}
	if (j->nwaiting >= JOBS_WAITING_MAX) {
		tell(j, job, JOB_REFUSED, 0);
		job_free(job);
		return 0;
	}
	*j->last = job;
	j->last = &job->next;
	j->nwaiting++;
	start_waiting(j);
	return 0;
}

size_t
jobs_running(const struct jobs *j)
{
	return j->nrunning;
}

size_t
jobs_waiting(const struct jobs *j)
{
	return j->nwaiting;
}
