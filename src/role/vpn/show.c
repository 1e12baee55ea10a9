/* tunnelling_show: the state of the VPN as members of a JSON object. Must never show a secret. */
#include <inttypes.h>

#include "role/vpn/l2tpd.h"
#include "sys/clock.h"

void
tunnelling_show_v4(uint32_t address, struct buf *out)
{
	buf_addf(out, "%u.%u.%u.%u", address >> 24, address >> 16 & 255, address >> 8 & 255, address & 255);
}

static void
member_v4(struct buf *json, const char *name, uint32_t address)
{
	if (address == 0)
		return;
	buf_addf(json, ",\"%s\":\"", name);
	tunnelling_show_v4(address, json);
	buf_add_byte(json, '"');
}

/* What the peer has made of its prefix it need not tell: of it the prefix is shown. */
static void
members_v6(struct buf *json, const struct vpn_call *c)
{
	struct addr a = address6(c->prefix, c->dial ? c->link.local_id : 0);
	char text[46];

	if (!c->link.network6_up)
		return;
	if (c->prefix) {
		addr_show(&a, text);
		buf_addf(json, ",\"%s\":\"%s%s\"", c->dial ? "local6" : "prefix", text, c->dial ? "" : "/64");
	}
	a = address6(LINK_LOCAL6, c->link.remote_id);
	addr_show(&a, text);
	buf_addf(json, ",\"link6\":\"%s\"", text);
}

static void
show_peer(const struct l2tp_peer *p, struct buf *json)
{
	char text[46];

	addr_show(&p->addr, text);
	buf_addf(json, ",\"peer\":\"%s:%u\"", text, p->port);
}

static void
show_call(const struct tunnelling *t, const struct vpn_call *c, struct buf *json)
{
	int64_t now = clock_mono_us();

	show_peer(&c->session->tunnel->peer, json);
	member_v4(json, "address", c->link.remote);
	member_v4(json, "local", c->link.local);
	member_v4(json, "dns", c->link.dns[0]);
	members_v6(json, c);
	buf_addf(json, ",\"interface\":\"%s\",\"encoding\":\"%s\",\"authentication\":\"%s\"", t->ends[c->tun].tun.name,
	    ppp_link_encoding(&c->link), ppp_auth_name(c->dial ? c->link.owed : c->link.demanded));
	buf_addf(json, ",\"uptime\":%" PRId64 ",\"mtu\":%u", c->up ? (now - c->up_us) / 1000000 : 0, t->ends[c->tun].mtu);
	buf_addf(json, ",\"rtt_us\":%u,\"echoes\":%u,\"echoes_lost\":%u", c->link.rtt_us, c->link.echoes, c->link.echoes_lost);
	buf_addf(json, ",\"in_packets\":%" PRIu64 ",\"in_bytes\":%" PRIu64 ",\"out_packets\":%" PRIu64 ",\"out_bytes\":%" PRIu64,
	    c->in_packets, c->in_bytes, c->out_packets, c->out_bytes);
	if (c->link.bundle)
		buf_addf(json, ",\"joined\":%" PRIu64 ",\"pieces_lost\":%" PRIu64 ",\"pieces_late\":%" PRIu64, c->link.bundle->whole,
		    c->link.bundle->lost, c->link.bundle->late);
	if (c->limits)
		buf_addf(json, ",\"in_limited\":%" PRIu64 ",\"out_limited\":%" PRIu64, c->limits->dropped[LIMITS_IN],
		    c->limits->dropped[LIMITS_OUT]);
	buf_addf(json, ",\"tunnel\":%u,\"session\":%u", c->session->tunnel->id, c->session->id);
	if (c->session->tunnel->peer_name) {
		buf_add(json, STR(",\"peer_name\":"));
		buf_add_json(json, str_z(c->session->tunnel->peer_name));
	}
}

static void
begin_row(struct buf *json, bool *first, struct str name, const char *side, const char *state)
{
	buf_addf(json, "%s{\"name\":", *first ? "" : ",");
	*first = false;
	buf_add_json(json, name);
	buf_addf(json, ",\"side\":\"%s\",\"state\":\"%s\"", side, state);
}

static const char *
dial_state(const struct vpn_dial *d)
{
	static const char *const names[] = { "resting", "waiting", "looking up", "dialling", "up" };

	return names[d->state];
}

static void
show_counters(const struct tunnelling *t, struct buf *json)
{
	const struct l2tp_counters *c = &t->vpn.engine->counters;
	struct udp_counters u = udp_counters(t->udp);
	uint64_t nobody = 0;

	for (uint32_t i = 0; i < t->nends; i++)
		nobody += t->ends[i].no_call;
	buf_addf(json, "\"tunnels\":%u,\"calls\":%u,\"up\":%u", t->vpn.engine->ntunnels, t->vpn.ncalls, t->vpn.nup);
	buf_addf(json, ",\"logins\":%" PRIu64 ",\"refused\":%" PRIu64 ",\"unauthorised\":%" PRIu64, t->vpn.logins, t->vpn.refused,
	    c->unauthorised);
	buf_addf(json, ",\"datagrams\":%" PRIu64 ",\"garbage\":%" PRIu64 ",\"unknown\":%" PRIu64 ",\"limited\":%" PRIu64
	    ",\"versions\":%" PRIu64, c->datagrams, c->garbage, c->unknown, c->limited, c->versions);
	buf_addf(json, ",\"adopted\":%" PRIu64 ",\"limited_packets\":%" PRIu64 ",\"records_lost\":%" PRIu64, t->vpn.adopted, t->vpn.limited, t->records_lost);
	buf_addf(json, ",\"spoofed\":%" PRIu64 ",\"to_nobody\":%" PRIu64 ",\"interface_lost\":%" PRIu64 ",\"send_lost\":%" PRIu64,
	    t->vpn.spoofed, nobody, t->tun_lost, u.dropped);
}

/* One message holds it all: with very many sessions the rest is counted only. */
#define SHOWN_BYTES 60000

void
tunnelling_show_dial(const struct tunnelling *t, const struct vpn_dial *d, struct buf *json)
{
	bool first = true;

	begin_row(json, &first, d->host, "headquarters", dial_state(d));
	if (d->call)
		show_call(t, d->call, json);
	buf_addf(json, ",\"tries\":%" PRIu64 ",\"last\":", d->tries);
	buf_add_json(json, str_z(d->last));
	buf_add_byte(json, '}');
}

void
tunnelling_show_branch(const struct tunnelling *t, const struct vpn_call *c, struct buf *json)
{
	bool first = true;

	begin_row(json, &first, vpn_call_name(c), "branch", c->up ? "up" : "connecting");
	show_call(t, c, json);
	buf_add_byte(json, '}');
}

/* People come and go; a branch has networks, or an interface that waits for it. */
bool
tunnelling_is_away(const struct tunnelling *t, uint32_t user)
{
	const struct vpn_user *u = &t->users[user];

	return t->vpn.of_user[user] == NULL && (u->nnets > 0 || u->tun >= 0);
}

void
tunnelling_show_away(const struct tunnelling *t, uint32_t user, struct buf *json)
{
	const struct vpn_user *u = &t->users[user];
	const struct last_seen *seen = &t->seen[user];
	bool first = true;

	begin_row(json, &first, u->name, "branch", "away");
	member_v4(json, "address", u->address);
	if (u->tun >= 0)
		buf_addf(json, ",\"interface\":\"%s\"", t->ends[u->tun].tun.name);
	if (seen->at_us)
		buf_addf(json, ",\"left\":%" PRId64, (clock_wall_us() - seen->at_us) / 1000000);
	buf_add(json, STR(",\"last\":"));
	buf_add_json(json, seen->at_us ? str_z(seen->why) : STR("it has not dialled in since the start"));
	buf_add_byte(json, '}');
}

void
tunnelling_status(const struct tunnelling *t, struct buf *json)
{
	uint32_t left_out = 0;

	show_counters(t, json);
	tunnelling_radius_status(t, json);
	buf_add(json, STR(",\"vpn\":["));
	size_t none = json->n;
	for (uint32_t i = 0; i < t->vpn.ndials; i++) {
		buf_add(json, json->n > none ? STR(",") : STR(""));
		tunnelling_show_dial(t, &t->dials[i], json);
	}
	for (const struct vpn_call *c = t->vpn.calls; c; c = c->next) {
		if (c->dial)
			continue;
		if (json->n > SHOWN_BYTES) {
			left_out++;
			continue;
		}
		buf_add(json, json->n > none ? STR(",") : STR(""));
		tunnelling_show_branch(t, c, json);
	}
	for (uint32_t i = 0; i < t->server.nusers; i++) {
		if (!tunnelling_is_away(t, i))
			continue;
		if (json->n > SHOWN_BYTES) {
			left_out++;
			continue;
		}
		buf_add(json, json->n > none ? STR(",") : STR(""));
		tunnelling_show_away(t, i, json);
	}
	buf_addf(json, "],\"not_shown\":%u", left_out);
}
