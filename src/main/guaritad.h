/* guaritad: what the files of the supervisor share. */
#ifndef GUARITA_MAIN_GUARITAD_H
#define GUARITA_MAIN_GUARITAD_H

#include <limits.h>

#include "role/control.h"
#include "role/sockets.h"
#include "role/unit.h"
#include "sys/notify.h"

#define UNITS_MAX 16
#define BEAT_MS 5000
#define STATUS_WAIT_MS 500
#define BANS_MAX (4u << 20)
#define ASKERS_MAX 16
#define ORDERS_MAX 64

struct waiting_order {                 /* passed on to a role, not answered yet */
	uint32_t id;                   /* 0: none */
	struct control_client *client; /* NULL: went away meanwhile */
};

struct guaritad {
	struct log log;
	struct loop *loop;
	char *config_path;             /* the operator's file */
	char *load_path;               /* what is loaded: that file, or the generation that is held instead */
	char *next_path;               /* of a reload that is being checked */
	struct conffile file;
	uint64_t fingerprints[CONFFILE_PARTS];
	struct unit units[UNITS_MAX];
	size_t nunits;
	struct sockets sockets;
	struct control *control;
	struct notify notify;
	struct timer *beat, *watchdog, *answer;
	struct control_client *askers[ASKERS_MAX];     /* wait for a status */
	struct control_client *reloader;               /* waits for the end of a reload; may be NULL */
	size_t naskers;
	struct waiting_order orders[ORDERS_MAX];
	uint32_t order_id;
	uint32_t ask_id;
	int pid_fd;
	char pid_path[PATH_MAX];
	struct conffile next;          /* of a reload that is being checked */
	struct sockets next_sockets;
	struct child *check;
	struct child *keeper;          /* waits beside a change that is not confirmed */
	enum msg_peer checking;        /* whose turn it is to try */
	bool started, ready, stopping, reload_again;
	size_t told_running;           /* roles, as the service manager heard last */
	char reload_result[256];
	bool accounting;               /* switched on by us, to accounting_path */
	int accounting_error;          /* told last */
	char accounting_path[PATH_MAX];
	int64_t since_us;
	struct buf records;            /* lines for the vault that wait for vaultd */
	uint64_t records_lost;
	uint32_t change_told;          /* the newest change that was told, and whether its end was */
	bool change_end_told, changes_known;
	int exit_status;
};

/* guaritad.c */
bool guaritad_wants(const struct guaritad *g, const struct role_row *row);
void guaritad_start_unit(struct guaritad *g, struct unit *u);
void guaritad_stop(struct guaritad *g);
/* guaritad_reload.c: the new configuration and rules are checked first; a bad one changes nothing. */
void guaritad_reload(struct guaritad *g);
/* Tries the rules; when they are good what follows is begun. */
int guaritad_check(struct guaritad *g) WARN_UNUSED;
/* guaritad_change.c: what to load at the start, and at a reload; keeping what was loaded first. */
int guaritad_choose_first(struct guaritad *g) WARN_UNUSED;
int guaritad_choose_next(struct guaritad *g) WARN_UNUSED;
int guaritad_adopt(struct guaritad *g) WARN_UNUSED;
void guaritad_tend_change(struct guaritad *g);
/* guaritad_record.c */
void guaritad_record(struct guaritad *g, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void guaritad_flush_records(struct guaritad *g);
void guaritad_record_unit(struct guaritad *g, const struct unit *u);
void guaritad_record_wish(struct guaritad *g, const struct sock_peer *by, bool may, struct str line);
void guaritad_record_changes(struct guaritad *g);
/* guaritad_accounting.c */
void guaritad_tend_accounting(struct guaritad *g);
/* guaritad_orders.c */
void guaritad_order(struct guaritad *g, struct control_client *c, struct str word, struct str line);
void guaritad_order_answer(struct guaritad *g, const struct msg_answer *m);
void guaritad_order_gone(struct guaritad *g, const struct control_client *c);
void guaritad_orders_fail(struct guaritad *g);
/* guaritad_control.c */
int guaritad_open_control(struct guaritad *g) WARN_UNUSED;
void guaritad_ask_all(struct guaritad *g);
void guaritad_on_answer_due(void *ctx);
void guaritad_on_unit_status(void *ctx, struct unit *u, uint32_t id);

#endif
