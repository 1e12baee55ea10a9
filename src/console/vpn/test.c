/*
 * test: `guarita vpn test`: dials a server from here, step by step, and says at which step it fails and what to change.
 * Makes no interface and no route: what passes is PPP's own questions. Must never show a password.
 */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/when.h"
#include "console/gate/candidate.h"
#include "console/config_file.h"
#include "console/i18n.h"
#include "console/term.h"
#include "gate/l2tp/words.h"
#include "sys/clock.h"
#include "sys/sock.h"
#include "sys/udp.h"

#define PATIENCE_US (40 * WHEN_SECOND)
#define ECHO_PATIENCE_US (7 * WHEN_SECOND / 10)
#define ECHOES 8
#define SIZE_TRIES 3
#define SIZE_LEAST 256                 /* what is smaller than this has another fault */
#define NOBODY "guarita-test"

struct trying {
	const struct options *o;
	struct term term;
	struct buf out;
	struct l2tp_vpn vpn;
	struct vpn_dial dial;
	struct udp *udp;
	int64_t step_us;               /* the step began */
	unsigned step;
	bool failed, anonymous;
	uint8_t scratch[65536];
};

/* What is shown of a step. */

static void
tell(struct trying *t, bool good, const char *step, const char *text)
{
	int64_t now = clock_mono_us();
	char span[40];

	if (t->o->json) {
		buf_addf(&t->out, "{\"step\":\"%s\",\"ok\":%s,\"us\":%lld,\"text\":", step, good ? "true" : "false",
		    (long long)(now - t->step_us));
		buf_add_json(&t->out, str_z(text));
		buf_add(&t->out, STR("}\n"));
	} else {
		term_ink(&t->term, &t->out, good ? INK_GREEN : INK_RED, "%-6s ", good ? _("good") : _("FAILED"));
		text_show_duration(now - t->step_us, span, sizeof(span));
		buf_addf(&t->out, "%-12s %9s  ", _(step), span);
		term_text(&t->term, &t->out, str_z(text), 400);
		buf_add_byte(&t->out, '\n');
	}
	term_flush(&t->term, &t->out);
	t->step_us = now;
}

static void
advise(struct trying *t, const char *text)
{
	if (t->o->json)
		return;
	term_wrap(&t->term, &t->out, str_z(text), 7);
	term_flush(&t->term, &t->out);
}

/* The steps. */

static const struct ppp_link *
link_of(const struct trying *t)
{
	return t->dial.call ? &t->dial.call->link : NULL;
}

static bool
name_known(const struct trying *t)
{
	return t->dial.state >= VPN_DIALLING && t->dial.tunnel;
}

static bool
tunnel_stands(const struct trying *t)
{
	return t->dial.tunnel && t->dial.tunnel->state == L2TP_ESTABLISHED;
}

static bool
call_stands(const struct trying *t)
{
	return link_of(t) != NULL;
}

static bool
lcp_open(const struct trying *t)
{
	return link_of(t) && link_of(t)->phase >= PPP_AUTHENTICATE && link_of(t)->phase <= PPP_NETWORK;
}

static bool
known(const struct trying *t)
{
	return link_of(t) && link_of(t)->phase == PPP_NETWORK;
}

static bool
encrypted(const struct trying *t)
{
	return link_of(t) && (link_of(t)->network_up || link_of(t)->ccp.state == PPP_OPENED);
}

static bool
addressed(const struct trying *t)
{
	return t->dial.state == VPN_UP;
}

static void
say_name(const struct trying *t, struct buf *out)
{
	char text[46];

	addr_show(&t->dial.tunnel->peer.addr, text);
	buf_addf(out, _("%.*s is %s, UDP port %u"), STR_FMT(t->dial.host), text, t->dial.port);
}

static void
say_tunnel(const struct trying *t, struct buf *out)
{
	buf_addf(out, _("L2TP is answered, the server calls itself %s%s"),
	    t->dial.tunnel->peer_name ? t->dial.tunnel->peer_name : "?",
	    t->dial.terms.secret.n ? _("; the tunnel secret is right") : "");
}

static void
say_call(const struct trying *t, struct buf *out)
{
	buf_addf(out, _("it takes our call: tunnel %u, session %u"), t->dial.tunnel->peer_id, t->dial.call->session->peer_id);
}

static void
say_lcp(const struct trying *t, struct buf *out)
{
	buf_addf(out, _("PPP is agreed on: packets up to %u bytes to it, it wants to know us by %s"), link_of(t)->peer_mru,
	    ppp_auth_name(link_of(t)->owed));
}

static void
say_known(const struct trying *t, struct buf *out)
{
	buf_addf(out, link_of(t)->owed == PPP_AUTH_MSCHAP2 ? _("it knows us as %.*s, and has proved that it knows the password")
	    : _("it knows us as %.*s"), STR_FMT(t->dial.policy.name));
}

static void
say_encryption(const struct trying *t, struct buf *out)
{
	buf_addf(out, _("encryption: %s"), ppp_link_encoding(link_of(t)));
}

static void
add_v4(struct buf *out, uint32_t a)
{
	buf_addf(out, "%u.%u.%u.%u", a >> 24, a >> 16 & 255, a >> 8 & 255, a & 255);
}

static void
say_address(const struct trying *t, struct buf *out)
{
	buf_add(out, str_z(_("our address is ")));
	add_v4(out, link_of(t)->local);
	buf_add(out, str_z(_(", the server's ")));
	add_v4(out, link_of(t)->remote);
}

static const struct {
	const char *name;
	bool (*reached)(const struct trying *t);
	void (*say)(const struct trying *t, struct buf *out);
	const char *advice;            /* when it is not reached and the other side said nothing */
} steps[] = {
	{ N_("name"), name_known, say_name,
	  N_("Is the name right, and does this machine's name server answer? An address can be given in its place.") },
	{ N_("port"), tunnel_stands, say_tunnel,
	  N_("Nothing answers (Windows shows 809): the address is wrong, UDP port 1701 is blocked on the way or at the "
	     "server, no server runs there, or it wants IPsec around L2TP (Windows shows 789).") },
	{ N_("call"), call_stands, say_call,
	  N_("The tunnel stands and the server takes no call in it: look at its log; it may have no session left.") },
	{ N_("PPP"), lcp_open, say_lcp,
	  N_("The server took the call and speaks no PPP in it: look at its log.") },
	{ N_("login"), known, say_known,
	  N_("It asked who we are and said nothing more (Windows shows 718): it may be waiting for its own RADIUS server.") },
	{ N_("encryption"), encrypted, say_encryption,
	  N_("Encryption was not agreed on (Windows shows 741 or 742): MPPE with 128 bits and MS-CHAPv2 are needed at both ends.") },
	{ N_("address"), addressed, say_address,
	  N_("It gives no address: its pool may be used up.") },
};

static void
look(struct trying *t)
{
	struct buf text = BUF_INIT(1000);

	while (t->step < ARRAY_LEN(steps) && (steps[t->step].reached(t) || addressed(t))) {
		buf_reset(&text);
		steps[t->step].say(t, &text);
		tell(t, true, steps[t->step++].name, buf_cstr(&text));
	}
	buf_free(&text);
}

/* Hooks. */

static void
hook_send(void *ctx, const struct l2tp_peer *to, struct str datagram)
{
	struct trying *t = ctx;
	struct udp_end end = { .addr = to->addr, .local = to->local, .port = to->port };

	memcpy(udp_room(t->udp, datagram.n), datagram.p, datagram.n);
	udp_queue(t->udp, &end, datagram.n);
}

static uint64_t
hook_random(void *ctx)
{
	(void)ctx;
	return random_u64();
}

static void
hook_up(void *ctx, struct vpn_call *c)
{
	(void)ctx;
	(void)c;
}

static void
hook_down(void *ctx, struct vpn_call *c, struct str why)
{
	(void)ctx;
	(void)c;
	(void)why;
}

static void
hook_resolve(void *ctx, struct vpn_dial *d)
{
	struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_DGRAM }, *list = NULL;
	struct l2tp_peer to = { .port = d->port };
	struct sockaddr_storage ss = { 0 };
	struct trying *t = ctx;
	char name[256], why[300];
	uint16_t port;

	snprintf(name, sizeof(name), "%.*s", STR_FMT(d->host));
	int e = addr_parse(d->host, &to.addr) == 0 ? 0 : getaddrinfo(name, NULL, &hints, &list);
	if (e == 0 && list) {
		memcpy(&ss, list->ai_addr, list->ai_addrlen);
		e = sock_addr_get(&ss, &to.addr, &port) < 0 ? EAI_FAMILY : 0;
	}
	if (list)
		freeaddrinfo(list);
	snprintf(why, sizeof(why), _("the name cannot be looked up: %s"), e ? gai_strerror(e) : "");
	if (e)
		vpn_dial_failed(d, clock_mono_us(), why);
	else
		vpn_dial_to(d, clock_mono_us(), &to);
	look(t);
}

static void
hook_failed(void *ctx, struct vpn_dial *d)
{
	(void)d;
	((struct trying *)ctx)->failed = true;
}

static const struct vpn_hooks hooks = {
	.send = hook_send, .random = hook_random, .up = hook_up, .down = hook_down, .resolve = hook_resolve,
	.dial_failed = hook_failed,
};

/* Goes on until then, or until something is to be looked at. */

static void
receive(struct trying *t)
{
	struct vpn_call *call;
	struct udp_end from;
	struct str packet;
	size_t size;
	int n = udp_receive(t->udp);

	for (int i = 0; i < n; i++) {
		struct str all = udp_at(t->udp, i, &from, &size);
		for (; all.n > 0; all = str_from(all, size)) {
			struct l2tp_peer peer = { .addr = from.addr, .local = from.local, .port = from.port };
			(void)!vpn_receive(&t->vpn, clock_mono_us(), &peer, str_head(all, size), t->scratch, &call, &packet);
			look(t);
		}
	}
}

static void
turn(struct trying *t, int64_t until_us)
{
	struct pollfd p = { .fd = udp_fd(t->udp), .events = POLLIN };
	int64_t due = vpn_due(&t->vpn), now = clock_mono_us();

	due = due < until_us ? due : until_us;
	udp_flush(t->udp);
	if (poll(&p, 1, due <= now ? 0 : (int)((due - now + 999) / 1000)) > 0)
		receive(t);
	vpn_tick(&t->vpn, clock_mono_us());
	udp_flush(t->udp);
	look(t);
}

/* The way there, once it stands. */

static bool
echo(struct trying *t, size_t size)
{
	struct ppp_link *l = &t->dial.call->link;
	int64_t until = clock_mono_us() + ECHO_PATIENCE_US;

	ppp_echo_sized(l, clock_mono_us(), size);
	while (t->dial.call && l->echo_sent_us != 0 && clock_mono_us() < until)
		turn(t, until);
	return t->dial.call && l->echo_sent_us == 0;
}

static bool
passes(struct trying *t, size_t size)
{
	for (unsigned i = 0; i < SIZE_TRIES && t->dial.call; i++)
		if (echo(t, size))
			return true;
	return false;
}

static void
try_rtt(struct trying *t)
{
	uint32_t least = UINT32_MAX, most = 0, answered = 0;
	char text[200];

	for (unsigned i = 0; i < ECHOES && t->dial.call; i++) {
		if (!echo(t, 0))
			continue;
		uint32_t rtt = t->dial.call->link.rtt_us;
		least = rtt < least ? rtt : least;
		most = rtt > most ? rtt : most;
		answered++;
	}
	if (answered == 0)
		snprintf(text, sizeof(text), _("none of %u questions was answered"), ECHOES);
	else
		snprintf(text, sizeof(text), _("%u of %u questions answered, in %.2f to %.2f ms"), answered, ECHOES, least / 1000.0,
		    most / 1000.0);
	t->failed |= answered == 0;
	tell(t, answered > 0, N_("answers"), text);
}

/* RFC 4821 section 7: what passes is found by trying; nothing on the way needs to say so. */
static void
try_sizes(struct trying *t)
{
	size_t good = SIZE_LEAST, bad = t->dial.policy.mru, want = bad;
	char text[200];

	if (passes(t, want)) {
		snprintf(text, sizeof(text), _("packets of %zu bytes pass"), want);
		tell(t, true, N_("size"), text);
		return;
	}
	if (!passes(t, good)) {
		tell(t, false, N_("size"), _("nothing but the smallest packets is answered"));
		t->failed = true;
		return;
	}
	while (bad - good > 4) {
		size_t middle = (good + bad) / 2;
		if (passes(t, middle))
			good = middle;
		else
			bad = middle;
	}
	t->failed = true;
	snprintf(text, sizeof(text), _("packets of more than %zu bytes vanish on the way"), good);
	tell(t, false, N_("size"), text);
	snprintf(text, sizeof(text), _("Pages load halfway and files stall on such a way. Say `mtu %zu;` at both ends."), good);
	advise(t, text);
}

/* Whom to dial: one of the configuration, or whoever is named. */

static const struct conf_vpn_headquarters *
find(const struct config *c, const char *name)
{
	for (uint32_t i = 0; c && i < c->vpn.nheadquarters; i++) {
		const struct conf_vpn_headquarters *h = &c->vpn.headquarters[i];
		if (name == NULL || str_eq(h->host, str_z(name)) || str_eq(h->interface, str_z(name)))
			return h;
	}
	return NULL;
}

static int
open_all(struct trying *t)
{
	static const struct addr none;
	int r = udp_open(&none, true, 0, &t->udp);

	if (r == 0)
		udp_never_fragment(t->udp);
	if (r == 0)
		r = vpn_open(&t->vpn, &hooks, t, NULL, &t->dial, 1);
	if (r < 0)
		complain(_("guarita: cannot dial: %s\n"), strerror(-r));
	return r;
}

static void
explain(struct trying *t)
{
	const char *why = t->dial.last[0] ? t->dial.last : _("it took too long");

	/* An unknown user is refused as he should be: the way there is good. */
	if (t->anonymous && t->step == 4) {
		tell(t, true, N_("login"), _("not tried: no `headquarters` of the configuration has this name"));
		t->failed = false;
		return;
	}
	tell(t, false, steps[t->step].name, why);
	if (strchr(why, ';') == NULL)
		advise(t, _(steps[t->step].advice));
}

static int
run(struct trying *t)
{
	int64_t until = clock_mono_us() + PATIENCE_US;

	if (open_all(t) < 0)
		return EXIT_FAILED;
	t->step_us = clock_mono_us();
	vpn_begin(&t->vpn, t->step_us);
	while (!t->failed && t->step < ARRAY_LEN(steps) && clock_mono_us() < until)
		turn(t, until);
	if (t->step < ARRAY_LEN(steps)) {
		t->failed = true;
		explain(t);
	} else {
		try_rtt(t);
		try_sizes(t);
	}
	bool failed = t->failed;
	/* The other side is told; that this ends the call is no failure. */
	vpn_stop(&t->vpn, clock_mono_us());
	udp_flush(t->udp);
	return failed ? EXIT_FAILED : EXIT_CLEAN;
}

int
command_vpn_test(const struct options *o)
{
	struct conf_vpn_headquarters unknown = { .host = str_z(o->nargs ? o->args[0] : ""), .user = STR(NOBODY),
		.password = STR(NOBODY), .encryption = CONF_VPN_ENCRYPT_YES, .mtu = 1400, .hello_us = WHEN_MINUTE };
	struct trying *t = calloc(1, sizeof(*t));
	char *path = o->nargs ? candidate_path_if_any(o) : candidate_path(o), name[256];
	struct loaded l = { 0 };
	int code = EXIT_FAILED;

	/* Without a name it is the configuration's; with one the file need not exist. */
	bool read = t && path && (access(path, R_OK) == 0 || o->nargs == 0) && loaded_read(&l, path) == 0;
	struct str key = STR_NULL;
	int r = read ? config_file_unseal(&l.arena, l.diags, path, &l.config, &key) : 0;
	if (r < 0) {
		complain(_("guarita: sealed passwords cannot be read: %s: %s\n"), key.n ? key.p : path, strerror(-r));
		read = false;
	}
	const struct conf_vpn_headquarters *h = find(read ? l.config : NULL, o->nargs ? o->args[0] : NULL);
	if (r < 0) {
		code = EXIT_FAILED;
	} else if (t && h == NULL && o->nargs == 0) {
		if (read)
			complain(_("guarita: the configuration has no headquarters; name a server: guarita vpn test vpn.example.com\n"));
	} else if (t) {
		t->o = o;
		t->out = BUF_INIT(1 << 16);
		t->anonymous = h == NULL;
		term_init(&t->term, stdout, o->plain);
		l2tp_words_dial(h ? h : &unknown, str_z(host_name(name)), &t->dial);
		t->dial.policy.echo_us = 0;
		code = run(t);
		if (t->vpn.engine)
			vpn_free(&t->vpn);
		udp_close(t->udp);
		buf_free(&t->out);
	}
	loaded_free(&l);
	free(path);
	free(t);
	return code;
}
