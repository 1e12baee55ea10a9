/*
 * runnerd: runs the commands of responses. What a command is comes from the configuration; what
 * foreign text is put into its arguments stays an argument. Must never use a shell, nor run what
 * watchd did not ask for.
 */
#include <errno.h>
#include <unistd.h>

#include "base/text.h"
#include "role/jobs.h"
#include "role/role.h"

struct runner {
	struct role *role;
	struct jobs *jobs;
	struct chan *watch;
	uint64_t ran, failed, refused;
};

static int
prepare(void *ctx, struct role *r)
{
	((struct runner *)ctx)->role = r;
	return 0;
}

/* Output goes over as it is: bytes, of which nobody may think that they are text. */
static void
on_job_end(void *ctx, const struct job_end *e)
{
	struct runner *r = ctx;
	struct msg m = {
		.type = MSG_ran,
		.fd = -1,
		.ran = { .id = e->id,
		    .status = e->status,
		    .how = (uint8_t)e->how,
		    .output = e->output },
	};

	r->ran++;
	r->failed += e->how != JOB_EXITED || e->status != 0;
	r->refused += e->how == JOB_REFUSED;
	if (r->watch && chan_send(r->watch, &m) < 0)
		log_say(
		    &r->role->log, LOG_LEVEL_WARNING, "watchd does not take the end of a command");
}

static int
begin(void *ctx, struct role *role)
{
	struct runner *r = ctx;

	return jobs_new(role->loop, on_job_end, r, &r->jobs);
}

static void
on_watch(void *ctx, struct chan *c, struct msg *m)
{
	struct runner *r = ctx;

	(void)c;
	int e = jobs_run(r->jobs, m->run.id, m->run.timeout_ms, m->run.argv);
	if (e < 0) {
		struct job_end end = { .id = m->run.id, .how = JOB_NOT_STARTED, .status = -e };
		on_job_end(r, &end);
	}
}

static void
on_watch_end(void *ctx, struct chan *c, int error)
{
	struct runner *r = ctx;

	if (error == -EBADMSG)
		log_say(&r->role->log, LOG_LEVEL_ERROR, "watchd sent a message that is none");
	chan_close(c);
	r->watch = NULL;
	/* What runs may end; the supervisor will bring a new link. */
	if (error == -EBADMSG)
		role_end(r->role, 1);
}

static void
on_link(void *ctx, enum msg_peer peer, int fd)
{
	struct runner *r = ctx;
	struct chan_calls calls = { .ctx = r, .on_msg = on_watch, .on_end = on_watch_end };
	struct msg m = { .type = MSG_serve, .fd = -1, .serve.jobs = JOBS_RUNNING_MAX };

	if (peer != MSG_WATCHD) {
		close(fd);
		return;
	}
	chan_close(r->watch);
	r->watch = NULL;
	int e = chan_open(r->role->loop, fd, MSG_RUNNERD, MSG_WATCHD, &calls, &r->watch);
	if (e == 0)
		e = chan_send(r->watch, &m);
	if (e < 0)
		log_say(&r->role->log, LOG_LEVEL_ERROR, "cannot link to watchd: %s", strerror(-e));
}

static void
status(void *ctx, struct buf *json)
{
	struct runner *r = ctx;

	buf_addf(json,
	    "\"running\":%zu,\"waiting\":%zu,\"ran\":%llu,\"failed\":%llu,\"refused\":%llu",
	    jobs_running(r->jobs), jobs_waiting(r->jobs), (unsigned long long)r->ran,
	    (unsigned long long)r->failed, (unsigned long long)r->refused);
}

static void
stop(void *ctx, uint32_t grace_ms)
{
	struct runner *r = ctx;

	(void)grace_ms;
	role_end(r->role, 0);
}

static void
finish(void *ctx)
{
	struct runner *r = ctx;

	chan_close(r->watch);
	jobs_free(r->jobs);
}

int
main(int argc, char **argv)
{
	static const struct role_calls calls = {
		.prepare = prepare,
		.begin = begin,
		.link = on_link,
		.status = status,
		.stop = stop,
		.finish = finish,
	};
	struct runner r = { .jobs = NULL };

	return role_main(argc, argv, MSG_RUNNERD, &calls, &r);
}
