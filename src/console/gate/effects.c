/*
 * effects: see effects.h. The same model that becomes the kernel's rules is asked, so what is shown is what would be
 * done. Must never call a way open that the evaluator does not.
 */
#include "console/gate/effects.h"

#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdio.h>

#include "console/ends.h"
#include "console/i18n.h"
#include "console/gate/sessions.h"
#include "console/term.h"
#include "gate/eval.h"
#include "gate/nft/text.h"
#include "sys/sock.h"

#define RULES_TEXT_MAX (64u << 20)

/* The policy of a loaded configuration: NULL without a gate. -EINVAL after its faults were printed. */
static int
policy_of(struct loaded *l, struct policy **ret)
{
	struct buf text = BUF_INIT(4u << 20);
	int r;

	if (!conf_has_gate(&l->config->gate))
		return 0;
	r = policy_build(&l->arena, l->config, l->diags, ret);
	if (r < 0) {
		diags_show(l->diags, &text);
		(void)out_write(stderr, buf_str(&text));
	}
	buf_free(&text);
	return r;
}

int
effects_open(struct effects *e, struct candidate *c, const struct operator *who)
{
	*e = (struct effects){ .who = who };
	/* What another version of Guarita wrote must not stand in the way of its correction. */
	if (policy_of(&c->old, &e->old) < 0)
		complain(_("guarita: generation %u, which boots, means nothing to this version; all is shown as new\n"), c->base);
	return policy_of(&c->new, &e->new);
}

/* Rules and routes, a line each, without the places they come from: those shift with every edit. */

static void
rules_text(const struct policy *p, struct buf *out)
{
	for (uint32_t i = 0; p && i < p->nrules; i++) {
		buf_addf(out, "%s: ", policy_hook_name(p->rules[i].hook));
		policy_say(p, &p->rules[i], out);
		buf_add_byte(out, '\n');
	}
}

static void
route_text(const struct policy_route *r, struct buf *out)
{
	static const struct addr nowhere;
	bool v4 = addr_is_v4(&r->to.net);
	char text[46];

	buf_addf(out, "route %.*s/%u", (int)addr_show(&r->to.net, text), text, v4 ? r->to.bits - 96u : r->to.bits);
	if (memcmp(&r->via, &nowhere, sizeof(nowhere)) != 0)
		buf_addf(out, " via %.*s", (int)addr_show(&r->via, text), text);
	if (r->interface.n > 0)
		buf_addf(out, " by %.*s", STR_FMT(r->interface));
	if (r->metric)
		buf_addf(out, " metric %u", r->metric);
	buf_add_byte(out, '\n');
}

static size_t
show_both(const struct options *o, const struct policy *old, const struct policy *new)
{
	struct buf a = BUF_INIT(RULES_TEXT_MAX), b = BUF_INIT(RULES_TEXT_MAX);
	size_t changed;

	rules_text(old, &a);
	for (uint32_t i = 0; old && i < old->nroutes; i++)
		route_text(&old->routes[i], &a);
	rules_text(new, &b);
	for (uint32_t i = 0; new && i < new->nroutes; i++)
		route_text(&new->routes[i], &b);
	changed = show_differences(o, buf_str(&a), buf_str(&b), 0);
	buf_free(&a);
	buf_free(&b);
	return changed;
}

/* Live connections. */

#define CUTS_SHOWN 10

struct cut {
	struct conntrack_flow flow;
	struct buf by;                 /* the line that refuses it */
	bool own;                      /* the operator's */
};

struct cuts {
	const struct operator *who;
	struct cut shown[CUTS_SHOWN];  /* the weightiest first */
	size_t nshown;
	uint64_t n;
};

static bool
is_operators(const struct operator *who, const struct conntrack_tuple *t)
{
	return who->remote && t->protocol == IPPROTO_TCP && t->sport == who->port && t->dport == who->here_port &&
	    memcmp(&t->src, &who->addr, sizeof(t->src)) == 0;
}

/* The operator's own first; then those that carried most, or, where nothing is counted, those that live longest. */
static bool
weighs_more(const struct cut *a, const struct cut *b)
{
	if (a->own != b->own)
		return a->own;
	if (a->flow.bytes != b->flow.bytes)
		return a->flow.bytes > b->flow.bytes;
	return a->flow.timeout_s > b->flow.timeout_s;
}

static void
on_forbidden(void *ctx, const struct conntrack_flow *f, const struct eval_way *way)
{
	struct cuts *x = ctx;
	struct cut one = { .flow = *f, .by = BUF_INIT(8192), .own = is_operators(x->who, &f->orig) };
	size_t at = x->nshown;

	x->n++;
	while (at > 0 && weighs_more(&one, &x->shown[at - 1]))
		at--;
	if (at == CUTS_SHOWN)
		return;
	if (way->by)
		policy_say_origin(way->by, &one.by);
	else
		buf_add(&one.by, str_z(_("no rule speaks of it")));
	if (x->nshown == CUTS_SHOWN)
		buf_free(&x->shown[--x->nshown].by);
	memmove(&x->shown[at + 1], &x->shown[at], (x->nshown - at) * sizeof(one));
	x->shown[at] = one;
	x->nshown++;
}

static void
say_cut(const struct cut *c)
{
	const struct conntrack_tuple *t = &c->flow.orig;
	const char *name = ends_protocol_name(t->protocol);
	char src[46], dst[46], bytes[32];

	src[addr_show(&t->src, src)] = dst[addr_show(&t->dst, dst)] = '\0';
	if (t->protocol == IPPROTO_TCP || t->protocol == IPPROTO_UDP)
		printf("  %s %s port %u -> %s port %u", name, src, t->sport, dst, t->dport);
	else if (name)
		printf("  %s %s -> %s", name, src, dst);
	else
		printf(_("  protocol %u %s -> %s"), t->protocol, src, dst);
	if (c->flow.bytes)
		printf(_(", %s carried"), text_show_size(c->flow.bytes, bytes, sizeof(bytes)));
	printf(": %.*s%s\n", STR_FMT(buf_str(&c->by)), c->own ? _(", YOUR OWN") : "");
}

static int
find_cuts(const struct policy *p, struct cuts *x, uint64_t *ret_seen)
{
	struct sessions_kernel k = { .net = NULL };
	int r = rtnet_open(&k.net);

	if (r == 0)
		r = nft_open(NFT_TABLE, &k.nft);
	if (r == 0)
		r = conntrack_open(&k.ct);
	if (r == 0)
		r = sessions_forbidden(&k, p, on_forbidden, x, ret_seen);
	conntrack_close(k.ct);
	nft_close(k.nft);
	rtnet_close(k.net);
	return r;
}

/* What netd would cut when these rules came into force now. */
static void
show_cuts(const struct policy *p, const struct operator *who)
{
	struct cuts x = { .who = who };
	uint64_t seen = 0;
	int r = p ? find_cuts(p, &x, &seen) : 0;

	if (r < 0)
		printf(_("\nWhich live connections it would cut cannot be told: %s%s\n"), strerror(-r),
		    r == -EPERM ? _("; ask as root") : "");
	else if (x.n > 0)
		printf(_("\nLive connections that it would cut, %llu of %llu:\n"), (unsigned long long)x.n,
		    (unsigned long long)seen);
	for (size_t i = 0; i < x.nshown; i++) {
		if (r == 0)
			say_cut(&x.shown[i]);
		buf_free(&x.shown[i].by);
	}
	if (r == 0 && x.n > x.nshown)
		printf(_("  and %llu more\n"), (unsigned long long)(x.n - x.nshown));
}

/* The operator's own way. */

/* An address that the old configuration gave and the new one does not is gone; any other is somebody else's care. */
static bool
is_here(void *ctx, const struct addr *a)
{
	const struct effects *e = ctx;
	const struct eval_world plain = { 0 };

	if (eval_is_here(e->new, &plain, a))
		return true;
	return memcmp(a, &e->who->here, sizeof(*a)) == 0 && !(e->old && eval_is_here(e->old, &plain, a));
}

/* The interface that has one of our addresses now: for those that no configuration names. */
static struct str
kernel_interface(const struct addr *a, char dst[64])
{
	struct ifaddrs *all, *i;
	struct str name = STR_NULL;

	if (getifaddrs(&all) < 0)
		return STR_NULL;
	for (i = all; i && !name.n; i = i->ifa_next) {
		struct addr has = { .b = { [10] = 0xff, [11] = 0xff } };

		if (!i->ifa_addr)
			continue;
		if (i->ifa_addr->sa_family == AF_INET)
			memcpy(has.b + 12, &((const struct sockaddr_in *)(const void *)i->ifa_addr)->sin_addr, 4);
		else if (i->ifa_addr->sa_family == AF_INET6)
			memcpy(has.b, &((const struct sockaddr_in6 *)(const void *)i->ifa_addr)->sin6_addr, 16);
		else
			continue;
		if (memcmp(&has, a, sizeof(has)) == 0) {
			snprintf(dst, 64, "%s", i->ifa_name);
			name = str_z(dst);
		}
	}
	freeifaddrs(all);
	return name;
}

static bool
is_open(const struct effects *e, struct str in, enum policy_state state, struct buf *why)
{
	struct eval_world w = { .ctx = (void *)(uintptr_t)e, .is_here = is_here };
	struct eval_packet packet = { .in = in, .src = e->who->addr, .dst = e->who->here, .protocol = IPPROTO_TCP,
		.sport = e->who->port, .dport = e->who->here_port, .state = state, .way = POLICY_ORIGINAL, .count = 1 };
	struct eval_way way;

	eval(e->new, &w, &packet, &way);
	if (way.verdict != POLICY_ACCEPT || way.out.n > 0 || way.no_route) {
		eval_say(e->new, &packet, &way, why);
		return false;
	}
	return true;
}

static bool
stays(const struct effects *e, struct buf *why)
{
	const struct eval_world plain = { 0 };
	char name[64];
	struct str in = eval_way_to(e->new, &plain, &e->who->addr);

	if (in.n == 0)
		in = kernel_interface(&e->who->here, name);
	if (in.n == 0) {
		buf_addf(why, _("no interface leads to %s\n"), e->who->from);
		return false;
	}
	return is_open(e, in, POLICY_NEW, why) && is_open(e, in, POLICY_ESTABLISHED, why);
}

bool
effects_operator_stays(const struct effects *e)
{
	struct buf why = BUF_INIT(1u << 20);
	bool good = !e->who->remote || !e->new || stays(e, &why);

	if (why.n > 0)
		complain(_("guarita: this would lock you out, who come from %s to port %u:\n%s"), e->who->from,
		    e->who->here_port, buf_cstr(&why));
	buf_free(&why);
	return good;
}

void
effects_show(const struct options *o, const struct effects *e)
{
	printf(_("\nWhat that does to packets:\n"));
	if (show_both(o, e->old, e->new) == 0)
		printf(_("  nothing: rules and routes stay as they are\n"));
	else
		show_cuts(e->new, e->who);
	(void)effects_operator_stays(e);
}
