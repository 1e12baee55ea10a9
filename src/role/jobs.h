/*
 * jobs: commands that runnerd runs: argument vectors, a time-out, bounded output, so many at once.
 * The rest waits in a bounded queue; what does not fit is refused and told so.
 */
#ifndef GUARITA_ROLE_JOBS_H
#define GUARITA_ROLE_JOBS_H

#include "sys/loop.h"

#define JOBS_RUNNING_MAX 8
#define JOBS_WAITING_MAX 256
#define JOB_ARGS_MAX 64
#define JOB_OUTPUT_MAX 16384
#define JOB_KILL_MS 2000               /* between asking to end and killing */

enum job_how { JOB_EXITED, JOB_SIGNALLED, JOB_TIMED_OUT, JOB_NOT_STARTED, JOB_REFUSED };

struct jobs;

struct job_end {
	uint64_t id;
	int64_t status;                /* exit code, signal number, or errno */
	enum job_how how;
	struct str output;             /* standard output and error, its first bytes */
};

typedef void job_end_fn(void *ctx, const struct job_end *e);

int jobs_new(struct loop *l, job_end_fn *on_end, void *ctx, struct jobs **ret) WARN_UNUSED;
void jobs_free(struct jobs *j);        /* kills what runs; on_end is not called */
/*
 * argv packed as strings with a 32-bit length each; the first is an absolute path. 0, or -EINVAL
 * when it is not that.
 */
int jobs_run(struct jobs *j, uint64_t id, uint32_t timeout_ms, struct str argv) WARN_UNUSED;
size_t jobs_running(const struct jobs *j);
size_t jobs_waiting(const struct jobs *j);

#endif
