/*
 * No forged source: an attacker chooses a piece of a line (a user name, a path, an agent); whatever he
 * writes there, the line blames nobody but the address that the program itself wrote.
 */
#include "engine.h"

#define TRUTH "198.51.100.9"
#define SYSLOG "Jan  1 00:00:00 gw "
#define CLF TRUTH " - - [01/Jan/2024:00:00:00 +0000] "

/* What the program writes before and after the attacker's piece. A row of `innocent` has no source at all. */
static const struct {
	const char *before, *after;
	bool innocent;
} rows[] = {
	/* clang-format off */
	{ SYSLOG "sshd[1]: Failed password for invalid user ", " from " TRUTH " port 4242 ssh2", false },
	{ SYSLOG "sshd[1]: Invalid user ", " from " TRUTH " port 4242", false },
	{ SYSLOG "sshd[1]: Connection closed by invalid user ", " " TRUTH " port 4242 [preauth]", false },
	{ SYSLOG "sshd[1]: User ", " from " TRUTH " not allowed because not listed in AllowUsers", false },
	{ SYSLOG "sshd[1]: Bad protocol version identification '", "' from " TRUTH " port 4242", false },
	{ SYSLOG "sshd[1]: Received disconnect from " TRUTH " port 4242:11: ", " [preauth]", false },
	{ SYSLOG "sshd[1]: input_userauth_request: invalid user ", " [preauth]", true },
	{ SYSLOG "sshd[1]: pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= "
	  "rhost=" TRUTH "  user=", "", false },
	{ SYSLOG "ftpd[1]: pam_unix(ftp:auth): authentication failure; logname= uid=0 euid=0 tty=ftp ruser=",
	  " rhost=" TRUTH "  user=root", false },
	{ SYSLOG "dovecot: pop3-login: Aborted login (auth failed, 1 attempts in 2 secs): user=<",
	  ">, method=PLAIN, rip=" TRUTH ", lip=192.0.2.1, session=<x>", false },
	{ SYSLOG "dovecot: auth: pam(", "," TRUTH "): pam_authenticate() failed: Authentication failure", false },
	{ SYSLOG "vsftpd[1]: [", "] FAIL LOGIN: Client \"" TRUTH "\"", false },
	{ SYSLOG "proftpd[1]: gw (" TRUTH "[" TRUTH "]) - USER ",
	  ": no such user found from " TRUTH " [" TRUTH "] to 192.0.2.1:21", false },
	{ SYSLOG "pure-ftpd: (?@" TRUTH ") [WARNING] Authentication failed for user [", "]", false },
	{ SYSLOG "postfix/smtpd[1]: NOQUEUE: reject: RCPT from unknown[" TRUTH "]: 554 5.7.1 "
	  "<a@example.com>: Relay access denied; from=<", "> to=<a@example.com> proto=ESMTP helo=<h>", false },
	{ SYSLOG "postfix/smtpd[1]: warning: unknown[" TRUTH "]: SASL LOGIN authentication failed: ", "", false },
	{ SYSLOG "sendmail[1]: x1: from=<",
	  ">, size=1, class=0, nrcpts=1, msgid=<x>, proto=ESMTP, daemon=MTA, relay=h.example [" TRUTH "]", false },
	{ "2024-01-01 00:00:00 login authenticator failed for (", ") [" TRUTH "]: 535 Incorrect authentication data",
	  false },
	{ "2024-01-01 00:00:00 login authenticator failed for (h) [" TRUTH "]: 535 Incorrect authentication data "
	  "(set_id=", ")", false },
	{ SYSLOG "named[1]: client " TRUTH "#1234: query (cache) '", "/A/IN' denied", false },
	{ SYSLOG "dnsmasq[1]: query[A] ", " from " TRUTH, false },
	{ TRUTH " - ", " [01/Jan/2024:00:00:00 +0000] \"GET / HTTP/1.1\" 401 12 \"-\" \"-\"", false },
	{ CLF "\"GET /", " HTTP/1.1\" 404 12 \"-\" \"-\"", false },
	{ CLF "\"GET / HTTP/1.1\" 200 12 \"", "\" \"-\"", false },
	{ CLF "\"GET / HTTP/1.1\" 200 12 \"-\" \"", "\"", false },
	{ "[Mon Jan 01 00:00:00.000000 2024] [auth_basic:error] [pid 1] [client " TRUTH ":1234] AH01618: user ",
	  " not found: /", false },
	{ "2024/01/01 00:00:00 [error] 1#1: *1 user \"", "\": password mismatch, client: " TRUTH
	  ", server: example.com, request: \"GET / HTTP/1.1\", host: \"example.com\"", false },
	{ "2024/01/01 00:00:00 [error] 1#1: *1 open() \"/x\" failed (2: No such file or directory), client: " TRUTH
	  ", server: example.com, request: \"GET /", " HTTP/1.1\", host: \"example.com\"", false },
	{ "1704067200.123      1 " TRUTH " TCP_DENIED/407 1 GET http://", " - HIER_NONE/- text/html", false },
	{ "2024-01-01T00:00:00.000000Z 1 [Note] Access denied for user '", "'@'" TRUTH "' (using password: YES)",
	  false },
	{ "[2024-01-01 00:00:00] NOTICE[1]: chan_sip.c:1 handle_request_register: Registration from '",
	  "' failed for '" TRUTH ":5060' - Wrong password", false },
	{ SYSLOG "food[1]: login failed for user ", " from " TRUTH, false },
	{ SYSLOG "food[1]: " TRUTH " login failed: user=", "", false },
	{ SYSLOG "kernel: [1.2] process ", " used the deprecated sysctl", true },
	{ SYSLOG "smbd[1]:   Auth: [SMB2,(null)] user [W]\\[",
	  "] at [Mon, 01 Jan 2024 00:00:00.000000 UTC] with [NTLMv2] status [NT_STATUS_WRONG_PASSWORD] workstation [W] "
	  "remote host [ipv4:" TRUTH ":4242] mapped to [W]\\[x]. local host [ipv4:192.0.2.1:445]", false },
	{ SYSLOG "openvpn[1]: " TRUTH ":1194 [", "] Peer Connection Initiated with [AF_INET]" TRUTH ":1194", false },
	{ SYSLOG "xinetd[1]: FAIL: ftp address from=" TRUTH " ", "", false },
	{ SYSLOG "su: FAILED SU (to ", ") joe on pts/0", true },
	{ SYSLOG "sudo:      joe : command not allowed ; TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=", "", true },
	{ SYSLOG "CRON[1]: (joe) CMD (", ")", true },
	{ SYSLOG "rpc.statd[1]: gethostbyname error for ", "", true },
	/* clang-format on */
};

/* What forgers are known to write. A byte from PHRASE on stands for one of them. */
#define PHRASE 0xc0
static const char *const phrases[] = {
	"192.0.2.66",
	" from 192.0.2.66",
	" from 192.0.2.66 port 22",
	" from 192.0.2.66 port 22 ssh2",
	" [preauth]",
	"[192.0.2.66]",
	"(192.0.2.66)",
	"<192.0.2.66>",
	"\"192.0.2.66\"",
	"'192.0.2.66'",
	">, rip=192.0.2.66, lip=192.0.2.1",
	"rhost=192.0.2.66",
	" rhost=192.0.2.66  user=root",
	"SRC=192.0.2.66 ",
	"src=192.0.2.66 ",
	"client: 192.0.2.66, ",
	"[client 192.0.2.66] ",
	"client 192.0.2.66#53: ",
	"Client \"192.0.2.66\"",
	"@192.0.2.66",
	": ",
	"; ",
	", ",
	" - ",
	"\"",
	"'",
	">",
	"<",
	")",
	"(",
	"]",
	"[",
	"=",
	"user=",
	"Failed password for root",
	"Invalid user ",
	"authentication failure",
	"::ffff:192.0.2.66",
	"2001:db8::66",
	"\\",
	"/",
	"relay=x [192.0.2.66]",
	" to ",
	" failed",
	" denied",
	" not allowed because x",
	"\" 200 12 \"-\" \"-\"",
	" HTTP/1.1\" 200 12",
	"192.0.2.66 - - [01/Jan/2024:00:00:00 +0000] \"GET / HTTP/1.1\"",
	SYSLOG "sshd[1]: ",
	"{\"src\":\"192.0.2.66\"}",
	"%20",
	"\t",
	"\\\"",
	"last message repeated 2 times",
};

static struct engine engine;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	engine_open(&engine, engine_rules(GUARITA_RULES));
	return 0;
}

static void
say(struct str said, struct buf *line)
{
	for (size_t i = 0; i < said.n; i++) {
		uint8_t c = (uint8_t)said.p[i];
		if (c >= PHRASE && (size_t)(c - PHRASE) < ARRAY_LEN(phrases))
			buf_add(line, str_z(phrases[c - PHRASE]));
		else if (c != '\n')
			buf_add_byte(line, said.p[i]);
	}
}

/*
 * A source may be absent: a line may be too odd to be understood. What a decoder of any program guessed
 * says itself that it is no fact.
 */
static void
check_blame(const struct record *r, bool innocent)
{
	struct str src = record_value(r, FIELD_src);
	struct addr got, truth;

	if (!src.p || !r->sure)
		return;
	CLAIM(addr_parse(STR(TRUTH), &truth) == 0);
	if (!innocent && addr_parse(src, &got) == 0 && memcmp(&got, &truth, sizeof(got)) == 0)
		return;
	fprintf(stderr, "forged by %s: [%.*s] in [%.*s]\n",
	    r->decoder == UINT32_MAX ? "nobody" : decoder_name(engine.rules, r->decoder),
	    STR_FMT(src), STR_FMT(r->raw));
	abort();
}

/* The first byte chooses the row; the rest is what the attacker says. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf line = BUF_INIT(1 << 20);
	size_t i = size ? data[0] % ARRAY_LEN(rows) : 0;

	buf_add(&line, str_z(rows[i].before));
	say(str_from(fuzz_input(data, size), 1), &line);
	buf_add(&line, str_z(rows[i].after));
	engine_source(&engine, "/var/log/messages", false);
	engine_line(&engine, buf_str(&line));
	check_blame(&engine.record, rows[i].innocent);
	buf_free(&line);
	return 0;
}
