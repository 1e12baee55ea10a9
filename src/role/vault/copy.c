/*
 * copy: our lines to other sites, read from the log where they are in any case. Only what is durable goes, and never
 * what another site sent: between two that copy each other nothing goes round.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/base64.h"
#include "base/text.h"
#include "role/vault/sites.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "wire/site.h"

static struct vault_copy *
find(struct vaulting *v, struct str site)
{
	for (uint32_t i = 0; i < v->sites->nto; i++)
		if (str_eq(v->sites->to[i].conf->name, site))
			return &v->sites->to[i];
	return NULL;
}

/* The file that says how far a site has come is named by its key: a site may be given another name. */
static int
note_path(const struct vaulting *v, const struct vault_copy *c, char path[PATH_MAX])
{
	uint8_t key[CONF_SITE_KEY_BYTES];
	char name[32];

	if (base64_read_exact(c->conf->key, key, sizeof(key)) < 0)
		return -EINVAL;
	snprintf(name, sizeof(name), "ship/site-%02x%02x%02x%02x%02x%02x%02x%02x", key[0], key[1], key[2], key[3], key[4],
	    key[5], key[6], key[7]);
	return file_path(path, PATH_MAX, v->disk.dir, name);
}

static void
load_note(const struct vaulting *v, struct vault_copy *c)
{
	struct buf text = BUF_INIT(64);
	char path[PATH_MAX];

	if (note_path(v, c, path) == 0 && file_read(path, &text) == 0)
		(void)!text_u64(str_trim(buf_str(&text)), &c->kept);
	/* Of a vault that stood here before. */
	if (c->kept > v->durable)
		c->kept = 0;
	c->noted = c->kept;
	buf_free(&text);
}

int
vaulting_copy_open(struct vaulting *v)
{
	const struct conf_sites *sites = &v->role->config->sites;
	char path[PATH_MAX];
	int r = file_path(path, sizeof(path), v->disk.dir, "ship");

	v->sites->to = calloc(sites->npeers + 1u, sizeof(*v->sites->to));
	if (r < 0 || !v->sites->to)
		return r < 0 ? r : -ENOMEM;
	for (uint32_t i = 0; i < sites->npeers; i++) {
		if (!config_peer_sends(v->role->config, &sites->peers[i]))
			continue;
		struct vault_copy *c = &v->sites->to[v->sites->nto++];
		*c = (struct vault_copy){ .conf = &sites->peers[i], .entries = BUF_INIT(MSG_MAX), .ready = BUF_INIT(MSG_MAX) };
		vault_cursor_open(&c->cursor);
		load_note(v, c);
	}
	return v->sites->nto ? file_make_dirs(path, 0750) : 0;
}

void
vaulting_copy_close(struct vaulting *v)
{
	for (uint32_t i = 0; i < v->sites->nto; i++) {
		struct vault_copy *c = &v->sites->to[i];
		vault_cursor_close(&c->cursor);
		buf_free(&c->entries);
		buf_free(&c->ready);
	}
	free(v->sites->to);
}

/* Batches. */

static bool
goes_there(const struct vault_entry *e)
{
	return e->transport != VAULT_SITE && !(e->transport == VAULT_OWN && str_eq(e->source, STR(VAULT_SITES)));
}

static void
mark(struct vault_copy *c, int64_t time_us)
{
	/* With more on the way than there are marks the newest one moves on: the lag looks shorter, never longer. */
	if (c->nmarks == COPY_MARKS)
		c->nmarks--;
	c->marks[c->nmarks++] = (struct copy_mark){ .next = c->cursor.at, .time_us = time_us };
}

/* Fills c->entries: their count, or -errno. */
static int
fill(struct vaulting *v, struct vault_copy *c)
{
	struct vault_entry e = { .recv_ns = 0 };
	struct str record;
	int r = 0, n = 0;

	buf_reset(&c->entries);
	while ((r = vault_cursor_next(v, &c->cursor, &record)) == 1) {
		if (vault_entry_decode(record, c->cursor.at, &e) < 0)
			return -EBADMSG;
		if (goes_there(&e)) {
			if (n && c->entries.n + SITE_ENTRY_HEAD + record.n > SITE_LINES_MAX)
				break;
			site_entry_add(&c->entries, &(struct site_entry){ .index = c->cursor.at, .record = record });
			n++;
		}
		vault_cursor_took(&c->cursor);
	}
	if (r < 0)
		return r;
	if (n)
		mark(c, e.recv_ns / 1000);
	return buf_ok(&c->entries) ? n : -ENOMEM;
}

/*
 * The next batch as a message: 1, 0 when there is none, -errno. One without lines says that what stands there goes nowhere;
 * now and then that is worth telling, for until then the log is kept for it.
 */
static int
make(struct vaulting *v, struct vault_copy *c, bool empty_too)
{
	int n = fill(v, c);
	uint64_t lost = c->cursor.skipped - c->skipped;

	if (n < 0 || (n == 0 && lost == 0 && !(empty_too && c->cursor.at > c->from)))
		return n;
	struct msg m = { .type = MSG_copy, .fd = -1, .copy = {
		.site = c->conf->name, .turn = c->turn, .from = c->from, .next = c->cursor.at, .lost = lost, .size = v->durable,
		.count = (uint32_t)n, .entries = buf_str(&c->entries),
	} };
	buf_reset(&c->ready);
	if (!buf_reserve(&c->ready, MSG_MAX))
		return -ENOMEM;
	struct enc e = enc_of(c->ready.p, MSG_MAX);
	msg_encode(&m, &e);
	if (!enc_ok(&e))
		return -EMSGSIZE;
	c->ready.n = e.n;
	c->from = c->cursor.at;
	c->skipped = c->cursor.skipped;
	c->lost += lost;
	return 1;
}

static void
unreadable(struct vaulting *v, const struct vault_copy *c, int error)
{
	log_say(&v->role->log, LOG_LEVEL_ERROR, "the log cannot be read back at entry %llu for site %.*s: %s",
	    (unsigned long long)c->cursor.at, STR_FMT(c->conf->name), strerror(-error));
	role_end(v->role, 1);
}

static void
copy_to(struct vaulting *v, struct vault_copy *c, bool empty_too)
{
	while (c->wanted && c->credit && !c->no_room) {
		int r = c->ready.n ? 1 : make(v, c, empty_too);
		if (r < 0)
			unreadable(v, c, r);
		if (r <= 0)
			return;
		r = chan_try(v->sites->link, MSG_copy, buf_str(&c->ready));
		c->no_room = r == -EAGAIN;
		/* Any other failure shows at the reading side of the channel, which ends the link. */
		if (r < 0)
			return;
		buf_reset(&c->ready);
		c->credit--;
	}
}

void
vaulting_copy(struct vaulting *v)
{
	if (!v->sites->link || chan_state(v->sites->link) != MSG_OPEN)
		return;
	for (uint32_t i = 0; i < v->sites->nto; i++)
		copy_to(v, &v->sites->to[i], false);
}

void
vaulting_copy_fetch(struct vaulting *v, const struct msg_fetch *m)
{
	struct vault_copy *c = find(v, m->site);

	if (!c)
		return;
	/* Who knows more of this log than there is holds another one's: a copy of it that went on elsewhere. */
	c->wanted = m->next <= v->durable;
	if (!c->wanted) {
		log_say(&v->role->log, LOG_LEVEL_ERROR, "site %.*s has %llu entries of this vault, and it holds only %llu: it was set "
		    "back to an earlier state, and nothing is copied", STR_FMT(c->conf->name), (unsigned long long)m->next,
		    (unsigned long long)v->durable);
		return;
	}
	vault_cursor_seek(&c->cursor, m->next);
	buf_reset(&c->ready);
	c->from = m->next;
	/* More than before is believed only once it is said to be durable there. */
	if (c->kept > m->next)
		c->kept = m->next;
	c->skipped = c->cursor.skipped;
	c->nmarks = 0;
	c->turn = m->turn;
	c->credit = m->credit;
	c->no_room = false;
	copy_to(v, c, false);
}

void
vaulting_copy_more(struct vaulting *v, const struct msg_more *m)
{
	struct vault_copy *c = find(v, m->site);
	uint32_t done = 0;

	if (!c || m->next > c->from)
		return;
	if (m->next > c->kept)
		c->kept = m->next;
	while (done < c->nmarks && c->marks[done].next <= m->next)
		c->kept_us = c->marks[done++].time_us;
	c->nmarks -= done;
	memmove(c->marks, c->marks + done, c->nmarks * sizeof(*c->marks));
	c->credit += m->credit;
	copy_to(v, c, false);
}

/* How far behind. */

static struct msg_lag
lag_of(const struct vaulting *v, const struct vault_copy *c)
{
	struct msg_lag l = { .site = c->conf->name, .lines = v->durable - c->kept, .lost = c->lost };
	int64_t now = clock_wall_us();

	/* Those of other sites count too until they are passed over: an upper bound. */
	if (v->lines)
		l.bytes = (uint64_t)((double)v->bytes / (double)v->lines * (double)l.lines);
	if (l.lines && c->kept_us && now > c->kept_us)
		l.seconds = (uint64_t)((now - c->kept_us) / WHEN_SECOND);
	return l;
}

static void
tell_lag(struct vaulting *v, struct vault_copy *c)
{
	struct msg m = { .type = MSG_lag, .fd = -1, .lag = lag_of(v, c) };

	if (m.lag.lines == c->told.lines && m.lag.lost == c->told.lost && m.lag.seconds == c->told.seconds)
		return;
	if (v->sites->link && chan_state(v->sites->link) == MSG_OPEN && chan_send(v->sites->link, &m) == 0)
		c->told = m.lag;
}

static void
note(struct vaulting *v, struct vault_copy *c)
{
	struct buf text = BUF_INIT(64);
	char path[PATH_MAX];

	buf_addf(&text, "%llu\n", (unsigned long long)c->kept);
	int r = note_path(v, c, path);
	if (r == 0)
		r = file_replace(path, buf_str(&text), 0640, false);
	if (r == 0)
		c->noted = c->kept;
	buf_free(&text);
}

void
vaulting_copy_tick(struct vaulting *v)
{
	for (uint32_t i = 0; i < v->sites->nto; i++) {
		struct vault_copy *c = &v->sites->to[i];
		/* A file that cannot be written costs room in the log, nothing else; a full disk is told by the frames. */
		if (c->kept != c->noted)
			note(v, c);
		if (v->sites->link && chan_state(v->sites->link) == MSG_OPEN)
			copy_to(v, c, true);
		tell_lag(v, c);
	}
}

bool
vaulting_copy_done(const struct vaulting *v, uint64_t end)
{
	for (uint32_t i = 0; i < v->sites->nto; i++)
		if (v->sites->to[i].kept < end)
			return false;
	return true;
}

void
vaulting_copy_status(const struct vaulting *v, struct buf *json)
{
	buf_add(json, STR(",\"copies\":["));
	for (uint32_t i = 0; i < v->sites->nto; i++) {
		const struct vault_copy *c = &v->sites->to[i];
		struct msg_lag l = lag_of(v, c);
		buf_add(json, i ? STR(",{\"site\":") : STR("{\"site\":"));
		buf_add_json(json, c->conf->name);
		buf_addf(json, ",\"kept\":%llu,\"lines\":%llu,\"bytes\":%llu,\"seconds\":%llu,\"lost\":%llu}",
		    (unsigned long long)c->kept, (unsigned long long)l.lines, (unsigned long long)l.bytes,
		    (unsigned long long)l.seconds, (unsigned long long)l.lost);
	}
	buf_add_byte(json, ']');
}
