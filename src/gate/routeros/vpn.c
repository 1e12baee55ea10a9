/*
 * vpn: tunnels of an export: its L2TP server, secrets, profiles and clients as statements of ours that stand ready but
 * for their passwords, as comments. Must never write a password, nor a statement that would let anyone in before there is one.
 */
#include "gate/routeros/in.h"

static const char ready[] = "it stands ready above, as a comment: its password is not taken over";

/* What stands ready of a statement, without its mark of comment. False: nothing does, and why is told. */
typedef bool write_fn(struct conversion *c, struct routeros_statement *s, struct buf *out);

static const struct ros_interface *
tunnel_of(const struct conversion *c, struct str peer)
{
	for (uint32_t i = 0; i < c->ninterfaces; i++)
		if (peer.n > 0 && str_eq(c->interfaces[i].peer, peer))
			return &c->interfaces[i];
	return NULL;
}

static void
add_place(const struct ros_interface *f, struct buf *out)
{
	if (f && f->networks.n > 0)
		buf_addf(out, " network %.*s;", STR_FMT(buf_str(&f->networks)));
	if (f)
		buf_addf(out, " interface %s;", f->name);
}

/* Addresses of a list, as far as they are some. */
static void
add_addrs(const char *word, struct str list, struct buf *out)
{
	struct str one;
	struct addr a;
	bool any = false;

	while (str_split(&list, ',', &one)) {
		one = str_trim(one);
		if (addr_parse(one, &a) < 0)
			continue;
		buf_addf(out, any ? ", %s%.*s" : " %s %.*s", any ? "" : word, STR_FMT(one));
		any = true;
	}
	if (any)
		buf_add_byte(out, ';');
}

/* How large a packet may come in pieces: "disabled" there, as here without a word. */
static void
add_mrru(const struct routeros_statement *s, struct buf *out)
{
	uint64_t v;

	if (text_u64(routeros_get(s, "mrru"), &v) == 0 && v >= 1500 && v <= 2048)
		buf_addf(out, " mrru %u;", (unsigned)v);
}

/* Its own end of the line is said by the secrets there, once for all here. */
static bool
write_server(struct conversion *c, struct routeros_statement *s, struct buf *out)
{
	struct str local = STR_NULL;
	struct addr a;

	for (uint32_t i = 0; i < c->r->n && local.n == 0; i++)
		if (str_starts(c->r->v[i].menu, STR("/ppp ")))
			local = routeros_get(&c->r->v[i], "local-address");
	if (str_eq(routeros_get(s, "enabled"), STR("no"))) {
		ros_fate(s, ROUTEROS_NEEDLESS, "the server is off there");
		return false;
	}
	buf_add(out, STR("l2tp server {"));
	if (addr_parse(local, &a) == 0)
		buf_addf(out, " address %.*s;", STR_FMT(local));
	add_mrru(s, out);
	buf_add(out, STR(" }"));
	return true;
}

static bool
write_profile(struct conversion *c, struct routeros_statement *s, struct buf *out)
{
	static const struct str known[] = { STR_INIT("no"), STR_INIT("yes"), STR_INIT("required") };
	struct str name = routeros_get(s, "name"), encryption = routeros_get(s, "use-encryption");

	(void)c;
	/* RouterOS calls the two that are always there by numbers. */
	if (name.n == 0)
		name = str_eq(s->find, STR("*0")) ? STR("default") : str_eq(s->find, STR("*FFFFFFFE")) ? STR("default-encryption")
											       : s->find;
	if (name.n == 0) {
		ros_fate(s, ROUTEROS_NOT, "it has no name");
		return false;
	}
	buf_add(out, STR("profile "));
	ros_name(name, out);
	buf_add(out, STR(" {"));
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (str_eq(encryption, known[i]))
			buf_addf(out, " encryption %.*s;", STR_FMT(encryption));
	add_addrs("dns", routeros_get(s, "dns-server"), out);
	add_addrs("wins", routeros_get(s, "wins-server"), out);
	buf_add(out, STR(" }"));
	return true;
}

/* Only of a profile that the export shows: the others would be names of nothing. */
static bool
profile_shown(const struct conversion *c, struct str name)
{
	for (uint32_t i = 0; i < c->r->n; i++) {
		const struct routeros_statement *s = &c->r->v[i];
		if (str_eq(s->menu, STR("/ppp profile")) && str_eq(routeros_get(s, "name"), name))
			return name.n > 0;
	}
	return false;
}

static bool
write_secret(struct conversion *c, struct routeros_statement *s, struct buf *out)
{
	struct str name = routeros_get(s, "name"), service = routeros_get(s, "service"), profile = routeros_get(s, "profile");

	if (name.n == 0 || (service.n > 0 && !str_eq(service, STR("any")) && !str_eq(service, STR("l2tp")))) {
		ros_fate(s, ROUTEROS_NOT, name.n ? "of all tunnels only L2TP is served here" : "it has no name");
		return false;
	}
	buf_add(out, STR("secret "));
	ros_word(name, out);
	buf_add(out, STR(" \"\" {"));
	add_addrs("address", routeros_get(s, "remote-address"), out);
	add_place(tunnel_of(c, name), out);
	if (profile_shown(c, profile)) {
		buf_add(out, STR(" profile "));
		ros_name(profile, out);
		buf_add_byte(out, ';');
	}
	buf_add(out, STR(" }"));
	return true;
}

static bool
write_client(struct conversion *c, struct routeros_statement *s, struct buf *out)
{
	struct str to = routeros_get(s, "connect-to"), user = routeros_get(s, "user");

	if (to.n == 0 || user.n == 0) {
		ros_fate(s, ROUTEROS_NOT, "it does not say whom it dials, or as whom");
		return false;
	}
	buf_add(out, STR("headquarters "));
	ros_word(to, out);
	buf_add(out, STR(" { user "));
	ros_word(user, out);
	buf_add(out, STR("; password \"\";"));
	add_place(tunnel_of(c, routeros_get(s, "name")), out);
	if (ros_yes(routeros_get(s, "add-default-route")))
		buf_add(out, STR(" default-route;"));
	add_mrru(s, out);
	buf_add(out, STR(" }"));
	return true;
}

static const struct {
	const char *menu;
	write_fn *write;
} words[] = {
	{ "/interface l2tp-server server", write_server }, { "/ppp profile", write_profile }, { "/ppp secret", write_secret },
	{ "/interface l2tp-client", write_client },
};

void
ros_write_vpn(struct conversion *c, struct buf *out)
{
	bool any = false;

	for (size_t k = 0; k < ARRAY_LEN(words); k++) {
		for (uint32_t i = 0; i < c->r->n; i++) {
			struct routeros_statement *s = &c->r->v[i];
			struct buf line = BUF_INIT(65536);
			if (!str_eq(s->menu, str_z(words[k].menu)))
				continue;
			if (ros_yes(routeros_get(s, "disabled"))) {
				ros_fate(s, ROUTEROS_NOT, "it is disabled");
			} else if (words[k].write(c, s, &line)) {
				buf_addf(out, any ? "#%.*s\n" : "\n# The VPN. Put the passwords between the quotes and take the # away:\n"
				    "#%.*s\n", STR_FMT(buf_str(&line)));
				any = true;
				ros_fate(s, ROUTEROS_NOT, ready);
			}
			c->full |= !buf_ok(&line);
			buf_free(&line);
		}
	}
}
