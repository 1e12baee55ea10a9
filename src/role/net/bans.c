/*
 * bans: bans into the kernel, and their book. The kernel alone is asked whether a packet
 * passes; the book knows why. Must never ban who is not to be banned, whoever asks.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/hash.h"
#include "gate/service.h"
#include "role/net/netd.h"
#include "sys/clock.h"
#include "sys/file.h"

#define JOURNAL_MAX (64u << 20)
#define JOURNAL_COMPACT (4u << 20)
#define PORT_ELEMENTS_MAX 64
#define OVERLAPS_MAX 4096

static bool
cidrs_touch(const struct cidr *a, const struct cidr *b)
{
	return a->bits <= b->bits ? cidr_has(a, &b->net) : cidr_has(b, &a->net);
}

static bool
any_touches(struct conf_cidrs list, const struct cidr *net)
{
	for (uint32_t i = 0; i < list.n; i++)
		if (cidrs_touch(&list.v[i], net))
			return true;
	return false;
}

/* No one's address, or everyone's: loopback, link-local, multicast, unspecified. */
static bool
is_special(const struct cidr *net)
{
	static const char *const nets[] = {
		"127.0.0.0/8", "0.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3", "::1", "fe80::/10", "ff00::/8",
	};
	struct cidr c;

	if (net->bits < (addr_is_v4(&net->net) ? 96 + 8 : 16))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(nets); i++)
		if (cidr_parse(str_z(nets[i]), &c) == 0 && cidrs_touch(&c, net))
			return true;
	return false;
}

static const char *
why_never(const struct netd *n, const struct cidr *net)
{
	const struct conf_gate *g = &n->config->gate;

	if (any_touches(n->config->never_ban, net))
		return "never-ban names it";
	if (any_touches(n->config->own, net))
		return "it is one of the own networks";
	if (is_special(net))
		return "it is nobody's address, or everybody's";
	for (uint32_t i = 0; i < g->ninterfaces; i++) {
		const struct conf_interface *f = &g->interfaces[i];
		for (uint32_t k = 0; k < f->addresses.n; k++)
			if (cidr_has(net, &f->addresses.v[k].net))
				return "it is this machine";
		if (cidr_has(net, &f->gateway) || cidr_has(net, &f->gateway6))
			return "it is the router to everywhere else";
	}
	return NULL;
}

/* The sets and elements that one ban is. */
struct force {
	const char *set;
	struct nft_element v[PORT_ELEMENTS_MAX];
	size_t n;
};

static const char *
set_name(const struct netd *n, enum policy_own_set four, bool v4)
{
	return n->policy->sets[four + (v4 ? 0 : 1)].nft;
}

/* Ports of a service one by one; a service of whole ranges is not for this. */
static bool
force_ports(const struct netd *n, const struct ban *b, struct force *f)
{
	struct service_parts parts = { .n = 0 };

	if (b->net.bits != 128 || service_add(&n->config->gate, str_z(b->service), &parts) < 0)
		return false;
	for (uint32_t i = 0; i < parts.n; i++) {
		const struct service_part *p = &parts.v[i];
		for (uint32_t port = p->range.from; port <= p->range.to; port++) {
			if (f->n == PORT_ELEMENTS_MAX)
				return false;
			f->v[f->n++] = nft_key_port(&b->net.net, p->protocol, (uint16_t)port);
		}
	}
	f->set = set_name(n, POLICY_BANPORT4, addr_is_v4(&b->net.net));
	return f->n > 0;
}

static void
force_of(const struct netd *n, const struct ban *b, int64_t now_us, struct force *f)
{
	bool v4 = addr_is_v4(&b->net.net);

	f->n = 0;
	if (!b->service[0] || !force_ports(n, b, f)) {
		f->n = 1;
		f->v[0] = b->net.bits == 128 ? nft_key_addr(&b->net.net) : nft_key_net(&b->net);
		f->set = set_name(n, b->net.bits == 128 ? POLICY_BAN4 : POLICY_BANNET4, v4);
	}
	for (size_t i = 0; i < f->n; i++)
		f->v[i].timeout_ms = b->until_us ? (uint64_t)(b->until_us - now_us) / 1000 + 1 : 0;
}

static void
journal(struct netd *n, const struct ban *b, bool put)
{
	struct buf line = BUF_INIT(4096);

	ban_line(b, put, &line);
	int r = buf_ok(&line) ? file_write_all(n->journal, buf_str(&line)) : -ENOMEM;
	if (r < 0)
		log_say(n->log, LOG_LEVEL_ERROR, "a ban will not survive a restart of the machine: %s",
		    strerror(-r));
	n->journal_bytes += line.n;
	buf_free(&line);
}

/* Bans of networks inside a new one would overlap with it in the kernel. */
struct overlaps {
	const struct cidr *net;
	struct ban v[64];
	size_t n;
	bool covered;
};

static void
on_overlap(void *ctx, const struct ban *b)
{
	struct overlaps *o = ctx;

	if (b->net.bits == 128 || addr_is_v4(&b->net.net) != addr_is_v4(&o->net->net) ||
	    b->net.bits == o->net->bits)
		return;
	if (b->net.bits < o->net->bits && cidr_has(&b->net, &o->net->net))
		o->covered = true;
	else if (cidr_has(o->net, &b->net.net) && o->n < ARRAY_LEN(o->v))
		o->v[o->n++] = *b;
}

/* False when a wider ban is in force already: then nothing is to be done in the kernel. */
static bool
make_room(struct netd *n, const struct ban *b)
{
	struct overlaps o = { .net = &b->net };
	struct force f;

	if (b->net.bits == 128)
		return true;
	bans_each(n->bans, on_overlap, &o);
	for (size_t i = 0; i < o.n; i++) {
		force_of(n, &o.v[i], o.v[i].until_us, &f);
		(void)!nft_del(n->nft, f.set, f.v, f.n);
		journal(n, &o.v[i], false);
		bans_remove(n->bans, &o.v[i].net, str_z(o.v[i].service));
	}
	return !o.covered;
}

static int
enforce(struct netd *n, const struct ban *b, int64_t now_us)
{
	struct force f;

	force_of(n, b, now_us, &f);
	if (!make_room(n, b))
		return 0;
	/* One that is in force would keep its time-out: it gets the new one by being made anew. */
	return bans_find(n->bans, &b->net, str_z(b->service)) ? nft_renew(n->nft, f.set, f.v, f.n) :
								nft_add(n->nft, f.set, f.v, f.n);
}

int
netd_ban(struct netd *n, const struct ban *ban, const char **ret_why)
{
	const char *never = why_never(n, &ban->net);

	if (never) {
		n->refused++;
		*ret_why = never;
		return -EPERM;
	}
	int r = enforce(n, ban, clock_wall_us());
	if (r == 0 && (r = bans_put(n->bans, ban)) >= 0)
		r = 0;
	if (r < 0) {
		*ret_why = strerror(-r);
		return r;
	}
	journal(n, ban, true);
	n->banned++;
	netd_cut_later(n, &ban->net);
	return 0;
}

struct matching {
	const struct cidr *net;
	struct ban v[64];
	size_t n;
};

static void
on_match(void *ctx, const struct ban *b)
{
	struct matching *m = ctx;

	if (b->net.bits == m->net->bits && memcmp(&b->net.net, &m->net->net, 16) == 0 &&
	    m->n < ARRAY_LEN(m->v))
		m->v[m->n++] = *b;
}

/* The watch would not ask again for one that it believes to be kept out. */
static void
tell_others(struct netd *n, const struct cidr *net)
{
	struct msg m = { .type = MSG_pardon, .fd = -1,
		.pardon = { .net = str_of((const char *)net->net.b, 16), .bits = net->bits } };

	if (n->watch && chan_state(n->watch) == MSG_OPEN && chan_send(n->watch, &m) < 0)
		log_say(n->log, LOG_LEVEL_WARNING, "watchd does not take that a ban is over");
	if (n->sites && chan_state(n->sites) == MSG_OPEN && chan_send(n->sites, &m) < 0)
		log_say(n->log, LOG_LEVEL_WARNING, "other sites are not told that a ban is over");
}

void
netd_tell_sites(struct netd *n, const struct ban *b, uint64_t seconds)
{
	struct msg m = { .type = MSG_block, .fd = -1, .block = {
		.net = str_of((const char *)b->net.net.b, 16), .bits = b->net.bits,
		.scope = b->net.bits == 128 ? CONF_BAN_HOST : CONF_BAN_NET, .seconds = seconds, .times = b->times,
		.incident = b->incident, .reason = b->reason,
	} };

	if (n->sites && chan_state(n->sites) == MSG_OPEN && chan_send(n->sites, &m) < 0)
		log_say(n->log, LOG_LEVEL_WARNING, "other sites are not told of a ban");
}

int
netd_unban(struct netd *n, const struct cidr *net)
{
	struct matching m = { .net = net };
	int done = 0;

	bans_each(n->bans, on_match, &m);
	for (size_t i = 0; i < m.n; i++) {
		struct force f;
		force_of(n, &m.v[i], m.v[i].until_us, &f);
		int r = nft_del(n->nft, f.set, f.v, f.n);
		if (r < 0 && r != -ENOENT)
			return r;
		journal(n, &m.v[i], false);
		bans_remove(n->bans, net, str_z(m.v[i].service));
		done++;
	}
	if (done)
		tell_others(n, net);
	return done;
}

/* The journal. */

static int
journal_path(const struct netd *n, char path[PATH_MAX])
{
	return file_path(path, PATH_MAX, n->config->state_dir.p, "gate/bans");
}

int
netd_bans_open(struct netd *n)
{
	char dir[PATH_MAX], path[PATH_MAX];
	int r = file_make_dirs(n->config->state_dir.p, 0755);

	n->journal = -1;
	if (r == 0)
		r = file_path(dir, sizeof(dir), n->config->state_dir.p, "gate");
	if (r == 0)
		r = role_make_dir(n->role, dir, 0700);
	if (r == 0)
		r = journal_path(n, path);
	if (r == 0)
		r = n->journal = role_open_append(n->role, path, 0600);
	return r < 0 ? r : bans_new(random_u64(), &n->bans);
}

static void
on_line(struct netd *n, struct str line, int64_t now_us)
{
	struct ban b;
	bool put;

	if (ban_line_read(line, &b, &put) < 0)
		log_say(n->log, LOG_LEVEL_WARNING, "a line of the journal of bans is damaged and passed over");
	else if (!put || (b.until_us && b.until_us <= now_us))
		bans_remove(n->bans, &b.net, str_z(b.service));
	else if (bans_put(n->bans, &b) < 0)
		log_say(n->log, LOG_LEVEL_ERROR, "too many bans: one of the journal is left out");
}

/* What is in force in the kernel, by set and key. */
struct in_force {
	struct arena arena;
	struct strmap keys;
	uint8_t set;
	int error;
};

static void
on_element(void *ctx, const struct nft_element *e)
{
	struct in_force *x = ctx;
	char key[48];

	key[0] = (char)x->set;
	memcpy(key + 1, e->key, e->n);
	struct str copy = arena_str(&x->arena, str_of(key, e->n + 1u));
	if (!copy.p || strmap_put(&x->keys, copy, 1) < 0)
		x->error = -ENOMEM;
}

struct restoring {
	struct netd *n;
	struct in_force have;
	int64_t now_us;
	uint32_t restored, failed;
	struct nft_element *batch[POLICY_OWN_SETS];
	size_t nbatch[POLICY_OWN_SETS];
};

static int
set_index(const struct netd *n, const char *name)
{
	for (int i = 0; i < POLICY_OWN_SETS; i++)
		if (strcmp(n->policy->sets[i].nft, name) == 0)
			return i;
	return POLICY_NO_SET;
}

static void
collect_missing(void *ctx, const struct ban *b)
{
	struct restoring *x = ctx;
	struct force f;

	force_of(x->n, b, x->now_us, &f);
	int set = set_index(x->n, f.set);
	for (size_t i = 0; i < f.n; i++) {
		char key[48] = { (char)set };
		memcpy(key + 1, f.v[i].key, f.v[i].n);
		size_t n = x->nbatch[set];
		if (strmap_get(&x->have.keys, str_of(key, f.v[i].n + 1u)) != STRMAP_NONE)
			continue;
		void *v = (n & (n - 1)) == 0 ?
		    reallocarray(x->batch[set], n ? n * 2 : 1, sizeof(f.v[i])) : x->batch[set];
		if (!v) {
			x->failed++;
			continue;
		}
		x->batch[set] = v;
		x->batch[set][x->nbatch[set]++] = f.v[i];
	}
}

static int
restore(struct netd *n)
{
	struct restoring x = { .n = n, .now_us = clock_wall_us(), .have.arena.max = 256u << 20 };
	int r = 0;

	for (int i = 0; i < POLICY_OWN_SETS && r == 0; i++) {
		x.have.set = (uint8_t)i;
		r = nft_list(n->nft, n->policy->sets[i].nft, on_element, &x.have);
		r = r == 0 ? x.have.error : r;
	}
	if (r == 0)
		bans_each(n->bans, collect_missing, &x);
	for (int i = 0; i < POLICY_OWN_SETS; i++) {
		if (r == 0 && x.nbatch[i])
			r = nft_add(n->nft, n->policy->sets[i].nft, x.batch[i], x.nbatch[i]);
		x.restored += (uint32_t)x.nbatch[i];
		free(x.batch[i]);
	}
	if (r == 0 && x.restored)
		log_say(n->log, LOG_LEVEL_INFO, "%u bans of before are in force again", x.restored);
	strmap_free(&x.have.keys);
	arena_free(&x.have.arena);
	return r < 0 ? netd_fault(n, r, "cannot bring bans of before into force") : 0;
}

static void
add_line(void *ctx, const struct ban *b)
{
	ban_line(b, true, ctx);
}

/* The journal holds only what counts: written anew, and in one step. */
static int
compact(struct netd *n)
{
	struct buf text = BUF_INIT(JOURNAL_MAX * 8ull);
	char path[PATH_MAX];
	int r = journal_path(n, path);

	bans_each(n->bans, add_line, &text);
	if (r == 0 && buf_ok(&text))
		r = file_replace(path, buf_str(&text), 0600, true);
	if (r == 0) {
		fd_close(&n->journal);
		r = n->journal = file_open_append(path, 0600);
		n->journal_bytes = text.n;
	}
	buf_free(&text);
	return r < 0 ? netd_fault(n, r, "cannot write the journal of bans") : 0;
}

int
netd_bans_load(struct netd *n)
{
	struct buf text = BUF_INIT(JOURNAL_MAX * 8ull);
	int64_t now = clock_wall_us();
	char path[PATH_MAX];
	struct str rest, line;
	int r = journal_path(n, path);

	if (r == 0)
		r = file_read(path, &text);
	rest = buf_str(&text);
	while (r == 0 && str_split(&rest, '\n', &line))
		if (line.n)
			on_line(n, line, now);
	bool old = text.n > 0;
	buf_free(&text);
	if (r == 0)
		r = restore(n);
	return r == 0 && old ? compact(n) : r;
}

void
netd_bans_tick(struct netd *n)
{
	bans_expire(n->bans, clock_wall_us());
	if (n->journal_bytes > JOURNAL_COMPACT && n->journal_bytes > 400 * bans_count(n->bans))
		(void)!compact(n);
}

void
netd_bans_close(struct netd *n)
{
	bans_free(n->bans);
	fd_close(&n->journal);
}
