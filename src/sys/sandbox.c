/* sandbox: the ratchet. Must never go on in silence when a step that should have worked did not. */
#include "sys/sandbox.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "sys/file.h"

static const char *const step_names[SANDBOX_STEPS] = {
	[SANDBOX_GROUPS] = "groups",
	[SANDBOX_USER] = "user",
	[SANDBOX_CAPS] = "capabilities",
	[SANDBOX_NO_NEW_PRIVS] = "no-new-privs",
	[SANDBOX_LANDLOCK] = "landlock",
	[SANDBOX_LIMITS] = "limits",
	[SANDBOX_NO_DUMP] = "no-dump",
	[SANDBOX_SECCOMP] = "seccomp",
};

static const char *const state_names[] = {
	[SANDBOX_NOT_WANTED] = "not wanted",
	[SANDBOX_APPLIED] = "applied",
	[SANDBOX_MISSING] = "missing",
	[SANDBOX_FAILED] = "failed",
};

const char *
sandbox_step_name(enum sandbox_step s)
{
	return step_names[s];
}

const char *
sandbox_state_name(enum sandbox_state s)
{
	return state_names[s];
}

static void
note(struct sandbox_report *r, enum sandbox_step step, int error)
{
	bool cannot = error == -ENOSYS || error == -EOPNOTSUPP;

	r->error[step] = -error;
	r->state[step] = error == 0 ? SANDBOX_APPLIED : cannot ? SANDBOX_MISSING : SANDBOX_FAILED;
}

static void
note_missing(struct sandbox_report *r, enum sandbox_step step, int error)
{
	r->error[step] = error;
	r->state[step] = SANDBOX_MISSING;
}

static void
change_user(const struct sandbox_opts *o, struct sandbox_report *r)
{
	if (!o->user)
		return;
	if (geteuid() != 0) {
		note_missing(r, SANDBOX_GROUPS, EPERM);
		note_missing(r, SANDBOX_USER, EPERM);
		return;
	}
	struct passwd *pw = getpwnam(o->user);
	if (!pw) {
		note_missing(r, SANDBOX_GROUPS, ENOENT);
		note_missing(r, SANDBOX_USER, ENOENT);
		return;
	}
	note(r, SANDBOX_GROUPS, setgroups(0, NULL) < 0 ? -errno : 0);
	if (o->keep_caps && caps_keep_over_user() < 0) {
		note(r, SANDBOX_USER, -EPERM);
		return;
	}
	if (setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) < 0 ||
	    setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) < 0)
		note(r, SANDBOX_USER, -errno);
	else
		/* There must be no way back. */
		note(r, SANDBOX_USER, pw->pw_uid != 0 && setuid(0) == 0 ? -EPERM : 0);
}

static int
set_limit(int resource, uint64_t value)
{
	struct rlimit now;

	if (getrlimit(resource, &now) < 0)
		return -errno;
	rlim_t v = now.rlim_max < value ? now.rlim_max : (rlim_t)value;
	return setrlimit(resource, &(struct rlimit){ .rlim_cur = v, .rlim_max = v }) < 0 ? -errno
											 : 0;
}

static void
set_limits(const struct sandbox_opts *o, struct sandbox_report *r)
{
	int e = set_limit(RLIMIT_CORE, 0);

	if (e == 0 && o->memory)
		e = set_limit(RLIMIT_DATA, o->memory);
	if (e == 0 && o->files)
		e = set_limit(RLIMIT_NOFILE, o->files);
	note(r, SANDBOX_LIMITS, e);
}

int
sandbox_enter(const struct sandbox_opts *o, struct sandbox_report *ret)
{
	struct sandbox_report r = { .landlock_abi = landlock_abi() };

	change_user(o, &r);
	note(&r, SANDBOX_CAPS, caps_keep(o->keep_caps));
	if (o->no_new_privs)
		note(&r, SANDBOX_NO_NEW_PRIVS,
		    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0);
	if (o->paths)
		note(&r, SANDBOX_LANDLOCK, landlock_enter(o->paths, o->npaths));
	set_limits(o, &r);
	note(&r, SANDBOX_NO_DUMP, prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ? -errno : 0);
	if (o->calls != SANDBOX_CALLS_ANY)
		note(&r, SANDBOX_SECCOMP, filter_enter(o->calls));
	*ret = r;
	for (int i = 0; i < SANDBOX_STEPS; i++)
		if (r.state[i] == SANDBOX_FAILED)
			return -EPERM;
	return 0;
}

void
sandbox_report_show(const struct sandbox_report *r, struct buf *out)
{
	for (int i = 0; i < SANDBOX_STEPS; i++) {
		buf_addf(out, "%s%s=%s", i ? " " : "", step_names[i],
		    r->state[i] == SANDBOX_NOT_WANTED ? "none" : state_names[r->state[i]]);
		if (r->error[i])
			buf_addf(out, "(%s)", strerrorname_np(r->error[i]));
	}
}

static struct str
status_value(struct str text, struct str key)
{
	struct str line;

	while (str_split(&text, '\n', &line))
		if (str_starts(line, key))
			return str_trim(str_from(line, key.n));
	return STR_NULL;
}

static uint64_t
first_number(struct str s, int base)
{
	uint64_t v = 0;

	for (size_t i = 0; i < s.n; i++) {
		int c = s.p[i];
		int digit = c >= '0' && c <= '9' ? c - '0'
		    : c >= 'a' && c <= 'f'       ? c - 'a' + 10
						 : base;
		if (digit >= base)
			break;
		v = v * (uint64_t)base + (uint64_t)digit;
	}
	return v;
}

int
sandbox_facts(int pid, struct sandbox_facts *ret)
{
	struct buf b = BUF_INIT(65536);
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	int e = file_read(path, &b);
	if (e == 0) {
		struct str t = buf_str(&b);
		*ret = (struct sandbox_facts){
			.uid = (unsigned)first_number(status_value(t, STR("Uid:")), 10),
			.gid = (unsigned)first_number(status_value(t, STR("Gid:")), 10),
			.caps = first_number(status_value(t, STR("CapEff:")), 16),
			.no_new_privs = (int)first_number(status_value(t, STR("NoNewPrivs:")), 10),
			.seccomp = (int)first_number(status_value(t, STR("Seccomp:")), 10),
			.rss = first_number(status_value(t, STR("VmRSS:")), 10) * 1024,
		};
	}
	buf_free(&b);
	return e;
}
