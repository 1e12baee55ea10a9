/*
 * blob: a run of bytes in a segment: perhaps compressed, perhaps encrypted, always named by the hash of what is stored.
 * The hash is checked before anything is made of the bytes. A segment has a key of its own, and a blob of it a number
 * of its own, so no nonce is ever used twice (NIST SP 800-38D, section 8.2.1).
 */
#ifndef GUARITA_VAULT_BLOB_H
#define GUARITA_VAULT_BLOB_H

#include "base/buf.h"

#define BLOB_KEY_BYTES 32
#define BLOB_DIGEST_BYTES 16    /* the first half of SHA-256: 64 bits of work against collisions made on purpose are not
                                   what protects it, 128 bits against a second preimage are */
#define BLOB_MAX (96u << 20)
#define BLOB_NONE UINT32_MAX

struct blob {
	uint64_t off;           /* in the granule */
	uint32_t stored;        /* bytes in the file */
	uint32_t raw;           /* bytes when decompressed; 0: stored as they are */
	uint8_t digest[BLOB_DIGEST_BYTES];
};

/* What encryption needs to know: no key, no encryption. */
struct blob_seal {
	const uint8_t *key;     /* BLOB_KEY_BYTES, or NULL */
	uint32_t granule;
};

struct blob_writer;             /* compression of one thread */
struct blob_writer *blob_writer_new(void);
void blob_writer_free(struct blob_writer *w);

/*
 * Appends raw to out. level: of zstd; 0 stores as it is. zipped, when it has bytes, is raw already compressed.
 * *ret->off counts from out's beginning. 0, -ENOMEM, -EIO (the library failed), -EFBIG.
 */
int blob_write(struct blob_writer *w, const struct blob_seal *seal, uint32_t number, struct str raw, struct str zipped,
    int level, struct buf *out, struct blob *ret) WARN_UNUSED;

/*
 * The bytes of a blob: *ret points into stored, or into *ret_owned (malloc; NULL when it does not). -EBADMSG: not what
 * was written; -EACCES: encrypted, and there is no key.
 */
int blob_read(const struct blob *b, const struct blob_seal *seal, bool encrypted, uint32_t number, struct str stored,
    struct str *ret, void **ret_owned) WARN_UNUSED;

#endif
