/*
 * filter: which system calls a role may make (libseccomp). The sets are lists of allowed calls;
 * SPAWN is the exception, since what it starts inherits it: there the gravest calls are refused.
 * Refused calls give EPERM, so that a library that only tries something goes on. Must never allow
 * opening a socket or starting a program where the set says not.
 */
#include <errno.h>
#include <seccomp.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "sys/sandbox.h"

#define CALL(name) SCMP_SYS(name)

static const int calls_files[] = {
	CALL(read), CALL(write), CALL(readv), CALL(writev), CALL(pread64), CALL(pwrite64), CALL(preadv), CALL(pwritev),
	CALL(open), CALL(openat), CALL(close), CALL(stat), CALL(fstat), CALL(lstat), CALL(newfstatat), CALL(statx),
	CALL(lseek), CALL(access), CALL(faccessat), CALL(faccessat2), CALL(readlink), CALL(readlinkat), CALL(getdents64),
	CALL(getdents), CALL(getcwd), CALL(fcntl), CALL(flock), CALL(fsync), CALL(fdatasync), CALL(ftruncate),
	CALL(fallocate), CALL(sync_file_range), CALL(rename), CALL(renameat), CALL(renameat2), CALL(unlink),
	CALL(unlinkat), CALL(mkdir), CALL(mkdirat), CALL(umask), CALL(fadvise64), CALL(statfs), CALL(fstatfs),
	CALL(dup), CALL(dup3),
	CALL(mmap), CALL(munmap), CALL(mremap), CALL(mprotect), CALL(madvise), CALL(brk), CALL(membarrier),
	CALL(epoll_create1), CALL(epoll_ctl), CALL(epoll_wait), CALL(epoll_pwait), CALL(epoll_pwait2), CALL(poll),
	CALL(ppoll), CALL(select), CALL(pselect6), CALL(eventfd2), CALL(pipe2), CALL(timerfd_create),
	CALL(timerfd_settime), CALL(ioctl),
	CALL(sendmsg), CALL(recvmsg), CALL(sendto), CALL(recvfrom), CALL(getsockopt), CALL(shutdown),
	CALL(futex), CALL(set_robust_list), CALL(rseq), CALL(sched_yield),
	CALL(sched_getaffinity), CALL(gettid), CALL(getpid), CALL(getppid), CALL(getuid), CALL(geteuid), CALL(getgid),
	CALL(getegid), CALL(prctl), CALL(arch_prctl),
	CALL(clock_gettime), CALL(clock_getres), CALL(clock_nanosleep), CALL(nanosleep), CALL(gettimeofday), CALL(time),
	CALL(rt_sigaction), CALL(rt_sigprocmask), CALL(rt_sigreturn), CALL(sigaltstack), CALL(tgkill), CALL(restart_syscall),
	CALL(getrandom), CALL(getrusage), CALL(times), CALL(sysinfo), CALL(uname), CALL(prlimit64), CALL(getrlimit),
	CALL(exit), CALL(exit_group), CALL(get_mempolicy), CALL(capget), CALL(close_range),
};

static const int calls_network[] = {
	CALL(recvmmsg), CALL(sendmmsg), CALL(accept), CALL(accept4), CALL(getsockname), CALL(getpeername),
	CALL(setsockopt), CALL(splice), CALL(inotify_init1), CALL(inotify_add_watch), CALL(inotify_rm_watch),
};

static const int calls_netconf[] = { CALL(bind), CALL(connect) };

/* Without execve: what is started is a copy of us. */
static const int calls_task[] = { CALL(fork), CALL(vfork), CALL(wait4), CALL(waitid) };

static const int calls_dial[] = {
	CALL(socket), CALL(connect), CALL(bind), CALL(sendmmsg), CALL(recvmmsg), CALL(getsockname), CALL(getpeername),
	CALL(setsockopt),
};

static const int calls_serve[] = { CALL(accept), CALL(accept4), CALL(socketpair) };

/* What no command started by us has a business with. */
static const int refused_spawn[] = {
	CALL(init_module), CALL(finit_module), CALL(delete_module), CALL(kexec_load), CALL(kexec_file_load),
	CALL(reboot), CALL(swapon), CALL(swapoff), CALL(acct), CALL(ptrace), CALL(process_vm_readv),
	CALL(process_vm_writev), CALL(bpf), CALL(perf_event_open), CALL(userfaultfd), CALL(settimeofday),
	CALL(clock_settime), CALL(adjtimex), CALL(clock_adjtime), CALL(pivot_root), CALL(iopl), CALL(ioperm),
};

static int
add_all(scmp_filter_ctx ctx, uint32_t action, const int *calls, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		/* A call that this architecture does not have is no fault. */
		int r = seccomp_rule_add(ctx, action, calls[i], 0);
		if (r < 0 && r != -EDOM && r != -EINVAL)
			return r;
	}
	return 0;
}

/*
 * A new process is more than a thread: clone may only make threads, and clone3 hides its flags in
 * memory.
 */
static int
add_threads_only(scmp_filter_ctx ctx)
{
	const uint64_t clone_thread = 0x00010000;
	int r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
	    SCMP_A0(SCMP_CMP_MASKED_EQ, clone_thread, clone_thread));

	/* The C library falls back to clone on ENOSYS only. */
	return r < 0 ? r : seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
}

/* Processes and threads, but none in namespaces of their own, where it would have rights anew. */
static int
add_tasks(scmp_filter_ctx ctx)
{
	const uint64_t clone_new = 0x7e020000;
	int r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1, SCMP_A0(SCMP_CMP_MASKED_EQ, clone_new, 0));

	if (r == 0)
		r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	return r < 0 ? r : add_all(ctx, SCMP_ACT_ALLOW, calls_task, ARRAY_LEN(calls_task));
}

/* Netlink, and the TCP client that looks whether a proxy lives; nothing that listens, nothing raw. */
static int
add_netconf(scmp_filter_ctx ctx)
{
	static const int families[] = { AF_INET, AF_INET6 };
	int r = add_all(ctx, SCMP_ACT_ALLOW, calls_netconf, ARRAY_LEN(calls_netconf));

	if (r == 0)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
		    SCMP_A0(SCMP_CMP_EQ, AF_NETLINK));
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(families); i++)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2,
		    SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)families[i]),
		    SCMP_A1(SCMP_CMP_MASKED_EQ, 0xf, SOCK_STREAM));
	return r;
}

static int
fill(scmp_filter_ctx ctx, enum sandbox_calls calls)
{
	int r;

	switch (calls) {
	case SANDBOX_CALLS_ANY:
		return 0;
	case SANDBOX_CALLS_SPAWN:
		return add_all(ctx, SCMP_ACT_ERRNO(EPERM), refused_spawn, ARRAY_LEN(refused_spawn));
	case SANDBOX_CALLS_NETCONF:
	case SANDBOX_CALLS_NETWORK:
		r = add_all(ctx, SCMP_ACT_ALLOW, calls_network, ARRAY_LEN(calls_network));
		if (r < 0)
			return r;
		break;
	case SANDBOX_CALLS_SERVE:
	case SANDBOX_CALLS_DIAL:
		r = add_all(ctx, SCMP_ACT_ALLOW, calls_dial, ARRAY_LEN(calls_dial));
		if (r == 0 && calls == SANDBOX_CALLS_SERVE)
			r = add_all(ctx, SCMP_ACT_ALLOW, calls_serve, ARRAY_LEN(calls_serve));
		if (r < 0)
			return r;
		break;
	case SANDBOX_CALLS_FILES:
	case SANDBOX_CALLS_TASK:
		break;
	}
	r = add_all(ctx, SCMP_ACT_ALLOW, calls_files, ARRAY_LEN(calls_files));
	if (r == 0 && calls == SANDBOX_CALLS_NETCONF)
		r = add_netconf(ctx);
	if (r == 0 && (calls == SANDBOX_CALLS_NETCONF || calls == SANDBOX_CALLS_TASK))
		return add_tasks(ctx);
	return r < 0 ? r : add_threads_only(ctx);
}

int
filter_enter(enum sandbox_calls calls)
{
	if (calls == SANDBOX_CALLS_ANY)
		return 0;
	scmp_filter_ctx ctx = seccomp_init(calls == SANDBOX_CALLS_SPAWN ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(EPERM));
	if (!ctx)
		return -ENOMEM;
	/*
	 * Whether we may set a filter is decided by the step before; it must not be changed behind
	 * its back.
	 */
	int r = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_NNP, 0);
	/* A tree instead of a long list: the cost of the filter is paid at every call. */
	if (r == 0)
		(void)!seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (r == 0)
		r = fill(ctx, calls);
	if (r == 0)
		r = seccomp_load(ctx);
	seccomp_release(ctx);
	return r;
}
