/* tls: see tls.h. Must never go on with a session after the library called it broken. */
#include "sys/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"

#define TAKE_BYTES 16384

struct tls_trust {
	SSL_CTX *ctx;
	bool site;
};

struct tls {
	SSL *ssl;
	BIO *in, *out;                 /* the session's */
	bool broken;
	char why[256];
};

/* Keys. */

static EVP_PKEY *
key_of(const uint8_t seed[TLS_KEY_BYTES])
{
	return EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, TLS_KEY_BYTES);
}

int
tls_public_key(const uint8_t seed[TLS_KEY_BYTES], uint8_t ret[TLS_KEY_BYTES])
{
	EVP_PKEY *key = key_of(seed);
	size_t n = TLS_KEY_BYTES;
	int ok = key && EVP_PKEY_get_raw_public_key(key, ret, &n) == 1;

	EVP_PKEY_free(key);
	return ok ? 0 : -EIO;
}

int
tls_new_seed(uint8_t ret[TLS_KEY_BYTES])
{
	return RAND_priv_bytes(ret, TLS_KEY_BYTES) == 1 ? 0 : -EIO;
}

void
tls_wipe(void *secret, size_t n)
{
	OPENSSL_cleanse(secret, n);
}

/* Trust. */

static struct tls_trust *
trust_new(int oldest, bool site)
{
	struct tls_trust *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	*t = (struct tls_trust){ .ctx = SSL_CTX_new(TLS_method()), .site = site };
	if (!t->ctx || SSL_CTX_set_min_proto_version(t->ctx, oldest) != 1) {
		tls_trust_free(t);
		return NULL;
	}
	/* Every session is proved anew: what was resumed would outlive a change of the pinned keys. */
	SSL_CTX_set_session_cache_mode(t->ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(t->ctx, 0);
	SSL_CTX_set_options(t->ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_mode(t->ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
	    SSL_MODE_RELEASE_BUFFERS);
	return t;
}

void
tls_trust_free(struct tls_trust *t)
{
	if (!t)
		return;
	SSL_CTX_free(t->ctx);
	free(t);
}

/* The certificate is only a wrapping for the key: nobody reads anything else in it. */
static X509 *
wrap_key(EVP_PKEY *key)
{
	X509 *c = X509_new();
	bool ok = c && X509_set_version(c, X509_VERSION_3) == 1 &&
	    ASN1_INTEGER_set(X509_get_serialNumber(c), 1) == 1 &&
	    ASN1_TIME_set_string_X509(X509_getm_notBefore(c), "20000101000000Z") == 1 &&
	    ASN1_TIME_set_string_X509(X509_getm_notAfter(c), "99991231235959Z") == 1 &&
	    X509_NAME_add_entry_by_txt(X509_get_subject_name(c), "CN", MBSTRING_ASC,
	        (const unsigned char *)"guarita site", -1, -1, 0) == 1 &&
	    X509_set_issuer_name(c, X509_get_subject_name(c)) == 1 && X509_set_pubkey(c, key) == 1 &&
	    X509_sign(c, key, NULL) > 0;

	if (ok)
		return c;
	X509_free(c);
	return NULL;
}

/* Whose certificate it is does not count; that the peer holds its key is proved by the handshake. */
static int
accept_any(int ok, X509_STORE_CTX *store)
{
	(void)ok;
	(void)store;
	return 1;
}

int
tls_trust_site(const uint8_t seed[TLS_KEY_BYTES], struct tls_trust **ret)
{
	struct tls_trust *t = trust_new(TLS1_3_VERSION, true);
	EVP_PKEY *key = key_of(seed);
	X509 *c = key ? wrap_key(key) : NULL;
	bool ok = t && c && SSL_CTX_use_certificate(t->ctx, c) == 1 && SSL_CTX_use_PrivateKey(t->ctx, key) == 1;

	X509_free(c);
	EVP_PKEY_free(key);
	if (!ok) {
		tls_trust_free(t);
		return -EIO;
	}
	SSL_CTX_set_verify(t->ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, accept_any);
	*ret = t;
	return 0;
}

static void
say_library(struct buf *why)
{
	unsigned long e = ERR_peek_last_error();
	const char *reason = e ? ERR_reason_error_string(e) : NULL;

	buf_addf(why, ": %s", reason ? reason : "the library does not say why");
	ERR_clear_error();
}

static bool
load_files(SSL_CTX *ctx, const struct tls_files *f, struct buf *why)
{
	if (f->certificate && SSL_CTX_use_certificate_chain_file(ctx, f->certificate) != 1)
		buf_addf(why, "%s is no certificate that can be used", f->certificate);
	else if (f->key && SSL_CTX_use_PrivateKey_file(ctx, f->key, SSL_FILETYPE_PEM) != 1)
		buf_addf(why, "%s is not the key of that certificate", f->key);
	else if (f->authority && SSL_CTX_load_verify_locations(ctx, f->authority, NULL) != 1)
		buf_addf(why, "%s is no certificate of an authority", f->authority);
	else
		return true;
	say_library(why);
	return false;
}

int
tls_trust_files(const struct tls_files *f, struct tls_trust **ret, struct buf *why)
{
	struct tls_trust *t = trust_new(TLS1_2_VERSION, false);

	if (!t)
		return -ENOMEM;
	ERR_clear_error();
	if (!load_files(t->ctx, f, why)) {
		tls_trust_free(t);
		return -EINVAL;
	}
	/* The names of those who may come are told to them, as some libraries choose by it. */
	if (f->authority)
		SSL_CTX_set_client_CA_list(t->ctx, SSL_load_client_CA_file(f->authority));
	SSL_CTX_set_verify(t->ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, f->pinned ? accept_any : NULL);
	ERR_clear_error();
	*ret = t;
	return 0;
}

/* Sessions. */

static bool
expect_name(SSL *ssl, struct str name)
{
	char text[TLS_NAME_MAX];
	struct addr a;

	if (!name.n)
		return true;
	if (name.n >= sizeof(text))
		return false;
	memcpy(text, name.p, name.n);
	text[name.n] = '\0';
	if (addr_parse(name, &a) == 0)
		return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), text) == 1;
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return SSL_set1_host(ssl, text) == 1 && SSL_set_tlsext_host_name(ssl, text) == 1;
}

int
tls_open(struct tls_trust *trust, enum tls_side side, struct str name, struct tls **ret)
{
	struct tls *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->ssl = SSL_new(trust->ctx);
	t->in = BIO_new(BIO_s_mem());
	t->out = BIO_new(BIO_s_mem());
	if (!t->ssl || !t->in || !t->out || !expect_name(t->ssl, name)) {
		BIO_free(t->in);
		BIO_free(t->out);
		SSL_free(t->ssl);
		free(t);
		return -ENOMEM;
	}
	/* Empty is not the end: more will come. */
	BIO_set_mem_eof_return(t->in, -1);
	BIO_set_mem_eof_return(t->out, -1);
	SSL_set_bio(t->ssl, t->in, t->out);
	if (side == TLS_DIALS)
		SSL_set_connect_state(t->ssl);
	else
		SSL_set_accept_state(t->ssl);
	*ret = t;
	return 0;
}

void
tls_free(struct tls *t)
{
	if (!t)
		return;
	SSL_free(t->ssl);
	free(t);
}

int
tls_put(struct tls *t, struct str bytes)
{
	while (bytes.n) {
		int part = bytes.n > (1u << 30) ? 1 << 30 : (int)bytes.n;
		int n = BIO_write(t->in, bytes.p, part);
		if (n <= 0)
			return -ENOMEM;
		bytes = str_from(bytes, (size_t)n);
	}
	return 0;
}

/* What went wrong: a certificate's fault is told in its own words. */
static int
fail(struct tls *t)
{
	long verify = SSL_get_verify_result(t->ssl);
	unsigned long e = ERR_peek_last_error();
	const char *reason = e ? ERR_reason_error_string(e) : NULL;

	t->broken = true;
	if (verify != X509_V_OK && !(SSL_CTX_get_verify_callback(SSL_get_SSL_CTX(t->ssl))))
		snprintf(t->why, sizeof(t->why), "certificate: %s", X509_verify_cert_error_string(verify));
	else
		snprintf(t->why, sizeof(t->why), "%s", reason ? reason : "the session broke");
	ERR_clear_error();
	return -EPROTO;
}

int
tls_shake(struct tls *t)
{
	if (t->broken)
		return -EPROTO;
	ERR_clear_error();
	int r = SSL_do_handshake(t->ssl);
	if (r == 1)
		return 1;
	int e = SSL_get_error(t->ssl, r);
	return e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE ? 0 : fail(t);
}

ssize_t
tls_read(struct tls *t, void *dst, size_t n)
{
	size_t got;

	if (t->broken)
		return -EPROTO;
	ERR_clear_error();
	int r = SSL_read_ex(t->ssl, dst, n, &got);
	if (r == 1)
		return (ssize_t)got;
	int e = SSL_get_error(t->ssl, r);
	if (e == SSL_ERROR_ZERO_RETURN)
		return 0;
	return e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE ? -EAGAIN : fail(t);
}

int
tls_write(struct tls *t, struct str text)
{
	size_t put;

	while (text.n) {
		if (t->broken)
			return -EPROTO;
		ERR_clear_error();
		if (SSL_write_ex(t->ssl, text.p, text.n, &put) != 1)
			return fail(t);
		text = str_from(text, put);
	}
	return 0;
}

void
tls_end(struct tls *t)
{
	if (!t->broken && SSL_is_init_finished(t->ssl))
		(void)SSL_shutdown(t->ssl);
	ERR_clear_error();
}

int
tls_take(struct tls *t, struct buf *out)
{
	size_t waiting;

	while ((waiting = BIO_ctrl_pending(t->out)) > 0) {
		size_t part = waiting > TAKE_BYTES ? TAKE_BYTES : waiting;
		if (!buf_reserve(out, part))
			return -ENOMEM;
		int n = BIO_read(t->out, out->p + out->n, (int)part);
		if (n <= 0)
			return -EIO;
		out->n += (size_t)n;
	}
	return 0;
}

/* The peer. */

int
tls_peer_key(const struct tls *t, uint8_t ret[TLS_KEY_BYTES])
{
	X509 *c = SSL_get0_peer_certificate(t->ssl);
	EVP_PKEY *key = c ? X509_get0_pubkey(c) : NULL;
	uint8_t raw[TLS_KEY_BYTES];
	size_t n = sizeof(raw);

	if (!key || EVP_PKEY_id(key) != EVP_PKEY_ED25519 || EVP_PKEY_get_raw_public_key(key, raw, &n) != 1)
		return -ENOKEY;
	memcpy(ret, raw, sizeof(raw));
	return 0;
}

static bool
copy_name(const unsigned char *p, int n, char dst[TLS_NAME_MAX])
{
	/* A zero inside would hide what stands behind it. */
	if (!p || n <= 0 || n >= TLS_NAME_MAX || memchr(p, 0, (size_t)n))
		return false;
	memcpy(dst, p, (size_t)n);
	dst[n] = '\0';
	return true;
}

static bool
alt_name(const GENERAL_NAME *g, char dst[TLS_NAME_MAX])
{
	if (g->type == GEN_DNS)
		return copy_name(ASN1_STRING_get0_data(g->d.dNSName), ASN1_STRING_length(g->d.dNSName), dst);
	if (g->type != GEN_IPADD)
		return false;
	const unsigned char *p = ASN1_STRING_get0_data(g->d.iPAddress);
	int n = ASN1_STRING_length(g->d.iPAddress);
	struct addr a = { .b = { [10] = 0xff, [11] = 0xff } };
	if (n != 4 && n != 16)
		return false;
	memcpy(a.b + 16 - n, p, (size_t)n);
	char text[46] = "";
	return copy_name((const unsigned char *)text, (int)addr_show(&a, text), dst);
}

static int
common_name(const X509 *c, unsigned i, char dst[TLS_NAME_MAX])
{
	X509_NAME *subject = X509_get_subject_name(c);
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);

	if (i != 0 || at < 0)
		return -ENOENT;
	const ASN1_STRING *s = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
	return copy_name(ASN1_STRING_get0_data(s), ASN1_STRING_length(s), dst) ? 0 : -ENOENT;
}

int
tls_peer_name(const struct tls *t, unsigned i, char dst[TLS_NAME_MAX])
{
	X509 *c = SSL_get0_peer_certificate(t->ssl);
	unsigned seen = 0;
	int r = -ENOENT;

	if (!c)
		return -ENOENT;
	GENERAL_NAMES *names = X509_get_ext_d2i(c, NID_subject_alt_name, NULL, NULL);
	for (int kind = 0; kind < 2 && r < 0; kind++)
		for (int k = 0; k < sk_GENERAL_NAME_num(names) && r < 0; k++) {
			const GENERAL_NAME *g = sk_GENERAL_NAME_value(names, k);
			if ((g->type == GEN_DNS) == (kind == 0) && alt_name(g, dst) && seen++ == i)
				r = 0;
		}
	GENERAL_NAMES_free(names);
	return r == 0 || seen > 0 ? r : common_name(c, i, dst);
}

bool
tls_peer_proved(const struct tls *t)
{
	return SSL_get0_peer_certificate(t->ssl) && SSL_get_verify_result(t->ssl) == X509_V_OK;
}

int
tls_peer_fingerprint(const struct tls *t, uint8_t ret[32])
{
	X509 *c = SSL_get0_peer_certificate(t->ssl);
	unsigned n = 32;

	return c && X509_digest(c, EVP_sha256(), ret, &n) == 1 ? 0 : -ENOKEY;
}

const char *
tls_why(const struct tls *t)
{
	return t->why[0] ? t->why : "the peer went away";
}
