/* config_tls: the rows about pinned certificates, their text form, and the faults that no row can see. */
#include "conf/config_in.h"

#include <errno.h>
#include <stdio.h>

static const struct schema_row sender_rows[] = {
	WHERE_ROW(struct conf_sender, where),
	WORD_ROW(struct conf_sender, name, .required = true, .max = 64, .reload = SCHEMA_RESTART,
	    .help = "our name for this sender, which becomes part of its source's",
	    .example = "sender web1 "
	        "\"sha-256:E1:2D:53:2B:7C:6B:8A:29:A2:76:C8:64:36:0B:08:4B:7A:F1:9E:9D:01:02:03:04:05:06:07:08:09:0A:0B:0C\";"),
	STRING_ROW(struct conf_sender, fingerprint, .required = true, .max = 128, .arg = "FINGERPRINT", .reload = SCHEMA_RESTART,
	    .help = "SHA-256 of its certificate, as `openssl x509 -noout -fingerprint -sha256` shows it",
	    .text = "It is all that counts: such a certificate needs no authority, and its dates and names are not looked at. A "
	        "sender that is refused is told in the log with its fingerprint.",
	    .example = "sender switch7 \"E12D532B7C6B8A29A276C864360B084B7AF19E9D0102030405060708090A0B0C\";"),
};
const struct schema sender_schema = SCHEMA_OF("sender", struct conf_sender, sender_rows);

static int
digit(char c)
{
	static const struct str digits = STR_INIT("0123456789abcdef");
	size_t at = str_find_byte(digits, c >= 'A' && c <= 'F' ? (char)(c - 'A' + 'a') : c);

	return at < digits.n ? (int)at : -1;
}

int
conf_fingerprint_read(struct str text, uint8_t ret[CONF_FINGERPRINT_BYTES])
{
	static const struct str names[] = { STR_INIT("sha-256:"), STR_INIT("sha256:"), STR_INIT("sha256 fingerprint=") };
	uint8_t bytes[CONF_FINGERPRINT_BYTES];
	struct str s = str_trim(text);
	size_t at = 0;

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_eq_nocase(str_head(s, names[i].n), names[i])) {
			s = str_from(s, names[i].n);
			break;
		}
	size_t step = s.n == 2 * sizeof(bytes) ? 2 : 3;
	if (s.n != step * sizeof(bytes) - (step == 3))
		return -EINVAL;
	for (size_t i = 0; i < sizeof(bytes); i++, at += step) {
		int high = digit(s.p[at]), low = digit(s.p[at + 1]);
		if (high < 0 || low < 0 || (step == 3 && i + 1 < sizeof(bytes) && s.p[at + 2] != ':'))
			return -EINVAL;
		bytes[i] = (uint8_t)(high << 4 | low);
	}
	memcpy(ret, bytes, sizeof(bytes));
	return 0;
}

void
conf_fingerprint_show(const uint8_t bytes[CONF_FINGERPRINT_BYTES], char dst[CONF_FINGERPRINT_TEXT])
{
	size_t n = sizeof("sha-256") - 1;

	memcpy(dst, "sha-256", n);
	for (size_t i = 0; i < CONF_FINGERPRINT_BYTES; i++, n += 3)
		snprintf(dst + n, 4, ":%02X", bytes[i]);
}

static const struct conf_word *
word_of(const struct conf_stmt *among, struct conf_pos where, unsigned i)
{
	static const struct conf_word none = { .span = 1, .pos = { .line = 1, .col = 1 } };
	const struct conf_stmt *s = config_stmt_at(among, where);

	return s && s->nwords > i ? &s->words[i] : &none;
}

static void
check_sender(const struct config *c, const struct conf_source *s, uint32_t i, struct diags *d)
{
	const struct conf_sender *x = &s->pinned[i];
	const struct conf_stmt *block = config_stmt_at(c->tree, s->where);
	const struct conf_word *w = word_of(block ? block->child : NULL, x->where, 2);
	uint8_t bytes[CONF_FINGERPRINT_BYTES], other[CONF_FINGERPRINT_BYTES];

	if (conf_fingerprint_read(x->fingerprint, bytes) < 0) {
		diag_error(d, w->pos, w->span, "openssl x509 -noout -fingerprint -sha256 -in CERTIFICATE shows it",
		    "this is no SHA-256 fingerprint: 32 bytes in hexadecimal, which colons may part");
		return;
	}
	for (uint32_t k = 0; k < i; k++)
		if (conf_fingerprint_read(s->pinned[k].fingerprint, other) == 0 && memcmp(bytes, other, sizeof(bytes)) == 0)
			diag_error(d, w->pos, w->span, NULL, "the sender in line %u has the same fingerprint",
			    s->pinned[k].where.line);
}

/* Each alone would be no protection: a listener that proves nothing, or believes anybody. */
void
config_check_tls(const struct config *c, const struct conf_source *s, struct diags *d)
{
	const struct { const char *word; struct str path; } needed[] = { { "certificate", s->certificate }, { "key", s->key } };
	const struct conf_word *w = word_of(c->tree, s->where, 1);

	if (s->type != CONF_SOURCE_TLS)
		return;
	for (size_t i = 0; i < ARRAY_LEN(needed); i++)
		if (needed[i].path.n == 0)
			diag_error(d, w->pos, w->span, "certificate, key and authority name PEM files",
			    "TLS needs `%s`", needed[i].word);
	if (s->authority.n == 0 && s->npinned == 0)
		diag_error(d, w->pos, w->span, "`authority` names a PEM file, `sender NAME \"sha-256:...\";` one sender",
		    "TLS needs `authority`, or senders whose certificates are pinned");
	for (uint32_t i = 0; i < s->npinned; i++)
		check_sender(c, s, i, d);
}
