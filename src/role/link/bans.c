/*
 * bans: whom one site keeps out, all keep out. Bans of our watch and of our operator go to the
 * peers; what peers tell goes to netd, who decides, and on to the other peers. Only news travels: a
 * ban that is known to last as long already goes nowhere, so that nothing goes round for ever.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "role/link/linkd.h"
#include "sys/clock.h"
#include "sys/file.h"

#define JOURNAL_MAX (64u << 20)
#define JOURNAL_COMPACT (4u << 20)
#define NEWS_US (5 * WHEN_SECOND)      /* lasting longer by less than this is no news */
#define SECONDS_MAX (100ull * 366 * 86400)

static void
write_down(struct linking *l, const struct ban *b, bool put)
{
	struct buf line = BUF_INIT(4096);

	ban_line(b, put, &line);
	int r = buf_ok(&line) ? file_write_all(l->journal, buf_str(&line)) : -ENOMEM;
	if (r < 0)
		log_say(&l->role->log, LOG_LEVEL_ERROR, "a ban will not be told to sites that come later: %s",
		    strerror(-r));
	l->journal_bytes += line.n;
	buf_free(&line);
}

/* What is left of it; a ban that ends within this second still lasts one. */
static uint64_t
seconds_left(const struct ban *b, int64_t now_us)
{
	if (b->until_us == 0)
		return 0;
	return b->until_us > now_us + WHEN_SECOND ? (uint64_t)((b->until_us - now_us) / WHEN_SECOND) : 1;
}

static void
tell_peer(struct link_peer *p, const struct ban *b)
{
	struct site_frame f = { .type = SITE_ban, .ban = {
		.net = str_of((const char *)b->net.net.b, 16), .bits = b->net.bits, .program = str_z(b->service),
		.seconds = seconds_left(b, clock_wall_us()), .times = b->times, .incident = b->incident,
		.reason = b->reason,
	} };

	if (!p->conf->share_bans || !link_is_up(p))
		return;
	/* A peer that takes nothing is dropped by its silence, and told everything when it is back. */
	if (link_send(p, &f) == 0)
		p->bans_out++;
}

static void
tell_guard(struct linking *l, const struct ban *b)
{
	struct msg m = { .type = MSG_block, .fd = -1, .block = {
		.net = str_of((const char *)b->net.net.b, 16), .bits = b->net.bits,
		.scope = b->service[0] ? CONF_BAN_PROGRAM : b->net.bits == 128 ? CONF_BAN_HOST : CONF_BAN_NET,
		.program = str_z(b->service), .seconds = seconds_left(b, clock_wall_us()), .times = b->times,
		.incident = b->incident, .reason = b->reason,
	} };

	if (!l->guard || chan_state(l->guard) != MSG_OPEN)
		return;
	if (chan_send(l->guard, &m) < 0)
		log_say(&l->role->log, LOG_LEVEL_ERROR, "netd does not take a ban of another site");
	else
		l->bans_told++;
}

/* From a peer, or from ourselves (NULL). */
static void
learn(struct linking *l, const struct ban *b, const struct link_peer *from)
{
	const struct ban *known = bans_find(l->bans, &b->net, str_z(b->service));
	bool news = !known || (known->until_us && (!b->until_us || b->until_us > known->until_us + NEWS_US));

	if (!news)
		return;
	int r = bans_put(l->bans, b);
	if (r < 0) {
		log_say(&l->role->log, LOG_LEVEL_ERROR, "a ban was not passed on to other sites: %s", strerror(-r));
		return;
	}
	write_down(l, b, true);
	for (uint32_t i = 0; i < l->npeers; i++)
		if (&l->peers[i] != from)
			tell_peer(&l->peers[i], b);
	if (from)
		tell_guard(l, b);
}

static bool
ban_begin(struct ban *b, struct str net, uint8_t bits, struct str program)
{
	if (net.n != 16 || bits > 128)
		return false;
	*b = (struct ban){ .net.bits = bits, .since_us = clock_wall_us() };
	memcpy(b->net.net.b, net.p, 16);
	snprintf(b->service, sizeof(b->service), "%.*s", STR_FMT(str_head(program, BAN_SERVICE_MAX)));
	return true;
}

static void
last_for(struct ban *b, uint64_t seconds)
{
	b->until_us = seconds ? b->since_us + (int64_t)seconds * WHEN_SECOND : 0;
}

bool
link_bans_heard(struct link_peer *p, const struct site_ban *f)
{
	struct ban b;

	if (!ban_begin(&b, f->net, f->bits, f->program) || f->seconds > SECONDS_MAX)
		return false;
	if (!p->conf->share_bans)
		return true;
	last_for(&b, f->seconds);
	b.times = f->times;
	b.incident = f->incident;
	b.reason = f->reason;
	p->bans_in++;
	learn(p->owner, &b, p);
	return true;
}

/* Of our watch, or of our operator: the other sites are told where it comes from. */
static void
take_own(struct linking *l, const struct msg_block *m)
{
	struct buf reason = BUF_INIT(2048);
	struct str site = l->role->config->site;
	struct ban b;

	if (!ban_begin(&b, m->net, m->bits, m->scope == CONF_BAN_PROGRAM ? m->program : STR_NULL) ||
	    m->seconds > SECONDS_MAX)
		return;
	last_for(&b, m->seconds);
	b.times = m->times;
	b.incident = m->incident;
	if (m->incident)
		buf_addf(&reason, "%.*s, incident %llu: ", STR_FMT(site), (unsigned long long)m->incident);
	else
		buf_addf(&reason, "%.*s, by hand: ", STR_FMT(site));
	buf_add(&reason, str_head(m->reason, 1000));
	b.reason = buf_str(&reason);
	if (buf_ok(&reason))
		learn(l, &b, NULL);
	buf_free(&reason);
}

/* Pardons. */

struct pardoned {
	const struct cidr *net;
	struct ban v[16];
	size_t n;
};

static void
collect(void *ctx, const struct ban *b)
{
	struct pardoned *x = ctx;

	if (b->net.bits == x->net->bits && memcmp(&b->net.net, &x->net->net, 16) == 0 && x->n < ARRAY_LEN(x->v))
		x->v[x->n++] = *b;
}

/* False when nothing was known of it: then it goes no further. */
static bool
forgive(struct linking *l, const struct cidr *net)
{
	struct pardoned x = { .net = net };

	bans_each(l->bans, collect, &x);
	for (size_t i = 0; i < x.n; i++) {
		write_down(l, &x.v[i], false);
		(void)bans_remove(l->bans, net, str_z(x.v[i].service));
	}
	return x.n > 0;
}

static void
pardon(struct linking *l, const struct cidr *net, const struct link_peer *from)
{
	struct str bytes = str_of((const char *)net->net.b, 16);
	struct site_frame f = { .type = SITE_pardon, .pardon = { .net = bytes, .bits = net->bits } };
	struct msg m = { .type = MSG_pardon, .fd = -1, .pardon = { .net = bytes, .bits = net->bits } };

	if (!forgive(l, net))
		return;
	for (uint32_t i = 0; i < l->npeers; i++)
		if (&l->peers[i] != from && l->peers[i].conf->share_bans && link_is_up(&l->peers[i]))
			(void)!link_send(&l->peers[i], &f);
	if (from && l->guard && chan_state(l->guard) == MSG_OPEN && chan_send(l->guard, &m) < 0)
		log_say(&l->role->log, LOG_LEVEL_ERROR, "netd does not take that another site ended a ban");
}

static bool
read_net(struct str net, uint8_t bits, struct cidr *ret)
{
	if (net.n != 16 || bits > 128)
		return false;
	ret->bits = bits;
	memcpy(ret->net.b, net.p, 16);
	return true;
}

bool
link_bans_pardoned(struct link_peer *p, const struct site_pardon *f)
{
	struct cidr net;

	if (!read_net(f->net, f->bits, &net))
		return false;
	if (p->conf->share_bans)
		pardon(p->owner, &net, p);
	return true;
}

/* Telling all. */

static void
tell_one_peer(void *ctx, const struct ban *b)
{
	tell_peer(ctx, b);
}

void
link_bans_tell(struct link_peer *p)
{
	bans_expire(p->owner->bans, clock_wall_us());
	bans_each(p->owner->bans, tell_one_peer, p);
}

static void
tell_one_guard(void *ctx, const struct ban *b)
{
	tell_guard(ctx, b);
}

/* Links. */

static void
on_msg(void *ctx, struct chan *c, struct msg *m)
{
	struct linking *l = ctx;
	struct cidr net;

	if (m->type == MSG_block)
		take_own(l, &m->block);
	else if (m->type == MSG_pardon && read_net(m->pardon.net, m->pardon.bits, &net))
		pardon(l, &net, NULL);
	else if (m->type == MSG_guard && c == l->guard)
		/* What was heard while it was away. */
		bans_each(l->bans, tell_one_guard, l);
}

static void
on_msg_end(void *ctx, struct chan *c, int error)
{
	struct linking *l = ctx;
	struct chan **which = c == l->guard ? &l->guard : &l->watch;

	if (error == -EBADMSG)
		log_say(&l->role->log, LOG_LEVEL_ERROR, "%s sent a message that is none", msg_peer_name(chan_peer(c)));
	chan_close(c);
	*which = NULL;
	if (error == -EBADMSG)
		role_end(l->role, 1);
}

void
link_bans_link(struct linking *l, enum msg_peer peer, int fd)
{
	struct chan_calls calls = { .ctx = l, .on_msg = on_msg, .on_end = on_msg_end };
	struct chan **which = peer == MSG_NETD ? &l->guard : &l->watch;
	struct msg m = { .type = MSG_guard, .fd = -1, .guard.bans = (uint32_t)bans_count(l->bans) };

	chan_close(*which);
	*which = NULL;
	int r = chan_open(l->role->loop, fd, MSG_LINKD, peer, &calls, which);
	if (r == 0 && peer == MSG_WATCHD)
		r = chan_send(*which, &m);
	if (r < 0)
		log_say(&l->role->log, LOG_LEVEL_ERROR, "cannot link to %s: %s", msg_peer_name(peer), strerror(-r));
}

/* The journal. */

static int
journal_path(const struct linking *l, char path[PATH_MAX])
{
	return file_path(path, PATH_MAX, l->role->config->state_dir.p, "link/bans");
}

int
link_bans_open(struct linking *l)
{
	char path[PATH_MAX];
	int r = journal_path(l, path);

	if (r == 0)
		r = l->journal = role_open_append(l->role, path, 0600);
	return r < 0 ? r : bans_new(random_u64(), &l->bans);
}

static void
load_line(struct linking *l, struct str line, int64_t now_us)
{
	struct ban b;
	bool put;

	if (ban_line_read(line, &b, &put) < 0)
		log_say(&l->role->log, LOG_LEVEL_WARNING, "a line of link/bans is damaged and passed over");
	else if (!put || (b.until_us && b.until_us <= now_us))
		(void)bans_remove(l->bans, &b.net, str_z(b.service));
	else if (bans_put(l->bans, &b) < 0)
		log_say(&l->role->log, LOG_LEVEL_ERROR, "too many bans: one of link/bans is left out");
}

static void
add_line(void *ctx, const struct ban *b)
{
	ban_line(b, true, ctx);
}

/* Written anew, with only what counts. */
static int
compact(struct linking *l)
{
	struct buf text = BUF_INIT(JOURNAL_MAX * 8ull);
	char path[PATH_MAX];
	int r = journal_path(l, path);

	bans_each(l->bans, add_line, &text);
	if (r == 0)
		r = buf_ok(&text) ? file_replace(path, buf_str(&text), 0600, true) : -ENOMEM;
	if (r == 0) {
		fd_close(&l->journal);
		r = l->journal = file_open_append(path, 0600);
		l->journal_bytes = text.n;
	}
	buf_free(&text);
	return r < 0 ? r : 0;
}

int
link_bans_load(struct linking *l)
{
	struct buf text = BUF_INIT(JOURNAL_MAX * 8ull);
	int64_t now = clock_wall_us();
	char path[PATH_MAX];
	struct str line;
	int r = journal_path(l, path);

	if (r == 0)
		r = file_read(path, &text);
	for (struct str rest = buf_str(&text); r == 0 && str_split(&rest, '\n', &line);)
		if (line.n)
			load_line(l, line, now);
	if (r == 0 && text.n)
		r = compact(l);
	buf_free(&text);
	if (r < 0)
		log_say(&l->role->log, LOG_LEVEL_ERROR, "cannot read link/bans: %s", strerror(-r));
	return r;
}

void
link_bans_tick(struct linking *l)
{
	bans_expire(l->bans, clock_wall_us());
	if (l->journal_bytes > JOURNAL_COMPACT && l->journal_bytes > 400 * bans_count(l->bans))
		(void)!compact(l);
}

void
link_bans_close(struct linking *l)
{
	chan_close(l->watch);
	chan_close(l->guard);
	bans_free(l->bans);
	fd_close(&l->journal);
}
