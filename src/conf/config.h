/*
 * config: what guarita.conf says, as structs. The rows in config.c are the one truth about every
 * option: keyword, default, range, help. Reads no file: the caller hands in the text, and a
 * callback that reads included ones. Texts (struct str) that are paths are NUL-terminated.
 * Durations are in microseconds, sizes in bytes.
 */
#ifndef GUARITA_CONF_CONFIG_H
#define GUARITA_CONF_CONFIG_H

#include "conf/config_gate.h"
#include "conf/config_link.h"
#include "conf/config_relay.h"
#include "conf/config_tls.h"
#include "conf/config_vpn.h"
#include "conf/tree.h"
#include "conf/value.h"

enum conf_source_type {
	CONF_SOURCE_FILES,        /* paths, poll_us, from */
	CONF_SOURCE_UDP,          /* listen, buffer */
	CONF_SOURCE_TCP,          /* listen, framing, max_line, max_clients, idle_us */
	CONF_SOURCE_TLS,          /* the same, and certificate, key, authority, senders, pinned */
	CONF_SOURCE_UNIX,         /* listen.path, mode, buffer */
	CONF_SOURCE_JOURNAL,      /* paths[0]: pipe or file with an export stream; none: this machine's own */
	CONF_SOURCE_STDIN,
	CONF_SOURCE_GATE,         /* buffer; what the packet filter hands over: never written, it follows */
	CONF_SOURCE_ACCOUNTS,     /* paths: account files of this machine; from */
};

enum conf_from { CONF_FROM_END, CONF_FROM_START };     /* where a file never seen before is begun */
enum conf_framing { CONF_FRAMING_AUTO, CONF_FRAMING_OCTET, CONF_FRAMING_LINE };

struct conf_source {
	enum conf_source_type type;
	struct conf_pos where;
	struct str name;               /* as shown to people: "udp :514", "files /var/log/auth.log" */
	struct conf_strs paths;        /* paths or globs */
	struct conf_endpoint listen;
	struct str program;            /* taken for lines that name none; empty: none */
	int64_t poll_us;               /* look for new files and changes that no event told */
	enum conf_from from;
	uint64_t buffer;               /* kernel receive buffer */
	enum conf_framing framing;
	uint64_t max_line;             /* longer lines are cut and counted */
	int64_t max_clients;
	int64_t idle_us;               /* a client silent for so long is closed */
	struct str certificate, key, authority;        /* PEM files */
	struct conf_strs senders;      /* names that certificates of senders may have; none: any */
	struct conf_sender *pinned;    /* those whose certificates count without an authority */
	uint32_t npinned;
	int64_t mode;                  /* of the unix socket */
	int64_t silence_us;            /* nothing for so long is an event; 0: never */
	struct str timezone;           /* of its stamps that do not say theirs; empty: that of the config */
};

enum conf_archive_format { CONF_ARCHIVE_RAW, CONF_ARCHIVE_JSON };

struct conf_archive {                  /* received lines written to files */
	struct conf_pos where;
	struct str path;               /* directory */
	enum conf_archive_format format;
	uint64_t rotate;               /* a new file after so many bytes */
	int64_t keep_us;               /* files older than this are deleted; 0: never */
	int64_t sync_us;               /* fsync at least so often; 0: left to the kernel */
};

struct conf_accounting {               /* the kernel's process accounting */
	struct conf_pos where;
	struct str path;
	uint64_t rotate;               /* a new file after so many bytes; 0: never */
	int64_t every_us;              /* and after so long; 0: never */
	int64_t keep;                  /* old files */
};

struct conf_keep {                     /* lines that a rule of retention speaks of */
	struct conf_pos where;
	struct str what;               /* a program, or a query */
	int64_t for_us;                /* 0: for ever */
};

struct conf_hold {                     /* lines that nothing deletes while this stands */
	struct conf_pos where;
	struct str name;
	struct str what;               /* a query; empty: every line */
};

struct conf_retention {
	struct conf_pos where;
	struct conf_keep *keeps;       /* the first that fits a line decides */
	uint32_t nkeeps;
	int64_t others_us;             /* lines that no rule speaks of; 0: for ever */
	uint64_t size;                 /* of the whole vault; 0: as the disk allows */
	struct conf_hold *holds;
	uint32_t nholds;
};

enum conf_ship_engine { CONF_SHIP_NATS, CONF_SHIP_CLICKHOUSE };

struct conf_ship {                     /* where sealed lines are handed on to */
	struct conf_pos where;
	enum conf_ship_engine engine;
	struct conf_endpoint to;
	struct str stream;             /* NATS: of JetStream, and the first word of subjects */
	struct str table;              /* ClickHouse */
	struct str user, password;     /* empty: none is asked for */
};

enum conf_vault_key_kind { CONF_KEY_FILE, CONF_KEY_CREDENTIAL };

struct conf_vault_key {                /* under which the master key is wrapped */
	struct conf_pos where;
	enum conf_vault_key_kind kind;
	struct str name;               /* path, or name of the credential */
};

struct conf_vault {                    /* every line sealed before anything else acts on it */
	struct conf_pos where;
	struct str path;               /* directory */
	struct str origin;             /* name of the log in checkpoints and proofs */
	int64_t epoch_us;              /* a signing key lives so long */
	int64_t epochs;                /* signing keys made when the vault is made */
	int64_t frame_us;              /* lines wait at most so long for others */
	bool encrypt;                  /* log and segments, each file with a key of its own */
	struct conf_vault_key *key;    /* NULL: the master key lies in the vault */
	struct conf_retention *retention;      /* NULL: everything is kept */
	struct conf_ship *ships;
	uint32_t nships;
	uint64_t ship_backlog;         /* so much of the log waits for them */
};

struct conf_watch {
	int64_t lateness_us;           /* how late a record may come in event time */
	int64_t keys;                  /* live correlation keys over all rules */
	int64_t state_interval_us;     /* state is written so often */
	struct conf_strs disable_rules;
};

/* Same order as enum severity of event/kind.h. */
enum conf_severity { CONF_INFO, CONF_LOW, CONF_MEDIUM, CONF_HIGH, CONF_CRITICAL };

struct conf_command {
	struct conf_strs argv;         /* {src} {user} {kind} ... are replaced; never a shell */
	int64_t timeout_us;
};

enum conf_ban_scope { CONF_BAN_HOST, CONF_BAN_NET, CONF_BAN_PROGRAM };

struct conf_escalate {
	int64_t factor;                /* each further ban of a source is so many times longer */
	int64_t max_us;
};

struct conf_ban {
	int64_t duration_us;           /* 0: for ever */
	enum conf_ban_scope scope;
	struct conf_escalate escalate;
};

struct conf_throttle {
	int64_t count;                 /* at most so many */
	int64_t per_us;                /* in this time */
	struct conf_strs by;           /* for each value of these fields; none: overall */
};

struct conf_respond {
	struct conf_pos where;
	struct str name;
	enum conf_severity severity;   /* of this or graver */
	struct conf_strs kinds;        /* "auth.*"; none: every kind */
	bool print;
	struct str file;               /* JSON lines are appended; empty: none */
	struct conf_command *command;  /* NULL: none */
	struct conf_ban *ban;          /* NULL: none */
	struct conf_throttle *throttle;/* NULL: none */
};

struct conf_limits {
	uint64_t memory;               /* of one process */
	uint64_t max_line;
	int64_t files;                 /* followed at the same time */
};

enum conf_log_level { CONF_LOG_ERROR, CONF_LOG_WARNING, CONF_LOG_INFO, CONF_LOG_DEBUG };

struct conf_role {                     /* overrides for one process */
	struct conf_pos where;
	struct str name;               /* "intaked", "watchd" ...: the role table knows which exist */
	struct str user;               /* empty: as the role table says */
	uint64_t memory;               /* 0: limits memory */
};

struct conf_control {
	struct str path;               /* unix socket; run-dir/control unless given */
	int64_t mode;
};

struct config {
	struct str site;
	struct str timezone;           /* "local", a zone name, or an offset such as "-03:00" */
	struct str state_dir, run_dir;
	struct conf_strs rules_dirs;
	struct conf_cidrs own;         /* own networks: never blamed as outsiders, never banned */
	struct conf_cidrs never_ban;
	struct conf_source *sources;
	uint32_t nsources;
	struct conf_archive *archive;  /* NULL: none */
	struct conf_accounting *accounting;    /* NULL: left as it is */
	struct conf_vault *vault;      /* NULL: none */
	struct conf_relay *relays;
	uint32_t nrelays;
	struct conf_watch watch;
	struct conf_respond *responds;
	uint32_t nresponds;
	struct conf_limits limits;
	enum conf_log_level log_level;
	struct conf_role *roles;
	uint32_t nroles;
	struct conf_control control;
	struct conf_gate gate;
	struct conf_vpn vpn;
	struct conf_sites sites;
	bool sealed;                   /* words stand here as they are sealed: passwords are none yet */
	const struct conf_stmt *tree;  /* the statements it was read from: where a value comes from */
};

/*
 * Reads an included file, or all files of a glob, in order of their names: calls add(add_ctx, name,
 * text) for each; name and text must outlive the diags. `spec` is as written; `from` is the name of
 * the file that includes. 0, or -errno when there is nothing to read (a glob that matches nothing
 * is 0).
 */
typedef int conf_read_fn(void *ctx, struct str from, struct str spec,
    void (*add)(void *add_ctx, struct str name, struct str text), void *add_ctx);

#define CONF_SOURCES_MAX 1024
#define CONF_RESPONDS_MAX 256
#define CONF_ROLES_MAX 64
#define CONF_INCLUDE_DEPTH_MAX 16
#define CONF_INCLUDE_FILES_MAX 1000

/* Makes a word that begins with `sealed:` plain: 0 with *ret in the arena, or -errno. */
typedef int conf_unseal_fn(void *ctx, struct arena *a, struct str word, struct str *ret);

struct conf_reader {
	conf_read_fn *read;            /* NULL: include is refused */
	void *ctx;
	conf_unseal_fn *unseal;        /* NULL: they are left as they are */
	void *unseal_ctx;
};

/*
 * Checks and loads a whole configuration. 0, or -EINVAL with at least one error in d (every fault
 * is reported), or -ENOMEM. Warnings do not refuse it. Everything lives in the arena; name and text
 * must outlive d.
 */
int config_load(struct arena *a, struct diags *d, struct str name, struct str text,
    const struct conf_reader *reader, struct config **ret) WARN_UNUSED;

/*
 * The whole configuration as text that loads to the same again, defaults and derived values filled
 * in.
 */
void config_show(const struct config *c, struct buf *out);
/*
 * What an option means ("udp.buffer", "site"), its range and default; with c also its value there,
 * and where that comes from: file and line, default, or derived. d is the one of config_load. 0, or
 * -ENOENT: the nearest is named.
 */
int config_explain(const struct config *c, const struct diags *d, struct str path,
    struct buf *out) WARN_UNUSED;

/* Zones of stamps: number 0 that of the whole, then one for each source, empty where it has none. False behind the last. */
bool config_zone(const struct config *c, uint32_t i, struct str *ret, struct conf_pos *ret_where);
/* Where the first password stands that is not sealed; false: there is none. */
bool config_plain_password(const struct config *c, struct conf_pos *ret);

/* Roles named in the text that are not among the known ones: an error each, with the nearest. */
void config_check_roles(const struct config *c, const struct str *known, size_t n, struct diags *d);

/* What a command's {word} may be: names of the JSON report of an incident. */
extern const struct str conf_placeholders[];
extern const size_t conf_nplaceholders;

struct schema;
extern const struct schema config_schema;     /* for the generators: conf/schema_doc.h */

#endif
