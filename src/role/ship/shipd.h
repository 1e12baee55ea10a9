/*
 * shipd: what the files of shipd share. Lines that are signed go to an engine elsewhere, in order; how far it has come the
 * engine itself is asked whenever a connection begins, so that nothing is sent twice whatever was killed. An engine is
 * not trusted: each line goes with its number and its nonce, and whoever reads it there can compute the tree again.
 */
#ifndef GUARITA_ROLE_SHIP_SHIPD_H
#define GUARITA_ROLE_SHIP_SHIPD_H

#include "console/vault/dir.h"
#include "role/role.h"
#include "sys/tls.h"
#include "conf/syslog_select.h"
#include "role/ship/select.h"

#define SHIP_SENT_MAX 128                  /* even */

struct ship_engine;
struct ship_kinds;

struct ship_sent {                     /* a batch that a stream took */
	uint64_t first;
	size_t bytes;
};

struct ship {
	const struct conf_ship *conf;  /* of an engine */
	const struct conf_relay *relay;        /* or of a syslog host, a file */
	const struct ship_engine *engine;
	struct str site;
	const char *vault;
	char name[128];                /* "nats-127.0.0.1:4222": of its file in the vault */
	char label[300];               /* for people */
	char address[80];
	int fd;                        /* -1: not connected */
	struct buf in, out;
	size_t taken;                  /* of in */
	struct str origin;             /* of the log */
	struct buf origin_text;
	/* What the loop's thread reads while the worker does not run. */
	uint64_t at;                   /* line that is sent next */
	uint64_t size;                 /* lines that were signed when last looked */
	uint64_t lines, batches, skipped;
	int error;
	char why[256];
	bool told, busy;
	bool vault_gone;               /* the last error is of the vault, not of the engine */
	/* Of a relay. relay.c */
	struct syslog_select select;
	struct ship_kinds *kinds;      /* NULL: whatever they mean */
	struct tls_trust *trust;
	struct tls *tls;
	int file;
	bool datagrams;
	char host[256];                /* this machine */
	struct buf text, part;         /* what is sent at once; the beginning of a long line */
	struct ship_sent sent[SHIP_SENT_MAX];  /* over this connection */
	unsigned nsent;
	uint64_t relayed, repeated;    /* lines; entries gone back over after a reset */
	struct role *role;
	struct timer *timer;
	const struct vault_told *vault_told;
	struct keyring ring;           /* of the work that runs: what vaultd told */
	_Atomic bool stop;             /* told to the worker */
};

struct ship_batch {
	uint64_t first, count;
	struct buf lines;              /* u16 length, nonce and record; one after the other */
};

struct ship_engine {
	const char *name;
	size_t bytes;                  /* of a batch, about */
	/* Connects and asks how far it has come: *ret_at. 0 or -errno with s->why. */
	int (*open)(struct ship *s, uint64_t *ret_at);
	/* Hands over a batch and waits until it is kept there. */
	int (*send)(struct ship *s, const struct ship_batch *b);
	/* Nothing is to be handed over: does what was still stand? May set s->at back. NULL: it does. */
	int (*idle)(struct ship *s);
};

extern const struct ship_engine ship_nats, ship_clickhouse, ship_relay;

/* relay.c. Before rights are given up; and the host and port (at least 16 bytes; may be NULL) of its HOST[:PORT]. */
int ship_relay_prepare(struct ship *s) WARN_UNUSED;
void ship_relay_close(struct ship *s);
int ship_relay_host(const struct conf_relay *c, char host[256], char *port) WARN_UNUSED;

int ship_fault(struct ship *s, int error, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* wire.c: a connection that blocks, with a limit. */
int ship_connect(struct ship *s) WARN_UNUSED;
void ship_disconnect(struct ship *s);
/* Everything in s->out. */
int ship_flush(struct ship *s) WARN_UNUSED;
/* Some more into s->in: count, 0 at the end, or -errno. */
int ship_more(struct ship *s) WARN_UNUSED;

/* log.c: lines from `at` on, as far as they are signed: b->count may be 0. */
int ship_read(struct ship *s, struct ship_batch *b) WARN_UNUSED;
/* The file that tells vaultd how far we have come. */
int ship_note(const struct ship *s) WARN_UNUSED;

#endif
