/* frame: packing and reading of frames. Must never believe a length it read. */
#include "vault/frame.h"

#include <assert.h>
#include <errno.h>

static const struct str plain_magic = STR_INIT("GWF1"), encrypted_magic = STR_INIT("GWF2");

static void
copy_digest(struct cur *c, struct digest *ret)
{
	struct str s = cur_bytes(c, DIGEST_BYTES);

	if (s.n == DIGEST_BYTES)
		memcpy(ret->b, s.p, DIGEST_BYTES);
}

/* What the head says, and whether it can be so. */
static bool
read_head(struct cur *c, struct frame *f)
{
	struct str m = cur_bytes(c, plain_magic.n), pad, boot;

	f->encrypted = str_eq(m, encrypted_magic);
	f->lines_bytes = cur_u32(c);
	f->side_bytes = cur_u32(c);
	f->count = cur_u32(c);
	f->kind = (enum frame_kind)cur_u8(c);
	pad = cur_bytes(c, 3);
	f->epoch = cur_u64(c);
	f->number = cur_u64(c);
	f->first = cur_u64(c);
	f->wall_us = (int64_t)cur_u64(c);
	f->boot_us = cur_u64(c);
	boot = cur_bytes(c, FRAME_BOOT_BYTES);
	copy_digest(c, &f->before);
	copy_digest(c, &f->root);
	return cur_ok(c) && memcpy(f->boot, boot.p, FRAME_BOOT_BYTES) && (f->encrypted || str_eq(m, plain_magic)) &&
	    str_eq(pad, STR("\0\0\0")) && f->kind >= FRAME_LINES && f->kind < FRAME_KINDS && f->side_bytes <= FRAME_SIDE_MAX &&
	    f->lines_bytes <= FRAME_LINES_MAX;
}

static struct digest
digest_of_side(const struct frame_cipher *cipher, struct str side)
{
	return cipher ? frame_cipher_side(cipher, side) : digest_of(&side, 1);
}

/* All of a frame but what is behind its head, which is left to the caller. */
static int
read_whole(struct str bytes, struct frame *ret, struct digest *ret_side, struct str *ret_body)
{
	struct cur c = cur_of(bytes);
	struct frame f = { .head = str_head(bytes, FRAME_HEAD) };

	if (bytes.n == 0)
		return 0;
	if (!read_head(&c, &f))
		return -EBADMSG;
	copy_digest(&c, ret_side);
	copy_digest(&c, &f.seal);
	*ret_body = cur_bytes(&c, (size_t)f.lines_bytes + f.side_bytes);
	if (!cur_ok(&c))
		return -EBADMSG;
	*ret = f;
	return 1;
}

int
frame_skim(struct str bytes, struct frame *ret)
{
	struct digest side;
	struct str body;

	return read_whole(bytes, ret, &side, &body);
}

int
frame_read(struct str bytes, struct frame_cipher *cipher, struct frame *ret)
{
	struct digest side;
	struct str body;
	struct frame f;
	int r = read_whole(bytes, &f, &side, &body);

	if (r <= 0)
		return r;
	if (f.encrypted) {
		r = cipher ? frame_cipher_open(cipher, &f.seal, body, &body) : -EACCES;
		if (r < 0)
			return r;
	}
	f.lines = str_head(body, f.lines_bytes);
	f.side = str_from(body, f.lines_bytes);
	struct digest want = digest_of_side(f.encrypted ? cipher : NULL, f.side);
	if (!digest_eq(&want, &side))
		return -EBADMSG;
	*ret = f;
	return 1;
}

int
frame_record(struct cur *lines, struct str *ret)
{
	if (lines->n == 0)
		return lines->failed ? -EBADMSG : 0;
	uint16_t n = cur_u16(lines);
	struct str record = cur_bytes(lines, n);
	if (!cur_ok(lines))
		return -EBADMSG;
	*ret = record;
	return 1;
}

bool
frame_sealed(const struct frame *f, const struct keys *k)
{
	const struct str sealed = str_head(f->head, FRAME_SEALED_HEAD);
	struct digest want = keys_seal(k, &sealed, 1);

	return digest_eq(&want, &f->seal);
}

struct digest
frame_digest(const struct frame *f)
{
	return digest_of(&f->head, 1);
}

int
frame_size(struct str head, size_t *ret)
{
	struct cur c = cur_of(head);
	struct frame f;

	if (head.n < FRAME_HEAD || !read_head(&c, &f))
		return -EBADMSG;
	*ret = frame_bytes(&f);
	return 0;
}

void
frame_begin(struct buf *out)
{
	assert(out->n == 0);
	if (buf_reserve(out, FRAME_HEAD))
		out->n = FRAME_HEAD;
}

void
frame_add(struct buf *out, const struct vault_entry *e)
{
	size_t n = vault_entry_bytes(e);

	if (!buf_reserve(out, 2 + n))
		return;
	struct enc c = enc_of(out->p + out->n, 2 + n);
	enc_u16(&c, (uint16_t)n);
	vault_entry_encode(e, &c);
	assert(enc_ok(&c) && c.n == 2 + n);
	out->n += c.n;
}

int
frame_finish(struct buf *out, struct str side, struct frame *f, const struct keys *k, struct frame_cipher *cipher)
{
	struct digest side_digest = digest_of_side(cipher, side);
	size_t lines = out->n - FRAME_HEAD;
	struct enc e = enc_of(out->p, FRAME_HEAD);

	assert(buf_ok(out) && lines <= FRAME_LINES_MAX && side.n <= FRAME_SIDE_MAX);
	enc_bytes(&e, cipher ? encrypted_magic : plain_magic);
	enc_u32(&e, (uint32_t)lines);
	enc_u32(&e, (uint32_t)side.n);
	enc_u32(&e, f->count);
	enc_u8(&e, (uint8_t)f->kind);
	enc_bytes(&e, STR("\0\0\0"));
	enc_u64(&e, f->epoch);
	enc_u64(&e, f->number);
	enc_u64(&e, f->first);
	enc_u64(&e, (uint64_t)f->wall_us);
	enc_u64(&e, f->boot_us);
	enc_bytes(&e, str_of((const char *)f->boot, FRAME_BOOT_BYTES));
	enc_bytes(&e, digest_str(&k->last));
	enc_bytes(&e, digest_str(&f->root));
	enc_bytes(&e, digest_str(&side_digest));
	assert(e.n == FRAME_SEALED_HEAD);
	const struct str sealed = str_of(out->p, FRAME_SEALED_HEAD);
	f->seal = keys_seal(k, &sealed, 1);
	enc_bytes(&e, digest_str(&f->seal));
	assert(enc_ok(&e) && e.n == FRAME_HEAD);
	f->head = str_of(out->p, FRAME_HEAD);
	f->encrypted = cipher != NULL;
	buf_add(out, side);
	assert(buf_ok(out));
	return cipher ? frame_cipher_apply(cipher, &f->seal, out->p + FRAME_HEAD, out->n - FRAME_HEAD) : 0;
}

void
tree_pack(const struct tree *t, struct buf *out)
{
	uint8_t size[8];
	struct enc e = enc_of(size, sizeof(size));

	enc_u64(&e, t->size);
	buf_add(out, str_of((const char *)size, sizeof(size)));
	for (unsigned l = 0; l < TREE_LEVELS; l++)
		if (t->size >> l & 1)
			buf_add(out, digest_str(&t->edge[l]));
}

int
tree_unpack(struct cur *c, struct tree *ret)
{
	struct tree t = { .size = cur_u64(c) };

	for (unsigned l = 0; l < TREE_LEVELS; l++)
		if (t.size >> l & 1)
			copy_digest(c, &t.edge[l]);
	if (!cur_ok(c))
		return -EBADMSG;
	*ret = t;
	return 0;
}
