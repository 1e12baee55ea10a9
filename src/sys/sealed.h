/*
 * sealed: a password as it may stand in a configuration: `sealed:` and base64, which is worth nothing without the key of
 * this machine (a file like a site's key, sys/sitekey.h). ChaCha20-Poly1305 (RFC 8439), each time with a new nonce.
 */
#ifndef GUARITA_SYS_SEALED_H
#define GUARITA_SYS_SEALED_H

#include "base/buf.h"

#define SEALED_WORD "sealed:"
#define SEALED_KEY 32
#define SEALED_KEY_FILE "secrets.key"   /* in the state-dir */
#define SEALED_PLAIN_MAX 255

int sealed_write(const uint8_t key[SEALED_KEY], struct str plain, struct buf *out) WARN_UNUSED;
/* 0; -EBADMSG: no sealed word; -EKEYREJECTED: of another key, or changed since. */
int sealed_read(const uint8_t key[SEALED_KEY], struct str word, uint8_t ret_plain[SEALED_PLAIN_MAX], size_t *ret_n) WARN_UNUSED;

#endif
