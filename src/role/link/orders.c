/* link_orders: what people ask of linkd at the control socket: the list of sites. */
#include "role/link/linkd.h"

void
link_show_peer(const struct link_peer *p, struct buf *json)
{
	buf_add(json, STR("{\"type\":\"site\",\"name\":"));
	buf_add_json(json, p->conf->name);
	buf_addf(json, ",\"connected\":%s,\"since\":%lld", link_is_up(p) ? "true" : "false", (long long)p->since_s);
	if (p->site[0]) {
		buf_add(json, STR(",\"site\":"));
		buf_add_json(json, str_z(p->site));
	}
	if (!link_is_up(p)) {
		buf_add(json, STR(",\"why\":"));
		buf_add_json(json, str_z(p->why));
	}
	buf_addf(json, ",\"connects\":%llu,\"bans_in\":%llu,\"bans_out\":%llu",
	    (unsigned long long)p->connects, (unsigned long long)p->bans_in, (unsigned long long)p->bans_out);
	link_lines_show(p, json);
	link_witness_show(p, json);
	buf_add_byte(json, '}');
}

void
link_order(struct linking *l, const struct msg_order *m)
{
	struct buf out = BUF_INIT(MSG_MAX - 64);
	struct role *r = l->role;

	/* One order is known; what else stands in the line does not count. */
	for (uint32_t i = 0; i < l->npeers; i++) {
		link_show_peer(&l->peers[i], &out);
		buf_add_byte(&out, '\n');
	}
	buf_add(&out, STR("{\"type\":\"end\"}"));
	if (!buf_ok(&out)) {
		buf_reset(&out);
		buf_add(&out, STR("{\"type\":\"error\",\"error\":\"too many sites to show\"}\n{\"type\":\"end\"}"));
	}
	role_answer(r, m->id, buf_str(&out), true);
	buf_free(&out);
}
