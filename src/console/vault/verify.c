/* verify: see verify.h. Must never call whole what it did not read. */
#include "console/vault/verify.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "sys/file.h"
#include "vault/recover.h"

#define EPOCHS_MAX (1u << 30)
#define SKIPPED_FRAMES_MAX 10000000    /* of an epoch whose first frames are not kept any more */

struct closing {
	uint64_t size, time_s;
	struct digest root;
};

struct verify {
	struct vault_dir *d;
	struct vault_report r;
	struct closing *notes;         /* by epoch; the newest checkpoint behind them */
	size_t nnotes, next;
	struct keys keys;              /* as they stand in the vault */
	struct keys auditor;
	bool started;
	uint64_t number, epoch;        /* of the frame that must come next */
	uint64_t beyond;               /* frames in the newest file that the keys did not know when we began */
	struct digest last;
	struct tree packed;            /* of the segments, as far as the log's first file does not reach */
	struct { uint64_t size; struct digest root; } packed_end;      /* of all of them */
	struct told { uint64_t first; char digest[2 * DIGEST_BYTES]; } *told;     /* segments whose digest was sealed */
	size_t ntold;
	struct claim { uint64_t record, first, last; } *claims;        /* lines that are gone, by the record that ordered it */
	size_t nclaims;
};

static void wrong(struct verify *v, uint64_t index, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static void
wrong(struct verify *v, uint64_t index, const char *fmt, ...)
{
	va_list ap;

	if (v->r.fault[0])
		return;
	va_start(ap, fmt);
	vsnprintf(v->r.fault, sizeof(v->r.fault), fmt, ap);
	va_end(ap);
	v->r.fault_index = index;
}

static bool
good(const struct verify *v)
{
	return !v->r.fault[0];
}

/* Notes. */

static int
add_note(struct verify *v, const struct verdict *n)
{
	void *p = reallocarray(v->notes, v->nnotes + 1, sizeof(*v->notes));

	if (!p)
		return -ENOMEM;
	v->notes = p;
	if (v->nnotes && n->checkpoint.size < v->notes[v->nnotes - 1].size)
		wrong(v, n->checkpoint.size, "the log was larger once: a signed note says so");
	v->notes[v->nnotes++] = (struct closing){ .size = n->checkpoint.size, .time_s = n->mark.time_s, .root = n->checkpoint.root };
	return 0;
}

static int
read_epochs(struct verify *v)
{
	struct buf all = BUF_INIT(EPOCHS_MAX);
	struct trust trust = { .identity = &v->d->identity };
	struct verdict n = { .why = "" };
	struct str note;
	int r = vault_dir_read(v->d, "epochs", &all);
	struct str rest = buf_str(&all);

	for (uint64_t e = 0; r == 0 && good(v) && epoch_closing(&rest, e, &note); e++) {
		if (prove_note(note, &trust, &n) < 0)
			wrong(v, 0, "the closing note of epoch %llu does not hold: %s", (unsigned long long)e, n.why);
		else if (n.mark.epoch != e)
			wrong(v, 0, "the closing note of epoch %llu was signed with the key of epoch %u", (unsigned long long)e,
			    n.mark.epoch);
		else
			r = add_note(v, &n);
		v->r.epochs = e + 1;
	}
	if (r == 0 && rest.n)
		wrong(v, 0, "the file of closing notes was changed behind epoch %llu", (unsigned long long)v->r.epochs);
	buf_free(&all);
	return r;
}

static int
read_checkpoint(struct verify *v)
{
	struct buf note = BUF_INIT(NOTE_BYTES_MAX);
	struct trust trust = { .identity = &v->d->identity };
	struct verdict n = { .why = "" };
	int r = vault_dir_read(v->d, "checkpoint", &note);

	/* A vault that was made just now has none. */
	if (r == -ENOENT)
		return 0;
	if (r == 0 && prove_note(buf_str(&note), &trust, &n) < 0)
		wrong(v, 0, "the checkpoint does not hold: %s", n.why);
	/* One that is older than the last closing note says nothing new. */
	else if (r == 0 && (!v->nnotes || n.checkpoint.size >= v->notes[v->nnotes - 1].size))
		r = add_note(v, &n);
	buf_free(&note);
	return r;
}

/* -EBADMSG: damaged; any other error: they cannot be read by us. */
static int
load_keys(const struct verify *v, struct keys *ret)
{
	struct buf file = BUF_INIT(KEYS_FILE_BYTES);
	char path[PATH_MAX];
	int r = file_path(path, sizeof(path), v->d->path, "keys/seal");

	if (r == 0)
		r = file_read(path, &file);
	if (r == 0)
		r = keys_load(buf_str(&file), ret);
	buf_wipe(&file);
	return r;
}

static void
read_keys(struct verify *v)
{
	int r = load_keys(v, &v->keys);

	v->r.keys_seen = r == 0;
	if (r < 0 && r != -EBADMSG)
		return;
	if (r == -EBADMSG)
		wrong(v, 0, "the sealing keys are damaged");
	else if (v->keys.epoch < v->r.epochs && v->keys.epoch + 1 != v->r.epochs)
		wrong(v, 0, "the sealing keys were set back: they are of epoch %llu", (unsigned long long)v->keys.epoch);
	else if (v->keys.epoch > v->r.epochs)
		wrong(v, 0, "closing notes of epochs are missing: there are %llu of %llu", (unsigned long long)v->r.epochs,
		    (unsigned long long)v->keys.epoch);
}

/* "vault.segment first=N digest=HEX" in a line of vaultd's own. */
static int
take_told(struct verify *v, struct str record)
{
	static const struct str mark = STR_INIT("vault.segment first="), middle = STR_INIT(" digest=");
	struct vault_entry e;
	uint64_t first;

	if (record.n < 2 || record.p[1] != VAULT_OWN || vault_entry_decode(record, 0, &e) < 0 ||
	    !str_eq(e.source, STR("vaultd")))
		return 0;
	struct str rest = str_from(e.raw, str_find(e.raw, mark) + mark.n);
	size_t at = str_find(rest, middle);
	struct str digest = str_from(rest, at + middle.n);
	if (digest.n != 2 * DIGEST_BYTES || text_u64(str_head(rest, at), &first) < 0)
		return 0;
	struct told *p = reallocarray(v->told, v->ntold + 1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	v->told = p;
	v->told[v->ntold].first = first;
	memcpy(v->told[v->ntold++].digest, digest.p, digest.n);
	return 0;
}

/* Frames. */

/* A note is over whole frames. */
static void
check_notes(struct verify *v, const struct tree *t)
{
	struct digest root;

	if (v->next == v->nnotes || v->notes[v->next].size > t->size)
		return;
	root = tree_root(t);
	for (; v->next < v->nnotes && v->notes[v->next].size <= t->size; v->next++) {
		const struct closing *n = &v->notes[v->next];
		if (n->size < t->size)
			wrong(v, n->size, "a signed note ends in the middle of what was sealed at once");
		else if (n->size == t->size && !digest_eq(&n->root, &root))
			wrong(v, n->size, "the first %llu lines are not those that were signed", (unsigned long long)n->size);
		if (n->size == t->size) {
			v->r.signed_size = n->size;
			v->r.signed_s = n->time_s;
		}
	}
}

/* The auditor's keys walk along; where the first frames of an epoch are gone, they walk on until one fits. */
static void
check_seal(struct verify *v, const struct frame *f)
{
	struct digest digest = frame_digest(f), root = f->root;
	unsigned tries = f->number == v->auditor.frame ? 1 : SKIPPED_FRAMES_MAX;

	if (!v->r.seals_seen)
		return;
	while (v->auditor.epoch < f->epoch)
		keys_next_epoch(&v->auditor);
	for (unsigned i = 0; i < tries; i++) {
		if (frame_sealed(f, &v->auditor)) {
			keys_step(&v->auditor, &digest, f->first + f->count, &root);
			v->auditor.frame = f->number + 1;
			return;
		}
		if (tries > 1)
			keys_step(&v->auditor, &digest, 0, &root);
	}
	wrong(v, f->first, "frame %llu does not bear the seal of its time", (unsigned long long)f->number);
}

static const char *const faults[] = {
	[WAL_WHOLE] = "", [WAL_TORN] = "it was changed or cut",
	[WAL_OUT_OF_ORDER] = "it does not follow the one before", [WAL_ALTERED] = "its lines are not those that were sealed",
};

/* The first frame of a file must go on exactly where the file before ended. */
static void
check_joint(struct verify *v, const struct frame *f, const struct tree *before, const struct tree *now)
{
	struct digest a = tree_root(before), b = tree_root(now);

	if (!v->started) {
		v->started = true;
		v->r.from_us = f->wall_us;
		if (v->packed.size != now->size || (now->size && !digest_eq(&a, &b)) || (!now->size && f->number))
			wrong(v, v->packed.size, "lines from here to %llu are missing, or are not those that were packed",
			    (unsigned long long)now->size);
	} else if (before->size != now->size || !digest_eq(&a, &b) || f->number != v->number ||
	    !digest_eq(&f->before, &v->last) || f->epoch - v->epoch > 1) {
		wrong(v, now->size, "the files of the log do not fit together");
	}
}

/* Whole frames behind those that the keys know of. */
static uint64_t
count_frames(struct str bytes)
{
	struct frame f;
	uint64_t n = 0;

	for (; frame_skim(bytes, &f) == 1; n++)
		bytes = str_from(bytes, frame_bytes(&f));
	return n;
}

/* Where the segments end, both trees must be one: a segment ends with a file of the log. */
static void
check_packed_end(struct verify *v, const struct tree *t)
{
	struct digest root;

	if (t->size != v->packed_end.size || !t->size)
		return;
	root = tree_root(t);
	if (!digest_eq(&root, &v->packed_end.root))
		wrong(v, 0, "the segments do not hold the lines that were sealed");
}

static int
take_frame_told(struct verify *v, const struct frame *f)
{
	struct cur lines = cur_of(f->lines);
	struct str record;
	int r = 0;

	while (r == 0 && frame_record(&lines, &record) == 1)
		r = take_told(v, record);
	return r;
}

static int
check_file(struct verify *v, struct str bytes, struct frame_cipher *cipher, const char *name, bool newest, struct tree *tree)
{
	enum wal_fault fault = WAL_WHOLE;
	struct wal_reader w;
	struct frame f;
	int r = 0;

	wal_open(&w, bytes, cipher, &v->d->store);
	while (good(v) && (r = wal_next(&w, &f, &fault)) == 1) {
		if (f.kind == FRAME_START)
			check_joint(v, &f, tree, &w.tree);
		check_seal(v, &f);
		check_notes(v, &w.tree);
		check_packed_end(v, &w.tree);
		r = take_frame_told(v, &f);
		if (r < 0)
			return r;
		*tree = w.tree;
		v->number = f.number + 1;
		v->epoch = f.epoch;
		v->last = w.last;
		v->r.frames++;
		v->r.lines += f.count;
		v->r.to_us = f.wall_us;
		if (v->r.keys_seen && v->number == v->keys.frame && newest)
			break;
	}
	v->r.bytes += w.offset;
	v->beyond = count_frames(str_from(bytes, w.offset));
	if (r >= 0 || r != -EBADMSG)
		return r < 0 ? r : 0;
	v->r.unsealed_bytes = bytes.n - w.offset;
	/* Behind the last sealed frame of the newest file something may be half written. */
	if (!newest || !v->r.keys_seen || v->number < v->keys.frame)
		wrong(v, tree->size, "frame %llu in %s: %s", (unsigned long long)v->number, name, faults[fault]);
	return 0;
}

/* The log ends where the keys say. What came while we read, they know by now. */
static void
check_last(struct verify *v, const struct tree *t)
{
	struct digest root = tree_root(t);
	struct keys now = v->keys;

	if (!digest_eq(&v->last, &v->keys.last) || v->keys.size != t->size || !digest_eq(&v->keys.root, &root))
		wrong(v, t->size, "the last frame is not the one that was sealed");
	if (v->beyond > 1 && load_keys(v, &now) == 0 && now.frame == v->keys.frame)
		wrong(v, t->size, "the sealing keys were set back: %llu frames are behind them", (unsigned long long)v->beyond);
	keys_wipe(&now);
}

static void
check_end(struct verify *v, const struct tree *t)
{
	if (v->r.keys_seen && good(v) && v->started && v->number == v->keys.frame)
		check_last(v, t);
	if (v->r.keys_seen && good(v) && v->number < v->keys.frame)
		wrong(v, t->size, "the last %llu frames are missing", (unsigned long long)(v->keys.frame - v->number));
	if (v->next < v->nnotes && good(v))
		wrong(v, t->size, "lines are missing: %llu were signed, %llu are there",
		    (unsigned long long)v->notes[v->nnotes - 1].size, (unsigned long long)t->size);
}

/* Deletions. */

/* Lines from first to last are gone, and that record is named as the order. */
static int
add_claim(struct verify *v, uint64_t record, uint64_t first, uint64_t last)
{
	for (size_t i = v->nclaims; i-- > 0;)
		if (v->claims[i].record == record) {
			v->claims[i].last = last;
			return 0;
		}
	struct claim *p = reallocarray(v->claims, v->nclaims + 1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	v->claims = p;
	v->claims[v->nclaims++] = (struct claim){ .record = record, .first = first, .last = last };
	return 0;
}

/* The order must stand in the log, behind what it deleted, and speak of it; or have gone itself by a later one. */
static bool
ordered(struct verify *v, const struct claim *c, struct str *record)
{
	uint64_t later = 0;
	struct vault_entry e;
	struct gone_order o;

	if (c->record <= c->last)
		return false;
	if (vault_dir_gone(v->d, c->record, &later) == 0)
		return later > c->record;
	return vault_dir_record(v->d, c->record, record) == 0 && vault_entry_decode(*record, c->record, &e) == 0 &&
	    e.transport == VAULT_OWN && str_eq(e.source, STR("vaultd")) && gone_order_read(e.raw, &o) == 0 &&
	    o.first <= c->first && c->last < o.end;
}

static void
check_claims(struct verify *v)
{
	struct str record;

	for (size_t i = 0; i < v->nclaims && good(v); i++)
		if (!ordered(v, &v->claims[i], &record))
			wrong(v, v->claims[i].first, "lines are gone, and entry %llu, which is named as the order, does not say so",
			    (unsigned long long)v->claims[i].record);
}

/* An index made anew over the same lines, to hide some from searches, is not the one that was sealed. */
static int
check_told(struct verify *v)
{
	char hex[2 * DIGEST_BYTES + 1];
	int r = 0;

	for (size_t k = 0; k < v->d->nsegments && r == 0 && good(v); k++) {
		bool told = false, same = false;
		r = vault_dir_enter_segment(v->d, k);
		for (unsigned b = 0; b < DIGEST_BYTES && r == 0; b++)
			snprintf(hex + 2 * b, 3, "%02x", v->d->reader.segment.digest.b[b]);
		/* More than one, where lines were deleted and the segment written anew. */
		for (size_t i = 0; i < v->ntold && r == 0; i++)
			if (v->told[i].first == v->d->segments[k]) {
				told = true;
				same |= memcmp(hex, v->told[i].digest, 2 * DIGEST_BYTES) == 0;
			}
		if (told && !same)
			wrong(v, v->d->segments[k], "segment %020llu is not the one whose digest was sealed",
			    (unsigned long long)v->d->segments[k]);
	}
	return r;
}

/* Notes whose end lies inside lines that are gone are not seen again; what comes behind holds them all the same. */
static int
pass_gone(struct verify *v, const struct gone *g, struct tree *t)
{
	gone_add_to(g, t);
	while (v->next < v->nnotes && v->notes[v->next].size < t->size)
		v->next++;
	v->r.expired += g->end - g->first;
	return add_claim(v, g->record, g->first, g->end - 1);
}

/* The next line of the open segment; what was erased has its leaf. */
static int
pass_line(struct verify *v, struct tree *t, uint64_t log)
{
	uint8_t nonce[VAULT_NONCE_BYTES];
	struct vault_entry e;
	struct digest leaf;
	struct str record;
	uint64_t order;
	int r = seg_reader_entry(&v->d->reader, t->size, &e);

	if (r < 0)
		return r;
	if (e.flags & VAULT_ERASED) {
		leaf = vault_entry_leaf(&e, nonce);
		r = gone_source(e.source, &order) < 0 ? -EBADMSG : add_claim(v, order, t->size, t->size);
		v->r.erased++;
		tree_add(t, &leaf);
		return r;
	}
	r = seg_reader_record(&v->d->reader, t->size, &record);
	if (r == 0)
		r = vault_dir_nonce(v->d, t->size, nonce);
	if (r < 0)
		return r;
	leaf = vault_leaf(nonce, record);
	tree_add(t, &leaf);
	return t->size <= log ? take_told(v, record) : 0;
}

static int
check_segment(struct verify *v, size_t i, struct tree *t, uint64_t log)
{
	int r = vault_dir_enter_segment(v->d, i);

	if (r == 0 && v->d->reader.segment.first_index != t->size)
		wrong(v, t->size, "segments do not follow each other");
	if (r == 0)
		r = segment_check(&v->d->reader.segment);
	while (r == 0 && good(v) && seg_reader_has(&v->d->reader, t->size)) {
		r = pass_line(v, t, log);
		if (r == 0 && t->size <= log)
			check_notes(v, t);
		if (t->size == log)
			v->packed = *t;
	}
	if (r != -EBADMSG)
		return r;
	wrong(v, t->size, "segment %020llu is damaged: %s", (unsigned long long)v->d->segments[i], v->d->reader.segment.fault);
	return 0;
}

/* Searches read segments: what stands in them must be what was sealed, also where the log still has the same lines. */
static int
check_segments(struct verify *v)
{
	uint64_t log = v->d->nfiles ? v->d->files[0] : UINT64_MAX;
	struct tree t = { .size = 0 };
	size_t i = 0;
	int r = 0;

	while (r == 0 && good(v)) {
		const struct gone *g = gone_list_find(&v->d->gone, t.size);
		if (g && g->first == t.size) {
			r = pass_gone(v, g, &t);
			check_notes(v, &t);
			if (t.size == log)
				v->packed = t;
			continue;
		}
		/* One that is about to go, or that went while we read. */
		while (i < v->d->nsegments && v->d->segments[i] < t.size)
			i++;
		if (i == v->d->nsegments)
			break;
		r = check_segment(v, i++, &t, log);
	}
	v->r.packed = t.size;
	v->packed_end.size = t.size;
	v->packed_end.root = tree_root(&t);
	v->r.lines += v->packed.size;
	return r;
}

/* Without its key nothing of a file can be checked, and none may be missing. */
static int
open_file(struct verify *v, uint64_t first, const char *name, struct str *ret_map, struct frame_cipher **ret_cipher)
{
	char path[PATH_MAX];
	int r = file_path(path, sizeof(path), v->d->path, name);

	if (r == 0)
		r = file_map(path, ret_map);
	if (r < 0)
		return r;
	r = keyring_cipher(v->d->ring, v->d->path, first, ret_cipher);
	if (r < 0)
		snprintf(v->d->why, sizeof(v->d->why), "%.4000s/%s is encrypted, and its key cannot be read: %s", v->d->path, name,
		    strerror(-r));
	return r;
}

static int
check_files(struct verify *v)
{
	struct tree tree;
	char name[64];
	int r = check_segments(v);

	tree = v->packed;

	for (size_t i = 0; i < v->d->nfiles && r == 0 && good(v); i++) {
		struct frame_cipher *cipher = NULL;
		struct str map = STR_NULL;
		snprintf(name, sizeof(name), "wal/%020llu.wal", (unsigned long long)v->d->files[i]);
		r = open_file(v, v->d->files[i], name, &map, &cipher);
		if (r == 0)
			r = check_file(v, map, cipher, name, i + 1 == v->d->nfiles, &tree);
		file_unmap(map);
		frame_cipher_free(cipher);
	}
	if (r == 0)
		check_end(v, &tree);
	if (r == 0)
		r = check_told(v);
	if (r == 0)
		check_claims(v);
	return r;
}

int
vault_verify(struct vault_dir *d, const struct digest *auditor, struct vault_report *ret)
{
	const struct digest none = { { 0 } };
	struct verify v = { .d = d };
	int r = read_epochs(&v);

	if (auditor) {
		keys_begin(&v.auditor, auditor, &none);
		v.r.seals_seen = true;
	}
	if (r == 0 && good(&v))
		read_keys(&v);
	if (r == 0 && good(&v))
		r = read_checkpoint(&v);
	if (r == 0 && good(&v))
		r = check_files(&v);
	free(v.notes);
	free(v.told);
	free(v.claims);
	keys_wipe(&v.auditor);
	keys_wipe(&v.keys);
	*ret = v.r;
	return r;
}
