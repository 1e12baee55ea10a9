/*
 * config: the table of every option of guarita.conf. A new option is one row here (and one member
 * in config.h) and nothing else: parser, ranges, help, manual page, completion and tests follow
 * from it.
 */
#include "conf/config_in.h"

#include "base/when.h"
#include "conf/schema.h"

#define KIB INT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
#define TIB (1024 * GIB)

static const char *const from_names[] = { "end", "start", NULL };
static const char *const framing_names[] = { "auto", "octet", "line", NULL };
static const char *const format_names[] = { "raw", "json", NULL };
static const char *const severity_names[] = { "info", "low", "medium", "high", "critical", NULL };
static const char *const scope_names[] = { "host", "net", "program", NULL };
static const char *const level_names[] = { "error", "warning", "info", "debug", NULL };

#define SOURCE_COMMON_ROWS \
	STRING_ROW(struct conf_source, program, .keyword = "program", .arg = "NAME", .max = 128, \
	    .common = true, \
	    .help = "the program whose decoders read lines that name none", \
	    .text = "Some files, such as the access log of a web server, do not say which " \
	        "program wrote a line.", \
	    .example = "program nginx;"), \
	STRING_ROW(struct conf_source, timezone, .keyword = "timezone", .arg = "ZONE", .max = 64, \
	    .common = true, \
	    .help = "the zone of this source's time stamps that do not say theirs", \
	    .text = "A device that keeps another time than the machine. Without the word, what " \
	        "other stamps of the source teach counts, then the timezone of the whole.", \
	    .example = "timezone -03:00;"), \
	DURATION_ROW(struct conf_source, silence_us, .keyword = "silence", .def = "never", \
	    .zero = "never", .min = 10 * WHEN_SECOND, .max = 365 * WHEN_DAY, .common = true, \
	    .help = "nothing from this source for so long is itself reported", \
	    .text = "A log that falls silent may have been cut off by an intruder.", \
	    .example = "silence 1h;"), \
	WHERE_ROW(struct conf_source, where)

static const struct schema_row files_rows[] = {
	CONST_ROW(struct conf_source, type, CONF_SOURCE_FILES),
	PATHS_ROW(struct conf_source, paths, .required = true, .reload = SCHEMA_LIVE,
	    .help = "files to follow; globs take in new files as they appear",
	    .text = "A file is followed through rotation and truncation, and its position is "
	        "kept over restarts.",
	    .example = "files \"/var/log/*.log\", \"/var/log/auth.log\";"),
	ENUM_ROW(struct conf_source, from, .keyword = "from", .names = from_names, .def = "end",
	    .help = "where a file that was never seen before is begun",
	    .example = "from start;"),
	DURATION_ROW(struct conf_source, poll_us, .keyword = "poll", .def = "5s",
	    .min = 100 * 1000, .max = WHEN_HOUR,
	    .help = "how often to look for changes that the kernel did not announce",
	    .text = "Changes are announced by the kernel at once; network file systems are the "
	        "exception.",
	    .example = "poll 1s;"),
	SOURCE_COMMON_ROWS,
};
static const struct schema files_schema = SCHEMA_OF("files", struct conf_source, files_rows);

static const struct schema_row udp_rows[] = {
	CONST_ROW(struct conf_source, type, CONF_SOURCE_UDP),
	ENDPOINT_ROW(struct conf_source, listen, .required = true, .inet = true,
	    .reload = SCHEMA_RESTART,
	    .help = "address and port that receive syslog over UDP; without an address, every one",
	    .example = "udp :514;"),
	SIZE_ROW(struct conf_source, buffer, .keyword = "buffer", .def = "8M", .min = 64 * KIB,
	    .max = GIB, .reload = SCHEMA_RESTART,
	    .help = "the kernel's receive buffer: what it holds while Guarita is busy",
	    .text = "What does not fit is lost by the kernel; such losses are counted and shown.",
	    .example = "buffer 32M;"),
	SOURCE_COMMON_ROWS,
};
static const struct schema udp_schema = SCHEMA_OF("udp", struct conf_source, udp_rows);

/* Of everything that comes in streams. */
#define STREAM_ROWS \
	ENUM_ROW(struct conf_source, framing, .keyword = "framing", .common = true, .names = framing_names, \
	    .def = "auto", \
	    .help = "how messages are told apart: by octet counts or by line ends (RFC 6587)", \
	    .text = "With auto, every connection is recognised by its first bytes.", \
	    .example = "framing octet;"), \
	SIZE_ROW(struct conf_source, max_line, .keyword = "max-line", .common = true, .derived = "limits max-line", \
	    .min = 480, .max = 16 * MIB, \
	    .help = "longer messages are cut, and counted", \
	    .example = "max-line 64K;"), \
	INT_ROW(struct conf_source, max_clients, .keyword = "max-clients", .common = true, .def = "1000", \
	    .min = 1, .max = 100000, \
	    .help = "connections at the same time; further ones are refused, and counted", \
	    .example = "max-clients 200;"), \
	DURATION_ROW(struct conf_source, idle_us, .keyword = "idle", .common = true, .def = "10m", .zero = "never", \
	    .min = WHEN_SECOND, .max = 30 * WHEN_DAY, \
	    .help = "a connection that sends nothing for so long is closed", \
	    .example = "idle 1h;")

static const struct schema_row tcp_rows[] = {
	CONST_ROW(struct conf_source, type, CONF_SOURCE_TCP),
	ENDPOINT_ROW(struct conf_source, listen, .required = true, .inet = true,
	    .reload = SCHEMA_RESTART,
	    .help = "address and port that receive syslog over TCP; without an address, every one",
	    .example = "tcp :514;"),
	STREAM_ROWS,
	SOURCE_COMMON_ROWS,
};
static const struct schema tcp_schema = SCHEMA_OF("tcp", struct conf_source, tcp_rows);

static const struct schema_row tls_rows[] = {
	CONST_ROW(struct conf_source, type, CONF_SOURCE_TLS),
	ENDPOINT_ROW(struct conf_source, listen, .required = true, .inet = true,
	    .reload = SCHEMA_RESTART,
	    .help = "address and port that receive syslog over TLS (RFC 5425)",
	    .text = "6514 is the usual port. The sender must show a certificate too: one that `authority` signed, or whose "
	        "fingerprint `sender` names.",
	    .example = "tls :6514 { certificate \"/etc/guarita/loghost.pem\"; key "
	        "\"/etc/guarita/loghost.key\"; authority \"/etc/guarita/ca.pem\"; }"),
	PATH_ROW(struct conf_source, certificate, .keyword = "certificate",
	    .reload = SCHEMA_RESTART,
	    .help = "our certificate, and behind it those that lead to its authority, in PEM",
	    .example = "certificate \"/etc/guarita/loghost.pem\";"),
	PATH_ROW(struct conf_source, key, .keyword = "key", .reload = SCHEMA_RESTART,
	    .help = "its secret key in PEM",
	    .example = "key \"/etc/guarita/loghost.key\";"),
	PATH_ROW(struct conf_source, authority, .keyword = "authority",
	    .reload = SCHEMA_RESTART,
	    .derived = "only those whom `sender` names",
	    .help = "the certificate of the authority that signs those of the senders, in PEM",
	    .example = "authority \"/etc/guarita/ca.pem\";"),
	STRINGS_ROW(struct conf_source, senders, .keyword = "senders", .arg = "NAME, ...",
	    .reload = SCHEMA_RESTART,
	    .help = "names that the certificates of senders may have; without it, any",
	    .text = "*.example.com takes every name with one word in front. The name that was proved "
	        "becomes part of the source's.",
	    .example = "senders web1.example.com, *.branch.example.com;"),
	BLOCKS_ROW(struct conf_source, pinned, npinned, struct conf_sender, sender_schema, .keyword = "sender",
	    .max = CONF_SENDERS_MAX, .reload = SCHEMA_RESTART,
	    .help = "a sender that is known by its certificate's fingerprint alone",
	    .example = "sender switch7 \"E12D532B7C6B8A29A276C864360B084B7AF19E9D0102030405060708090A0B0C\";"),
	STREAM_ROWS,
	SOURCE_COMMON_ROWS,
};
static const struct schema tls_schema = SCHEMA_OF("tls", struct conf_source, tls_rows);

static const struct schema_row unix_rows[] = {
	CONST_ROW(struct conf_source, type, CONF_SOURCE_UNIX),
	PATH_ROW(struct conf_source, listen.path, .required = true, .max = 107,
	    .reload = SCHEMA_RESTART,
	    .help = "a datagram socket like /dev/log that Guarita makes and listens to",
	    .example = "unix \"/run/guarita/log\";"),
	MODE_ROW(struct conf_source, mode, .keyword = "mode", .def = "0666", .min = 0, .max = 0777,
	    .reload = SCHEMA_RESTART,
	    .help = "permissions of the socket: who may write to it",
	    .example = "mode 0660;"),
	SIZE_ROW(struct conf_source, buffer, .keyword = "buffer", .def = "1M", .min = 64 * KIB,
	    .max = GIB, .reload = SCHEMA_RESTART,
	    .help = "the kernel's receive buffer",
	    .example = "buffer 4M;"),
	SOURCE_COMMON_ROWS,
};
static const struct schema unix_schema = SCHEMA_OF("unix", struct conf_source, unix_rows);

static const struct schema_row journal_rows[] = {
	CONST_ROW(struct conf_source, type, CONF_SOURCE_JOURNAL),
	PATHS_ROW(struct conf_source, paths, .max = 1, .arg = "PATH",
	    .derived = "this machine's own journal, read by journalctl",
	    .reload = SCHEMA_RESTART,
	    .help = "a named pipe, or a file, with the journal's export stream",
	    .text = "Without it the journal of this machine is followed. Such a stream is written by "
	        "journalctl -f -o export. A named pipe may be closed and opened again by its writer.",
	    .example = "journal \"/run/guarita/journal\";"),
	SOURCE_COMMON_ROWS,
};
static const struct schema journal_schema = SCHEMA_OF("journal", struct conf_source, journal_rows);

static const struct schema_row stdin_rows[] = {
	CONST_ROW(struct conf_source, type, CONF_SOURCE_STDIN),
	SOURCE_COMMON_ROWS,
};
static const struct schema stdin_schema = SCHEMA_OF("stdin", struct conf_source, stdin_rows);

static const struct schema_row accounts_rows[] = {
	CONST_ROW(struct conf_source, type, CONF_SOURCE_ACCOUNTS),
	PATHS_ROW(struct conf_source, paths, .max = 32, .arg = "PATH, ...",
	    .derived = "wtmp, btmp, lastlog and pacct where this system keeps them",
	    .reload = SCHEMA_RESTART,
	    .help = "binary account files, whose records become lines as they are written",
	    .text = "Records that somebody wiped or changed are reported. See guarita-accounts(7).",
	    .example = "accounts \"/var/log/wtmp\", \"/var/log/btmp\";"),
	ENUM_ROW(struct conf_source, from, .keyword = "from", .names = from_names, .def = "end",
	    .help = "where a file that was never seen before is begun",
	    .example = "from start;"),
	SOURCE_COMMON_ROWS,
};
static const struct schema accounts_schema = SCHEMA_OF("accounts", struct conf_source, accounts_rows);

static const struct schema_row archive_rows[] = {
	WHERE_ROW(struct conf_archive, where),
	PATH_ROW(struct conf_archive, path, .required = true, .reload = SCHEMA_RESTART,
	    .help = "a directory to which every received line is written",
	    .example = "archive \"/var/lib/guarita/archive\";"),
	ENUM_ROW(struct conf_archive, format, .keyword = "format", .names = format_names,
	    .def = "raw",
	    .help = "raw lines as received, or one JSON object per line",
	    .example = "format json;"),
	SIZE_ROW(struct conf_archive, rotate, .keyword = "rotate", .def = "1G", .zero = "never",
	    .min = MIB, .max = TIB,
	    .help = "a new file is begun after so many bytes",
	    .example = "rotate 256M;"),
	DURATION_ROW(struct conf_archive, keep_us, .keyword = "keep", .def = "30d",
	    .zero = "forever", .min = WHEN_HOUR, .max = 36500 * WHEN_DAY,
	    .help = "older files are deleted",
	    .example = "keep 1y;"),
	DURATION_ROW(struct conf_archive, sync_us, .keyword = "sync", .def = "1s", .zero = "never",
	    .min = 10 * 1000, .max = WHEN_HOUR,
	    .help = "how often the files are forced to the disk",
	    .text = "This is what a power cut may cost. With never it is left to the kernel.",
	    .example = "sync 100ms;"),
};
static const struct schema archive_schema = SCHEMA_OF("archive", struct conf_archive, archive_rows);

static const struct schema_row accounting_rows[] = {
	WHERE_ROW(struct conf_accounting, where),
	PATH_ROW(struct conf_accounting, path, .required = true,
	    .help = "the file to which the kernel writes every command that ends",
	    .text = "It is switched on at the start, and stays on when Guarita stops. See guarita-accounts(7).",
	    .example = "process-accounting \"/var/log/account/pacct\";"),
	SIZE_ROW(struct conf_accounting, rotate, .keyword = "rotate", .def = "64M", .zero = "never",
	    .min = 64 * KIB, .max = TIB,
	    .help = "a new file is begun after so many bytes",
	    .example = "rotate 16M;"),
	DURATION_ROW(struct conf_accounting, every_us, .keyword = "every", .def = "1d", .zero = "never",
	    .min = WHEN_MINUTE, .max = 366 * WHEN_DAY,
	    .help = "and after so long",
	    .example = "every 7d;"),
	INT_ROW(struct conf_accounting, keep, .keyword = "keep", .def = "30", .min = 1, .max = 10000,
	    .help = "so many old files are kept, numbered from 1 on",
	    .example = "keep 90;"),
};
static const struct schema accounting_schema = SCHEMA_OF("process-accounting", struct conf_accounting, accounting_rows);

static const char *const ship_names[] = { "nats", "clickhouse", NULL };

static const struct schema_row ship_rows[] = {
	WHERE_ROW(struct conf_ship, where),
	ENUM_ROW(struct conf_ship, engine, .required = true, .names = ship_names,
	    .help = "what is there: NATS with JetStream, or ClickHouse",
	    .text = "Lines go there once they are signed, in order, none twice, each with its number "
	        "and its nonce, so that whoever reads it can compute the tree again. The way there "
	        "is not encrypted: the machine itself, or the VPN.",
	    .example = "ship nats 192.0.2.7:4222;"),
	ENDPOINT_ROW(struct conf_ship, to, .required = true, .inet = true,
	    .help = "its address and port",
	    .example = "ship clickhouse 192.0.2.7:8123;"),
	WORD_ROW(struct conf_ship, stream, .keyword = "stream", .def = "guarita",
	    .help = "the stream of JetStream; lines of a site go to STREAM.SITE.lines",
	    .text = "It is made when it does not exist; what an existing one is set to stays.",
	    .example = "stream guarita;"),
	WORD_ROW(struct conf_ship, table, .keyword = "table", .def = "guarita_lines",
	    .help = "the table of ClickHouse",
	    .text = "It is made when it does not exist.",
	    .example = "table guarita_lines;"),
	STRING_ROW(struct conf_ship, user, .keyword = "user", .max = 200,
	    .help = "the user there",
	    .example = "user guarita;"),
	STRING_ROW(struct conf_ship, password, .keyword = "password", .max = 200, .secret = true,
	    .help = "the user's password there",
	    .example = "password \"a long one\";"),
};
static const struct schema ship_schema = SCHEMA_OF("ship", struct conf_ship, ship_rows);

static const struct schema_row keep_rows[] = {
	WHERE_ROW(struct conf_keep, where),
	STRING_ROW(struct conf_keep, what, .required = true, .arg = "PROGRAM-OR-QUERY", .max = 4000,
	    .help = "the lines meant: a program's name, or a query as in guarita-query(7)",
	    .example = "keep \"program:squid OR program:nginx\" 180d;"),
	DURATION_ROW(struct conf_keep, for_us, .required = true, .zero = "forever",
	    .min = WHEN_SECOND, .max = 36500 * WHEN_DAY,
	    .help = "how long they are kept",
	    .text = "Counted from when a line was received. Lines go together with those that were "
	        "packed with them, when the youngest of these has its time.",
	    .example = "keep sshd 400d;"),
};
static const struct schema keep_schema = SCHEMA_OF("keep", struct conf_keep, keep_rows);

static const struct schema_row hold_rows[] = {
	WHERE_ROW(struct conf_hold, where),
	WORD_ROW(struct conf_hold, name, .required = true,
	    .help = "a name for the case, shown where it keeps something",
	    .example = "hold case-123 \"src:203.0.113.9\";"),
	STRING_ROW(struct conf_hold, what, .arg = "QUERY", .max = 4000,
	    .help = "the lines meant, as in guarita-query(7); without it, every line",
	    .example = "hold case-123 \"user:ana OR src:203.0.113.0/24\";"),
};
static const struct schema hold_schema = SCHEMA_OF("hold", struct conf_hold, hold_rows);

static const struct schema_row retention_rows[] = {
	WHERE_ROW(struct conf_retention, where),
	BLOCKS_ROW(struct conf_retention, keeps, nkeeps, struct conf_keep, keep_schema,
	    .keyword = "keep", .max = 60,
	    .help = "how long lines of one sort are kept; the first statement that fits decides",
	    .example = "keep sshd 400d;"),
	DURATION_ROW(struct conf_retention, others_us, .keyword = "others", .zero = "forever",
	    .min = WHEN_SECOND, .max = 36500 * WHEN_DAY,
	    .help = "how long all other lines are kept; without it, for ever",
	    .example = "others 1y;"),
	SIZE_ROW(struct conf_retention, size, .keyword = "size", .min = MIB, .max = 1024 * TIB,
	    .help = "how large the vault may grow; then the oldest lines go first",
	    .example = "size 200G;"),
	BLOCKS_ROW(struct conf_retention, holds, nholds, struct conf_hold, hold_schema,
	    .keyword = "hold", .max = 60,
	    .help = "lines that stay whatever else is said, as long as this statement stands",
	    .example = "hold case-123 \"src:203.0.113.9\";"),
};
static const struct schema retention_schema = SCHEMA_OF("retention", struct conf_retention, retention_rows);

static const char *const vault_key_names[] = { "file", "credential", NULL };

static const struct schema_row vault_key_rows[] = {
	WHERE_ROW(struct conf_vault_key, where),
	ENUM_ROW(struct conf_vault_key, kind, .required = true, .names = vault_key_names,
	    .help = "a file of 32 bytes, or a credential that systemd hands over",
	    .text = "It is read when Guarita starts, while there is the right to, so it may belong to root "
	        "alone; on another disk it protects what a stolen or discarded one holds. Without it "
	        "nothing is sealed and nothing is lost that senders and the spool can keep.",
	    .example = "key credential guarita-vault;"),
	STRING_ROW(struct conf_vault_key, name, .required = true, .arg = "PATH-OR-NAME", .max = 4000,
	    .help = "the path of the file, or the name of the credential",
	    .example = "key file /run/media/key/guarita;"),
};
static const struct schema vault_key_schema = SCHEMA_OF("key", struct conf_vault_key, vault_key_rows);

static const struct schema_row vault_rows[] = {
	WHERE_ROW(struct conf_vault, where),
	PATH_ROW(struct conf_vault, path, .required = true, .reload = SCHEMA_RESTART,
	    .help = "a directory in which every line is sealed, and durable, before anything acts on it",
	    .text = "It is made when it does not exist. Its file keys/auditor is shown once: take it "
	        "away and keep it elsewhere.",
	    .example = "vault \"/var/lib/guarita/vault\";"),
	STRING_ROW(struct conf_vault, origin, .keyword = "origin", .max = 200,
	    .derived = "guarita/ and the name of the site", .reload = SCHEMA_RESTART,
	    .help = "the name of the log in checkpoints and proofs, unique in the world",
	    .text = "Best a name below a domain of yours, without blanks and plus signs. It is "
	        "fixed when the vault is made.",
	    .example = "origin example.com/matriz;"),
	DURATION_ROW(struct conf_vault, epoch_us, .keyword = "epoch", .def = "1h",
	    .min = WHEN_SECOND, .max = 7 * WHEN_DAY,
	    .help = "how long one signing key lives; then it is wiped",
	    .text = "Who breaks in can sign nothing of an epoch that is over.",
	    .example = "epoch 15m;"),
	INT_ROW(struct conf_vault, epochs, .keyword = "epochs", .def = "65536", .min = 16,
	    .max = 1048576, .reload = SCHEMA_RESTART,
	    .help = "so many signing keys are made with a new vault",
	    .text = "Rounded up to a power of two. 65536 last seven years at one hour each.",
	    .example = "epochs 1024;"),
	DURATION_ROW(struct conf_vault, frame_us, .keyword = "frame", .def = "5ms",
	    .min = 1000, .max = WHEN_SECOND,
	    .help = "a line waits at most so long for others to be sealed with it",
	    .example = "frame 20ms;"),
	BOOL_ROW(struct conf_vault, encrypt, .keyword = "encrypt", .def = "yes",
	    .help = "lines are encrypted on the disk, each file of the log and each segment with a key of its own",
	    .text = "To delete lines is then to destroy a key, also in copies that lie elsewhere.",
	    .example = "encrypt no;"),
	BLOCK_OPT_ROW(struct conf_vault, key, struct conf_vault_key, vault_key_schema,
	    .keyword = "key", .reload = SCHEMA_RESTART,
	    .help = "a key that lies elsewhere, under which the vault's master key is wrapped",
	    .text = "Without it the master key lies in the vault, beside what it opens: then whoever has the "
	        "whole disk reads it. A master key that lay there is replaced when this is first said; "
	        "`guarita vault rekey` replaces it at any time.",
	    .example = "key file /run/media/key/guarita;"),
	BLOCK_OPT_ROW(struct conf_vault, retention, struct conf_retention, retention_schema,
	    .keyword = "retention",
	    .help = "how long lines are kept; without it, for ever",
	    .text = "Each deletion is a record of the log; proofs of all other lines stay good.",
	    .example = "retention { keep sshd 400d; others 180d; size 200G; }"),
	BLOCKS_ROW(struct conf_vault, ships, nships, struct conf_ship, ship_schema, .keyword = "ship",
	    .max = 8, .reload = SCHEMA_RESTART,
	    .help = "hands sealed lines on to an engine elsewhere",
	    .example = "ship clickhouse 192.0.2.7:8123 { user guarita; }"),
	SIZE_ROW(struct conf_vault, ship_backlog, .keyword = "ship-backlog", .def = "4G",
	    .min = 64 * MIB, .max = 1024 * TIB,
	    .help = "so much of the log waits for an engine that takes nothing",
	    .text = "Beyond that lines are packed, and stay in the vault alone; how many is counted.",
	    .example = "ship-backlog 20G;"),
};
static const struct schema vault_schema = SCHEMA_OF("vault", struct conf_vault, vault_rows);

static const struct schema_row watch_rows[] = {
	DURATION_ROW(struct conf_watch, lateness_us, .keyword = "lateness", .def = "60s",
	    .min = 0, .max = WHEN_DAY,
	    .help = "how late a line may arrive, by its own time, and still be counted",
	    .text = "Incidents are the same in whatever order lines arrive within this time.",
	    .example = "lateness 5m;"),
	INT_ROW(struct conf_watch, keys, .keyword = "keys", .def = "98000", .min = 1000,
	    .max = 100000000, .reload = SCHEMA_RESTART,
	    .help = "how many sources, users and sessions the rules remember at once",
	    .text = "Beyond it the oldest are forgotten, and counted.",
	    .example = "keys 500000;"),
	DURATION_ROW(struct conf_watch, state_interval_us, .keyword = "state-interval", .def = "1s",
	    .min = 100 * 1000, .max = WHEN_HOUR,
	    .help = "how often what the rules remember is saved",
	    .example = "state-interval 10s;"),
	WORDS_ROW(struct conf_watch, disable_rules, .keyword = "disable-rule", .arg = "RULE, ...",
	    .help = "rules that are not to be used",
	    .example = "disable-rule port-scan, night-login;"),
};
static const struct schema watch_schema = SCHEMA_OF("watch", struct conf_watch, watch_rows);

static const struct schema_row command_rows[] = {
	STRINGS_ROW(struct conf_command, argv, .required = true, .arg = "PROGRAM, ARGUMENT, ...",
	    .help = "a program to start, never through a shell",
	    .text = "In an argument, words in braces such as {src}, {user}, {kind} or {why} are "
	        "replaced.",
	    .example = "command \"/usr/local/bin/page\", \"{severity}\", \"{why}\";"),
	DURATION_ROW(struct conf_command, timeout_us, .keyword = "timeout", .def = "10s",
	    .min = 100 * 1000, .max = WHEN_HOUR,
	    .help = "it is killed after so long",
	    .example = "timeout 30s;"),
};
static const struct schema command_schema = SCHEMA_OF("command", struct conf_command, command_rows);

static const struct schema_row escalate_rows[] = {
	INT_ROW(struct conf_escalate, factor, .required = true, .arg = "xN", .prefix = "x",
	    .def = "x1", .min = 1, .max = 100,
	    .help = "how many times longer each further ban of the same source lasts",
	    .example = "escalate x4 max 7d;"),
	DURATION_ROW(struct conf_escalate, max_us, .lead = "max", .def = "7d", .min = WHEN_SECOND,
	    .max = 3650 * WHEN_DAY,
	    .help = "the longest ban",
	    .example = "escalate x4 max 30d;"),
};
static const struct schema escalate_schema = SCHEMA_OF("escalate", struct conf_escalate,
    escalate_rows);

static const struct schema_row ban_rows[] = {
	DURATION_ROW(struct conf_ban, duration_us, .required = true, .zero = "forever",
	    .min = WHEN_SECOND, .max = 3650 * WHEN_DAY,
	    .help = "how long the source is kept out",
	    .text = "Own networks and those of never-ban are never banned.",
	    .example = "ban 10m;"),
	ENUM_ROW(struct conf_ban, scope, .keyword = "scope", .names = scope_names, .def = "host",
	    .help = "keep out the address, its network (/24, /64), or the address from that "
	        "service only",
	    .example = "scope net;"),
	BLOCK_ROW(struct conf_ban, escalate, struct conf_escalate, escalate_schema,
	    .keyword = "escalate",
	    .help = "make further bans of the same source longer",
	    .example = "escalate x4 max 7d;"),
};
static const struct schema ban_schema = SCHEMA_OF("ban", struct conf_ban, ban_rows);

static const struct schema_row throttle_rows[] = {
	INT_ROW(struct conf_throttle, count, .required = true, .min = 1, .max = 1000000,
	    .help = "at most so many responses",
	    .example = "throttle 1 per 10m by src;"),
	DURATION_ROW(struct conf_throttle, per_us, .lead = "per", .required = true,
	    .min = WHEN_SECOND, .max = 30 * WHEN_DAY,
	    .help = "in this time",
	    .example = "throttle 10 per 1h;"),
	WORDS_ROW(struct conf_throttle, by, .lead = "by", .arg = "FIELD, ...",
	    .help = "for each value of these fields; without it, overall",
	    .example = "throttle 1 per 10m by src, kind;"),
};
static const struct schema throttle_schema = SCHEMA_OF("throttle", struct conf_throttle,
    throttle_rows);

static const struct schema_row respond_rows[] = {
	WHERE_ROW(struct conf_respond, where),
	WORD_ROW(struct conf_respond, name, .required = true,
	    .help = "a name for this response",
	    .example = "respond tell { print; }"),
	ENUM_ROW(struct conf_respond, severity, .keyword = "on", .lead = "severity",
	    .names = severity_names,
	    .def = "medium", .arg = "SEVERITY",
	    .help = "answer incidents of this severity and graver ones",
	    .example = "on severity high;"),
	WORDS_ROW(struct conf_respond, kinds, .keyword = "kinds", .arg = "KIND, ...",
	    .help = "answer only incidents of these kinds; auth.* takes a whole family",
	    .example = "kinds auth.*, scan.ports;"),
	BOOL_ROW(struct conf_respond, print, .keyword = "print",
	    .help = "show the incident on the standard output of the watch",
	    .example = "print;"),
	PATH_ROW(struct conf_respond, file, .keyword = "file",
	    .help = "append the incident to this file, one JSON object per line",
	    .example = "file \"/var/log/guarita-incidents.json\";"),
	BLOCK_OPT_ROW(struct conf_respond, command, struct conf_command, command_schema,
	    .keyword = "command",
	    .help = "start a program",
	    .example = "command \"/usr/local/bin/page\", \"{why}\" { timeout 30s; }"),
	BLOCK_OPT_ROW(struct conf_respond, ban, struct conf_ban, ban_schema, .keyword = "ban",
	    .help = "ask the firewall to keep the source out",
	    .example = "ban 10m { scope host; escalate x4 max 7d; }"),
	BLOCK_OPT_ROW(struct conf_respond, throttle, struct conf_throttle, throttle_schema,
	    .keyword = "throttle",
	    .help = "do not answer more often than this",
	    .example = "throttle 1 per 10m by src;"),
};
static const struct schema respond_schema = SCHEMA_OF("respond", struct conf_respond, respond_rows);

static const struct schema_row limits_rows[] = {
	SIZE_ROW(struct conf_limits, memory, .keyword = "memory", .def = "512M", .min = 16 * MIB,
	    .max = TIB, .reload = SCHEMA_RESTART,
	    .help = "memory of one process",
	    .example = "memory 256M;"),
	SIZE_ROW(struct conf_limits, max_line, .keyword = "max-line", .def = "1M", .min = 480,
	    .max = 16 * MIB,
	    .help = "longer lines are cut, and counted",
	    .example = "max-line 64K;"),
	INT_ROW(struct conf_limits, files, .keyword = "files", .def = "4096", .min = 1,
	    .max = 1000000, .reload = SCHEMA_RESTART,
	    .help = "files that are followed at the same time",
	    .example = "files 500;"),
};
static const struct schema limits_schema = SCHEMA_OF("limits", struct conf_limits, limits_rows);

static const struct schema_row role_rows[] = {
	WHERE_ROW(struct conf_role, where),
	WORD_ROW(struct conf_role, name, .required = true,
	    .help = "one of Guarita's processes",
	    .example = "role watchd { memory 1G; }"),
	WORD_ROW(struct conf_role, user, .keyword = "user", .derived = "the role itself",
	    .reload = SCHEMA_RESTART,
	    .help = "the system user it runs as",
	    .example = "user guarita;"),
	SIZE_ROW(struct conf_role, memory, .keyword = "memory", .derived = "limits memory",
	    .min = 16 * MIB, .max = TIB, .reload = SCHEMA_RESTART,
	    .help = "memory of this process",
	    .example = "memory 1G;"),
};
static const struct schema role_schema = SCHEMA_OF("role", struct conf_role, role_rows);

static const struct schema_row control_rows[] = {
	PATH_ROW(struct conf_control, path, .derived = "run-dir: its file control", .max = 107,
	    .reload = SCHEMA_RESTART,
	    .help = "the unix socket through which the guarita command speaks to the running "
	        "program",
	    .example = "control \"/run/guarita/control\";"),
	MODE_ROW(struct conf_control, mode, .keyword = "mode", .def = "0660", .min = 0, .max = 0777,
	    .reload = SCHEMA_RESTART,
	    .help = "permissions of the socket: who may ask and command",
	    .example = "mode 0600;"),
};
static const struct schema control_schema = SCHEMA_OF("control", struct conf_control, control_rows);

#define SOURCE_ROW(keyword_, schema_, help_, example_) \
	BLOCKS_ROW(struct config, sources, nsources, struct conf_source, schema_, \
	    .keyword = keyword_, .max = CONF_SOURCES_MAX, .help = help_, \
	    .example = example_)

static const struct schema_row config_rows[] = {
	{ .kind = SCHEMA_INCLUDE, .keyword = "include", .arg = "FILE",
	    .help = "read another file, or all files of a glob, in this place",
	    .text = "A relative name is looked for beside the file that includes it.",
	    .example = "include \"conf.d/*.conf\";" },
	WORD_ROW(struct config, site, .keyword = "site", .def = "local",
	    .help = "the name of this place, as it stands in reports",
	    .example = "site matriz;"),
	STRING_ROW(struct config, timezone, .keyword = "timezone", .def = "local", .arg = "ZONE",
	    .max = 64,
	    .help = "the zone of time stamps that do not say theirs",
	    .text = "local is the zone of the machine; else a name such as America/Sao_Paulo, or "
	        "an offset such as -03:00.",
	    .example = "timezone America/Sao_Paulo;"),
	PATH_ROW(struct config, state_dir, .keyword = "state-dir", .def = "/var/lib/guarita",
	    .reload = SCHEMA_RESTART,
	    .help = "where Guarita keeps what must survive a restart",
	    .example = "state-dir \"/srv/guarita\";"),
	PATH_ROW(struct config, run_dir, .keyword = "run-dir", .def = "/run/guarita",
	    .reload = SCHEMA_RESTART,
	    .help = "where Guarita makes its sockets",
	    .example = "run-dir \"/run/guarita\";"),
	PATHS_ROW(struct config, rules_dirs, .keyword = "rules-dir", .arg = "PATH, ...",
	    .derived = "the rules that came with Guarita",
	    .help = "directories of decoders and rules, *.rules",
	    .text = "When given, only these are read: name the installed one too if you add your "
	        "own.",
	    .example = "rules-dir \"/usr/share/guarita/rules\", \"/etc/guarita/rules\";"),
	CIDRS_ROW(struct config, own, .keyword = "own",
	    .help = "your own networks: never taken for outsiders, never banned",
	    .example = "own 192.168.0.0/16, 10.0.0.0/8;"),
	CIDRS_ROW(struct config, never_ban, .keyword = "never-ban",
	    .help = "addresses and networks that are never banned, such as that of the operator",
	    .example = "never-ban 203.0.113.7, 2001:db8::/32;"),
	SOURCE_ROW("files", files_schema, "follow log files",
	    "files \"/var/log/*.log\" { from start; }"),
	SOURCE_ROW("udp", udp_schema, "receive syslog over UDP", "udp :514 { buffer 32M; }"),
	SOURCE_ROW("tcp", tcp_schema, "receive syslog over TCP", "tcp :514 { idle 1h; }"),
	SOURCE_ROW("tls", tls_schema, "receive syslog over TLS",
	    "tls :6514 { certificate \"/etc/guarita/loghost.pem\"; key "
	    "\"/etc/guarita/loghost.key\"; authority \"/etc/guarita/ca.pem\"; }"),
	SOURCE_ROW("unix", unix_schema, "receive from programs of this machine",
	    "unix \"/run/guarita/log\";"),
	SOURCE_ROW("journal", journal_schema, "read the journal of systemd",
	    "journal \"/run/guarita/journal\";"),
	SOURCE_ROW("accounts", accounts_schema, "follow this machine's account files", "accounts;"),
	SOURCE_ROW("stdin", stdin_schema, "read the standard input", "stdin;"),
	CONFIG_GATE_ROWS,
	CONFIG_VPN_ROWS,
	CONFIG_LINK_ROWS,
	BLOCK_OPT_ROW(struct config, archive, struct conf_archive, archive_schema,
	    .keyword = "archive",
	    .help = "write every received line to files",
	    .example = "archive \"/var/lib/guarita/archive\" { keep 90d; }"),
	BLOCK_OPT_ROW(struct config, accounting, struct conf_accounting, accounting_schema,
	    .keyword = "process-accounting",
	    .help = "have the kernel record every command that ends, and rotate its file",
	    .example = "process-accounting \"/var/log/account/pacct\" { rotate 64M; keep 30; }"),
	BLOCK_OPT_ROW(struct config, vault, struct conf_vault, vault_schema, .keyword = "vault",
	    .help = "seal every line, so that it can be proved to a stranger",
	    .example = "vault \"/var/lib/guarita/vault\" { origin example.com/matriz; }"),
	BLOCK_ROW(struct config, watch, struct conf_watch, watch_schema, .keyword = "watch",
	    .help = "how the rules work",
	    .example = "watch { lateness 5m; }"),
	BLOCKS_ROW(struct config, relays, nrelays, struct conf_relay, relay_schema, .keyword = "relay",
	    .max = CONF_RELAYS_MAX, .reload = SCHEMA_RESTART,
	    .help = "sealed lines go on to another syslog host",
	    .example = "relay udp loghost { select \"*.debug\"; }"),
	BLOCKS_ROW(struct config, relays, nrelays, struct conf_relay, write_schema, .keyword = "write",
	    .max = CONF_RELAYS_MAX, .reload = SCHEMA_RESTART,
	    .help = "sealed lines are written to a file too, as syslogd does it",
	    .example = "write \"/var/log/messages\" { select \"*.info\"; }"),
	BLOCKS_ROW(struct config, responds, nresponds, struct conf_respond, respond_schema,
	    .keyword = "respond", .max = CONF_RESPONDS_MAX,
	    .help = "what to do about an incident",
	    .example = "respond tell { on severity high; print; }"),
	BLOCK_ROW(struct config, limits, struct conf_limits, limits_schema, .keyword = "limits",
	    .help = "how much Guarita may use",
	    .example = "limits { memory 256M; }"),
	ENUM_ROW(struct config, log_level, .keyword = "log-level", .names = level_names,
	    .def = "info",
	    .help = "how much Guarita says of its own work",
	    .example = "log-level debug;"),
	BLOCKS_ROW(struct config, roles, nroles, struct conf_role, role_schema, .keyword = "role",
	    .max = CONF_ROLES_MAX,
	    .help = "settings of one of Guarita's processes",
	    .example = "role watchd { memory 1G; }"),
	BLOCK_ROW(struct config, control, struct conf_control, control_schema, .keyword = "control",
	    .help = "the socket of the guarita command",
	    .example = "control \"/run/guarita/control\" { mode 0600; }"),
};
const struct schema config_schema = SCHEMA_OF("guarita.conf", struct config, config_rows);
