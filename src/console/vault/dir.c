/* dir: see dir.h. Must never change the vault. */
#include "console/vault/dir.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/when.h"
#include "console/vault/segment_keys.h"
#include "sys/file.h"

#define EPOCHS_MAX (1u << 30)

static int fault(struct vault_dir *d, int error, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static int
fault(struct vault_dir *d, int error, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(d->why, sizeof(d->why), fmt, ap);
	va_end(ap);
	return error;
}

int
vault_dir_read(struct vault_dir *d, const char *name, struct buf *out)
{
	char path[PATH_MAX];
	int r = file_path(path, sizeof(path), d->path, name);

	if (r == 0)
		r = file_read(path, out);
	return r < 0 ? fault(d, r, "%s/%s: %s", d->path, name, strerror(-r)) : 0;
}

/* What may be missing: a file that is not there, or that we may not read, is empty. */
static struct str
map_part(const struct vault_dir *d, const char *name)
{
	char path[PATH_MAX];
	struct str map = STR_NULL;

	if (file_path(path, sizeof(path), d->path, name) < 0 || file_map(path, &map) < 0)
		return STR_NULL;
	return map;
}

static int
block(void *ctx, uint64_t number, struct nonce_block *ret)
{
	struct vault_dir *d = ctx;
	struct str slot = str_head(str_from(d->nonces, number * NONCE_SLOT_BYTES), NONCE_SLOT_BYTES);

	return nonce_file_load(d->path, slot, number, &d->room, ret);
}

static int
open_segments(struct vault_dir *d)
{
	char dir[PATH_MAX];
	int r = file_path(dir, sizeof(dir), d->path, "seg");

	if (r == 0)
		r = file_numbers(dir, STR(".seg"), &d->segments, &d->nsegments);
	if (r < 0 && r != -ENOENT)
		return fault(d, r, "%s/seg: %s", d->path, strerror(-r));
	r = gone_list_read(d->path, &d->gone);
	return r < 0 ? fault(d, r, "%s/seg/%020llu.gone: %s", d->path, (unsigned long long)d->gone.bad, strerror(-r)) : 0;
}

int
vault_dir_open(struct vault_dir *d, const char *path)
{
	static const char *const levels[] = { "tree/8", "tree/16", "tree/24", "tree/32" };
	char wal[PATH_MAX];

	*d = (struct vault_dir){ .identity_text = BUF_INIT(4096), .store = { .ctx = d, .block = block } };
	if (snprintf(d->path, sizeof(d->path), "%s", path) >= (int)sizeof(d->path))
		return fault(d, -ENAMETOOLONG, "the path is too long");
	int r = vault_dir_read(d, "identity", &d->identity_text);
	if (r == -ENOENT)
		return fault(d, r, "%s holds no vault: its file `identity` is missing", path);
	if (r < 0)
		return r;
	if (identity_read(buf_str(&d->identity_text), &d->identity) < 0)
		return fault(d, -EBADMSG, "%s/identity is not what it was", path);
	r = file_path(wal, sizeof(wal), path, "wal");
	if (r == 0)
		r = file_numbers(wal, STR(".wal"), &d->files, &d->nfiles);
	if (r < 0)
		return fault(d, r, "%s/wal: %s", path, strerror(-r));
	r = open_segments(d);
	if (r < 0)
		return r;
	d->nonces = map_part(d, "keys/nonces");
	d->encrypted = file_path(wal, sizeof(wal), path, KEYRING_LOG) == 0 && access(wal, F_OK) == 0;
	if (!d->encrypted)
		d->encrypted = file_path(wal, sizeof(wal), path, KEYRING_MASTER) == 0 && access(wal, F_OK) == 0;
	for (size_t i = 0; i < VAULT_TREE_LEVELS; i++)
		d->nodes[i] = map_part(d, levels[i]);
	return 0;
}

static void
leave_file(struct vault_dir *d)
{
	file_unmap(d->at.map);
	frame_cipher_free(d->at.cipher);
	d->at = (struct vault_at){ .open = false };
}

void
vault_dir_close(struct vault_dir *d)
{
	leave_file(d);
	file_unmap(d->nonces);
	for (size_t i = 0; i < VAULT_TREE_LEVELS; i++)
		file_unmap(d->nodes[i]);
	free(d->files);
	free(d->segments);
	seg_reader_close(&d->reader);
	buf_free(&d->identity_text);
	gone_list_free(&d->gone);
	explicit_bzero(&d->store, sizeof(d->store));
	nonce_room_wipe(&d->room);
}

/* The newest file whose first entry is not behind index. */
static int
enter_file(struct vault_dir *d, uint64_t index)
{
	char name[64];
	size_t i = d->nfiles;

	while (i > 0 && d->files[i - 1] > index)
		i--;
	if (i == 0)
		return fault(d, -ENOENT, "entry %llu is not kept any more", (unsigned long long)index);
	uint64_t first = d->files[i - 1];
	if (!d->at.open || d->at.first != first) {
		leave_file(d);
		snprintf(name, sizeof(name), "wal/%020llu.wal", (unsigned long long)first);
		d->at.map = map_part(d, name);
		if (!d->at.map.n)
			return fault(d, -EIO, "%s/%s cannot be read", d->path, name);
		int r = keyring_cipher(d->ring, d->path, first, &d->at.cipher);
		if (r < 0)
			return fault(d, r, "%s/%s is encrypted, and its key cannot be read: %s", d->path, name, strerror(-r));
	}
	d->at = (struct vault_at){ .map = d->at.map, .cipher = d->at.cipher, .first = first, .next = first, .open = true };
	return 0;
}

static int
logged_record(struct vault_dir *d, uint64_t index, struct str *ret)
{
	struct vault_at *at = &d->at;
	struct str record;
	int r = 0;

	if (!at->open || at->next > index || at->first > index)
		r = enter_file(d, index);
	while (r == 0) {
		while ((r = frame_record(&at->lines, &record)) == 1)
			if (at->next++ == index) {
				*ret = record;
				return 0;
			}
		if (r < 0)
			break;
		struct str rest = str_from(at->map, at->offset);
		r = frame_skim(rest, &at->frame);
		if (r <= 0)
			break;
		bool before = at->frame.first + at->frame.count <= index;
		r = before ? 0 : frame_read(rest, at->cipher, &at->frame);
		if (r < 0)
			break;
		r = 0;
		at->offset += frame_bytes(&at->frame);
		at->lines = before ? cur_of(STR_NULL) : cur_of(at->frame.lines);
		at->next = before ? at->frame.first + at->frame.count : at->frame.first;
	}
	/* Behind the end of one file the next begins; a torn frame at the end of the last is still being written. */
	uint64_t was = at->first;
	leave_file(d);
	if (r == -EBADMSG || r == 0) {
		if (enter_file(d, index) == 0 && at->first != was)
			return logged_record(d, index, ret);
		leave_file(d);
		return fault(d, -ENOENT, "there is no entry %llu", (unsigned long long)index);
	}
	return r;
}

int
vault_dir_enter_segment(struct vault_dir *d, size_t i)
{
	seg_reader_close(&d->reader);
	int r = seg_reader_open(&d->reader, d->ring, d->path, d->segments[i]);
	return r < 0 ? fault(d, r, "%.4000s/seg/%020llu.seg: %s", d->path, (unsigned long long)d->segments[i],
	    d->reader.segment.fault[0] ? d->reader.segment.fault : strerror(-r)) : 0;
}

/* The segment that has the line is open afterwards; of one of which nothing is left there is none to open. */
static int
enter_segment_of(struct vault_dir *d, uint64_t index)
{
	size_t i = d->nsegments;
	int r = 0;

	while (i > 0 && d->segments[i - 1] > index)
		i--;
	if (!seg_reader_has(&d->reader, index)) {
		r = i ? vault_dir_enter_segment(d, i - 1) : -ENOENT;
		if (r == 0 && !seg_reader_has(&d->reader, index))
			r = -ENOENT;
	}
	return r == -ENOENT ? fault(d, r, "entry %llu is not kept any more", (unsigned long long)index) : r;
}

static bool
is_packed(const struct vault_dir *d, uint64_t index)
{
	return !d->nfiles || index < d->files[0];
}

int
vault_dir_gone(struct vault_dir *d, uint64_t index, uint64_t *ret_record)
{
	const struct gone *g = gone_list_find(&d->gone, index);
	struct vault_entry e;

	if (g) {
		*ret_record = g->record;
		return 0;
	}
	int r = is_packed(d, index) ? enter_segment_of(d, index) : -EINVAL;
	if (r == 0)
		r = seg_reader_entry(&d->reader, index, &e);
	if (r == 0)
		r = e.flags & VAULT_ERASED ? gone_source(e.source, ret_record) : -EINVAL;
	return r;
}

/* What the record says that ordered it; that may itself be gone by now. */
static int
tell_gone(struct vault_dir *d, uint64_t index)
{
	unsigned long long at = index;
	struct gone_order o;
	struct vault_entry e;
	struct str record;
	uint64_t order = 0;
	char when[40];
	int r = vault_dir_gone(d, index, &order);

	if (r == 0 && order > index && vault_dir_gone(d, order, &(uint64_t){ 0 }) == 0)
		return fault(d, -ENODATA, "entry %llu was deleted; entry %llu said why, and is gone too", at, (unsigned long long)order);
	if (r == 0)
		r = order > index ? vault_dir_record(d, order, &record) : -EBADMSG;
	if (r == 0)
		r = vault_entry_decode(record, order, &e);
	if (r < 0 || gone_order_read(e.raw, &o) < 0)
		return fault(d, -EBADMSG, "entry %llu is gone, and nothing in the log says why", at);
	when[when_show(e.recv_ns / 1000000000 * WHEN_SECOND, 0, when)] = '\0';
	if (o.by_rule)
		return fault(d, -ENODATA, "entry %llu expired on %s by rule \"%.*s\": entry %llu says so", at, when, STR_FMT(o.why),
		    (unsigned long long)order);
	return fault(d, -ENODATA, "entry %llu was erased on %s by %.*s, who said: %.*s (entry %llu)", at, when, STR_FMT(o.who),
	    STR_FMT(o.why), (unsigned long long)order);
}

int
vault_dir_record(struct vault_dir *d, uint64_t index, struct str *ret)
{
	if (!is_packed(d, index))
		return logged_record(d, index, ret);
	if (gone_list_find(&d->gone, index))
		return tell_gone(d, index);
	int r = enter_segment_of(d, index);
	if (r == 0)
		r = seg_reader_record(&d->reader, index, ret);
	if (r == -EACCES)
		return fault(d, r, "entry %llu is encrypted, and its key cannot be read", (unsigned long long)index);
	return r == -ENODATA ? tell_gone(d, index) : r;
}

int
vault_dir_nonce(struct vault_dir *d, uint64_t index, uint8_t ret[VAULT_NONCE_BYTES])
{
	if (!d->nonces.n)
		return fault(d, -EACCES, "%s/keys/nonces cannot be read: proofs are made by root or by the vault's user", d->path);
	int r = nonce_get(&d->store, index, ret);
	return r < 0 ? fault(d, r, "the nonce of entry %llu is not there", (unsigned long long)index) : 0;
}

static int
leaf_at(struct vault_dir *d, uint64_t index, struct digest *ret)
{
	uint8_t nonce[VAULT_NONCE_BYTES];
	struct str record;
	struct vault_entry e;
	int r;

	/* Of an erased line the leaf is what is left. */
	if (is_packed(d, index) && enter_segment_of(d, index) == 0 && seg_reader_entry(&d->reader, index, &e) == 0 &&
	    e.flags & VAULT_ERASED) {
		*ret = vault_entry_leaf(&e, nonce);
		return 0;
	}
	r = vault_dir_record(d, index, &record);
	if (r == 0)
		r = vault_dir_nonce(d, index, nonce);
	if (r == 0)
		*ret = vault_leaf(nonce, record);
	return r;
}

static int node_at(void *ctx, unsigned level, uint64_t index, struct digest *ret);

/* A complete subtree of lines of which none is left. */
static bool
gone_subtree(const struct vault_dir *d, unsigned level, uint64_t index, struct digest *ret)
{
	const struct gone *g = level < TREE_LEVELS ? gone_list_find(&d->gone, index << level) : NULL;

	return g && gone_node(g, level, index, ret) == 0;
}

/* From the nodes that are written down, as far as they reach. */
static bool
known_node(const struct vault_dir *d, unsigned level, uint64_t index, struct digest *ret)
{
	size_t file = level / TREE_STEP;

	if (level == 0 || level % TREE_STEP || file > VAULT_TREE_LEVELS)
		return false;
	struct str at = str_head(str_from(d->nodes[file - 1], index * DIGEST_BYTES), DIGEST_BYTES);
	if (at.n != DIGEST_BYTES)
		return false;
	memcpy(ret->b, at.p, DIGEST_BYTES);
	return true;
}

static int
node_at(void *ctx, unsigned level, uint64_t index, struct digest *ret)
{
	struct vault_dir *d = ctx;
	struct digest left, right;

	if (gone_subtree(d, level, index, ret))
		return 0;
	if (level == 0)
		return leaf_at(d, index, ret);
	if (known_node(d, level, index, ret))
		return 0;
	int r = node_at(d, level - 1, 2 * index, &left);
	if (r == 0)
		r = node_at(d, level - 1, 2 * index + 1, &right);
	if (r == 0)
		*ret = tree_join(&left, &right);
	return r;
}

struct tree_source
vault_dir_source(struct vault_dir *d)
{
	return (struct tree_source){ .ctx = d, .node = node_at };
}

static bool
covers(struct str note, uint64_t index, uint64_t *size)
{
	struct checkpoint c;
	struct note n;

	if (note_read(note, &n) < 0 || checkpoint_read(n.text, &c) < 0 || c.size <= index)
		return false;
	*size = c.size;
	return true;
}

static bool
has_cosigned(const struct vault_dir *d)
{
	char path[PATH_MAX];

	return file_path(path, sizeof(path), d->path, "cosigned") == 0 && access(path, R_OK) == 0;
}

int
vault_dir_note(struct vault_dir *d, uint64_t index, struct buf *out, uint64_t *ret_size)
{
	struct buf epochs = BUF_INIT(EPOCHS_MAX);
	struct str note;
	int r = vault_dir_read(d, "epochs", &epochs);
	struct str rest = buf_str(&epochs);

	buf_reset(out);
	if (has_cosigned(d) && vault_dir_read(d, "cosigned", out) == 0 && covers(buf_str(out), index, ret_size)) {
		buf_free(&epochs);
		return r;
	}
	buf_reset(out);
	for (uint64_t e = 0; r == 0 && out->n == 0 && epoch_closing(&rest, e, &note); e++)
		if (covers(note, index, ret_size))
			buf_add(out, note);
	buf_free(&epochs);
	if (r < 0 || out->n)
		return r;
	r = vault_dir_read(d, "checkpoint", out);
	if (r == 0 && !covers(buf_str(out), index, ret_size))
		r = fault(d, -ENOENT, "entry %llu is not under a checkpoint: there is no such entry, or it came just now",
		    (unsigned long long)index);
	return r;
}

/* Nodes are read from files that anybody could have changed: a proof is handed out only when it holds. */
static int
doubt(struct vault_dir *d, const struct verdict *v)
{
	return fault(d, -EBADMSG, "the proof does not hold: %s; `guarita vault verify` says more", v->why);
}

int
vault_dir_prove(struct vault_dir *d, uint64_t index, struct buf *out)
{
	struct tree_source source = vault_dir_source(d);
	struct buf note = BUF_INIT(NOTE_BYTES_MAX);
	struct trust trust = { .identity = &d->identity };
	struct line_proof p = { .index = index };
	uint8_t line[PROVE_LINE_BYTES];
	struct verdict v = { .why = "" };
	uint64_t size = 0;
	struct str record;
	/* First, for a line that is gone has more to say than its path. */
	int r = vault_dir_record(d, index, &record);

	if (r == 0)
		r = vault_dir_note(d, index, &note, &size);
	if (r == 0)
		r = tree_prove_inclusion(&source, index, size, &p.path);
	if (r == 0)
		r = vault_dir_record(d, index, &record);
	if (r == 0)
		r = vault_dir_nonce(d, index, line);
	if (r == 0) {
		memcpy(line + VAULT_NONCE_BYTES, record.p, record.n);
		p.line = str_of((const char *)line, VAULT_NONCE_BYTES + record.n);
		p.note = buf_str(&note);
		r = line_proof_check(&p, &trust, &v) < 0 ? doubt(d, &v) : 0;
	}
	if (r == 0)
		line_proof_show(&p, out);
	buf_free(&note);
	return r;
}

static int
add_lines(struct vault_dir *d, uint64_t first, uint64_t end, struct buf *lines)
{
	uint8_t nonce[VAULT_NONCE_BYTES];
	struct str record;

	for (uint64_t i = first; i < end; i++) {
		int r = vault_dir_record(d, i, &record);
		if (r == 0)
			r = vault_dir_nonce(d, i, nonce);
		if (r < 0)
			return r;
		size_t n = VAULT_NONCE_BYTES + record.n;
		buf_add_byte(lines, (char)(n >> 8));
		buf_add_byte(lines, (char)n);
		buf_add(lines, str_of((const char *)nonce, sizeof(nonce)));
		buf_add(lines, record);
	}
	return buf_ok(lines) ? 0 : fault(d, -E2BIG, "a range of so many lines is too large for one proof");
}

int
vault_dir_prove_range(struct vault_dir *d, uint64_t first, uint64_t end, struct buf *out)
{
	struct tree_source source = vault_dir_source(d);
	struct buf note = BUF_INIT(NOTE_BYTES_MAX), lines = BUF_INIT(PROVE_TEXT_MAX / 2);
	struct trust trust = { .identity = &d->identity };
	struct range_proof p = { .first = first, .count = end - first };
	struct verdict v = { .why = "" };
	uint64_t size = 0;
	int r = vault_dir_note(d, end - 1, &note, &size);

	if (r == 0)
		r = tree_prove_range(&source, first, end, size, &p.before, &p.behind);
	if (r == 0)
		r = add_lines(d, first, end, &lines);
	if (r == 0) {
		p.lines = buf_str(&lines);
		p.note = buf_str(&note);
		r = range_proof_check(&p, &trust, &v) < 0 ? doubt(d, &v) : 0;
	}
	if (r == 0)
		range_proof_show(&p, out);
	buf_free(&note);
	buf_free(&lines);
	return r;
}
