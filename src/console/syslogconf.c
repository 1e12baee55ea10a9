/* syslogconf: see syslogconf.h. Must never drop a line of it in silence. */
#include "console/syslogconf.h"

#include <errno.h>

#include "conf/syslog_select.h"

#define NAMES_MAX 1024                 /* of one block */

struct block {
	struct buf programs, hosts;    /* lists as they stand; empty: any */
	const char *why_not;           /* what follows cannot be said here */
};

struct convert {
	struct buf *out;
	struct buf left;               /* what was not converted, as comments */
	struct block block;
	unsigned line;
	struct syslogconf_counts n;
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* As a person reads it: blanks as blanks, everything else that is no letter escaped. */
static void
shown(struct buf *out, struct str line)
{
	struct str piece;

	for (bool first = true; str_split(&line, '\t', &piece); first = false) {
		if (!first)
			buf_add_byte(out, ' ');
		buf_add_escaped(out, piece);
	}
}

static void
refuse(struct convert *c, struct str line, const char *why)
{
	c->n.not_converted++;
	buf_addf(&c->left, "# line %u: %s:\n#     ", c->line, why);
	shown(&c->left, line);
	buf_add_byte(&c->left, '\n');
}

static void
quoted(struct buf *out, struct str s)
{
	buf_add_byte(out, '"');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			buf_add_byte(out, '\\');
		buf_add_byte(out, s.p[i]);
	}
	buf_add_byte(out, '"');
}

/* "a, b,c" as a list of words. */
static void
add_list(struct buf *out, const char *keyword, struct str list)
{
	struct str one;
	bool any = false;

	while (str_split(&list, ',', &one)) {
		one = str_trim(one);
		if (one.n == 0)
			continue;
		buf_addf(out, any ? ", " : " %s ", keyword);
		quoted(out, one);
		any = true;
	}
	if (any)
		buf_add_byte(out, ';');
}

/* Blanks around the parts of a selector mean nothing: "*.alert; user.none". */
static void
add_select(struct convert *c, struct str selector)
{
	buf_add(c->out, STR(" { select \""));
	for (size_t i = 0; i < selector.n; i++)
		if (!is_blank(selector.p[i]))
			buf_add_byte(c->out, selector.p[i]);
	buf_add(c->out, STR("\";"));
	add_list(c->out, "program", buf_str(&c->block.programs));
	add_list(c->out, "host", buf_str(&c->block.hosts));
}

static bool
is_word(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((uint8_t)s.p[i] <= ' ' || s.p[i] == '"' || s.p[i] == ';' || s.p[i] == '{' || (uint8_t)s.p[i] >= 0x7f)
			return false;
	return s.n > 0 && s.n < 1024;
}

static void
to_host(struct convert *c, struct str selector, struct str action, struct str line)
{
	bool stream = str_starts(action, STR("@@"));
	struct str host = str_from(action, stream ? 2 : 1);

	if (str_starts(host, STR("("))) {
		refuse(c, line, "options of rsyslog in parentheses; say `relay tcp HOST` or `relay tls HOST` by hand");
		return;
	}
	if (!is_word(host) || host.n > 255) {
		refuse(c, line, "this is no name of a host");
		return;
	}
	buf_addf(c->out, "relay %s ", stream ? "tcp" : "udp");
	quoted(c->out, host);
	add_select(c, selector);
	/* What old relays send, and old hosts expect. */
	buf_add(c->out, STR(" format rfc3164; }\n"));
	c->n.converted++;
}

static void
to_file(struct convert *c, struct str selector, struct str path, bool sync, struct str line)
{
	if (!is_word(path)) {
		refuse(c, line, "the file's name has bytes that have no place in a configuration");
		return;
	}
	buf_add(c->out, STR("write "));
	quoted(c->out, path);
	add_select(c, selector);
	buf_add(c->out, sync && !str_starts(path, STR("/dev/")) ? STR(" sync yes; }\n") : STR(" }\n"));
	c->n.converted++;
}

static void
act(struct convert *c, struct str selector, struct str action, struct str line)
{
	bool unsynced = str_starts(action, STR("-/"));

	if (str_starts(action, STR("@")))
		to_host(c, selector, action, line);
	else if (str_starts(action, STR("/")) || unsynced)
		to_file(c, selector, str_head(str_from(action, unsynced), str_find_byte(str_from(action, unsynced), ';')), !unsynced, line);
	else if (str_starts(action, STR("|")))
		refuse(c, line, "a program or a pipe that reads every line; give it a file, or a `respond` with a command for what matters");
	else if (str_eq(action, STR("*")))
		refuse(c, line, "all who are logged in are not written to; `guarita watch`, or a `respond` with a command, tells people");
	else if (str_eq(action, STR("~")) || str_eq(action, STR("stop")))
		refuse(c, line, "nothing is thrown away; leave it out of the selectors of the lines below");
	else if (str_starts(action, STR(":")) || str_starts(action, STR("^")) || str_starts(action, STR("?")))
		refuse(c, line, "an action of rsyslog that has no word here");
	else
		refuse(c, line, "users are not written to at their terminals; a `respond` with a command tells people");
}

static void
rule(struct convert *c, struct str line)
{
	struct syslog_select sum = { .mask = { 0 } };
	size_t gap = line.n;
	struct str bad;

	/* The action is the last word behind blanks; selectors may have some after a semicolon. */
	while (gap > 0 && !is_blank(line.p[gap - 1]))
		gap--;
	struct str selector = str_trim(str_head(line, gap)), action = str_from(line, gap);
	if (selector.n == 0)
		refuse(c, line, "there is no action");
	else if (syslog_select_add(&sum, selector, &bad) < 0)
		refuse(c, line, "the selector has a facility, a severity or a form that is not known");
	else if (c->block.why_not)
		refuse(c, line, c->block.why_not);
	else
		act(c, selector, action, line);
}

/* Words of ours, with commas between them. */
static bool
are_names(struct str list)
{
	struct str one;
	unsigned n = 0;

	if (list.n > NAMES_MAX)
		return false;
	while (str_split(&list, ',', &one)) {
		one = str_trim(one);
		for (size_t i = 0; i < one.n; i++) {
			char c = one.p[i];
			bool inner = c == '.' || c == '-' || c == '_' || (c == '*' && i + 1 == one.n);
			bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
			if (!plain && (i == 0 || !inner))
				return false;
		}
		n += one.n > 0;
	}
	return n > 0;
}

/* "!prog", "!-prog", "!*", "+host", "-host", "+@", "#!prog" of the BSDs. */
static void
begin_block(struct convert *c, struct str line)
{
	bool program = line.p[0] == '!', not = line.p[0] == '-' || str_starts(line, STR("!-"));
	struct str names = str_trim(str_from(line, program && not ? 2 : 1));
	struct buf *list = program ? &c->block.programs : &c->block.hosts;

	if (program && (str_starts(names, STR("+"))))
		names = str_from(names, 1);
	c->block.why_not = NULL;
	buf_reset(list);
	if (str_eq(names, STR("*")))
		return;
	if (not)
		c->block.why_not = "it stands in a block of all programs or hosts but some, which has no word here";
	else if (str_eq(names, STR("@")))
		c->block.why_not = "it stands in a block of this machine's own lines (+@); name the machine: +HOST";
	else if (!are_names(names))
		c->block.why_not = "it stands in a block whose names have no word here";
	else
		buf_add(list, names);
}

static bool
is_block(struct str line)
{
	return line.p[0] == '!' || ((line.p[0] == '+' || line.p[0] == '-') && line.n > 1 && line.p[1] != '/');
}

static void
take(struct convert *c, struct str line)
{
	if (str_starts(line, STR("#!")) || str_starts(line, STR("#+")) || str_starts(line, STR("#-")))
		line = str_from(line, line.n > 2 && !is_blank(line.p[2]) ? 1 : 0);
	if (line.n == 0 || line.p[0] == '#')
		return;
	if (is_block(line))
		begin_block(c, line);
	else if (line.p[0] == ':')
		refuse(c, line, "a property filter of rsyslog; a rule of the watch, or `program` and `host`, may say the same");
	else if (line.p[0] == '$')
		refuse(c, line, "a directive of rsyslog; sources have words of their own (`udp`, `tcp`, `files`)");
	else if (str_starts(line, STR("module(")) || str_starts(line, STR("input(")) || str_starts(line, STR("action(")) ||
	    str_starts(line, STR("template(")) || str_starts(line, STR("if ")) || str_starts(line, STR("ruleset(")))
		refuse(c, line, "rsyslog's own language");
	else if (str_starts(line, STR("include ")) || str_starts(line, STR("include(")))
		refuse(c, line, "another file; import that one too");
	else
		rule(c, line);
}

/* A line that ends in a backslash goes on in the next. */
static struct str
next_line(struct convert *c, struct str *rest, struct buf *joined)
{
	struct str line;
	unsigned lines = 0;

	buf_reset(joined);
	while (str_split(rest, '\n', &line)) {
		lines++;
		if (str_ends(line, STR("\r")))
			line = str_head(line, line.n - 1);
		bool more = str_ends(line, STR("\\"));
		buf_add(joined, more ? str_head(line, line.n - 1) : line);
		if (!more)
			break;
	}
	c->line += lines;
	return str_trim(buf_str(joined));
}

int
syslogconf_convert(struct str text, struct buf *out, struct syslogconf_counts *ret)
{
	struct convert c = { .out = out, .left = BUF_INIT(4u * SYSLOGCONF_TEXT_MAX + 65536),
		.block = { .programs = BUF_INIT(2 * NAMES_MAX), .hosts = BUF_INIT(2 * NAMES_MAX) } };
	struct buf joined = BUF_INIT(SYSLOGCONF_TEXT_MAX);

	buf_add(out, STR("# Made from a syslog.conf. Lines are sealed in the vault first, and go on from there.\n"
	    "vault \"/var/lib/guarita/vault\";\n"
	    "unix \"/dev/log\";\n"
	    "udp :514;\n\n"));
	while (text.n)
		take(&c, next_line(&c, &text, &joined));
	if (c.left.n) {
		buf_add(out, STR("\n# Not converted:\n"));
		buf_add(out, buf_str(&c.left));
	}
	int r = buf_ok(out) && buf_ok(&c.left) && buf_ok(&joined) ? 0 : -ENOMEM;
	if (r == 0)
		*ret = c.n;
	buf_free(&c.left);
	buf_free(&c.block.programs);
	buf_free(&c.block.hosts);
	buf_free(&joined);
	return r;
}
