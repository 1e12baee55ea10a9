/*
 * sandbox: gives up rights, in the one order that works: groups, user, capabilities, no new
 * privileges, Landlock, limits, no core of secrets, and last the system call filter. A ratchet:
 * nothing given up comes back.
 *
 * Works without privileges too; then it says what could not be applied. A step that fails although
 * it should work is FAILED, and the role must not go on; one that this machine cannot do is
 * MISSING, and is shown to the operator.
 */
#ifndef GUARITA_SYS_SANDBOX_H
#define GUARITA_SYS_SANDBOX_H

#include "base/buf.h"

enum sandbox_step {
	SANDBOX_GROUPS,
	SANDBOX_USER,
	SANDBOX_CAPS,
	SANDBOX_NO_NEW_PRIVS,
	SANDBOX_LANDLOCK,
	SANDBOX_LIMITS,
	SANDBOX_NO_DUMP,
	SANDBOX_SECCOMP,
	SANDBOX_STEPS,
};

enum sandbox_state {
	SANDBOX_NOT_WANTED,        /* this role does without */
	SANDBOX_APPLIED,
	SANDBOX_MISSING,           /* the kernel cannot, or we have not the right to */
	SANDBOX_FAILED,
};

enum sandbox_calls {               /* what the system call filter allows */
	SANDBOX_CALLS_ANY,         /* no filter */
	SANDBOX_CALLS_FILES,       /* memory, clock, loop, files, messages */
	SANDBOX_CALLS_TASK,        /* and a process of its own for a task */
	SANDBOX_CALLS_DIAL,        /* those of files, and sockets of its own, as looking up a name needs them */
	SANDBOX_CALLS_SERVE,       /* and to answer on a socket that it was given */
	SANDBOX_CALLS_NETWORK,     /* and sockets that it was given, accepting, inotify */
	SANDBOX_CALLS_NETCONF,     /* and opening sockets of the kernel's own and to be a TCP client, a process of its own for a task */
	SANDBOX_CALLS_SPAWN,       /* and starting programs: they inherit the filter, so nearly everything but the gravest */
};

struct sandbox_path {
	const char *path;          /* a file or a directory with all below it; one that does not exist is left out */
	bool write;                /* else read only */
};

struct sandbox_opts {
	const char *user;          /* NULL: stays what it is */
	uint64_t keep_caps;        /* bits of CAP_* from linux/capability.h */
	bool no_new_privs;
	const struct sandbox_path *paths;   /* Landlock; NULL: no such limit */
	size_t npaths;
	uint64_t memory;           /* bytes of address space; 0: unlimited */
	uint64_t files;            /* open descriptors; 0: unchanged */
	enum sandbox_calls calls;
};

struct sandbox_report {
	enum sandbox_state state[SANDBOX_STEPS];
	int error[SANDBOX_STEPS];  /* errno of a step that is not applied, 0 when there is none */
	int landlock_abi;          /* 0: the kernel has none */
};

/* 0, or -EPERM when a step failed that should have worked. The report is filled in every case. */
int sandbox_enter(const struct sandbox_opts *o, struct sandbox_report *ret) WARN_UNUSED;
const char *sandbox_step_name(enum sandbox_step s);
const char *sandbox_state_name(enum sandbox_state s);
/* "user=applied caps=applied landlock=missing(ENOSYS) ..." */
void sandbox_report_show(const struct sandbox_report *r, struct buf *out);

/* What the kernel says of a process: read back, not remembered. */
struct sandbox_facts {
	unsigned uid, gid;
	uint64_t caps;             /* effective */
	int no_new_privs;
	int seccomp;               /* 0 none, 1 strict, 2 filter */
	uint64_t rss;              /* bytes */
};
int sandbox_facts(int pid, struct sandbox_facts *ret) WARN_UNUSED;

/*
 * Steps with a file of their own. Each gives 0 or -errno; -ENOSYS and -EOPNOTSUPP: the kernel
 * cannot.
 */
int landlock_abi(void);            /* 0: none */
int landlock_enter(const struct sandbox_path *paths, size_t n) WARN_UNUSED;
int filter_enter(enum sandbox_calls calls) WARN_UNUSED;
int caps_keep(uint64_t keep) WARN_UNUSED;          /* all sets become exactly these */
int caps_keep_over_user(void) WARN_UNUSED;         /* permitted capabilities survive the next change of user */

#endif
