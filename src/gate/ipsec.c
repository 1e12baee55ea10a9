/*
 * ipsec: the conversation with strongSwan. The steps are a table; what each asks is written by one function. Must never put
 * a key into a sentence.
 */
#include "gate/ipsec.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SENTENCE 400

enum step { STEP_VERSION, STEP_HEAR_CHILD, STEP_HEAR_SA, STEP_KEY, STEP_SERVER, STEP_LINK, STEP_STANDING, STEP_INITIATE, STEP_IDLE };

static const struct str server_name = { "guarita-server", 14 };

static void
say(struct ipsec *i, enum ipsec_say how, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static void
say(struct ipsec *i, enum ipsec_say how, const char *fmt, ...)
{
	char sentence[SENTENCE];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(sentence, sizeof(sentence), fmt, ap);
	va_end(ap);
	i->say(i->ctx, how, sentence);
}

void
ipsec_open(struct ipsec *i, const struct conf_vpn *conf, bool marks, struct str key, void (*say_fn)(void *ctx, enum ipsec_say how,
    const char *sentence), void *ctx)
{
	*i = (struct ipsec){ .conf = conf, .marks = marks, .key = key, .say = say_fn, .ctx = ctx, .nlinks = conf->nheadquarters };
	for (uint32_t k = 0; k < i->nlinks; k++) {
		i->links[k].conf = &conf->headquarters[k];
		snprintf(i->links[k].name, sizeof(i->links[k].name), "guarita-%u", k + 1);
	}
}

/* Questions. */

static void
one_item(struct buf *b, const char *list, struct str item)
{
	vici_list(b, list);
	vici_item(b, item);
	vici_list_end(b);
}

/* How one side proves itself: by the key that all share, or by a certificate. */
static void
add_side(const struct ipsec *i, struct buf *b, const char *side, const char *what, struct str file)
{
	bool shared = i->conf->ipsec->secret.n > 0;

	vici_section(b, side);
	vici_value(b, "auth", shared ? STR("psk") : STR("pubkey"));
	if (!shared) {
		vici_section(b, what);
		vici_value(b, "file", file);
		vici_section_end(b);
	}
	vici_section_end(b);
}

/*
 * One combination each: IKEv1 has no other form, and strongSwan sends only the first of several there. Windows, Android and
 * RouterOS have the second; old clients know nothing newer than SHA-1.
 */
static const char *const ike_proposals[] = {
	"aes256-sha256-modp2048", "aes256-sha1-modp2048", "aes128-sha256-modp2048", "aes128-sha1-modp2048",
	"aes256-sha256-ecp256", "aes256-sha256-ecp384", "aes128-sha256-ecp256", "default",
};
static const char *const esp_proposals[] = {
	"aes256gcm16", "aes128gcm16", "aes256-sha256", "aes256-sha1", "aes128-sha256", "aes128-sha1",
};

static void
add_list(struct buf *b, const char *name, const char *const *items, size_t n)
{
	vici_list(b, name);
	for (size_t i = 0; i < n; i++)
		vici_item(b, str_z(items[i]));
	vici_list_end(b);
}

/* RFC 3193 section 4: transport mode, UDP, and the server's port. Who dials may use any port of his. */
static void
add_child(struct buf *b, struct str local, struct str remote, bool marks)
{
	vici_section(b, "children");
	vici_section(b, "l2tp");
	vici_value(b, "mode", STR("transport"));
	vici_value(b, "reqid", STR("1701"));
	/* A number of its own for each association: on the packets that came by it, and on those that are to go. */
	if (marks) {
		vici_value(b, "mark_in", STR("%unique"));
		vici_value(b, "mark_out", STR("%unique"));
		vici_value(b, "set_mark_in", STR("%same"));
	}
	one_item(b, "local_ts", local);
	one_item(b, "remote_ts", remote);
	add_list(b, "esp_proposals", esp_proposals, ARRAY_LEN(esp_proposals));
	vici_value(b, "dpd_action", STR("clear"));
	vici_section_end(b);
	vici_section_end(b);
}

static void
ask_connection(const struct ipsec *i, struct buf *b, struct str name, const char *version, struct str remote, bool server)
{
	const struct conf_ipsec *c = i->conf->ipsec;
	size_t start = vici_begin(b, VICI_REQUEST, STR("load-conn"));
	char room[32];

	snprintf(room, sizeof(room), "%.*s", STR_FMT(str_head(name, sizeof(room) - 1)));
	vici_section(b, room);
	vici_value(b, "version", str_z(version));
	one_item(b, "remote_addrs", remote);
	add_list(b, "proposals", ike_proposals, ARRAY_LEN(ike_proposals));
	vici_value(b, "dpd_delay", STR("20s"));
	vici_value(b, "unique", server ? STR("never") : STR("replace"));
	add_side(i, b, "local", "cert1", c->certificate);
	add_side(i, b, "remote", "cacert1", c->authority);
	add_child(b, server ? STR("dynamic[udp/1701]") : STR("dynamic[udp]"), server ? STR("dynamic[udp]") : STR("dynamic[udp/1701]"),
	    server && i->marks);
	vici_section_end(b);
	vici_end(b, start);
}

static void
ask_key(const struct ipsec *i, struct buf *b)
{
	const struct conf_ipsec *c = i->conf->ipsec;
	size_t start = vici_begin(b, VICI_REQUEST, c->secret.n > 0 ? STR("load-shared") : STR("load-key"));

	if (c->secret.n > 0) {
		vici_value(b, "id", STR("guarita"));
		vici_value(b, "type", STR("IKE"));
		vici_value(b, "data", c->secret);
	} else {
		vici_value(b, "type", STR("any"));
		vici_value(b, "data", i->key);
	}
	vici_end(b, start);
}

/* The name of a host without its port: strongSwan looks it up itself. */
static struct str
host_of(const struct conf_vpn_headquarters *h)
{
	size_t colon = str_find_byte(h->host, ':');
	bool one = colon < h->host.n && str_find_byte(str_from(h->host, colon + 1), ':') == h->host.n - colon - 1;

	return one ? str_head(h->host, colon) : h->host;
}

static void
ask_initiate(const struct ipsec *i, struct buf *b, uint32_t link)
{
	size_t start = vici_begin(b, VICI_REQUEST, STR("initiate"));

	vici_value(b, "ike", str_z(i->links[link].name));
	vici_value(b, "child", STR("l2tp"));
	/* Milliseconds: then it says why there is none yet. */
	vici_value(b, "timeout", STR("8000"));
	vici_end(b, start);
}

static void
ask_plain(struct buf *b, enum vici_type type, struct str name)
{
	vici_end(b, vici_begin(b, type, name));
}

static void
ask(struct ipsec *i, struct buf *out)
{
	static const char *const versions[] = { [CONF_IKE_ANY] = "0", [CONF_IKE_V1] = "1", [CONF_IKE_V2] = "2" };
	const char *version = versions[i->conf->ipsec->ike];

	switch ((enum step)i->step) {
	case STEP_VERSION: ask_plain(out, VICI_REQUEST, STR("version")); break;
	case STEP_HEAR_CHILD: ask_plain(out, VICI_REGISTER, STR("child-updown")); break;
	case STEP_HEAR_SA: ask_plain(out, VICI_REGISTER, STR("list-sa")); break;
	case STEP_KEY: ask_key(i, out); break;
	case STEP_SERVER: ask_connection(i, out, server_name, version, STR("%any"), true); break;
	case STEP_LINK: ask_connection(i, out, str_z(i->links[i->link].name), version, host_of(i->links[i->link].conf), false); break;
	case STEP_STANDING: ask_plain(out, VICI_REQUEST, STR("list-sas")); break;
	case STEP_INITIATE: ask_initiate(i, out, i->link); break;
	case STEP_IDLE: break;
	}
}

/* Past the steps that this site has no use for. */
static void
advance(struct ipsec *i)
{
	if (i->step == STEP_LINK && i->link + 1 < i->nlinks) {
		i->link++;
		return;
	}
	i->step = i->step == STEP_INITIATE ? STEP_IDLE : i->step + 1;
	i->link = 0;
	if (i->step == STEP_SERVER && i->conf->server == NULL)
		i->step++;
	if (i->step == STEP_LINK && i->nlinks == 0)
		i->step++;
	if (i->step == STEP_INITIATE)
		i->step = STEP_IDLE;
	if (i->step == STEP_IDLE && !i->ready) {
		i->ready = true;
		say(i, IPSEC_GOOD, "strongSwan %s protects the tunnels", i->version);
	}
}

void
ipsec_begin(struct ipsec *i, struct buf *out)
{
	i->step = STEP_VERSION;
	i->link = 0;
	i->ready = false;
	i->up = 0;
	for (uint32_t k = 0; k < i->nlinks; k++) {
		i->links[k].up = false;
		i->links[k].tried_us = 0;
	}
	ask(i, out);
}

/* Answers. */

static const char *
what_of(const struct ipsec *i)
{
	switch ((enum step)i->step) {
	case STEP_KEY:
		return i->conf->ipsec->secret.n > 0 ? "the shared key" : "the private key";
	case STEP_SERVER:
		return "the connection of those who dial in";
	case STEP_LINK:
		return "the connection of a headquarters";
	case STEP_INITIATE:
		return "to dial a headquarters";
	case STEP_VERSION: case STEP_HEAR_CHILD: case STEP_HEAR_SA: case STEP_STANDING: case STEP_IDLE:
		break;
	}
	return "a question of ours";
}

static void
take_answer(struct ipsec *i, struct vici_reader *r)
{
	struct str name, value, why = STR("it does not say why");
	enum vici_token t;
	bool good = true;

	while ((t = vici_next(r, &name, &value)) > VICI_END) {
		if (t != VICI_VALUE)
			continue;
		if (str_eq(name, STR("success")))
			good = str_eq(value, STR("yes"));
		else if (str_eq(name, STR("errmsg")))
			why = value;
		else if (i->step == STEP_VERSION && str_eq(name, STR("version")))
			snprintf(i->version, sizeof(i->version), "%.*s", STR_FMT(str_head(value, sizeof(i->version) - 1)));
	}
	if (good)
		return;
	i->refused++;
	say(i, IPSEC_BAD, "strongSwan refuses %s: %.*s", what_of(i), STR_FMT(str_head(why, 200)));
}

static struct ipsec_link *
link_named(struct ipsec *i, struct str name)
{
	for (uint32_t k = 0; k < i->nlinks; k++)
		if (str_eq(name, str_z(i->links[k].name)))
			return &i->links[k];
	return NULL;
}

/* What an event says of one of our connections. */
struct told {
	struct str connection, host;
	bool ours, up, installed;
};

static void
read_told(struct vici_reader *r, struct told *t)
{
	struct str name, value;
	enum vici_token token;
	unsigned depth = 0;

	while ((token = vici_next(r, &name, &value)) > VICI_END) {
		if (token == VICI_SECTION && depth++ == 0)
			t->connection = name;
		else if (token == VICI_SECTION_END)
			depth--;
		else if (token == VICI_VALUE && depth == 0 && str_eq(name, STR("up")))
			t->up = str_eq(value, STR("yes"));
		else if (token == VICI_VALUE && depth == 1 && str_eq(name, STR("remote-host")))
			t->host = value;
		else if (token == VICI_VALUE && depth == 3 && str_eq(name, STR("state")))
			t->installed |= str_eq(value, STR("INSTALLED"));
	}
	t->ours = str_starts(t->connection, STR("guarita-"));
}

static void
take_event(struct ipsec *i, struct str event, struct vici_reader *r)
{
	bool standing = str_eq(event, STR("list-sa"));
	struct told t = { .up = false };

	i->events++;
	read_told(r, &t);
	if (standing)
		t.up = t.installed;
	if (!t.ours || (standing && !t.up))
		return;
	struct ipsec_link *l = link_named(i, t.connection);
	if (l)
		l->up = t.up;
	if (t.up)
		i->up++;
	else if (i->up > 0)
		i->up--;
	if (!standing)
		say(i, IPSEC_GOOD, "ipsec.%s from=%.*s connection=%.*s", t.up ? "up" : "down", STR_FMT(str_head(t.host, 64)),
		    STR_FMT(str_head(t.connection, 32)));
}

int
ipsec_input(struct ipsec *i, struct str packet, struct buf *out)
{
	enum vici_type type;
	struct vici_reader r;
	struct str name;

	if (vici_open(packet, &type, &name, &r) < 0)
		return -EBADMSG;
	if (type == VICI_EVENT) {
		take_event(i, name, &r);
		return r.failed ? -EBADMSG : 0;
	}
	if (i->step == STEP_IDLE)
		return -EBADMSG;        /* an answer to nothing */
	if (type == VICI_RESPONSE)
		take_answer(i, &r);
	else if (type != VICI_CONFIRM)
		say(i, IPSEC_BAD, "strongSwan %s does not know %s: it is too old", i->version, what_of(i));
	advance(i);
	ask(i, out);
	return r.failed ? -EBADMSG : 0;
}

void
ipsec_tick(struct ipsec *i, int64_t now_us, struct buf *out)
{
	if (i->step != STEP_IDLE)
		return;
	for (uint32_t k = 0; k < i->nlinks; k++) {
		struct ipsec_link *l = &i->links[k];
		if (l->up || (l->tried_us && now_us - l->tried_us < IPSEC_AGAIN_US))
			continue;
		l->tried_us = now_us;
		l->tries++;
		i->step = STEP_INITIATE;
		i->link = k;
		ask(i, out);
		return;
	}
}
