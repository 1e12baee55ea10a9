/*
 * vault_feed: the way of sealed lines to watchd. It reads them from the log, where they are in any case: so a reader that
 * fell behind, or was started anew, is served like one that keeps up. Must never hand on what is not durable.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "console/account_seal.h"
#include "role/feed_private.h"
#include "role/vaulting.h"
#include "sys/file.h"

#define LINK_IDS 20000                         /* numbers of sources that watchd takes on one link */
#define FRAME_BYTES_MAX (FRAME_HEAD + FRAME_LINES_MAX + FRAME_SIDE_MAX)

int
vaulting_reader_open(struct vaulting *v)
{
	struct vault_reader *rd = &v->reader;

	*rd = (struct vault_reader){ .fd = -1, .bytes = BUF_INIT(FRAME_BYTES_MAX) };
	rd->declared = calloc(LINK_IDS, sizeof(*rd->declared));
	rd->batch = batch_new();
	return rd->declared && rd->batch ? 0 : -ENOMEM;
}

void
vaulting_reader_close(struct vaulting *v)
{
	struct vault_reader *rd = &v->reader;

	fd_close(&rd->fd);
	buf_free(&rd->bytes);
	free(rd->declared);
	free(rd->batch);
	rd->declared = NULL;
	rd->batch = NULL;
}

/* The file that holds `index`; or, when that is no more, the oldest there is. */
static int
open_file_of(struct vaulting *v, uint64_t index)
{
	struct vault_reader *rd = &v->reader;
	char path[PATH_MAX];
	uint64_t *files = NULL;
	size_t n = 0, i = 0;
	int r = vault_disk_files(&v->disk, &files, &n);

	if (r == 0 && n == 0)
		r = -ENOENT;
	while (r == 0 && i + 1 < n && files[i + 1] <= index)
		i++;
	if (r == 0 && files[i] > index) {
		v->skipped += files[i] - index;
		rd->at = files[i];
	}
	if (r == 0)
		r = vault_disk_file_path(&v->disk, files[i], path);
	free(files);
	if (r < 0)
		return r;
	fd_close(&rd->fd);
	rd->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	rd->offset = 0;
	rd->loaded = false;
	return rd->fd < 0 ? -errno : 0;
}

/* The next frame of the open file: 1, 0 at its end. */
static int
read_frame(struct vault_reader *rd)
{
	size_t size;
	char head[FRAME_HEAD];
	ssize_t n = file_read_at(rd->fd, head, sizeof(head), rd->offset);

	if (n <= 0)
		return (int)n;
	if (frame_size(str_of(head, (size_t)n), &size) < 0)
		return -EBADMSG;
	buf_reset(&rd->bytes);
	if (!buf_reserve(&rd->bytes, size))
		return -ENOMEM;
	n = file_read_at(rd->fd, rd->bytes.p, size, rd->offset);
	if (n != (ssize_t)size || frame_read(str_of(rd->bytes.p, size), &rd->frame) != 1)
		return n < 0 ? (int)n : -EBADMSG;
	rd->bytes.n = size;
	rd->offset += size;
	rd->lines = cur_of(rd->frame.lines);
	rd->line = rd->frame.first;
	return 1;
}

/* The next record that was not sent: 1, or 0 when everything durable was. */
static int
next_record(struct vaulting *v, struct str *ret)
{
	struct vault_reader *rd = &v->reader;
	int r = 1;

	if (rd->held.p) {
		*ret = rd->held;
		return 1;
	}
	while (rd->at < v->durable) {
		while (rd->loaded && (r = frame_record(&rd->lines, ret)) == 1)
			if (rd->line++ >= rd->at)
				return 1;
		rd->loaded = false;
		if (r < 0)
			return r;
		if (rd->fd < 0)
			r = open_file_of(v, rd->at);
		if (r >= 0)
			r = read_frame(rd);
		/* The end of one file is the beginning of the next. */
		if (r == 0)
			r = open_file_of(v, rd->at);
		else if (r == 1)
			rd->loaded = true;
		if (r < 0)
			return r;
	}
	return 0;
}

static enum entry_kind
kind_of(uint8_t transport)
{
	return transport == VAULT_FILE ? ENTRY_KIND_FILE : transport == VAULT_OWN ? ENTRY_KIND_OWN : ENTRY_KIND_NET;
}

static int
stream_of(struct vaulting *v, const struct vault_entry *e, uint32_t *ret)
{
	struct entry_source decl = {
		.kind = kind_of(e->transport), .name = e->source, .envelope = e->transport != VAULT_FILE,
		.anchor_us = WHEN_NONE,
	};

	*ret = streams_find(&v->streams, decl.kind, decl.name);
	return *ret != STRMAP_NONE ? 0 : streams_declare(&v->streams, &decl, ret);
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
	    (unsigned long long)v->reader.at, strerror(-error));
	role_end(v->role, 1);
}

/* Fills the batch. */
static int
fill(struct vaulting *v)
{
	struct vault_reader *rd = &v->reader;
	struct vault_entry e;
	struct str record;
	uint32_t stream;
	int r = 0;

	while (rd->at < v->durable) {
		r = next_record(v, &record);
		if (r <= 0)
			break;
		r = vault_entry_decode(record, rd->at, &e);
		/* watchd's own words are not handed back: text in them could become an incident again. Digests mean nothing to it. */
		if (r == 0 && e.transport == VAULT_OWN &&
		    (str_eq(e.source, STR(VAULT_TOLD)) || str_eq(e.source, STR(ACCOUNT_SEAL_SOURCE)))) {
			rd->at++;
			continue;
		}
		if (r == 0)
			r = stream_of(v, &e, &stream);
		if (r < 0)
			break;
		rd->held = record;
		if (!pack(v, stream, &e, rd->at + 1))
			return 0;
		rd->held = STR_NULL;
		rd->at++;
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
	rd->at = m->spooled < v->durable ? m->spooled : v->durable;
	rd->credit = m->credit;
	rd->no_room = false;
	rd->loaded = false;
	rd->held = STR_NULL;
	memset(rd->declared, 0, LINK_IDS * sizeof(*rd->declared));
	batch_reset(rd->batch);
	fd_close(&rd->fd);
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
