/*
 * lines: lines between our vault and those of other sites. linkd keeps none: who receives says where he stands, the
 * other vault's log is read from there, and what is not taken here is not taken from the network either. Must never hand
 * on what is no sealed line.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "role/link/linkd.h"
#include "vault/entry.h"

#define WINDOW 16                      /* frames of lines on the way to us from one site */
#define WINDOW_MAX LINK_ON_WAY

static bool
vault_is_open(const struct linking *l)
{
	return l->vault && chan_state(l->vault) == MSG_OPEN;
}

static struct link_peer *
find(struct linking *l, struct str site)
{
	for (uint32_t i = 0; i < l->npeers; i++)
		if (str_eq(l->peers[i].conf->name, site))
			return &l->peers[i];
	return NULL;
}

static void
say(struct link_peer *p, const struct site_frame *f)
{
	/* Whoever takes nothing is dropped by his silence, and begins anew when he is back. */
	(void)!link_send(p, f);
}

static void
order_vault(struct linking *l, const struct msg *m)
{
	if (chan_send(l->vault, m) < 0)
		log_say(&l->role->log, LOG_LEVEL_ERROR, "vaultd does not take what is told of other sites");
}

/* From them. */

static struct link_held *
held_of(struct link_peer *p, uint64_t log)
{
	for (unsigned i = 0; i < p->nheld; i++)
		if (p->held[i].log == log)
			return &p->held[i];
	return NULL;
}

static void
note_held(struct link_peer *p, uint64_t log, uint64_t next)
{
	struct link_held *h = held_of(p, log);

	/* The oldest log of that site gives way: it is the vault that remembers, and begins it anew if it comes again. */
	if (!h && p->nheld == LINK_LOGS_MAX)
		memmove(p->held, p->held + 1, --p->nheld * sizeof(*p->held));
	if (!h)
		h = &p->held[p->nheld++];
	*h = (struct link_held){ .log = log, .next = next };
}

/* Has it begin where we stand. */
static void
begin(struct link_peer *p)
{
	const struct linking *l = p->owner;
	const struct link_held *h = held_of(p, p->log);
	struct site_frame f = { .type = SITE_stand, .stand = { .log = p->log, .next = h ? h->next : 0, .turn = ++p->turn_in,
		.window = WINDOW } };

	if (p->log && link_is_up(p) && vault_is_open(l) && config_peer_takes(l->role->config, p->conf))
		say(p, &f);
}

bool
link_lines_vault(struct link_peer *p, const struct site_vault *f)
{
	p->log = f->log;
	snprintf(p->origin, sizeof(p->origin), "%.*s", STR_FMT(str_head(f->origin, sizeof(p->origin) - 1)));
	snprintf(p->identity, sizeof(p->identity), "%.*s", STR_FMT(str_head(f->identity, sizeof(p->identity) - 1)));
	begin(p);
	return true;
}

static bool
are_lines(const struct site_lines *f)
{
	struct cur c = cur_of(f->entries);
	struct vault_entry line;
	struct site_entry e;
	uint64_t least = f->from;
	uint32_t n = 0;
	int r;

	while ((r = site_entry_next(&c, &e)) == 1) {
		if (e.index < least || e.index >= f->next || vault_entry_decode(e.record, e.index, &line) < 0)
			return false;
		least = e.index + 1;
		n++;
	}
	return r == 0 && n == f->count && f->from <= f->next && f->lost <= f->next;
}

/* To the vault, or until it has room: 0, -EAGAIN. */
static int
push(struct linking *l, struct link_way *w)
{
	int r = chan_try(l->vault, MSG_copied, buf_str(&w->waiting));

	w->stalled = r == -EAGAIN;
	secure_pause(w->secure, w->stalled);
	if (!w->stalled)
		buf_free(&w->waiting);
	return r;
}

bool
link_lines_heard(struct link_peer *p, const struct site_lines *f)
{
	struct linking *l = p->owner;
	struct msg m = { .type = MSG_copied, .fd = -1, .copied = { .site = p->conf->name, .log = p->log,
		.origin = str_z(p->origin), .from = f->from, .next = f->next, .lost = f->lost, .count = f->count,
		.entries = f->entries } };

	if (!are_lines(f))
		return false;
	if (f->turn != p->turn_in || !vault_is_open(l))
		return true;
	p->way->waiting = BUF_INIT(MSG_MAX);
	if (!buf_reserve(&p->way->waiting, MSG_MAX))
		return false;
	struct enc e = enc_of(p->way->waiting.p, MSG_MAX);
	msg_encode(&m, &e);
	if (!enc_ok(&e)) {
		buf_free(&p->way->waiting);
		return false;
	}
	p->way->waiting.n = e.n;
	p->lines_in += f->count;
	p->lost_in += f->lost;
	p->size_in = f->size;
	p->next_in = f->next;
	(void)!push(l, p->way);
	return true;
}

static void
on_held(struct linking *l, const struct msg_held *m)
{
	struct link_peer *p = find(l, m->site);
	struct site_frame f = { .type = SITE_have, .have.next = m->next };

	if (!p)
		return;
	if (m->again) {
		note_held(p, m->log, m->next);
		begin(p);
	} else if (m->log == p->log && link_is_up(p)) {
		say(p, &f);
	}
}

/* To them. */

bool
link_lines_stand(struct link_peer *p, const struct site_stand *f)
{
	struct linking *l = p->owner;
	uint32_t window = f->window < 1 ? 1 : f->window > WINDOW_MAX ? WINDOW_MAX : f->window;
	struct msg m = { .type = MSG_fetch, .fd = -1, .fetch = { .site = p->conf->name, .turn = ++p->turn_out,
		.next = f->next, .credit = window } };

	/* It asks again when it hears of our vault. */
	if (!vault_is_open(l) || f->log != l->log || !config_peer_sends(l->role->config, p->conf))
		return true;
	p->their_turn = f->turn;
	p->non_way = 0;
	order_vault(l, &m);
	return true;
}

static void
on_copy(struct linking *l, const struct msg_copy *m)
{
	struct link_peer *p = find(l, m->site);

	if (!p || !link_is_up(p) || m->turn != p->turn_out)
		return;
	struct site_frame f = { .type = SITE_lines, .lines = { .turn = p->their_turn, .from = m->from, .next = m->next,
		.lost = m->lost, .size = m->size, .count = m->count, .entries = m->entries } };
	p->lines_out += m->count;
	if (p->non_way < LINK_ON_WAY)
		p->on_way[p->non_way++] = m->next;
	if (link_send(p, &f) < 0)
		link_drop(p->way, "it does not take what is sent");
}

bool
link_lines_have(struct link_peer *p, const struct site_have *f)
{
	struct linking *l = p->owner;
	unsigned done = 0;

	while (done < p->non_way && p->on_way[done] <= f->next)
		done++;
	p->non_way -= done;
	memmove(p->on_way, p->on_way + done, p->non_way * sizeof(*p->on_way));
	struct msg m = { .type = MSG_more, .fd = -1, .more = { .site = p->conf->name, .next = f->next, .credit = done } };
	if (vault_is_open(l) && config_peer_sends(l->role->config, p->conf))
		order_vault(l, &m);
	return true;
}

static void
on_lag(struct linking *l, const struct msg_lag *m)
{
	struct link_peer *p = find(l, m->site);

	if (p) {
		p->lag = *m;
		p->lag.site = p->conf->name;
	}
}

/* Both. */

void
link_lines_greet(struct link_peer *p)
{
	const struct linking *l = p->owner;
	struct site_frame f = { .type = SITE_vault, .vault = { .log = l->log, .origin = buf_str(&l->origin),
		.identity = buf_str(&l->identity) } };

	if (!vault_is_open(l))
		return;
	say(p, &f);
	link_witness_greet(p);
}

void
link_lines_ended(struct link_peer *p)
{
	p->log = 0;
	p->identity[0] = '\0';
	p->turn_out++;
	p->non_way = 0;
}

static void
on_vault(struct linking *l, const struct msg_vault *m)
{
	l->log = m->log;
	buf_reset(&l->origin);
	buf_add(&l->origin, m->origin);
	buf_reset(&l->identity);
	buf_add(&l->identity, m->identity);
	for (uint32_t i = 0; i < l->npeers; i++)
		if (link_is_up(&l->peers[i])) {
			link_lines_greet(&l->peers[i]);
			begin(&l->peers[i]);
		}
}

static void
on_msg(void *ctx, struct chan *c, struct msg *m)
{
	struct linking *l = ctx;
	struct link_peer *p;

	(void)c;
	if (m->type == MSG_held)
		on_held(l, &m->held);
	else if (m->type == MSG_vault)
		on_vault(l, &m->vault);
	else if (m->type == MSG_copy)
		on_copy(l, &m->copy);
	else if (m->type == MSG_lag)
		on_lag(l, &m->lag);
	else if (m->type == MSG_attested && (p = find(l, m->attested.site)))
		link_witness_attested(p, &m->attested);
}

/* What waited goes, and then what came behind it. */
static void
on_room(void *ctx, struct chan *c)
{
	struct linking *l = ctx;

	(void)c;
	for (struct link_way *w = l->ways, *next; w; w = next) {
		next = w->next;
		if (!w->stalled)
			continue;
		if (push(l, w) == -EAGAIN)
			return;
		link_way_go_on(w);
	}
}

/* What was on its way to that vault it did not seal, and asks for again. */
static void
forget_vault(struct linking *l)
{
	chan_close(l->vault);
	l->vault = NULL;
	for (uint32_t i = 0; i < l->npeers; i++) {
		l->peers[i].nheld = 0;
		l->peers[i].turn_in++;
		l->peers[i].turn_out++;
	}
	for (struct link_way *w = l->ways, *next; w; w = next) {
		next = w->next;
		buf_free(&w->waiting);
		if (!w->stalled)
			continue;
		w->stalled = false;
		secure_pause(w->secure, false);
		link_way_go_on(w);
	}
}

static void
on_end(void *ctx, struct chan *c, int error)
{
	struct linking *l = ctx;

	(void)c;
	if (error == -EBADMSG)
		log_say(&l->role->log, LOG_LEVEL_ERROR, "vaultd sent a message that is none");
	forget_vault(l);
	if (error == -EBADMSG)
		role_end(l->role, 1);
}

void
link_lines_link(struct linking *l, int fd)
{
	struct chan_calls calls = { .ctx = l, .on_msg = on_msg, .on_end = on_end, .on_room = on_room };

	forget_vault(l);
	int r = chan_open(l->role->loop, fd, MSG_LINKD, MSG_VAULTD, &calls, &l->vault);
	if (r < 0)
		log_say(&l->role->log, LOG_LEVEL_ERROR, "cannot link to vaultd: %s", strerror(-r));
}

void
link_lines_close(struct linking *l)
{
	chan_close(l->vault);
	l->vault = NULL;
	buf_free(&l->origin);
	buf_free(&l->identity);
}

void
link_lines_show(const struct link_peer *p, struct buf *json)
{
	const struct config *c = p->owner->role->config;

	if (config_peer_takes(c, p->conf))
		buf_addf(json, ",\"lines_in\":%llu,\"lost_in\":%llu,\"behind_in\":%llu", (unsigned long long)p->lines_in,
		    (unsigned long long)p->lost_in, (unsigned long long)(p->size_in - p->next_in));
	if (config_peer_sends(c, p->conf))
		buf_addf(json, ",\"lines_out\":%llu,\"lost_out\":%llu,\"behind\":%llu,\"behind_bytes\":%llu,\"behind_s\":%llu",
		    (unsigned long long)p->lines_out, (unsigned long long)p->lag.lost, (unsigned long long)p->lag.lines,
		    (unsigned long long)p->lag.bytes, (unsigned long long)p->lag.seconds);
}
