/* config_relay: the rows about lines that go on elsewhere, and the faults that no row can see. */
#include <stdio.h>

#include "base/hash.h"
#include "conf/config_in.h"
#include "conf/syslog_select.h"

static const char *const way_names[] = { "udp", "tcp", "tls", NULL };
static const char *const format_names[] = { "rfc5424", "rfc3164", NULL };
static const char *const framing_names[] = { "line", "octets", NULL };

#define SELECT_ROWS \
	STRINGS_ROW(struct conf_relay, select, .keyword = "select", .max = 32, .arg = "SELECTOR, ...", \
	    .help = "which lines, as in syslog.conf: facility.severity, none, =, !; without it, every line", \
	    .text = "A severity means it and all graver ones. A line that says neither counts as user.notice.", \
	    .example = "select \"*.err;kern.notice;user.none\";"), \
	WORDS_ROW(struct conf_relay, programs, .keyword = "program", .max = 64, .arg = "NAME, ...", \
	    .help = "only lines of these programs", \
	    .example = "program sshd, cron;"), \
	WORDS_ROW(struct conf_relay, hosts, .keyword = "host", .max = 64, .arg = "NAME, ...", \
	    .help = "only lines of these hosts, as the lines name them; or * at the end", \
	    .example = "host web1, db*;"), \
	WORDS_ROW(struct conf_relay, kinds, .keyword = "kind", .max = 64, .arg = "KIND, ...", \
	    .help = "only lines that mean this, as guarita-rules(5) names it; auth.* is all of a family", \
	    .text = "The decoders read each line that passed the other words; a line that nobody understands is of kind unknown.", \
	    .example = "kind auth.*, fw.deny;")

static const struct schema_row relay_rows[] = {
	WHERE_ROW(struct conf_relay, where),
	ENUM_ROW(struct conf_relay, way, .required = true, .names = way_names, .reload = SCHEMA_RESTART,
	    .help = "how: datagrams, a stream, or a stream in TLS",
	    .text = "Lines go on once they are sealed and signed, and wait in the vault's log, up to ship-backlog, while the "
	        "host is away. Plain syslog has no acknowledgement: lines that a broken stream had handed over last are sent "
	        "again, and datagrams may be lost on the way.",
	    .example = "relay udp loghost;"),
	STRING_ROW(struct conf_relay, to, .required = true, .max = 255, .arg = "HOST[:PORT]", .reload = SCHEMA_RESTART,
	    .help = "the host; without a port 514, in TLS 6514",
	    .example = "relay tcp loghost.example.com:601 { select \"*.err\"; }"),
	SELECT_ROWS,
	ENUM_ROW(struct conf_relay, format, .keyword = "format", .names = format_names, .def = "rfc5424",
	    .help = "the form of each message; a line that has it already goes on byte for byte",
	    .example = "format rfc3164;"),
	ENUM_ROW(struct conf_relay, framing, .keyword = "framing", .names = framing_names, .def = "line",
	    .help = "in a stream without TLS: an end of line behind each message, or its length before it (RFC 6587)",
	    .example = "framing octets;"),
	PATH_ROW(struct conf_relay, authority, .keyword = "authority", .reload = SCHEMA_RESTART,
	    .help = "TLS: who must have signed the host's certificate (PEM)",
	    .example = "authority \"/etc/guarita/ca.pem\";"),
	PATH_ROW(struct conf_relay, certificate, .keyword = "certificate", .reload = SCHEMA_RESTART,
	    .help = "TLS: our certificate, where the host wants one (PEM)",
	    .example = "certificate \"/etc/guarita/me.pem\";"),
	PATH_ROW(struct conf_relay, key, .keyword = "key", .reload = SCHEMA_RESTART,
	    .help = "TLS: the key of our certificate (PEM)",
	    .example = "key \"/etc/guarita/me.key\";"),
};
const struct schema relay_schema = SCHEMA_OF("relay", struct conf_relay, relay_rows);

static const struct schema_row write_rows[] = {
	WHERE_ROW(struct conf_relay, where),
	CONST_ROW(struct conf_relay, way, CONF_RELAY_FILE),
	PATH_ROW(struct conf_relay, to, .required = true, .reload = SCHEMA_RESTART,
	    .help = "a file, a terminal or the console, to which lines are written as syslogd writes them",
	    .text = "It belongs to the user of Guarita's vault. Lines follow a file that was moved away until Guarita is started again; "
	        "with logrotate's copytruncate a file is emptied in its place, and nothing needs a restart.",
	    .example = "write \"/var/log/messages\" { select \"*.info;mail.none\"; }"),
	SELECT_ROWS,
	BOOL_ROW(struct conf_relay, sync, .keyword = "sync", .def = "no",
	    .help = "on the disk before the next lines are taken",
	    .example = "sync yes;"),
	MODE_ROW(struct conf_relay, mode, .keyword = "mode", .def = "0640", .min = 0, .max = 0777,
	    .help = "permissions of a file that is made",
	    .example = "mode 0600;"),
};
const struct schema write_schema = SCHEMA_OF("write", struct conf_relay, write_rows);

void
config_relay_name(const struct conf_relay *f, char dst[CONF_RELAY_NAME])
{
	const struct conf_strs *lists[] = { &f->select, &f->programs, &f->hosts, &f->kinds };
	uint64_t h = hash_mix(hash_bytes(f->to, 0), (uint64_t)f->way);

	for (size_t k = 0; k < ARRAY_LEN(lists); k++)
		for (uint32_t i = 0; i < lists[k]->n; i++)
			h = hash_mix(h, hash_bytes(lists[k]->v[i], k + 1));
	snprintf(dst, CONF_RELAY_NAME, "relay-%016llx", (unsigned long long)h);
}

static void
check_one(const struct config *c, const struct conf_relay *f, struct diags *d)
{
	const struct conf_stmt *s = config_stmt_at(c->tree, f->where);
	struct conf_pos pos = f->where;
	struct syslog_select sum = { .mask = { 0 } };
	struct str bad;

	if (!c->vault)
		diag_error(d, pos, s ? s->words[0].span : 1, "add `vault \"/var/lib/guarita/vault\";`",
		    "lines go on from the vault's log, and there is none here");
	for (uint32_t i = 0; i < f->select.n; i++)
		if (syslog_select_add(&sum, f->select.v[i], &bad) < 0)
			diag_error(d, pos, s ? s->words[0].span : 1, "FACILITY.SEVERITY, as in \"*.err;kern.notice;user.none\"",
			    "\"%.*s\" is no selector", STR_FMT(str_head(bad, 80)));
	if (f->way != CONF_RELAY_TLS && f->way != CONF_RELAY_FILE && (f->authority.n || f->certificate.n || f->key.n))
		diag_error(d, pos, s ? s->words[0].span : 1, "say `relay tls`", "certificates are of TLS");
	if (f->way == CONF_RELAY_TLS && !f->authority.n)
		diag_error(d, pos, s ? s->words[0].span : 1, "add `authority \"/etc/guarita/ca.pem\";`",
		    "nothing says whose certificate the host must show");
}

void
config_check_relay(const struct config *c, struct diags *d)
{
	for (uint32_t i = 0; i < c->nrelays; i++)
		check_one(c, &c->relays[i], d);
}
