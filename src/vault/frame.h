/*
 * frame: what is written to the log at once, and made durable before anyone is told. Numbers big-endian:
 *
 *   "GWF1"  u32 bytes of lines  u32 bytes of side  u32 lines  u8 kind  u8[3] zero  u64 epoch
 *   u64 number  u64 index of the first line  i64 wall clock (us)  u64 time since boot (us)  boot id 16
 *   digest of the head before 32  root 32 (of the tree with these lines)  SHA-256 of side 32  seal 32
 *   then lines, then side
 *
 * "GWF2" is the same with lines and side encrypted, as one run, and the side's digest keyed (vault/frame_cipher.h).
 *
 * Lines: u16 length and record (vault/entry.h), one after the other. Side: what the writer needs to go on after a
 * restart. The seal is HMAC-SHA-256 under the frame's key over the head up to the seal; root, the side's digest and the
 * digest of the head before it (seal included) make it cover everything up to here.
 */
#ifndef GUARITA_VAULT_FRAME_H
#define GUARITA_VAULT_FRAME_H

#include "base/buf.h"
#include "vault/entry.h"
#include "vault/frame_cipher.h"
#include "vault/keys.h"
#include "vault/tree.h"

#define FRAME_HEAD 204
#define FRAME_SEALED_HEAD (FRAME_HEAD - DIGEST_BYTES)
#define FRAME_SIDE_MAX (64u << 20)
#define FRAME_LINES_MAX (16u << 20)
#define FRAME_BOOT_BYTES 16

enum frame_kind {
	FRAME_LINES = 1,
	FRAME_START,                   /* first of a file: side is tree_pack() and all that the writer knows */
	FRAME_CLOSE,                   /* the writer stopped in an orderly way */
	FRAME_KINDS,
};

struct frame {
	enum frame_kind kind;
	uint32_t count, side_bytes, lines_bytes;
	uint64_t epoch, number, first;
	int64_t wall_us;
	uint64_t boot_us;
	uint8_t boot[FRAME_BOOT_BYTES];
	bool encrypted;
	struct digest before, root, seal;
	struct str head;               /* as read */
	struct str side, lines;
};

/*
 * Takes the frame at the beginning of the bytes: 1, 0 when there are none, -EBADMSG when they are not a whole frame: torn,
 * or changed in head or side. Neither lines nor seal are looked at. -EACCES: encrypted, and cipher is NULL. Lines and side
 * of an encrypted frame live until the cipher opens another.
 */
int frame_read(struct str bytes, struct frame_cipher *cipher, struct frame *ret) WARN_UNUSED;
/* The same by the head alone, which needs no cipher: lines and side stay empty and unchecked. */
int frame_skim(struct str bytes, struct frame *ret) WARN_UNUSED;
static inline size_t
frame_bytes(const struct frame *f)
{
	return FRAME_HEAD + (size_t)f->side_bytes + f->lines_bytes;
}

/* The next record of frame.lines: 1, 0 at the end, -EBADMSG. */
int frame_record(struct cur *lines, struct str *ret) WARN_UNUSED;
/* Is it the seal that this key, which is for this frame, puts on it? */
bool frame_sealed(const struct frame *f, const struct keys *k);
/* SHA-256 of the head with its seal: what the next frame's head names as the one before. */
struct digest frame_digest(const struct frame *f);

/* Size of the whole frame from its first FRAME_HEAD bytes; -EBADMSG. For those who read a file piece by piece. */
int frame_size(struct str head, size_t *ret) WARN_UNUSED;

/* Begins a frame in an empty buffer: leaves room for the head. Lines are added, then it is finished. */
void frame_begin(struct buf *out);
void frame_add(struct buf *out, const struct vault_entry *e);
/*
 * Adds the side, for which there is room, and fills in the head; f says the rest. Sets f->seal and f->head. With a cipher
 * the frame is encrypted. The buffer must be whole. 0, or -EIO of the cipher: the frame is nothing then.
 */
int frame_finish(struct buf *out, struct str side, struct frame *f, const struct keys *k, struct frame_cipher *cipher)
    WARN_UNUSED;

/* The right edge of a tree: u64 size, digests by rising level. */
void tree_pack(const struct tree *t, struct buf *out);
int tree_unpack(struct cur *c, struct tree *ret) WARN_UNUSED;

#endif
