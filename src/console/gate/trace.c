/*
 * trace: `guarita fw trace SRC [DST[:PORT[/PROTOCOL]]]`: the way of real packets through the rules in force, as netd tells it,
 * in words with the line of each rule. Must never send a packet.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/when.h"
#include "console/ends.h"
#include "console/i18n.h"
#include "console/reply.h"
#include "console/term.h"
#include "wire/packet.h"

#define SECONDS 30
#define PACKETS 20

struct tracing {
	struct term term;
	struct buf out;
};

static void
say_end(struct buf *out, struct str addr, const struct reply *r, const char *port)
{
	bool six = str_find_byte(addr, ':') < addr.n;

	if (reply_get(r, port).n == 0)
		buf_addf(out, "%.*s", STR_FMT(addr));
	else
		buf_addf(out, six ? "[%.*s]:%llu" : "%.*s:%llu", STR_FMT(addr), (unsigned long long)reply_number(r, port));
}

static void
say_flags(struct buf *out, uint64_t flags)
{
	static const struct { uint64_t bit; const char *name; } names[] = {
		{ PACKET_SYN, "SYN" }, { PACKET_FIN, "FIN" }, { PACKET_RST, "RST" }, { PACKET_PSH, "PSH" },
		{ PACKET_ACK, "ACK" }, { PACKET_URG, "URG" },
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (flags & names[i].bit)
			buf_addf(out, " %s", names[i].name);
}

static void
show_packet(struct tracing *t, const struct reply *r)
{
	uint8_t protocol = (uint8_t)reply_number(r, "protocol");
	const char *name = ends_protocol_name(protocol);
	struct str in = reply_get(r, "in");

	buf_addf(&t->out, "%3llu  ", (unsigned long long)reply_number(r, "number"));
	if (name)
		buf_add(&t->out, str_z(name));
	else
		buf_addf(&t->out, _("protocol %u"), protocol);
	buf_add_byte(&t->out, ' ');
	say_end(&t->out, reply_get(r, "src"), r, "sport");
	buf_add(&t->out, STR(" -> "));
	say_end(&t->out, reply_get(r, "dst"), r, "dport");
	if (reply_get(r, "icmp").n > 0)
		buf_addf(&t->out, _(" type %llu"), (unsigned long long)reply_number(r, "icmp"));
	say_flags(&t->out, reply_number(r, "flags"));
	if (in.n > 0) {
		buf_add(&t->out, str_z(_(", in by ")));
		term_text(&t->term, &t->out, in, 16);
	} else {
		buf_add(&t->out, str_z(_(", sent by this machine")));
	}
	buf_addf(&t->out, _(", %llu bytes\n"), (unsigned long long)reply_number(r, "length"));
}

/* A rule of another program, or the end of a chain where none decided. */
static void
show_foreign(struct tracing *t, const struct reply *r)
{
	buf_add(&t->out, STR("     "));
	term_ink(&t->term, &t->out, INK_RED, "%s", _("dropped"));
	if (reply_true(r, "foreign"))
		buf_addf(&t->out, _(" by rule %llu of another program, table "), (unsigned long long)reply_number(r, "handle"));
	else
		buf_add(&t->out, str_z(_(": no rule spoke of it, table ")));
	term_text(&t->term, &t->out, reply_get(r, "table"), 64);
	buf_add(&t->out, str_z(_(", chain ")));
	term_text(&t->term, &t->out, reply_get(r, "chain"), 64);
	buf_add_byte(&t->out, '\n');
}

static void
show_step(struct tracing *t, const struct reply *r)
{
	struct str file = reply_get(r, "file"), name = reply_get(r, "name"), why = reply_get(r, "why"),
	    comment = reply_get(r, "comment");
	size_t slash = str_rfind(file, STR("/"));
	struct buf from = BUF_INIT(8192);

	if (reply_get(r, "word").n == 0) {
		show_foreign(t, r);
		return;
	}
	if (reply_number(r, "line"))
		buf_addf(&from, "%.*s:%llu ", STR_FMT(slash < file.n ? str_from(file, slash + 1) : file),
		    (unsigned long long)reply_number(r, "line"));
	else
		buf_add(&from, str_z(_("built in ")));
	buf_addf(&from, "(%.*s%s%.*s)", STR_FMT(reply_get(r, "word")), name.n ? " " : "", STR_FMT(name));
	if (why.n || comment.n)
		buf_addf(&from, ": %.*s", STR_FMT(comment.n ? comment : why));
	buf_addf(&t->out, "     %-10.*s ", STR_FMT(reply_get(r, "hook")));
	term_text(&t->term, &t->out, reply_get(r, "text"), 200);
	buf_add(&t->out, STR("  <- "));
	term_text(&t->term, &t->out, buf_str(&from), 200);
	buf_add_byte(&t->out, '\n');
	buf_free(&from);
}

static void
show(void *ctx, const struct reply *r)
{
	struct tracing *t = ctx;
	struct str type = reply_get(r, "type"), why = reply_get(r, "why");

	if (str_eq(type, STR("tracing")))
		buf_addf(&t->out, _("Waiting for packets, %llu s and %llu packets at most; Ctrl-C ends it.\n"),
		    (unsigned long long)reply_number(r, "seconds"), (unsigned long long)reply_number(r, "packets"));
	else if (str_eq(type, STR("packet")))
		show_packet(t, r);
	else if (str_eq(type, STR("step")))
		show_step(t, r);
	else if (str_eq(type, STR("traced"))) {
		buf_addf(&t->out, _("%llu packets were seen"), (unsigned long long)reply_number(r, "packets"));
		if (reply_number(r, "lost"))
			buf_addf(&t->out, _("; words of the kernel were lost %llu times"), (unsigned long long)reply_number(r, "lost"));
		buf_add(&t->out, str_eq(why, STR("another")) ? str_z(_("; another trace takes the place of this one.\n")) :
		    str_eq(why, STR("reload")) ? str_z(_("; the configuration is loaded anew, which ends a trace.\n")) : STR(".\n"));
	}
	/* Each line as it comes: somebody is waiting. */
	term_flush(&t->term, &t->out);
}

static int
add_destination(const struct options *o, bool v4, struct buf *order)
{
	struct str dst = str_z(o->args[1]);
	size_t slash = str_rfind(dst, STR("/"));
	uint8_t protocol = IPPROTO_TCP;
	uint16_t port = 0;
	struct cidr net;
	struct addr addr;
	char text[46];

	if (cidr_parse(dst, &net) == 0) {
		buf_addf(order, ",\"to\":\"%s\"", o->args[1]);
		return 0;
	}
	if (ends_addr(str_head(dst, slash), &addr, &port) < 0 ||
	    (slash < dst.n && ends_protocol(str_from(dst, slash + 1), v4, &protocol) < 0)) {
		complain(_("guarita: \"%s\" is no address, network or ADDRESS:PORT/PROTOCOL; example: 192.0.2.7:53/udp\n"),
		    o->args[1]);
		return -1;
	}
	buf_addf(order, ",\"to\":\"%.*s\"", (int)addr_show(&addr, text), text);
	if (port)
		buf_addf(order, ",\"port\":%u", port);
	if (port || slash < dst.n)
		buf_addf(order, ",\"protocol\":%u", protocol);
	return 0;
}

int
command_fw_trace(const struct options *o)
{
	struct tracing t = { .out = BUF_INIT(16u << 20) };
	struct buf order = BUF_INIT(1000);
	struct cidr src;
	int code = EXIT_USAGE;

	term_init(&t.term, stdout, o->plain);
	buf_addf(&order, "{\"cmd\":\"trace\",\"net\":\"%s\"", o->args[0]);
	if (cidr_parse(str_z(o->args[0]), &src) < 0)
		complain(_("guarita: \"%s\" is neither an address nor a network\n"), o->args[0]);
	else if (o->nargs < 2 || add_destination(o, addr_is_v4(&src.net), &order) == 0) {
		buf_addf(&order, ",\"seconds\":%lld,\"packets\":%llu}",
		    (long long)(o->for_us ? o->for_us / WHEN_SECOND : SECONDS), (unsigned long long)(o->packets ? o->packets : PACKETS));
		code = buf_ok(&order) ? reply_order(o, buf_str(&order), show, &t) : EXIT_USAGE;
	}
	buf_free(&order);
	buf_free(&t.out);
	return code;
}
