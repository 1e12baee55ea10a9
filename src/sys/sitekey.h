/*
 * sitekey: the file that holds a site's secret key: one line, 32 bytes in base64, readable by its
 * owner alone. Must never be readable by others, and never be overwritten.
 */
#ifndef GUARITA_SYS_SITEKEY_H
#define GUARITA_SYS_SITEKEY_H

#include "sys/tls.h"

/* 0, -ENOENT, -EBADMSG (no key in it), -EPERM (others can read it), -errno. */
int sitekey_read(const char *path, uint8_t ret_seed[TLS_KEY_BYTES]) WARN_UNUSED;
/* A new one, where there is none: 0, -EEXIST, -errno. */
int sitekey_make(const char *path, uint8_t ret_seed[TLS_KEY_BYTES]) WARN_UNUSED;
/* The public half as it stands in configurations. */
int sitekey_show(const uint8_t seed[TLS_KEY_BYTES], struct buf *out) WARN_UNUSED;

#endif
