/*
 * packd: packs complete files of the vault's log into segments that can be searched. It decodes foreign lines, and so it
 * holds no key and can write nothing but segments; vaultd believes one only after having computed its leaves again.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "console/engine.h"
#include "console/vault/pack.h"
#include "role/role.h"
#include "sys/clock.h"
#include "sys/file.h"

#define TICK_MS 1000
#define SOON_MS 10
#define ROWS_MIN 65536                         /* fewer lines make poor segments */

struct packing {
	struct role *role;
	struct engine engine;
	bool opened, busy;
	struct timer *tick;
	struct pack_opts opts;
	struct pack_report last;
	int error, told;
	uint64_t segments, lines, raw_bytes, stored_bytes;
};

static int
make_dir(const struct role *r, const char *name, unsigned mode)
{
	char path[PATH_MAX];
	int e = file_path(path, sizeof(path), r->config->vault->path.p, name);

	return e < 0 ? e : role_make_dir(r, path, mode);
}

static int
prepare(void *ctx, struct role *r)
{
	struct packing *p = ctx;

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
	if (e == 0) {
		p->opened = true;
		e = engine_open(&p->engine, r->config->rules_dirs.v[0].p);
	}
	if (e == 0)
		engine_settle(&p->engine);
	if (e < 0)
		log_say(&r->log, LOG_LEVEL_ERROR, "cannot begin to pack: %s", strerror(-e));
	return e;
}

/* On the other thread: only what it was handed. */
static void
work(void *ctx)
{
	struct packing *p = ctx;

	p->error = repack_next(&p->opts, &p->last);
	if (p->error == 0 && !p->last.segments)
		p->error = pack_next(&p->opts, &p->last);
}

static void
done(void *ctx)
{
	struct packing *p = ctx;

	p->busy = false;
	if (p->error < 0 && p->error != p->told)
		log_say(&p->role->log, LOG_LEVEL_ERROR, "the vault could not be packed: %s",
		    p->last.why[0] ? p->last.why : strerror(-p->error));
	p->told = p->error;
	if (p->error == 0 && p->last.segments) {
		p->segments += p->last.segments;
		p->lines += p->last.lines;
		p->raw_bytes += p->last.raw_bytes;
		p->stored_bytes += p->last.stored_bytes;
		timer_start(p->tick, SOON_MS, TICK_MS);
	}
}

static void
on_tick(void *ctx)
{
	struct packing *p = ctx;

	if (!p->busy)
		p->busy = work_start(p->role->loop, work, done, p) == 0;
}

static int
begin(void *ctx, struct role *r)
{
	struct packing *p = ctx;

	p->opts = (struct pack_opts){
		.vault = r->config->vault->path.p, .rules = p->engine.rules, .work = p->engine.work, .rows_min = ROWS_MIN,
		.seed = random_u64(), .encrypt = r->config->vault->encrypt,
	};
	int e = timer_open(r->loop, on_tick, p, &p->tick);
	if (e == 0)
		timer_start(p->tick, TICK_MS, TICK_MS);
	return e;
}

static void
status(void *ctx, struct buf *json)
{
	struct packing *p = ctx;

	buf_addf(json, "\"segments\":%llu,\"lines\":%llu,\"raw_bytes\":%llu,\"stored_bytes\":%llu,\"cpu_us\":%lld",
	    (unsigned long long)p->segments, (unsigned long long)p->lines, (unsigned long long)p->raw_bytes,
	    (unsigned long long)p->stored_bytes, (long long)clock_cpu_us());
	if (p->error < 0)
		buf_addf(json, ",\"error\":\"%s\"", strerrorname_np(-p->error));
}

static void
stop(void *ctx, uint32_t grace_ms)
{
	struct packing *p = ctx;

	(void)grace_ms;
	/* A segment in the making has another name, and is made anew. */
	while (p->busy)
		loop_run_once(p->role->loop, true);
	role_end(p->role, 0);
}

static void
finish(void *ctx)
{
	struct packing *p = ctx;

	timer_close(p->tick);
	if (p->opened)
		engine_close(&p->engine);
}

int
main(int argc, char **argv)
{
	static const struct role_calls calls = {
		.prepare = prepare, .begin = begin, .status = status, .stop = stop, .finish = finish,
	};
	struct packing p = { .tick = NULL };

	return role_main(argc, argv, MSG_PACKD, &calls, &p);
}
