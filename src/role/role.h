/*
 * role: what every process of Guarita does alike: arguments, configuration, the order of starting
 * (open what is needed, give up rights, say ready, only then read foreign bytes), the link to the
 * supervisor, stopping.
 *
 * By hand: `intaked --config FILE`; the supervisor adds --control and the descriptors.
 */
#ifndef GUARITA_ROLE_ROLE_H
#define GUARITA_ROLE_ROLE_H

#include "msg/chan.h"
#include "role/conffile.h"
#include "role/log.h"
#include "sys/sandbox.h"

#define ROLE_SOCKETS_MAX 100
#define ROLE_PATHS_MAX 300

enum role_paths {
	PATHS_STATE = 1 << 0,          /* state-dir, to write */
	PATHS_SPOOL = 1 << 1,          /* the spool and the archive, to write */
	PATHS_SOURCES = 1 << 2,        /* followed files, to read */
	PATHS_ZONES = 1 << 3,          /* time zones and /proc/self */
	PATHS_VAULT = 1 << 4,          /* the vault, to write */
	PATHS_PACK = 1 << 7,           /* the log of the vault, to read, and its segments, to write */
	PATHS_GATE = 1 << 5,           /* the gate's state and the network's switches, to write */
	PATHS_NAMES = 1 << 6,          /* what the C library reads to look a name up */
	PATHS_SHIP = 1 << 9,           /* the log of the vault and its nonces, to read, and how far it is shipped, to write */
	PATHS_LINK = 1 << 8,           /* what is remembered of other sites, to write */
};

struct role_row {
	enum msg_peer peer;
	const char *name, *user;
	uint64_t caps;
	enum sandbox_calls calls;
	unsigned paths;                /* enum role_paths */
	const char *help;
};

size_t role_rows(const struct role_row **ret);
const struct role_row *role_row(enum msg_peer peer);
const struct role_row *role_row_named(struct str name);
/* The user that the row and the configuration give it. */
const char *role_user(const struct role_row *row, const struct config *c);

struct role_socket {
	struct str key;                /* intake_socket_key() */
	int fd;
};

struct role;

struct role_calls {
	/* config_file_unseal() where passwords of the configuration are used; NULL keeps libcrypto out of those that use none. */
	int (*unseal)(struct arena *a, struct diags *d, const char *path, struct config **config, struct str *ret_key);
	/* Still with all rights: open and load. 0 or -errno, after having said why. */
	int (*prepare)(void *ctx, struct role *r);
	/*
	 * Rights are given up: load what takes long or may not be trusted. The end of a check. May
	 * be NULL.
	 */
	int (*load)(void *ctx, struct role *r);
	/* Ready was said: start. May be NULL. */
	int (*begin)(void *ctx, struct role *r);
	/* A link to another role; fd is yours. May be NULL. */
	void (*link)(void *ctx, enum msg_peer peer, int fd);
	/* The supervisor wants a line sealed; may be NULL where none goes. */
	void (*seal)(void *ctx, struct str line);
	/* Somebody at the control socket wants something; may be NULL where no order goes. */
	void (*order)(void *ctx, const struct msg_order *m);
	/* Members of a JSON object, without the braces: "\"lines\":1". */
	void (*status)(void *ctx, struct buf *json);
	/* Finish and call role_end(). */
	void (*stop)(void *ctx, uint32_t grace_ms);
	void (*finish)(void *ctx);     /* the loop is over: free everything */
};

struct role {
	const struct role_row *row;
	const struct role_calls *calls;
	void *ctx;
	struct log log;
	const char *config_path;
	struct conffile file;
	const struct config *config;
	struct role_socket sockets[ROLE_SOCKETS_MAX];
	size_t nsockets;
	int control_fd;
	struct chan *control;          /* NULL: run by hand */
	struct loop *loop;
	struct sandbox_report sandbox;
	bool check_only;               /* prepare and load, then leave: for `--check` */
	bool stopping;
	int exit_status;
};

int role_main(int argc, char **argv, enum msg_peer peer, const struct role_calls *calls, void *ctx);
/*
 * Before rights are given up: a directory that belongs to the role's user. What already exists is
 * left as it is, except that a directory of root's is given to the user.
 */
int role_make_dir(const struct role *r, const char *path, unsigned mode) WARN_UNUSED;
/* Likewise a file, opened for appending: the descriptor or -errno. */
int role_open_append(const struct role *r, const char *path, unsigned mode) WARN_UNUSED;
/* The limit that can be set in this build. */
uint64_t role_memory_limit(uint64_t configured);
/* Leaves the loop; what was queued for the supervisor is still sent. */
void role_end(struct role *r, int exit_status);
/* A piece of the answer to an order, lines of JSON; the last piece says so. */
void role_answer(struct role *r, uint32_t id, struct str json, bool last);

#endif
