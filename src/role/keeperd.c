/*
 * keeperd: waits beside a change that is not confirmed yet, and puts the old configuration back when its time is over.
 * A process of its own with everything it must know on the disk: the supervisor starts it, starts it again when it is
 * killed, and may die itself; then the old state is put into the kernel from here. Must never keep in memory what
 * decides: the book is read anew each time.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "console/gate/history.h"
#include "console/remote.h"
#include "role/conffile.h"
#include "role/log.h"
#include "role/unit.h"

#define LOOK_EVERY_MS 500              /* a confirmation is noticed so soon; nothing hangs on it */
#define ANSWER_S 20                    /* a supervisor that is silent for so long is taken for dead */
#define TRIES 5

struct keeper {
	struct log log;
	const char *config;
};

static void
rest(int64_t us)
{
	struct timespec t = { .tv_sec = us / WHEN_SECOND, .tv_nsec = us % WHEN_SECOND * 1000 };

	nanosleep(&t, NULL);
}

/*
 * Until the change that waits is due. 1: it is; 0: nothing waits any more, or -errno. The lock is not taken: the book
 * is replaced as a whole.
 */
static int
wait_until_due(const struct keeper *k)
{
	for (;;) {
		struct history h;
		int r = history_open(&h, k->config, HISTORY_LOOK);
		struct change_now now = history_now(&h);
		int64_t left = r < 0 ? 0 : change_left_us(&h.book, &now);
		bool waits = r == 0 && h.book.pending;

		history_close(&h);
		if (r < 0 || !waits)
			return r < 0 ? r : 0;
		if (left == 0)
			return 1;
		rest(left < LOOK_EVERY_MS * 1000 ? left : LOOK_EVERY_MS * 1000);
	}
}

/*
 * Writes down that it is over. A confirmation in the same moment holds the lock: whoever comes first wins, and the
 * book says who it was. 1: rolled back, by us or by somebody else; 0: it was confirmed.
 */
static int
settle(const struct keeper *k)
{
	struct history h;
	int r = history_open(&h, k->config, HISTORY_CHANGE);

	if (r == 0) {
		struct change_now now = history_now(&h);
		uint32_t last = h.book.nchanges ? h.book.changes[h.book.nchanges - 1].number : 0;

		if (change_settle(&h.book, &now))
			r = history_save(&h);
		if (r == 0)
			r = h.book.boots != last;
	}
	history_close(&h);
	return r;
}

static int
ask_supervisor(const struct config *config)
{
	struct timeval patience = { .tv_sec = ANSWER_S };
	struct remote r;
	struct str line = STR_NULL;
	int rc = remote_open(&r, config->control.path.p);

	if (rc < 0)
		return rc;
	if (setsockopt(r.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0)
		rc = -errno;
	if (rc == 0)
		rc = remote_ask(&r, "reload");
	if (rc == 0)
		rc = remote_line(&r, &line);
	if (rc == 1)
		rc = str_find(line, STR("\"ok\":true")) < line.n ? 0 : -EINVAL;
	else if (rc == 0)
		rc = -EPIPE;
	remote_close(&r);
	return rc;
}

/* Nobody to ask: the kernel's state is put back by the program that would do it anyway. */
static int
put_back(const struct keeper *k, const char *held)
{
	char program[PATH_MAX];
	int status, r = unit_program_named("netd", program, sizeof(program));
	pid_t pid = r < 0 ? -1 : fork();

	if (pid == 0) {
		execl(program, "netd", "--config", held, "--once", (char *)NULL);
		_exit(127);
	}
	if (pid < 0)
		return r < 0 ? r : -errno;
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EIO;
}

static int
restore(const struct keeper *k)
{
	struct conffile file;
	char held[PATH_MAX];
	int r = history_runs(k->config, HISTORY_RUNNING, held, sizeof(held));

	if (r == 0)
		r = conffile_read(held, &file);
	else
		return r;
	if (r == 0)
		r = ask_supervisor(file.config);
	if (r < 0) {
		log_say(&k->log, LOG_LEVEL_WARNING, "the supervisor does not answer (%s): the old state is put back from here",
		    strerror(-r));
		r = put_back(k, held);
	}
	conffile_free(&file);
	return r;
}

static int
go_back(const struct keeper *k)
{
	int r = settle(k);

	if (r == 0)
		return 0;
	/* Even when the book cannot be written its own time says that the change is over. */
	if (r < 0)
		log_say(&k->log, LOG_LEVEL_ERROR, "%s.history: %s", k->config, strerror(-r));
	log_say(&k->log, LOG_LEVEL_WARNING, "the change was not confirmed: the old configuration is put back");
	for (int i = 0; i < TRIES; i++) {
		r = restore(k);
		if (r == 0) {
			log_say(&k->log, LOG_LEVEL_INFO, "the old configuration runs again");
			return 0;
		}
		rest(WHEN_SECOND);
	}
	log_say(&k->log, LOG_LEVEL_ERROR, "the old configuration could not be put back: %s; it boots all the same",
	    strerror(-r));
	return r;
}

int
main(int argc, char **argv)
{
	struct keeper k = { .log = log_open("keeperd") };
	int r;

	if (argc != 3 || strcmp(argv[1], "--config") != 0) {
		fprintf(stderr, "usage: keeperd --config FILE\n");
		return 2;
	}
	k.config = argv[2];
	signal(SIGPIPE, SIG_IGN);
	/* The supervisor's end is no reason to go: that is when it is needed. */
	signal(SIGHUP, SIG_IGN);
	r = wait_until_due(&k);
	if (r == 1)
		r = go_back(&k);
	else if (r < 0)
		log_say(&k.log, LOG_LEVEL_ERROR, "%s.history: %s", k.config, strerror(-r));
	return r < 0;
}
