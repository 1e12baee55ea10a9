/* sealer: entries to sealed frames. Must never use one frame's key for another. */
#include "vault/sealer.h"

#include <assert.h>
#include <errno.h>

/* Side of the first frame of a file may be large; lines are bounded by sealer_full(). */
#define OUT_MAX (FRAME_HEAD + FRAME_SIDE_MAX + FRAME_LINES_MAX)

void
sealer_open(struct sealer *s, const struct sealer_opts *o, const struct tree *t, const struct keys *k)
{
	*s = (struct sealer){ .opts = *o, .tree = *t, .keys = *k, .out = BUF_INIT(OUT_MAX) };
	s->tree.on_node = o->on_node;
	s->tree.ctx = o->ctx;
}

void
sealer_close(struct sealer *s)
{
	buf_free(&s->out);
	explicit_bzero(s, sizeof(*s));
}

void
sealer_begin(struct sealer *s, enum frame_kind kind)
{
	assert(!s->open);
	s->out = BUF_INIT(OUT_MAX);
	s->open = true;
	s->frame = (struct frame){ .kind = kind, .first = s->tree.size };
	memcpy(s->frame.boot, s->opts.boot, FRAME_BOOT_BYTES);
	frame_begin(&s->out);
}

/* The nonce of the leaf that comes next. */
static int
next_nonce(struct sealer *s, uint8_t nonce[VAULT_NONCE_BYTES])
{
	uint32_t at = (uint32_t)(s->tree.size % NONCE_BLOCK);
	uint8_t seed[VAULT_NONCE_BYTES];

	if (!s->walking || at == 0) {
		s->walking = false;
		int r = s->opts.seed(s->opts.ctx, s->tree.size / NONCE_BLOCK, seed);
		if (r == -ENODATA && s->opts.nonce)
			return s->opts.nonce(s->opts.ctx, s->tree.size, nonce);
		if (r < 0)
			return r;
		nonce_walk_begin(&s->walk, seed);
		nonce_walk_seek(&s->walk, at);
		explicit_bzero(seed, sizeof(seed));
		s->walking = true;
	}
	nonce_walk_next(&s->walk, nonce);
	return 0;
}

int64_t
sealer_add(struct sealer *s, const struct vault_entry *e)
{
	uint8_t nonce[VAULT_NONCE_BYTES];
	int r = next_nonce(s, nonce);

	if (r < 0)
		return r;
	struct digest leaf = vault_entry_leaf(e, nonce);
	frame_add(&s->out, e);
	tree_add(&s->tree, &leaf);
	s->frame.count++;
	return (int64_t)(s->tree.size - 1);
}

/* Room is made before anything is sealed: a key is used once. */
static int
make_side(struct sealer *s, struct str side, struct buf *ret)
{
	if (s->frame.kind == FRAME_START)
		tree_pack(&s->tree, ret);
	buf_add(ret, side);
	return buf_ok(ret) && buf_reserve(&s->out, ret->n) ? 0 : -ENOMEM;
}

int
sealer_finish(struct sealer *s, struct str side, int64_t wall_us, uint64_t boot_us, struct buf *ret_bytes)
{
	struct buf whole = BUF_INIT(FRAME_SIDE_MAX);
	int r = make_side(s, side, &whole);

	assert(s->open);
	if (r == 0) {
		s->frame.epoch = s->keys.epoch;
		s->frame.number = s->keys.frame;
		s->frame.wall_us = wall_us;
		s->frame.boot_us = boot_us;
		s->frame.root = tree_root(&s->tree);
		r = frame_finish(&s->out, buf_str(&whole), &s->frame, &s->keys, s->cipher);
	}
	if (r == 0) {
		struct digest last = frame_digest(&s->frame);
		keys_step(&s->keys, &last, s->tree.size, &s->frame.root);
		*ret_bytes = s->out;
		s->out = BUF_INIT(OUT_MAX);
		s->open = false;
	}
	buf_free(&whole);
	return r;
}
