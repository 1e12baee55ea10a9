/* spawn: programs started with an argument vector. Must never pass a string to a shell. */
#include "sys/spawn.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <uv.h>

#define SPAWN_FDS_MAX 128

struct child {
	uv_process_t uv;
	child_fn *on_exit;
	void *ctx;
	bool session;
};

static void
free_child(uv_handle_t *h)
{
	free(h);
}

static void
on_uv_exit(uv_process_t *uv, int64_t status, int signo)
{
	struct child *c = (struct child *)uv;

	uv_close((uv_handle_t *)uv, free_child);
	c->on_exit(c->ctx, signo ? -1 : (int)status, signo);
}

int
spawn(struct loop *l, const struct spawn_opts *o, child_fn *on_exit, void *ctx, struct child **ret)
{
	static char *const no_env[] = { NULL };
	uv_stdio_container_t stdio[SPAWN_FDS_MAX];
	struct child *c;

	if (o->nfds > SPAWN_FDS_MAX)
		return -E2BIG;
	for (int i = 0; i < o->nfds; i++) {
		stdio[i].flags = o->fds[i] < 0 ? UV_IGNORE : UV_INHERIT_FD;
		stdio[i].data.fd = o->fds[i];
	}
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->on_exit = on_exit;
	c->ctx = ctx;
	c->session = o->session;
	/* libuv never writes through these; its types merely predate const. */
	uv_process_options_t uv = {
		.exit_cb = on_uv_exit,
		.file = o->program,
		.args = (char **)(uintptr_t)o->argv,
		.env = (char **)(uintptr_t)(o->env ? o->env : no_env),
		.cwd = o->dir,
		.flags = o->session ? UV_PROCESS_DETACHED : 0,
		.stdio_count = o->nfds,
		.stdio = stdio,
	};
	int r = uv_spawn(loop_uv(l), &c->uv, &uv);
	if (r < 0) {
		uv_close((uv_handle_t *)&c->uv, free_child);
		return r;
	}
	*ret = c;
	return 0;
}

int
child_pid(const struct child *c)
{
	return uv_process_get_pid(&c->uv);
}

void
child_kill(struct child *c, int signo)
{
	if (c->session)
		kill(-child_pid(c), signo);
	else
		uv_process_kill(&c->uv, signo);
}
