/* config_vpn_check: the faults of the VPN's words that no row can see. */
#include <stdio.h>

#include "base/hash.h"
#include "conf/config_in.h"

/* The word to put the caret under: of the statement `keyword` in the block at `where`, else the block's own. */
static const struct conf_word *
word_in(const struct config *c, struct conf_pos where, const char *keyword)
{
	static const struct conf_word none = { .span = 1, .pos = { .line = 1, .col = 1 } };
	const struct conf_stmt *s = config_stmt_at(c->tree, where);
	const struct conf_stmt *sub = s && keyword ? config_stmt(s->child, keyword) : NULL;

	if (sub)
		return &sub->words[sub->nwords > 1 ? 1 : 0];
	return s ? &s->words[s->nwords > 1 ? 1 : 0] : &none;
}

static void
check_methods(const struct config *c, const struct conf_strs *methods, enum conf_vpn_encryption encryption,
    struct conf_pos where, struct diags *d)
{
	const struct conf_word *w = word_in(c, where, "authentication");
	bool keys = methods->n == 0;

	for (uint32_t i = 0; i < methods->n; i++) {
		bool known = false;
		for (const char *const *m = conf_vpn_methods; *m; m++)
			known |= str_eq(methods->v[i], str_z(*m));
		keys |= str_eq(methods->v[i], str_z(conf_vpn_methods[0]));
		if (!known)
			diag_error(d, w[i].pos, w[i].span, "known are mschapv2, chap and pap",
			    "`%.*s` is no way to authenticate", STR_FMT(str_head(methods->v[i], 64)));
	}
	if (!keys && encryption == CONF_VPN_ENCRYPT_REQUIRED)
		diag_error(d, w->pos, w->span, "allow mschapv2, or say `encryption no;`",
		    "encryption is required, and only mschapv2 yields keys for it");
	else if (encryption == CONF_VPN_ENCRYPT_NO)
		diag_warn(d, w->pos, w->span, "say `encryption required;`, or carry it inside IPsec",
		    "everything in this tunnel can be read on its way");
}

static bool
is_set(const struct addr *a)
{
	static const struct addr none;

	return memcmp(a, &none, sizeof(none)) != 0;
}

static void
check_v4(const struct config *c, const struct addr *a, struct conf_pos where, const char *keyword, struct diags *d)
{
	if (!is_set(a) || addr_is_v4(a))
		return;
	const struct conf_word *w = word_in(c, where, keyword);
	diag_error(d, w->pos, w->span, NULL, "this must be an IPv4 address");
}

static void
check_nets(const struct config *c, const struct conf_cidrs *nets, struct conf_pos where, const char *keyword,
    struct diags *d)
{
	for (uint32_t i = 0; i < nets->n; i++)
		check_v4(c, &nets->v[i].net, where, keyword, d);
}

/* What is behind the 64th bit belongs to one link. */
static void
check_both(const struct config *c, const struct conf_cidrs *nets, struct conf_pos where, const char *keyword,
    struct diags *d)
{
	for (uint32_t i = 0; i < nets->n; i++) {
		if (addr_is_v4(&nets->v[i].net) || nets->v[i].bits <= 64)
			continue;
		const struct conf_word *w = word_in(c, where, keyword);
		diag_error(d, w->pos, w->span, "example: 2001:db8:30::/48",
		    "a network of IPv6 has at most 64 bits here");
	}
}

static void
check_prefix(const struct config *c, const struct conf_vpn_secret *s, struct diags *d)
{
	if (s->prefix.n == 0 || (!addr_is_v4(&s->prefix.v[0].net) && s->prefix.v[0].bits == 64))
		return;
	const struct conf_word *w = word_in(c, s->where, "prefix");
	diag_error(d, w->pos, w->span, "example: prefix 2001:db8:9:1e::/64;", "a prefix of IPv6 with 64 bits is needed");
}

static void
check_list(const struct config *c, struct str list, struct conf_pos where, struct diags *d)
{
	bool known = list.n == 0;

	for (uint32_t i = 0; i < c->gate.nlists && !known; i++)
		known = str_eq(c->gate.lists[i].name, list);
	if (known)
		return;
	const struct conf_word *w = word_in(c, where, "list");
	char hint[128];
	snprintf(hint, sizeof(hint), "add it beside: list %.*s;", STR_FMT(str_head(list, 64)));
	diag_error(d, w->pos, w->span, hint, "there is no list `%.*s`", STR_FMT(str_head(list, 64)));
}

static void
check_terms(const struct config *c, const struct conf_vpn_terms *t, struct conf_pos where, struct diags *d)
{
	check_both(c, &t->pool, where, "pool", d);
	check_nets(c, &t->wins, where, "wins", d);
	check_list(c, t->list, where, d);
	for (uint32_t i = 0; i < t->dns.n; i++) {
		const struct conf_word *w = word_in(c, where, "dns");
		if (t->dns.v[i].bits != 128)
			diag_error(d, w->pos, w->span, "example: dns 192.168.0.222, 2001:db8::222;", "a name server is one address");
	}
}

static bool
any_v6(const struct conf_cidrs *nets)
{
	for (uint32_t i = 0; i < nets->n; i++)
		if (!addr_is_v4(&nets->v[i].net))
			return true;
	return false;
}

static bool
any_v4(const struct conf_cidrs *nets)
{
	for (uint32_t i = 0; i < nets->n; i++)
		if (addr_is_v4(&nets->v[i].net))
			return true;
	return false;
}

bool
config_vpn_has_v6(const struct conf_vpn *v)
{
	bool has = v->server && (any_v6(&v->server->terms.pool) || any_v6(&v->server->push));

	for (uint32_t i = 0; i < v->nprofiles; i++)
		has |= any_v6(&v->profiles[i].terms.pool);
	for (uint32_t i = 0; i < v->nsecrets; i++)
		has |= v->secrets[i].prefix.n || any_v6(&v->secrets[i].networks) || any_v6(&v->secrets[i].terms.pool);
	return has;
}

static void
no_such_profile(const struct config *c, const struct conf_vpn_secret *s, struct diags *d)
{
	const struct conf_word *w = word_in(c, s->where, "profile");
	struct str names[CONF_VPN_PROFILES_MAX];
	char hint[128];

	for (uint32_t i = 0; i < c->vpn.nprofiles; i++)
		names[i] = c->vpn.profiles[i].name;
	struct str near = text_nearest(s->profile, names, c->vpn.nprofiles);
	snprintf(hint, sizeof(hint), near.n ? "did you mean `%.*s`?" : "add it: profile %.*s { idle-timeout 30m; }",
	    STR_FMT(str_head(near.n ? near : s->profile, 64)));
	diag_error(d, w->pos, w->span, hint, "there is no profile `%.*s`", STR_FMT(str_head(s->profile, 64)));
}

static void
check_has_pool(const struct config *c, const struct conf_vpn_secret *s, struct diags *d)
{
	const struct conf_word *w = word_in(c, s->where, NULL);
	enum conf_vpn_encryption e;
	struct conf_vpn_terms t;

	config_vpn_terms(&c->vpn, s, &t, &e);
	if (!any_v4(&t.pool))
		diag_error(d, w->pos, w->span, "give it an `address`, or the server a `pool` of IPv4",
		    "there is no address for %.*s", STR_FMT(w->text));
}

/* What may be given once only: names, addresses, interfaces of secrets; each by its text, to the number of the first. */
struct once {
	struct strmap names, addresses, interfaces;
};

static void
only_once(const struct config *c, struct strmap *seen, struct str key, uint32_t i, const char *what, struct diags *d)
{
	uint32_t first = strmap_get(seen, key);

	if (first == STRMAP_NONE && strmap_put(seen, key, i) == 0)
		return;
	/* Only a fault pays for finding its word: there may be very many secrets. */
	const struct conf_word *w = word_in(c, c->vpn.secrets[i].where, NULL);
	if (first == STRMAP_NONE)
		diag_error(d, w->pos, w->span, NULL, "out of memory");
	else
		diag_error(d, w->pos, w->span, NULL, "the secret in line %u has the same %s",
		    c->vpn.secrets[first].where.line, what);
}

static void
check_secret(const struct config *c, uint32_t i, struct once *once, struct diags *d)
{
	const struct conf_vpn *v = &c->vpn;
	const struct conf_vpn_secret *s = &v->secrets[i];

	check_v4(c, &s->address, s->where, "address", d);
	check_both(c, &s->networks, s->where, "network", d);
	check_prefix(c, s, d);
	check_terms(c, &s->terms, s->where, d);
	if (s->profile.n && config_vpn_profile(v, s->profile) == NULL)
		no_such_profile(c, s, d);
	if (v->server && !is_set(&s->address))
		check_has_pool(c, s, d);
	only_once(c, &once->names, s->name, i, "name", d);
	if (is_set(&s->address))
		only_once(c, &once->addresses, str_of((const char *)s->address.b, sizeof(s->address.b)), i, "address", d);
	if (s->interface.n)
		only_once(c, &once->interfaces, s->interface, i, "interface", d);
}

static void
check_interface_name(const struct config *c, struct str name, struct conf_pos where, struct diags *d)
{
	if (name.n <= 15 && str_find_byte(name, '/') == name.n)
		return;
	const struct conf_word *w = word_in(c, where, "interface");
	diag_error(d, w->pos, w->span, "at most 15 letters, digits, - and .",
	    "`%.*s` cannot be an interface", STR_FMT(str_head(name, 64)));
}

static void
check_given(const struct config *c, bool given, struct conf_pos where, const char *what, struct diags *d)
{
	const struct conf_word *w = word_in(c, where, NULL);

	if (!given)
		diag_error(d, w->pos, w->span, what, "something is missing in this block");
}

static void
check_profile(const struct config *c, uint32_t i, struct diags *d)
{
	const struct conf_vpn_profile *p = &c->vpn.profiles[i];
	const struct conf_vpn_profile *first = config_vpn_profile(&c->vpn, p->name);
	const struct conf_word *w = word_in(c, p->where, NULL);

	check_terms(c, &p->terms, p->where, d);
	if (first != p)
		diag_error(d, w->pos, w->span, NULL, "the profile in line %u has the same name", first->where.line);
}

static void
check_hide(const struct config *c, bool hide, struct str secret, struct conf_pos where, struct diags *d)
{
	const struct conf_word *w = word_in(c, where, "hide-attributes");

	if (hide && secret.n == 0)
		diag_error(d, w->pos, w->span, "say it at both ends: tunnel-secret \"long and strange\";",
		    "without a tunnel secret nothing can be hidden");
}

static void
check_datapath(const struct config *c, const struct conf_vpn_server *s, struct diags *d)
{
	const struct conf_word *w = word_in(c, s->where, "datapath");

	if (s->datapath == CONF_VPN_DATAPATH_KERNEL)
		diag_error(d, w->pos, w->span, "say auto, or user: our own process carries them",
		    "packets cannot be given to the kernel's L2TP");
}

static void
check_headquarters(const struct config *c, uint32_t i, struct diags *d)
{
	const struct conf_vpn *v = &c->vpn;
	const struct conf_vpn_headquarters *h = &v->headquarters[i];
	const struct conf_word *w = word_in(c, h->where, NULL);

	check_given(c, h->user.n > 0, h->where, "say with which name: user filial30;", d);
	check_given(c, h->password.n > 0, h->where, "say with which password: password \"long and strange\";", d);
	check_methods(c, &h->authentication, h->encryption, h->where, d);
	check_interface_name(c, h->interface, h->where, d);
	if (h->demand_us && h->networks.n == 0) {
		w = word_in(c, h->where, "on-demand");
		diag_error(d, w->pos, w->span, "say what lies there: network 192.168.0.0/24;",
		    "nothing could ever want it: without a `network` no packet goes there");
	}
	check_hide(c, h->hide, h->tunnel_secret, h->where, d);
	for (uint32_t j = 0; j < i; j++)
		if (str_eq(h->interface, v->headquarters[j].interface))
			diag_error(d, w->pos, w->span, "give each its own `interface`",
			    "the headquarters in line %u has the same interface", v->headquarters[j].where.line);
}

void
config_check_vpn(const struct config *c, struct diags *d)
{
	const struct conf_vpn *v = &c->vpn;
	struct once once = { .names.seed = 0 };

	if (v->server) {
		check_given(c, is_set(&v->server->address), v->server->where,
		    "say our address inside the tunnels: address 10.9.0.1;", d);
		check_methods(c, &v->server->authentication, v->server->encryption, v->server->where, d);
		check_v4(c, &v->server->address, v->server->where, "address", d);
		check_hide(c, v->server->hide, v->server->tunnel_secret, v->server->where, d);
		check_terms(c, &v->server->terms, v->server->where, d);
		check_both(c, &v->server->push, v->server->where, "push", d);
		check_interface_name(c, v->server->interface, v->server->where, d);
		check_datapath(c, v->server, d);
	}
	for (uint32_t i = 0; i < v->nprofiles; i++)
		check_profile(c, i, d);
	for (uint32_t i = 0; i < v->nsecrets; i++) {
		check_secret(c, i, &once, d);
		check_interface_name(c, v->secrets[i].interface, v->secrets[i].where, d);
	}
	for (uint32_t i = 0; i < v->nradius; i++)
		check_given(c, v->radius[i].secret.n > 0, v->radius[i].where,
		    "say what only you two know: secret \"long and strange\";", d);
	if (v->nradius && v->server && !any_v4(&v->server->terms.pool)) {
		const struct conf_word *w = word_in(c, v->radius[0].where, NULL);
		diag_warn(d, w->pos, w->span, "example: pool 10.9.0.0/24;",
		    "whom the RADIUS server gives no address gets none: the `l2tp server` has no `pool`");
	}
	if (v->nsecrets && !v->server) {
		const struct conf_word *w = word_in(c, v->secrets[0].where, NULL);
		diag_warn(d, w->pos, w->span, "example: l2tp server { address 10.9.0.1; pool 10.9.0.0/24; }",
		    "nobody can dial in: there is no `l2tp server`");
	}
	for (uint32_t i = 0; i < v->nheadquarters; i++)
		check_headquarters(c, i, d);
	strmap_free(&once.names);
	strmap_free(&once.addresses);
	strmap_free(&once.interfaces);
}

static bool
is_plain(struct str password, struct conf_pos where, struct conf_pos *ret)
{
	if (password.n == 0 || str_starts(password, STR("sealed:")))
		return false;
	*ret = where;
	return true;
}

bool
config_plain_password(const struct config *c, struct conf_pos *ret)
{
	const struct conf_vpn *v = &c->vpn;
	bool plain = v->ipsec && is_plain(v->ipsec->secret, v->ipsec->where, ret);

	/* Those that branches imply are among the secrets. */
	for (uint32_t i = 0; i < v->nsecrets && !plain; i++)
		plain = is_plain(v->secrets[i].password, v->secrets[i].where, ret);
	for (uint32_t i = 0; i < v->nradius && !plain; i++)
		plain = is_plain(v->radius[i].secret, v->radius[i].where, ret);
	for (uint32_t i = 0; i < v->nheadquarters && !plain; i++)
		plain = is_plain(v->headquarters[i].password, v->headquarters[i].where, ret) ||
		    is_plain(v->headquarters[i].tunnel_secret, v->headquarters[i].where, ret);
	return plain || (v->server && is_plain(v->server->tunnel_secret, v->server->where, ret));
}
