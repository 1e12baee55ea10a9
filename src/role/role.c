/*
 * role: the common life of a process. Must never read a foreign byte before its rights are given
 * up.
 */
#include "role/role.h"

#include <errno.h>
#include <limits.h>
#include <linux/capability.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/memory.h"

#define CAP(name) (UINT64_C(1) << CAP_##name)

static const struct role_row rows[] = {
#define ROLE(peer_, name_, user_, caps_, calls_, paths_, help_) \
	{ .peer = MSG_##peer_, .name = (name_), .user = (user_), .caps = (caps_), .calls = SANDBOX_CALLS_##calls_, \
	  .paths = (paths_), .help = (help_) },
#include "role/roles.def"
#undef ROLE
};

size_t
role_rows(const struct role_row **ret)
{
	*ret = rows;
	return ARRAY_LEN(rows);
}

const struct role_row *
role_row(enum msg_peer peer)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].peer == peer)
			return &rows[i];
	return NULL;
}

const struct role_row *
role_row_named(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (str_eq(str_z(rows[i].name), name))
			return &rows[i];
	return NULL;
}

static const struct conf_role *
override_of(const struct role_row *row, const struct config *c)
{
	for (uint32_t i = 0; i < c->nroles; i++)
		if (str_eq(c->roles[i].name, str_z(row->name)))
			return &c->roles[i];
	return NULL;
}

const char *
role_user(const struct role_row *row, const struct config *c)
{
	const struct conf_role *o = override_of(row, c);

	return o && o->user.n ? o->user.p : row->user;
}

static int
usage(const struct role *r)
{
	fprintf(stderr, "usage: %s --config FILE [--check]\n", r->row->name);
	return -EINVAL;
}

static int
take_fd(struct str s, int *ret)
{
	uint64_t v;

	if (text_u64(s, &v) < 0 || v > 100000)
		return -EINVAL;
	*ret = (int)v;
	return 0;
}

/* "udp :514=5" */
static int
take_socket(struct role *r, struct str arg)
{
	size_t eq = str_rfind(arg, STR("="));
	struct role_socket *s = &r->sockets[r->nsockets];

	if (r->nsockets == ROLE_SOCKETS_MAX || eq == arg.n ||
	    take_fd(str_from(arg, eq + 1), &s->fd) < 0)
		return -EINVAL;
	s->key = str_head(arg, eq);
	r->nsockets++;
	return 0;
}

static int
take_args(struct role *r, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		struct str a = str_z(argv[i]);
		const char *value = i + 1 < argc ? argv[i + 1] : NULL;
		if (str_eq(a, STR("--check"))) {
			r->check_only = true;
			continue;
		}
		if (!value)
			return usage(r);
		i++;
		if (str_eq(a, STR("--config")))
			r->config_path = value;
		else if (str_eq(a, STR("--control")) && take_fd(str_z(value), &r->control_fd) == 0)
			continue;
		else if (str_eq(a, STR("--socket")) && take_socket(r, str_z(value)) == 0)
			continue;
		else
			return usage(r);
	}
	return r->config_path ? 0 : usage(r);
}

static int
read_config(struct role *r)
{
	struct buf faults = BUF_INIT(1 << 20);
	struct str key = STR_NULL;
	int e = conffile_read(r->config_path, &r->file);

	if (e == 0 && r->calls->unseal && !r->check_only)
		e = r->calls->unseal(&r->file.arena, r->file.diags, r->config_path, &r->file.config, &key);
	if (e < 0 && e != -EINVAL && key.n) {
		log_say(&r->log, LOG_LEVEL_ERROR, "sealed passwords cannot be read: %s: %s", key.p,
		    e == -ENOENT ? "there is no such key; seal them with `guarita vpn password` on this machine"
		    : e == -EPERM ? "others can read it; run `chmod 600` on it" : strerror(-e));
	} else if (e < 0) {
		conffile_show_faults(&r->file, &faults);
		fputs(buf_cstr(&faults), stderr);
		log_say(&r->log, LOG_LEVEL_ERROR, "%s: %s", r->config_path,
		    e == -EINVAL ? "the configuration has errors" : strerror(-e));
	} else {
		r->config = r->file.config;
		r->log.level = (enum log_level)r->config->log_level;
	}
	buf_free(&faults);
	return e;
}

int
role_make_dir(const struct role *r, const char *path, unsigned mode)
{
	struct stat st;
	int e = file_make_dirs(path, (mode_t)mode);

	if (e == 0 && geteuid() == 0 && stat(path, &st) == 0 && st.st_uid == 0) {
		struct passwd *pw = getpwnam(role_user(r->row, r->config));
		if (pw && chown(path, pw->pw_uid, pw->pw_gid) < 0)
			e = -errno;
	}
	if (e < 0)
		log_say(&r->log, LOG_LEVEL_ERROR, "cannot make the directory %s: %s", path,
		    strerror(-e));
	return e;
}

int
role_open_append(const struct role *r, const char *path, unsigned mode)
{
	struct stat st;
	int fd = file_open_append(path, (mode_t)mode);

	if (fd >= 0 && geteuid() == 0 && fstat(fd, &st) == 0 && st.st_uid == 0) {
		struct passwd *pw = getpwnam(role_user(r->row, r->config));
		if (pw && fchown(fd, pw->pw_uid, pw->pw_gid) < 0)
			log_say(&r->log, LOG_LEVEL_WARNING, "%s stays root's: %s", path,
			    strerror(errno));
	}
	if (fd < 0)
		log_say(&r->log, LOG_LEVEL_ERROR, "cannot write %s: %s", path, strerror(-fd));
	return fd;
}

struct path_list {
	struct sandbox_path v[ROLE_PATHS_MAX];
	size_t n;
};

static void
add_path(struct path_list *l, const char *path, bool write)
{
	if (l->n < ARRAY_LEN(l->v))
		l->v[l->n++] = (struct sandbox_path){ .path = path, .write = write };
}

/*
 * The directory that holds a pattern's first wildcard, so that rotated and new files can be read
 * too.
 */
static const char *
fixed_dir(struct arena *a, struct str pattern)
{
	size_t wild = pattern.n;

	for (size_t i = pattern.n; i-- > 0;)
		if (strchr("*?[", pattern.p[i]))
			wild = i;
	struct str head = str_head(pattern, wild);
	size_t slash = str_rfind(head, STR("/"));
	return slash == head.n ? "." : arena_strdup(a, str_head(head, slash ? slash : 1));
}

/* Without memory the path itself, read by nobody: the role finds out that it cannot. */
static const char *
path_below(struct arena *a, struct str dir, const char *name)
{
	struct buf b = BUF_INIT(PATH_MAX);

	buf_addf(&b, "%.*s/%s", STR_FMT(dir), name);
	const char *path = arena_strdup(a, buf_str(&b));
	buf_free(&b);
	return path ? path : "/nonexistent";
}

static void
source_paths(struct role *r, struct path_list *l)
{
	for (uint32_t i = 0; i < r->config->nsources; i++) {
		const struct conf_source *s = &r->config->sources[i];
		for (uint32_t k = 0; k < s->paths.n; k++) {
			const char *dir = fixed_dir(&r->file.arena, s->paths.v[k]);
			add_path(l, s->paths.v[k].p, false);
			if (dir)
				add_path(l, dir, false);
		}
	}
}

static void
fill_paths(struct role *r, struct path_list *l)
{
	const struct config *c = r->config;
	unsigned sets = r->row->paths;

	if (sets & PATHS_STATE)
		add_path(l, c->state_dir.p, true);
	if (sets & PATHS_SPOOL) {
		add_path(l, arena_strdup(&r->file.arena, c->state_dir), true);
		if (c->archive)
			add_path(l, c->archive->path.p, true);
	}
	if (sets & PATHS_VAULT && c->vault)
		add_path(l, c->vault->path.p, true);
	if (sets & PATHS_PACK && c->vault) {
		add_path(l, path_below(&r->file.arena, c->vault->path, "wal"), false);
		add_path(l, path_below(&r->file.arena, c->vault->path, "seg"), true);
	}
	if (sets & PATHS_SHIP && c->vault) {
		static const char *const read[] = { "identity", "wal", "seg", "keys/nonces", "keys/forgotten" };
		for (size_t i = 0; i < ARRAY_LEN(read); i++)
			add_path(l, path_below(&r->file.arena, c->vault->path, read[i]), false);
		add_path(l, path_below(&r->file.arena, c->vault->path, "ship"), true);
	}
	if (sets & PATHS_SOURCES)
		source_paths(r, l);
	if (sets & PATHS_GATE) {
		struct buf dir = BUF_INIT(PATH_MAX);
		buf_addf(&dir, "%s/gate", c->state_dir.p);
		add_path(l, arena_strdup(&r->file.arena, buf_str(&dir)), true);
		add_path(l, "/proc/sys/net", true);
		buf_free(&dir);
	}
	if (sets & PATHS_LINK)
		add_path(l, path_below(&r->file.arena, c->state_dir, "link"), true);
	if (sets & PATHS_NAMES) {
		add_path(l, "/etc", false);
		add_path(l, "/lib", false);
		add_path(l, "/usr/lib", false);
		add_path(l, "/run/systemd/resolve", false);
	}
	if (sets & PATHS_ZONES) {
		add_path(l, "/usr/share/zoneinfo", false);
		add_path(l, "/etc/localtime", false);
		add_path(l, "/proc/self", false);
		add_path(l, "/dev/null", true);
	}
}

/* Followed files, clients of all listeners, and what a process needs besides. */
static uint64_t
open_files(const struct config *c)
{
	uint64_t n = 256 + (uint64_t)c->limits.files;

	for (uint32_t i = 0; i < c->nsources; i++)
		if (c->sources[i].type == CONF_SOURCE_TCP || c->sources[i].type == CONF_SOURCE_TLS)
			n += (uint64_t)c->sources[i].max_clients;
	return n;
}

static int
enter_sandbox(struct role *r)
{
	struct path_list paths = { .n = 0 };
	struct buf shown = BUF_INIT(4096);
	const struct conf_role *over = override_of(r->row, r->config);

	fill_paths(r, &paths);
	struct sandbox_opts o = {
		.user = role_user(r->row, r->config),
		.keep_caps = r->row->caps,
		.no_new_privs = true,
		.paths = r->row->paths ? paths.v : NULL,
		.npaths = paths.n,
		.memory = role_memory_limit(
		    over && over->memory ? over->memory : r->config->limits.memory),
		.files = open_files(r->config),
		.calls = r->row->calls,
	};
	int e = sandbox_enter(&o, &r->sandbox);
	sandbox_report_show(&r->sandbox, &shown);
	log_say(
	    &r->log, e < 0 ? LOG_LEVEL_ERROR : LOG_LEVEL_DEBUG, "sandbox: %s", buf_cstr(&shown));
	buf_free(&shown);
	return e;
}

void
role_end(struct role *r, int exit_status)
{
	r->exit_status = exit_status;
	loop_stop(r->loop);
}

static void
begin_stop(struct role *r, uint32_t grace_ms)
{
	if (r->stopping)
		return;
	r->stopping = true;
	r->calls->stop(r->ctx, grace_ms);
}

void
role_answer(struct role *r, uint32_t id, struct str json, bool last)
{
	struct msg m = { .type = MSG_answer, .fd = -1, .answer = { .id = id, .last = last, .json = json } };

	if (r->control && chan_send(r->control, &m) < 0)
		log_say(&r->log, LOG_LEVEL_WARNING, "the supervisor does not take an answer");
}

static void
answer_status(struct role *r, uint32_t id)
{
	struct buf json = BUF_INIT(MSG_MAX - 64);

	buf_add_byte(&json, '{');
	r->calls->status(r->ctx, &json);
	buf_add_byte(&json, '}');
	struct msg m = {
		.type = MSG_status, .fd = -1, .status = { .id = id, .json = buf_str(&json) }
	};
	if (!buf_ok(&json))
		m.status.json = STR("{\"error\":\"too much to tell\"}");
	if (chan_send(r->control, &m) < 0)
		role_end(r, 1);
	buf_free(&json);
}

static void
on_control(void *ctx, struct chan *c, struct msg *m)
{
	struct role *r = ctx;

	(void)c;
	if (m->type == MSG_stop)
		begin_stop(r, m->stop.grace_ms);
	else if (m->type == MSG_ask)
		answer_status(r, m->ask.id);
	else if (m->type == MSG_link && r->calls->link)
		r->calls->link(r->ctx, (enum msg_peer)m->link.peer, m->fd);
	else if (m->type == MSG_order && r->calls->order)
		r->calls->order(r->ctx, &m->order);
	else if (m->type == MSG_seal && r->calls->seal)
		r->calls->seal(r->ctx, m->seal.line);
	else if (m->fd >= 0)
		close(m->fd);
}

static void
on_control_end(void *ctx, struct chan *c, int error)
{
	struct role *r = ctx;

	/* Without a supervisor nobody would see what we do. */
	log_say(&r->log, LOG_LEVEL_ERROR, "the supervisor is gone: %s", strerror(-error));
	chan_close(c);
	r->control = NULL;
	role_end(r, 1);
}

static void
on_signal(void *ctx, int signo)
{
	(void)signo;
	begin_stop(ctx, 5000);
}

static int
say_ready(struct role *r)
{
	struct chan_calls calls = { .ctx = r, .on_msg = on_control, .on_end = on_control_end };
	struct buf shown = BUF_INIT(4096);

	int e = chan_open(
	    r->loop, r->control_fd, r->row->peer, MSG_SUPERVISOR, &calls, &r->control);
	if (e < 0)
		return e;
	sandbox_report_show(&r->sandbox, &shown);
	struct msg m = { .type = MSG_ready,
		.fd = -1,
		.ready = { .pid = (uint32_t)getpid(), .sandbox = buf_str(&shown) } };
	e = chan_send(r->control, &m);
	buf_free(&shown);
	return e;
}

static int
catch_signals(struct role *r)
{
	/*
	 * Supervised, the stop comes as a message: a Ctrl-C that reaches the whole group must not
	 * cut the order short.
	 */
	signal(SIGPIPE, SIG_IGN);
	if (r->control_fd >= 0)
		signal(SIGINT, SIG_IGN);
	else if (signal_open(r->loop, SIGINT, on_signal, r) < 0)
		return -ENOMEM;
	return signal_open(r->loop, SIGTERM, on_signal, r);
}

/* The order of DESIGN: open, give up rights, say ready, only then read foreign bytes. */
static int
run(struct role *r, int argc, char **argv)
{
	int e = take_args(r, argc, argv);

	if (e == 0)
		e = read_config(r);
	if (e == 0)
		e = loop_new(&r->loop);
	if (e == 0)
		e = r->calls->prepare(r->ctx, r);
	if (e == 0)
		e = catch_signals(r);
	if (e == 0)
		e = enter_sandbox(r);
	if (e == 0 && r->calls->load)
		e = r->calls->load(r->ctx, r);
	if (e < 0 || r->check_only)
		return e;
	if (r->control_fd >= 0)
		e = say_ready(r);
	if (e == 0 && r->calls->begin)
		e = r->calls->begin(r->ctx, r);
	memory_trim();
	if (e == 0)
		loop_run(r->loop);
	return e;
}

int
role_main(int argc, char **argv, enum msg_peer peer, const struct role_calls *calls, void *ctx)
{
	const struct role_row *row = role_row(peer);
	struct role r = {
		.row = row, .calls = calls, .ctx = ctx, .log = log_open(row->name), .control_fd = -1
	};

	memory_begin();
	/* One spare thread is enough (for writing state), and each costs a stack. */
	setenv("UV_THREADPOOL_SIZE", "1", 1);
	int e = run(&r, argc, argv);
	calls->finish(ctx);
	if (r.control) {
		chan_flush(r.control, 1000);
		chan_close(r.control);
	}
	loop_free(r.loop);
	conffile_free(&r.file);
	return e < 0 ? 1 : r.exit_status;
}
