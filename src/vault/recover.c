/* recover: crash or tampering. Must never call the one the other. */
#include "vault/recover.h"

#include <errno.h>

void
wal_open(struct wal_reader *w, struct str bytes, struct frame_cipher *cipher, struct nonce_store *nonces)
{
	*w = (struct wal_reader){ .bytes = bytes, .cipher = cipher, .nonces = nonces };
}

/* The first frame brings the tree to go on from. */
static enum wal_fault
take_start(struct wal_reader *w, const struct frame *f)
{
	struct cur c = cur_of(f->side);

	if (f->kind != FRAME_START || f->count || f->lines.n || tree_unpack(&c, &w->tree) < 0)
		return WAL_OUT_OF_ORDER;
	w->tree.on_node = w->on_node;
	w->tree.ctx = w->ctx;
	w->started = true;
	w->next_number = f->number;
	w->epoch = f->epoch;
	w->last = f->before;
	return WAL_WHOLE;
}

static int
add_lines(struct wal_reader *w, const struct frame *f, enum wal_fault *ret_fault)
{
	struct cur c = cur_of(f->lines);
	uint8_t nonce[VAULT_NONCE_BYTES];
	struct str record;
	uint32_t n = 0;
	int r;

	while ((r = frame_record(&c, &record)) == 1) {
		int e = nonce_get(w->nonces, w->tree.size, nonce);
		if (e < 0)
			return e;
		struct digest leaf = vault_leaf(nonce, record);
		tree_add(&w->tree, &leaf);
		n++;
	}
	struct digest root = tree_root(&w->tree);
	*ret_fault = r < 0 || n != f->count || !digest_eq(&root, &f->root) ? WAL_ALTERED : WAL_WHOLE;
	return 0;
}

int
wal_next(struct wal_reader *w, struct frame *ret, enum wal_fault *ret_fault)
{
	enum wal_fault fault = WAL_WHOLE;
	struct frame f;
	int r = frame_read(str_from(w->bytes, w->offset), w->cipher, &f);

	if (r == 0 || (r < 0 && r != -EBADMSG))
		return r;
	if (r < 0)
		fault = WAL_TORN;
	else if (!w->started)
		fault = take_start(w, &f);
	else if (f.kind == FRAME_START)
		fault = WAL_OUT_OF_ORDER;
	if (!fault && (f.number != w->next_number || f.first != w->tree.size || !digest_eq(&f.before, &w->last) ||
	    f.epoch - w->epoch > 1))
		fault = WAL_OUT_OF_ORDER;
	if (!fault) {
		struct tree before = w->tree;
		r = add_lines(w, &f, &fault);
		if (r < 0 || fault)
			w->tree = before;
		if (r < 0)
			return r;
	}
	if (fault) {
		*ret_fault = fault;
		return -EBADMSG;
	}
	w->offset += frame_bytes(&f);
	w->next_number++;
	w->epoch = f.epoch;
	w->last = frame_digest(&f);
	*ret = f;
	return 1;
}

/* What stands where a durable frame should be. Behind the last durable one, anything may: it is cut off. */
static const char *const missing[] = {
	[WAL_WHOLE] = "frames that were durable are missing",
	[WAL_TORN] = "a frame that was durable was changed or cut",
	[WAL_OUT_OF_ORDER] = "frames do not follow each other",
	[WAL_ALTERED] = "lines were changed after they were sealed",
};

static void
tampered(struct recover *r, const char *why)
{
	r->verdict = RECOVER_TAMPERED;
	r->why = why;
}

/* The keys stand behind the last frame: they know its seal, and how large the tree is. */
static void
judge_level(const struct keys *k, struct recover *r)
{
	struct digest root = tree_root(&r->tree);

	if (!digest_eq(&k->last, &r->last_digest) || k->size != r->tree.size || !digest_eq(&k->root, &root))
		return tampered(r, "the last frame is not the one that was sealed");
	if (r->last.kind == FRAME_CLOSE && r->torn_bytes)
		return tampered(r, "something was written behind an orderly end");
	r->verdict = r->last.kind == FRAME_CLOSE ? RECOVER_CLEAN : RECOVER_CRASH;
	r->why = r->torn_bytes ? "a frame was being written that nobody was told of" : "nothing was being written";
	if (r->verdict == RECOVER_CLEAN)
		r->why = "stopped in an orderly way";
}

/* The last frame was durable, its key not yet replaced: the key must be the one that sealed it. */
static void
judge_ahead(const struct keys *k, const struct wal_reader *before, struct recover *r)
{
	struct digest root = tree_root(&before->tree);

	if (k->size != before->tree.size || !digest_eq(&k->root, &root) || k->epoch != r->last.epoch ||
	    !digest_eq(&k->last, &r->last.before) ||
	    !frame_sealed(&r->last, k))
		return tampered(r, "the last frame was not sealed with the key that was kept for it");
	if (r->torn_bytes)
		return tampered(r, "something was written behind a frame whose key was not replaced yet");
	r->verdict = RECOVER_CRASH;
	r->why = "the last frame was durable and nobody was told of it yet: it is kept";
	r->adopt = true;
}

int
recover(struct str newest, struct frame_cipher *cipher, const struct keys *k, struct nonce_store *nonces,
    const struct recover_calls *calls, struct recover *ret)
{
	struct recover r = { .verdict = RECOVER_TAMPERED };
	enum wal_fault fault = WAL_WHOLE;
	struct wal_reader w, before;
	struct frame f;
	int got;

	wal_open(&w, newest, cipher, nonces);
	if (calls) {
		w.on_node = calls->on_node;
		w.ctx = calls->ctx;
	}
	before = w;
	while ((got = wal_next(&w, &f, &fault)) == 1) {
		if (calls && calls->on_frame)
			calls->on_frame(calls->ctx, &f);
		r.last = f;
		if (f.number < k->frame)
			before = w;
	}
	if (got < 0 && got != -EBADMSG)
		return got;
	r.tree = w.tree;
	r.tree.on_node = NULL;
	r.last_digest = w.last;
	r.good_bytes = w.offset;
	r.torn_bytes = newest.n - w.offset;
	/* A file's first frame follows one in the file before, of which the keys know. */
	if (r.last.kind == FRAME_START && r.last.number == k->frame)
		before.tree = w.tree;
	if (!r.last.kind && k->frame)
		tampered(&r, "the newest file of the log does not begin as it must");
	else if (k->frame > w.next_number)
		tampered(&r, missing[fault]);
	else if (k->frame == w.next_number)
		judge_level(k, &r);
	else if (k->frame + 1 == w.next_number)
		judge_ahead(k, &before, &r);
	else
		tampered(&r, "the keys were set back to an earlier state");
	*ret = r;
	return 0;
}
