/*
 * names: zones, networks, branches and services by their names. Must never let a name mean
 * two things, nor nothing.
 */
#include <errno.h>
#include <stdio.h>

#include "gate/policy/build.h"

#define NAMES_MAX 8192

static const struct conf_word *
word_in(const struct conf_stmt *s, struct str word)
{
	for (uint32_t i = s->nwords; i-- > 1;)
		if (str_eq(s->words[i].text, word))
			return &s->words[i];
	for (const struct conf_stmt *sub = s->child; sub; sub = sub->next) {
		const struct conf_word *w = word_in(sub, word);
		if (w)
			return w;
	}
	return NULL;
}

static const struct conf_stmt *
stmt_at(const struct conf_stmt *s, struct conf_pos where)
{
	while (s && (s->words[0].pos.file != where.file || s->words[0].pos.line != where.line ||
	    s->words[0].pos.col != where.col))
		s = s->next;
	return s;
}

void
build_fault(struct building *b, struct conf_pos where, struct str word, const char *hint,
    const char *fmt, ...)
{
	const struct conf_stmt *s = stmt_at(b->c->tree, where);
	const struct conf_word *w = s ? word_in(s, word) : NULL;
	char message[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	if (!w && s)
		w = &s->words[0];
	diag_error(b->d, w ? w->pos : where, w ? w->span : 1, hint, "%s", message);
}

void
strs_add(struct building *b, struct conf_strs *l, struct str s)
{
	for (uint32_t i = 0; i < l->n; i++)
		if (str_eq(l->v[i], s))
			return;
	/* Grown at powers of two; lists are short, and die with the arena. */
	if ((l->n & (l->n - 1)) == 0) {
		struct str *v = ARENA_ARRAY(b->a, struct str, l->n ? l->n * 2 : 1);
		if (!v) {
			b->full = true;
			return;
		}
		if (l->n)
			memcpy(v, l->v, l->n * sizeof(*v));
		l->v = v;
	}
	l->v[l->n++] = s;
}

struct conf_cidrs
cidrs_join(struct building *b, struct conf_cidrs x, struct conf_cidrs y)
{
	struct conf_cidrs out = { .n = 0 };

	if (x.n == 0 || y.n == 0)
		return x.n ? x : y;
	out.v = ARENA_ARRAY(b->a, struct cidr, (size_t)x.n + y.n);
	if (!out.v) {
		b->full = true;
		return x;
	}
	memcpy(out.v, x.v, x.n * sizeof(*x.v));
	memcpy(out.v + x.n, y.v, y.n * sizeof(*y.v));
	out.n = x.n + y.n;
	return out;
}

static struct conf_cidrs
cidrs_of_family(struct building *b, struct conf_cidrs nets, bool v4)
{
	struct conf_cidrs out = { .v = ARENA_ARRAY(b->a, struct cidr, nets.n ? nets.n : 1) };

	for (uint32_t i = 0; out.v && i < nets.n; i++)
		if (addr_is_v4(&nets.v[i].net) == v4)
			out.v[out.n++] = nets.v[i];
	b->full |= !out.v;
	return out;
}

static void
side_add_nets(struct building *b, struct side *s, struct conf_cidrs nets)
{
	for (int six = 0; six < 2; six++)
		s->nets[six] = cidrs_join(b, s->nets[six], cidrs_of_family(b, nets, !six));
}

struct policy_zone *
zone_named(const struct policy *p, struct str name)
{
	for (uint32_t i = 0; i < p->nzones; i++)
		if (str_eq(p->zones[i].name, name))
			return &p->zones[i];
	return NULL;
}

bool
policy_name_matches(struct str pattern, struct str name)
{
	if (pattern.n > 0 && pattern.p[pattern.n - 1] == '*')
		return str_starts(name, str_head(pattern, pattern.n - 1));
	return str_eq(pattern, name);
}

const struct policy_zone *
policy_zone_of(const struct policy *p, struct str interface)
{
	for (uint32_t i = 0; i < p->nzones; i++)
		for (uint32_t k = 0; k < p->zones[i].interfaces.n; k++)
			if (policy_name_matches(p->zones[i].interfaces.v[k], interface))
				return &p->zones[i];
	return NULL;
}

struct conf_strs
zones_inner(struct building *b)
{
	struct conf_strs l = { .n = 0 };

	for (uint32_t i = 0; i < b->p->nzones; i++)
		for (uint32_t k = 0; !b->p->zones[i].outside && k < b->p->zones[i].interfaces.n; k++)
			strs_add(b, &l, b->p->zones[i].interfaces.v[k]);
	return l;
}

static struct policy_zone *
zone_get(struct building *b, struct str name)
{
	struct policy_zone *z = zone_named(b->p, name);

	if (z)
		return z;
	z = &b->p->zones[b->p->nzones++];
	*z = (struct policy_zone){ .name = name, .outside = str_eq(name, STR("internet")) };
	return z;
}

/* What the kernel takes for a name of an interface, and no more. */
static void
check_interface_name(struct building *b, struct conf_pos where, struct str name)
{
	size_t star = str_find_byte(name, '*');

	if (name.n > 15 || star + 1 < name.n || str_find_byte(name, '/') < name.n ||
	    str_find_byte(name, ':') < name.n || str_eq(name, STR("lo")))
		build_fault(b, where, name, "a name as `ip link` shows it, at most 15 bytes; `ppp*` "
		    "is every name that begins so",
		    "`%.*s` cannot be the name of an interface", STR_FMT(str_head(name, 64)));
}

static void
check_interface(struct building *b, const struct conf_interface *i)
{
	bool one = i->names.n == 1 && str_find_byte(i->names.v[0], '*') == i->names.v[0].n;

	for (uint32_t k = 0; k < i->names.n; k++)
		check_interface_name(b, i->where, i->names.v[k]);
	if (!one && (i->addresses.n || i->mtu))
		build_fault(b, i->where, STR("address"), "write an `interface` for each",
		    "an address or MTU belongs to a single interface");
	for (uint32_t k = 0; k < i->names.n; k++) {
		const struct policy_zone *z = policy_zone_of(b->p, i->names.v[k]);
		if (z)
			build_fault(b, i->where, i->names.v[k], "name it once",
			    "the interface `%.*s` is in the zone `%.*s` already",
			    STR_FMT(i->names.v[k]), STR_FMT(z->name));
	}
}

void
build_zones(struct building *b)
{
	const struct conf_gate *g = b->g;

	b->p->zones = ARENA_ARRAY(b->a, struct policy_zone,
	    (size_t)g->ninterfaces + g->nzones + 1);
	if (!b->p->zones) {
		b->full = true;
		return;
	}
	for (uint32_t i = 0; i < g->ninterfaces; i++) {
		const struct conf_interface *f = &g->interfaces[i];
		check_interface(b, f);
		struct policy_zone *z = zone_get(b, f->zone.n ? f->zone : f->names.v[0]);
		for (uint32_t k = 0; k < f->names.n; k++)
			strs_add(b, &z->interfaces, f->names.v[k]);
	}
	/* A branch's interface that nobody put into a zone is a tunnel. */
	for (uint32_t i = 0; i < g->nbranches; i++) {
		for (uint32_t k = 0; k < g->branches[i].interfaces.n; k++) {
			struct str name = g->branches[i].interfaces.v[k];
			check_interface_name(b, g->branches[i].where, name);
			if (!policy_zone_of(b->p, name))
				strs_add(b, &zone_get(b, STR("vpn"))->interfaces, name);
		}
	}
	for (uint32_t i = 0; i < g->nzones; i++) {
		struct policy_zone *z = zone_named(b->p, g->zones[i].name);
		if (!z) {
			build_fault(b, g->zones[i].where, g->zones[i].name,
			    "example: interface wan { zone internet; }",
			    "no interface leads to the zone `%.*s`", STR_FMT(g->zones[i].name));
			continue;
		}
		z->conf = &g->zones[i];
		z->outside |= g->zones[i].outside;
	}
}

/* Every name that a rule may use for an end, with the statement that makes it. */
struct named {
	struct str name;
	struct conf_pos where;
};

static size_t
collect_names(const struct building *b, struct named *v, size_t max)
{
	const struct conf_gate *g = b->g;
	struct conf_pos none = { .line = 0 };
	size_t n = 2;

	v[0] = (struct named){ STR("gateway"), none };
	v[1] = (struct named){ STR("any"), none };
	for (uint32_t i = 0; i < b->p->nzones && n < max; i++)
		v[n++] = (struct named){ b->p->zones[i].name, none };
	for (uint32_t i = 0; i < g->nnetworks && n < max; i++)
		v[n++] = (struct named){ g->networks[i].name, g->networks[i].where };
	for (uint32_t i = 0; i < g->nbranches && n < max; i++)
		v[n++] = (struct named){ g->branches[i].name, g->branches[i].where };
	return n;
}

void
build_check_names(struct building *b)
{
	struct named *v = ARENA_ARRAY(b->a, struct named, NAMES_MAX);
	struct conf_strs seen = { .n = 0 };
	size_t n = v ? collect_names(b, v, NAMES_MAX) : 0;

	for (size_t i = 0; i < n; i++) {
		uint32_t before = seen.n;
		strs_add(b, &seen, v[i].name);
		if (seen.n == before && v[i].where.line)
			build_fault(b, v[i].where, v[i].name, "choose another name",
			    "`%.*s` is the name of something else already", STR_FMT(v[i].name));
	}
}

static void
unknown_side(struct building *b, struct conf_pos where, struct str word)
{
	struct named *v = ARENA_ARRAY(b->a, struct named, NAMES_MAX);
	struct str *names = ARENA_ARRAY(b->a, struct str, NAMES_MAX);
	size_t n = v && names ? collect_names(b, v, NAMES_MAX) : 0;
	char hint[256] = "a zone, network, branch or address; `gateway` is this machine";

	for (size_t i = 0; i < n; i++)
		names[i] = v[i].name;
	struct str near = text_nearest(word, names, n);
	if (near.n)
		snprintf(hint, sizeof(hint), "did you mean `%.*s`?", STR_FMT(str_head(near, 64)));
	build_fault(b, where, word, hint, "`%.*s` is neither a zone, network or branch, nor an address",
	    STR_FMT(str_head(word, 64)));
}

/* What one word adds: zones share a side, networks share a side, branches have their own. */
struct resolving {
	struct side zones, nets;
	bool has_zones, has_nets;
	struct sides out;
};

static bool
resolve_named(struct building *b, struct str word, struct resolving *x)
{
	const struct conf_gate *g = b->g;
	const struct policy_zone *z = zone_named(b->p, word);

	for (uint32_t k = 0; z && k < z->interfaces.n; k++)
		strs_add(b, &x->zones.interfaces, z->interfaces.v[k]);
	if (z) {
		x->has_zones = true;
		return true;
	}
	for (uint32_t i = 0; i < g->nnetworks; i++) {
		if (!str_eq(g->networks[i].name, word))
			continue;
		side_add_nets(b, &x->nets, g->networks[i].nets);
		x->has_nets = true;
		return true;
	}
	for (uint32_t i = 0; i < g->nbranches; i++) {
		if (!str_eq(g->branches[i].name, word))
			continue;
		struct side *s = &x->out.v[x->out.n++];
		s->interfaces = g->branches[i].interfaces;
		side_add_nets(b, s, g->branches[i].networks);
		return true;
	}
	return false;
}

static bool
resolve_address(struct building *b, struct str word, struct resolving *x)
{
	struct cidr *c = ARENA_NEW(b->a, struct cidr);

	if (!c || cidr_parse(word, c) < 0)
		return false;
	side_add_nets(b, &x->nets, (struct conf_cidrs){ .v = c, .n = 1 });
	return x->has_nets = true;
}

bool
sides_resolve(struct building *b, struct conf_strs words, struct conf_pos where, struct sides *ret)
{
	struct resolving x = { .out.v = ARENA_ARRAY(b->a, struct side, (size_t)words.n + 2) };
	bool ok = x.out.v != NULL;

	b->full |= !ok;
	for (uint32_t i = 0; ok && i < words.n; i++) {
		if (str_eq(words.v[i], STR("gateway"))) {
			x.out.v[x.out.n++].gateway = true;
		} else if (str_eq(words.v[i], STR("any"))) {
			x.out.n++;
		} else if (!resolve_named(b, words.v[i], &x) && !resolve_address(b, words.v[i], &x)) {
			unknown_side(b, where, words.v[i]);
			ok = false;
		}
	}
	if (ok && x.has_zones)
		x.out.v[x.out.n++] = x.zones;
	if (ok && x.has_nets)
		x.out.v[x.out.n++] = x.nets;
	if (ok && words.n == 0)
		x.out.n++;
	*ret = x.out;
	return ok && !b->full;
}

bool
services_resolve(struct building *b, struct conf_strs words, struct conf_pos where,
    struct service_parts *ret)
{
	char hint[256];

	ret->n = 0;
	for (uint32_t i = 0; i < words.n; i++) {
		int r = service_add(b->g, words.v[i], ret);
		if (r == 0)
			continue;
		struct str near = service_nearest(b->g, words.v[i]);
		snprintf(hint, sizeof(hint), "%s%.*s%s", near.n ? "did you mean `" : "",
		    STR_FMT(near), near.n ? "`?" : "example: tcp/80, udp/5000-5100, icmp/8, gre, ssh");
		build_fault(b, where, words.v[i], hint, r == -ENOENT ? "there is no service `%.*s`" :
		    r == -EINVAL ? "`%.*s` has no such ports" :
		    r == -ELOOP ? "the service `%.*s` leads back to itself" :
		    "`%.*s` and what is beside it are too many ports",
		    STR_FMT(str_head(words.v[i], 64)));
		return false;
	}
	return true;
}
