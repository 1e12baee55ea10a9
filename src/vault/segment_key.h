/*
 * segment_key: the key of a segment as it is kept: wrapped (RFC 3394) under the vault's master key. Whoever destroys the
 * wrapped key destroys the lines, wherever copies of the segment lie. Draws nothing: both keys are handed in.
 */
#ifndef GUARITA_VAULT_SEGMENT_KEY_H
#define GUARITA_VAULT_SEGMENT_KEY_H

#include "vault/blob.h"

#define SEGMENT_KEY_WRAPPED (BLOB_KEY_BYTES + 8)

/* 0 or -EIO: the library failed. */
int segment_key_wrap(const uint8_t master[BLOB_KEY_BYTES], const uint8_t key[BLOB_KEY_BYTES],
    uint8_t ret[SEGMENT_KEY_WRAPPED]) WARN_UNUSED;
/* 0, -EBADMSG: not wrapped under this master key, -EIO. */
int segment_key_unwrap(const uint8_t master[BLOB_KEY_BYTES], struct str wrapped, uint8_t ret[BLOB_KEY_BYTES]) WARN_UNUSED;

#endif
