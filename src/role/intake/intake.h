/*
 * intake: what the files of intaked share: the process, its sources, and the ways lines come in.
 * Each type of source is a row of operations in a file of its own.
 */
#ifndef GUARITA_ROLE_INTAKE_INTAKE_H
#define GUARITA_ROLE_INTAKE_INTAKE_H

#include "base/hash.h"
#include "role/intake/feed.h"
#include "role/role.h"
#include "sys/sock.h"

#define INTAKE_PEERS_MAX 4096      /* peers with a source of their own, per listener; others share one */
#define INTAKE_DGRAM_BATCH 128
#define INTAKE_READ_BYTES (256u << 10)

struct intake;
struct intake_source;

struct intake_ops {
	/* With all rights still: open what the source needs. NULL: nothing. */
	int (*open)(struct intake_source *s);
	/* Rights are given up: begin to receive. NULL: begins with intake_files_begin(). */
	int (*start)(struct intake_source *s);
	void (*close)(struct intake_source *s);
	/* Stop and go on reading because the reader is behind; NULL: cannot be slowed. */
	void (*slow)(struct intake_source *s, bool slow);
	void (*tick)(struct intake_source *s, int64_t now_mono_us);      /* about every second; may be NULL */
};

/* Feed sources by peer address, for one listener. */
struct intake_peers {
	struct strmap map;
	struct feed_source **sources;
	struct addr *addrs;        /* keys of the map, never moved */
	uint32_t n;
	struct addr last;          /* most datagrams come from whom the one before came from */
	struct feed_source *last_source;
	struct feed_source *others;
};

struct intake_source {
	struct intake *in;
	const struct conf_source *conf;
	const struct intake_ops *ops;
	int fd;
	struct poll *poll;
	struct feed_source *feed;  /* where the source is one and not many peers */
	struct intake_peers peers;
	uint64_t dropped;          /* by the kernel */
	uint32_t dropped_mark;     /* its 32-bit count when last seen */
	uint64_t refused, broken;  /* clients over the limit; streams that could not be understood */
	int16_t zone_min;          /* where the source has a zone of its own */
	int64_t last_us;           /* monotonic, of the last line */
	bool silent, ended;
	bool must_live;            /* its end is our end: started again, it goes on where it was */
	void *state;               /* of its type */
};

struct intake {
	struct role *role;
	struct feed *feed;
	struct archive *archive;
	struct intake_source *sources;
	uint32_t nsources;
	struct chan *watch, *peek;
	int64_t peek_second;       /* in which peekd told so many findings, and more than were taken */
	uint32_t peek_events;
	uint64_t peek_left_out;
	struct chan *tls;          /* linkd; NULL: not there */
	struct dgrams *dgrams;     /* shared: one batch is handled before the next is received */
	char *stream;              /* likewise for streams */
	struct feed_source *own;   /* what Guarita itself has to say */
	struct feed_source *seen;  /* digests of account files, for the vault; NULL: there is none */
	struct timer *tick;
	uint64_t lost_told, archive_lost_told;
	int spool_error_told;
	int64_t lost_told_us;
	bool slow, syncing;
	char host[256];
	char cursor[512];          /* of the last journal entry */
	bool cursor_new;           /* not kept yet */
	struct intake_position *positions;     /* told by the reader before it said resume */
	size_t npositions;
};

struct intake_position {
	char *path;
	struct follow_pos pos;
};

extern const struct intake_ops intake_udp_ops, intake_tcp_ops, intake_tls_ops, intake_unix_ops, intake_stdin_ops,
    intake_journal_ops, intake_files_ops, intake_gate_ops, intake_accounts_ops;

/*
 * Key and opening of the socket of a listening source; the supervisor does it for us when it has
 * rights that we lack. -ENOENT: the source has no socket.
 */
int intake_socket_key(const struct conf_source *s, struct buf *out) WARN_UNUSED;
int intake_socket_open(const struct conf_source *s) WARN_UNUSED;

/* The feed source of a peer of this listener; `what` begins its name: "udp 192.0.2.1". */
struct feed_source *intake_peer(
    struct intake_source *s, const char *what, const struct sockaddr_storage *peer);
void intake_peers_free(struct intake_peers *p);
/* A feed source with the texts of the configuration. */
struct feed_source *intake_feed_source(
    struct intake_source *s, enum entry_kind kind, struct str name, bool envelope);
void intake_took(struct intake_source *s);     /* a line came: the source is not silent */
/*
 * The program that writes the journal's export stream: starts it, its output is the descriptor
 * returned.
 */
int intake_journal_start(struct intake_source *s) WARN_UNUSED;
/* An entry of the journal was taken; and, now and then: remember how far. */
void intake_journal_note(struct intake *in, struct str entry);
void intake_journal_keep(struct intake *in);
/* A record of program guarita: "log.shrunk file=... ". Texts in it are the caller's to quote. */
void intake_event(struct intake *in, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* After lines were handed in: sends them on, and slows down or speeds up as the reader needs. */
void intake_flush(struct intake *in);
/* What peekd finds, from a new link to it. */
int intake_peek_link(struct intake *in, int fd) WARN_UNUSED;
/* A TLS sender, whose stream linkd hands on in the clear; fd is yours. `name`: "tls 192.0.2.1 web1". */
void intake_tls_client(struct intake *in, struct str listener, struct str name, int fd);
/* The reader told where it stands: follow the files from there. */
void intake_files_begin(struct intake *in);
void intake_files_pump(struct intake *in);
void intake_files_end(struct intake *in);

#endif
