/*
 * feed: the way of sealed lines to watchd. It reads them from the log, where they are in any case: so a reader that
 * fell behind, or was started anew, is served like one that keeps up. Must never hand on what is not durable.
 */
#include <errno.h>
#include <stdlib.h>

#include "console/accounts/seal.h"
#include "role/intake/batch.h"
#include "role/vault/vaultd.h"

#define LINK_IDS 20000                         /* numbers of sources that watchd takes on one link */

int
vaulting_reader_open(struct vaulting *v)
{
	struct vault_reader *rd = &v->reader;

	vault_cursor_open(&rd->cursor);
	rd->declared = calloc(LINK_IDS, sizeof(*rd->declared));
	rd->batch = batch_new();
	return rd->declared && rd->batch ? 0 : -ENOMEM;
}

void
vaulting_reader_close(struct vaulting *v)
{
	struct vault_reader *rd = &v->reader;

	vault_cursor_close(&rd->cursor);
	free(rd->declared);
	free(rd->batch);
	rd->declared = NULL;
	rd->batch = NULL;
}

static int
stream_of(struct vaulting *v, const struct vault_entry *e, uint32_t *ret)
{
	struct entry_source decl = vaulting_decl(e->transport, e->source);

	*ret = streams_find(&v->streams, decl.kind, decl.name);
	return *ret != STRMAP_NONE ? 0 : vaulting_declare(v, &decl, ret);
}

/* Adds the line, and before it who speaks, where that number meant another. False: the batch is full. */
static bool
pack(struct vaulting *v, uint32_t stream, const struct vault_entry *e, uint64_t seq)
{
	struct vault_reader *rd = &v->reader;
	const struct entry_source *d = &v->streams.v[stream]->decl;
	uint32_t id = stream % LINK_IDS;
	struct feed_source source = { .id = id + 1, .decl = *d, .declared = rd->declared[id] == stream + 1 };

	if (!batch_fits(rd->batch, &source, e->raw.n))
		return false;
	batch_declare(rd->batch, &source, 1);
	rd->declared[id] = stream + 1;
	struct entry line = {
		.source = source.id, .seq = seq, .received_us = e->recv_ns / 1000, .bytes = e->raw,
		.flags = (uint16_t)(ENTRY_SPOOLED | (e->flags & VAULT_MORE ? ENTRY_MORE : 0) |
		    (e->flags & VAULT_CUT ? ENTRY_CUT : 0)),
	};
	batch_pack(rd->batch, &line);
	rd->batch->lines++;
	return true;
}

static void
unreadable(struct vaulting *v, int error)
{
	log_say(&v->role->log, LOG_LEVEL_ERROR, "the log cannot be read back at entry %llu: %s",
	    (unsigned long long)v->reader.cursor.at, strerror(-error));
	role_end(v->role, 1);
}

/*
 * watchd's own words are not handed back: text in them could become an incident again. Digests, and where copied lines
 * come from, mean nothing to it.
 */
static bool
is_for_watch(const struct vault_entry *e)
{
	struct str source = e->transport == VAULT_SITE ? vaulting_origin_source(e->source) : e->source;

	if (e->transport != VAULT_OWN && e->transport != VAULT_SITE)
		return true;
	return !str_eq(source, STR(VAULT_TOLD)) && !str_eq(source, STR(ACCOUNT_SEAL_SOURCE)) && !str_eq(source, STR(VAULT_SITES));
}

/* Fills the batch. */
static int
fill(struct vaulting *v)
{
	struct vault_cursor *c = &v->reader.cursor;
	struct vault_entry e;
	struct str record;
	uint32_t stream;
	int r;

	while ((r = vault_cursor_next(v, c, &record)) == 1) {
		r = vault_entry_decode(record, c->at, &e);
		bool wanted = r == 0 && is_for_watch(&e);
		if (wanted)
			r = stream_of(v, &e, &stream);
		if (r < 0)
			return r;
		if (wanted && !pack(v, stream, &e, c->at + 1))
			return 0;
		vault_cursor_took(c);
	}
	return r;
}

void
vaulting_feed(struct vaulting *v)
{
	struct vault_reader *rd = &v->reader;

	if (!v->watch || chan_state(v->watch) != MSG_OPEN)
		return;
	while (rd->credit && !rd->no_room) {
		if (rd->batch->entries == 0) {
			int r = fill(v);
			if (r < 0) {
				unreadable(v, r);
				return;
			}
		}
		if (rd->batch->entries == 0)
			return;
		int r = chan_try(v->watch, MSG_records, batch_records(rd->batch));
		rd->no_room = r == -EAGAIN;
		/* Any other failure shows at the reading side of the channel, which ends the link. */
		if (r < 0)
			return;
		rd->credit--;
		batch_reset(rd->batch);
	}
}

/* The link. */

static void
begin_feed(struct vaulting *v, const struct msg_resume *m)
{
	struct vault_reader *rd = &v->reader;

	v->watched = m->spooled;
	vault_cursor_seek(&rd->cursor, m->spooled < v->durable ? m->spooled : v->durable);
	rd->credit = m->credit;
	rd->no_room = false;
	memset(rd->declared, 0, LINK_IDS * sizeof(*rd->declared));
	batch_reset(rd->batch);
	vaulting_feed(v);
}

static void
on_watch(void *ctx, struct chan *c, struct msg *m)
{
	struct vaulting *v = ctx;

	(void)c;
	if (m->type == MSG_resume) {
		begin_feed(v, &m->resume);
	} else if (m->type == MSG_credit) {
		v->reader.credit += m->credit.batches;
		vaulting_feed(v);
	} else if (m->type == MSG_saved) {
		v->watched = m->saved.spooled;
	} else if (m->type == MSG_seal) {
		vaulting_line(v, v->told, m->seal.line);
	}
}

static void
on_watch_room(void *ctx, struct chan *c)
{
	struct vaulting *v = ctx;

	(void)c;
	v->reader.no_room = false;
	vaulting_feed(v);
}

static void
on_watch_end(void *ctx, struct chan *c, int error)
{
	struct vaulting *v = ctx;

	if (error == -EBADMSG)
		log_say(&v->role->log, LOG_LEVEL_ERROR, "watchd sent a message that is none");
	chan_close(c);
	v->watch = NULL;
}

void
vaulting_link_watch(struct vaulting *v, int fd)
{
	struct chan_calls calls = { .ctx = v, .on_msg = on_watch, .on_end = on_watch_end, .on_room = on_watch_room };
	struct msg m = {
		.type = MSG_log, .fd = -1, .log = { .id = v->disk.identity.id, .since = v->since },
	};

	chan_close(v->watch);
	v->watch = NULL;
	int r = chan_open(v->role->loop, fd, MSG_VAULTD, MSG_WATCHD, &calls, &v->watch);
	if (r == 0)
		r = chan_send(v->watch, &m);
	if (r < 0)
		log_say(&v->role->log, LOG_LEVEL_ERROR, "cannot link to watchd: %s", strerror(-r));
}
