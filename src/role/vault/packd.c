/*
 * packd: packs complete files of the vault's log into segments that can be searched. It decodes foreign lines, and so it
 * holds no key but the log's, and can write nothing but segments; vaultd believes one only after having computed its leaves
 * again.
 *
 * The rules take 14 MB that are used for a moment every few minutes. So the process that lives only looks whether there is work; a task
 * (sys/task) loads the rules, packs until nothing is left, and goes with all it held.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "console/vault/pack.h"
#include "role/rules.h"
#include "role/vault/told.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/memory.h"
#include "sys/task.h"
#include "watch/decoder.h"

#define TICK_MS 1000
#define LINGER_TURNS 10                        /* so long without work the task still waits for more: loading costs 0.1 s */
#define RETRY_US (20 * INT64_C(1000000))       /* after a task that failed */
#define ROWS_MIN 65536                         /* fewer lines make poor segments */

struct packing {
	struct role *role;
	struct timer *tick;
	struct task *task;
	int rules;                             /* their texts, in a file without a name */
	char cache[PATH_MAX];
	struct pack_opts opts;
	struct vault_told told_by;
	struct keyring ring;           /* of the task that runs */
	int error, told;
	int64_t retry_us, cpu_us;
	uint64_t segments, lines, raw_bytes, stored_bytes;
};

/* What a task tells: one segment made, or why not. */
struct said {
	uint64_t segments, lines, raw_bytes, stored_bytes;
	int64_t cpu_us;                        /* since it told last */
	int error;
	char why[1024];
};

_Static_assert(sizeof(struct said) <= TASK_SAID_MAX, "must go through a pipe in one piece");

static int
make_dir(const struct role *r, const char *name, unsigned mode)
{
	char path[PATH_MAX];
	int e = file_path(path, sizeof(path), r->config->vault->path.p, name);

	return e < 0 ? e : role_make_dir(r, path, mode);
}

/* Those of this start, as the watch has them: changed ones come with a restart. */
static int
keep_rules(struct packing *p, const char *dir)
{
	struct arena texts = { .max = SIZE_MAX };
	struct buf why = BUF_INIT(4096);
	struct rules_text *v = NULL;
	size_t n = 0;
	int e = rules_read(&texts, &p->role->config->rules_dirs, &v, &n, &why);

	if (e < 0)
		log_say(&p->role->log, LOG_LEVEL_ERROR, "cannot read the rules: %s", buf_cstr(&why));
	else
		e = p->rules = rules_keep(dir, v, n);
	buf_free(&why);
	arena_free(&texts);
	memory_trim();
	return e < 0 ? e : 0;
}

static int
prepare(void *ctx, struct role *r)
{
	struct packing *p = ctx;
	char dir[PATH_MAX];

	p->role = r;
	if (r->check_only)
		return 0;
	if (!r->config->vault) {
		log_say(&r->log, LOG_LEVEL_ERROR, "the configuration names no vault");
		return -EINVAL;
	}
	int e = role_make_dir(r, r->config->vault->path.p, 0750);
	if (e == 0)
		e = make_dir(r, "wal", 0750);
	if (e == 0)
		e = make_dir(r, "seg", 0750);
	if (e == 0)
		e = file_path(dir, sizeof(dir), r->config->vault->path.p, "seg");
	if (e == 0)
		e = file_path(p->cache, sizeof(p->cache), dir, "patterns.db");
	if (e == 0)
		e = keep_rules(p, dir);
	if (e < 0)
		log_say(&r->log, LOG_LEVEL_ERROR, "cannot begin to pack: %s", strerror(-e));
	return e;
}

/* The task. */

static int
load_rules(struct packing *p)
{
	struct arena texts = { .max = SIZE_MAX };
	struct ruleset *rules = NULL;
	struct rules_text *v = NULL;
	size_t n = 0;
	int r = rules_kept(p->rules, &texts, &v, &n);

	if (r == 0)
		r = rules_load(v, n, p->cache, true, &rules);
	arena_free(&texts);
	p->opts.rules = rules;
	p->opts.work = r == 0 ? decode_work_new(rules) : NULL;
	return r < 0 ? r : p->opts.work ? 0 : -ENOMEM;
}

static bool
tell(const struct task_end *end, const struct pack_report *done, int error, int64_t *told_cpu_us)
{
	int64_t cpu_us = clock_cpu_us();
	struct said s = {
		.segments = done->segments, .lines = done->lines, .raw_bytes = done->raw_bytes,
		.stored_bytes = done->stored_bytes, .error = error, .cpu_us = cpu_us - *told_cpu_us,
	};

	snprintf(s.why, sizeof(s.why), "%.1023s", done->why[0] || error == 0 ? done->why : strerror(-error));
	*told_cpu_us = cpu_us;
	return task_say(end, &s, sizeof(s));
}

/* After a failure it ends: the next one begins with clean memory. */
static int
run(void *ctx, const struct task_end *end)
{
	struct packing *p = ctx;
	struct pack_report done = { .segments = 0 };
	int64_t cpu_us = 0;
	bool on = true;
	int r = load_rules(p);

	if (r < 0)
		snprintf(done.why, sizeof(done.why), "the rules cannot be loaded: %s", strerror(-r));
	for (int idle = 0; r == 0 && on && idle < LINGER_TURNS;) {
		r = repack_next(&p->opts, &done);
		if (r == 0 && !done.segments)
			r = pack_next(&p->opts, &done);
		idle = done.segments ? 0 : idle + 1;
		if (r == 0 && done.segments)
			on = tell(end, &done, 0, &cpu_us) && task_wait(end, 0);
		else if (r == 0)
			on = task_wait(end, TICK_MS);
	}
	if (r < 0 || on)
		tell(end, &done, r, &cpu_us);
	return 0;
}

/* The process that lives. */

static void
take_error(struct packing *p, int error, const char *why)
{
	p->error = error;
	if (error < 0 && error != p->told)
		log_say(&p->role->log, LOG_LEVEL_ERROR, "the vault could not be packed: %s", why);
	p->told = error;
	if (error < 0)
		p->retry_us = clock_mono_us() + RETRY_US;
}

static void
on_said(void *ctx, const void *bytes)
{
	struct packing *p = ctx;
	struct said s;

	memcpy(&s, bytes, sizeof(s));
	s.why[sizeof(s.why) - 1] = '\0';
	p->segments += s.segments;
	p->lines += s.lines;
	p->raw_bytes += s.raw_bytes;
	p->stored_bytes += s.stored_bytes;
	p->cpu_us += s.cpu_us;
	take_error(p, s.error, s.why);
}

static void
on_ended(void *ctx, int status)
{
	struct packing *p = ctx;

	p->task = NULL;
	if (status < 0)
		take_error(p, -ECHILD, strsignal(-status));
	else if (status > 0)
		take_error(p, -ECHILD, "the task ended at once");
}

static void
on_tick(void *ctx)
{
	struct packing *p = ctx;
	struct task_calls calls = {
		.ctx = p, .keep = p->rules, .said_bytes = sizeof(struct said), .run = run, .said = on_said, .ended = on_ended,
	};
	struct pack_report found;

	if (p->task || clock_mono_us() < p->retry_us || vault_told_waits(&p->told_by, p->role))
		return;
	p->ring = p->told_by.ring;
	int r = pack_waits(&p->opts, &found);
	if (r != 1) {
		/* Where nothing waits, nothing is in the way any more. */
		take_error(p, r, found.why[0] ? found.why : strerror(-r));
		return;
	}
	r = task_start(p->role->loop, &calls, &p->task);
	if (r < 0)
		take_error(p, r, strerror(-r));
}

static int
begin(void *ctx, struct role *r)
{
	struct packing *p = ctx;

	p->opts = (struct pack_opts){
		.vault = r->config->vault->path.p, .rows_min = ROWS_MIN, .ring = &p->ring,
		.seed = random_u64(), .encrypt = r->config->vault->encrypt,
	};
	int e = timer_open(r->loop, on_tick, p, &p->tick);
	if (e == 0)
		timer_start(p->tick, TICK_MS, TICK_MS);
	return e;
}

static void
on_link(void *ctx, enum msg_peer peer, int fd)
{
	struct packing *p = ctx;

	if (peer == MSG_VAULTD)
		vault_told_link(&p->told_by, p->role, fd);
	else
		close(fd);
}

static void
status(void *ctx, struct buf *json)
{
	struct packing *p = ctx;

	buf_addf(json, "\"segments\":%llu,\"lines\":%llu,\"raw_bytes\":%llu,\"stored_bytes\":%llu,\"cpu_us\":%lld",
	    (unsigned long long)p->segments, (unsigned long long)p->lines, (unsigned long long)p->raw_bytes,
	    (unsigned long long)p->stored_bytes, (long long)(p->cpu_us + clock_cpu_us()));
	if (p->error < 0)
		buf_addf(json, ",\"error\":\"%s\"", strerrorname_np(-p->error));
}

static void
stop(void *ctx, uint32_t grace_ms)
{
	struct packing *p = ctx;

	(void)grace_ms;
	/* A segment in the making has another name, and is made anew. */
	timer_stop(p->tick);
	if (p->task)
		task_release(p->task);
	while (p->task)
		loop_run_once(p->role->loop, true);
	role_end(p->role, 0);
}

static void
finish(void *ctx)
{
	struct packing *p = ctx;

	timer_close(p->tick);
	task_free(p->task);
	fd_close(&p->rules);
	vault_told_close(&p->told_by);
	explicit_bzero(&p->ring, sizeof(p->ring));
}

int
main(int argc, char **argv)
{
	static const struct role_calls calls = {
		.prepare = prepare, .begin = begin, .link = on_link, .status = status, .stop = stop, .finish = finish,
	};
	struct packing p = { .rules = -1 };

	return role_main(argc, argv, MSG_PACKD, &calls, &p);
}
