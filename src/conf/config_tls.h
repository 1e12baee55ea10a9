/*
 * config_tls: what guarita.conf says of syslog senders and hosts whose certificate is pinned by its fingerprint, without an
 * authority.
 */
#ifndef GUARITA_CONF_CONFIG_TLS_H
#define GUARITA_CONF_CONFIG_TLS_H

#include "conf/diag.h"
#include "conf/value.h"

#define CONF_SENDERS_MAX 4096
#define CONF_FINGERPRINT_BYTES 32

struct conf_sender {                   /* of `tls`: who shows this certificate has this name */
	struct conf_pos where;
	struct str name;
	struct str fingerprint;
};

/*
 * SHA-256 of a certificate as people have it: "sha-256:E1:2D:..." (RFC 5425 section 4.2.2), with the names that other programs
 * put before it, with or without colons. 0 or -EINVAL.
 */
int conf_fingerprint_read(struct str text, uint8_t ret[CONF_FINGERPRINT_BYTES]) WARN_UNUSED;
/* As RFC 5425 writes it; with its NUL. */
#define CONF_FINGERPRINT_TEXT (sizeof("sha-256") + 3 * CONF_FINGERPRINT_BYTES)
void conf_fingerprint_show(const uint8_t bytes[CONF_FINGERPRINT_BYTES], char dst[CONF_FINGERPRINT_TEXT]);

struct config;
struct conf_source;
void config_check_tls(const struct config *c, const struct conf_source *s, struct diags *d);

#endif
