/*
 * command: the rows of `guarita COMMAND`. Usage, help, completion and dispatch read the same table. Exit codes:
 * 0 nothing found, 1 failure, 2 usage, 3 incidents found.
 */
#ifndef GUARITA_CONSOLE_COMMAND_H
#define GUARITA_CONSOLE_COMMAND_H

#include "base/str.h"

enum { EXIT_CLEAN = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_INCIDENTS = 3 };

#define OPTION_FILES_MAX 1024
#define OPTION_WITNESSES_MAX 14        /* as many as stand under one note */

/* What every command may be told; a row says which it takes. */
struct options {
	bool json, plain, all, quiet, local_time;
	bool bad, fix;
	char *files[OPTION_FILES_MAX];   /* --file, as often as given */
	int nfiles;
	const char *memory;     /* what integrity remembers */
	const char *rules;      /* folder of rules */
	const char *control;    /* control socket */
	const char *config;     /* configuration whose changes are meant */
	const char *in;         /* interface that a packet comes by */
	const char *vault;      /* directory of a vault */
	const char *key;        /* identity of a vault, as its owner gave it */
	const char *auditor;    /* the auditor's key */
	char *witnesses[OPTION_WITNESSES_MAX];  /* --witness: keys of those whose signatures must be there */
	int nwitnesses;
	const char *out;        /* write there, not to the screen */
	bool html;
	bool force;             /* although it is advised against */
	int64_t within_us;      /* time to confirm */
	int64_t for_us;         /* how long; 0: as the command has it */
	uint64_t packets;       /* how many; 0: likewise */
	bool follow;
	bool lines_given;
	uint64_t lines, context;      /* how many to show, 0: all; how many around each */
	int64_t since_us, until_us;   /* WHEN_NONE: no bound */
	int64_t now_us;
	char **args;
	int nargs;
};

struct command {
	const char *name;
	const char *sub;        /* NULL, or the second word */
	const char *args;       /* for usage: "PATH..." */
	int min_args, max_args; /* -1: any number */
	const char *takes;      /* letters of option_rows this command takes */
	const char *help;
	int (*run)(const struct options *o);
};

/* argv as main() has it. Returns the exit code. */
int command_main(int argc, char **argv);

int command_scan(const struct options *o);
int command_decode(const struct options *o);
int command_explain(const struct options *o);
int command_rules_list(const struct options *o);
int command_rules_test(const struct options *o);
int command_rules_show(const struct options *o);
int command_check(const struct options *o);
int command_run(const struct options *o);
int command_status(const struct options *o);
int command_watch(const struct options *o);
int command_reload(const struct options *o);
int command_stop(const struct options *o);
int command_fw_rules(const struct options *o);
int command_fw_counters(const struct options *o);
int command_fw_trace(const struct options *o);
int command_interfaces(const struct options *o);
int command_routes(const struct options *o);
int command_bans(const struct options *o);
int command_vpn_list(const struct options *o);
int command_vpn_show(const struct options *o);
int command_vpn_kick(const struct options *o);
int command_vpn_dial(const struct options *o);
int command_vpn_test(const struct options *o);
int command_vpn_password(const struct options *o);
int command_vpn_last(const struct options *o);
int command_block(const struct options *o);
int command_unblock(const struct options *o);
int command_accounting_on(const struct options *o);
int command_accounting_off(const struct options *o);
int command_accounting_rotate(const struct options *o);
int command_audit(const struct options *o);
int command_integrity(const struct options *o);
int command_who(const struct options *o);
int command_last(const struct options *o);
int command_lastlog(const struct options *o);
int command_lastcomm(const struct options *o);
int command_vault_status(const struct options *o);
int command_vault_verify(const struct options *o);
int command_vault_prove(const struct options *o);
int command_vault_export(const struct options *o);
int command_vault_erase(const struct options *o);
int command_vault_rekey(const struct options *o);
int command_vault_pack(const struct options *o);
int command_vault_checkpoint(const struct options *o);
int command_verify(const struct options *o);
int command_import_routeros(const struct options *o);
int command_import_syslog(const struct options *o);
int command_why(const struct options *o);
int command_site_key(const struct options *o);
int command_site_list(const struct options *o);
int command_log(const struct options *o);
int command_story(const struct options *o);
int command_plan(const struct options *o);
int command_apply(const struct options *o);
int command_confirm(const struct options *o);
int command_rollback(const struct options *o);
int command_undo(const struct options *o);
int command_history(const struct options *o);
int command_compare(const struct options *o);

/* Prints what an option of the configuration means; false when there is none of that name. */
bool explain_option(const struct options *o, struct str path);
/* Prints what follows from a name of the gate's configuration; false when it is none. */
bool explain_gate(const struct options *o, struct str name);
/* Shared by the commands: opens the rules or prints why not. */
struct engine;
int command_engine(struct engine *e, const struct options *o) WARN_UNUSED;

#endif
