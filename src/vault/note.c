/* note: signed notes taken apart, checked and written. Must never show a text as signed that was not checked. */
#include "vault/note.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>

#include "base/base64.h"
#include "base/cur.h"
#include "base/text.h"
#include "vault/digest.h"

#define DASH "\xe2\x80\x94 "            /* U+2014 and a blank begin a signature line */

/* U+0085, U+00A0, U+1680, U+2000 to U+200A, U+2028, U+2029, U+202F, U+205F, U+3000 */
static bool
is_wide_blank(struct str c)
{
	static const struct str blanks[] = { STR_INIT("\xc2\x85"), STR_INIT("\xc2\xa0"), STR_INIT("\xe1\x9a\x80"),
		STR_INIT("\xe2\x80\xa8"), STR_INIT("\xe2\x80\xa9"), STR_INIT("\xe2\x80\xaf"), STR_INIT("\xe2\x81\x9f"),
		STR_INIT("\xe3\x80\x80") };

	for (size_t i = 0; i < ARRAY_LEN(blanks); i++)
		if (str_eq(c, blanks[i]))
			return true;
	return c.n == 3 && memcmp(c.p, "\xe2\x80", 2) == 0 && (uint8_t)c.p[2] <= 0x8a;
}

bool
note_name_valid(struct str name)
{
	if (name.n == 0 || name.n > NOTE_NAME_MAX)
		return false;
	while (name.n) {
		size_t n = utf8_len(name);
		uint8_t c = (uint8_t)name.p[0];
		if (n == 0 || c <= ' ' || c == '+' || c == 0x7f || is_wide_blank(str_head(name, n)))
			return false;
		name = str_from(name, n);
	}
	return true;
}

uint32_t
note_key_id(struct str name, struct str type_and_material)
{
	const struct str pieces[] = { name, STR("\n"), type_and_material };
	struct digest d = digest_of(pieces, ARRAY_LEN(pieces));
	uint32_t id;

	memcpy(&id, d.b, 4);
	return be32toh(id);
}

static struct str
material(const struct note_key *k, uint8_t dst[1 + SIGN_PUBLIC_BYTES])
{
	dst[0] = (uint8_t)k->type;
	memcpy(dst + 1, k->public, SIGN_PUBLIC_BYTES);
	return str_of((const char *)dst, 1 + SIGN_PUBLIC_BYTES);
}

uint32_t
note_id(const struct note_key *k)
{
	uint8_t bytes[1 + SIGN_PUBLIC_BYTES];

	return note_key_id(k->name, material(k, bytes));
}

void
note_key_show(const struct note_key *k, struct buf *out)
{
	uint8_t bytes[1 + SIGN_PUBLIC_BYTES];

	buf_addf(out, "%.*s+%08x+", STR_FMT(k->name), note_id(k));
	base64_add(out, material(k, bytes));
}

int
note_key_read(struct str text, struct note_key *ret)
{
	size_t plus = str_find_byte(text, '+');
	uint8_t bytes[1 + SIGN_PUBLIC_BYTES];
	struct note_key k = { .name = str_head(text, plus) };
	struct str rest = str_from(text, plus + 1), id = str_head(rest, 8);
	char want[9];

	if (!note_name_valid(k.name) || str_find_byte(rest, '+') != 8 ||
	    base64_read_exact(str_from(rest, 9), bytes, sizeof(bytes)) < 0 ||
	    (bytes[0] != NOTE_ED25519 && bytes[0] != NOTE_COSIGNATURE))
		return -EBADMSG;
	k.type = (enum note_type)bytes[0];
	memcpy(k.public, bytes + 1, SIGN_PUBLIC_BYTES);
	for (unsigned i = 0, v = note_id(&k); i < 8; i++)
		want[i] = "0123456789abcdef"[v >> (28 - 4 * i) & 15];
	if (!str_eq(id, str_of(want, 8)))
		return -EBADMSG;
	*ret = k;
	return 0;
}

/* UTF-8, with no control byte but the newline. */
static bool
is_note_text(struct str s)
{
	while (s.n) {
		size_t n = utf8_len(s);
		if (n == 0 || ((uint8_t)s.p[0] < ' ' && s.p[0] != '\n'))
			return false;
		s = str_from(s, n);
	}
	return true;
}

static int
read_sig(struct str line, struct note_sig *ret)
{
	struct str rest = str_from(line, sizeof(DASH) - 1);
	size_t blank = str_find_byte(rest, ' ');
	struct note_sig s = { .name = str_head(rest, blank), .base64 = str_from(rest, blank + 1) };
	uint8_t bytes[4 + NOTE_SIG_BYTES_MAX];
	size_t n;

	if (!str_starts(line, STR(DASH)) || !note_name_valid(s.name) ||
	    base64_read(s.base64, bytes, sizeof(bytes), &n) < 0 || n < 5)
		return -EBADMSG;
	s.id = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
	*ret = s;
	return 0;
}

int
note_read(struct str bytes, struct note *ret)
{
	size_t gap = str_rfind(bytes, STR("\n\n"));
	struct note n = { .text = str_head(bytes, gap + 1) };
	struct str rest = str_from(bytes, gap + 2), line;

	if (bytes.n > NOTE_BYTES_MAX || gap == bytes.n || !str_ends(rest, STR("\n")) || !is_note_text(bytes))
		return -EBADMSG;
	while (str_split(&rest, '\n', &line)) {
		if (n.nsigs == NOTE_SIGS_MAX || read_sig(line, &n.sigs[n.nsigs]) < 0)
			return -EBADMSG;
		n.nsigs++;
	}
	*ret = n;
	return 0;
}

int
note_sig_bytes(const struct note_sig *s, uint8_t dst[NOTE_SIG_BYTES_MAX])
{
	uint8_t bytes[4 + NOTE_SIG_BYTES_MAX];
	size_t n;

	if (base64_read(s->base64, bytes, sizeof(bytes), &n) < 0 || n < 5)
		return -EBADMSG;
	memcpy(dst, bytes + 4, n - 4);
	return (int)(n - 4);
}

/* What a cosignature signs: its kind, its time, and the text. */
static struct str
cosigned(struct buf *out, struct str text, uint64_t time_s)
{
	buf_addf(out, "cosignature/v1\ntime %llu\n", (unsigned long long)time_s);
	buf_add(out, text);
	return buf_str(out);
}

static int
check_cosignature(const struct note *n, const struct note_key *k, const uint8_t *sig, int bytes, uint64_t *ret_time_s)
{
	struct cur c = cur_of(str_of((const char *)sig, (size_t)bytes));
	uint64_t time_s = cur_u64(&c);
	struct str own = cur_bytes(&c, SIGN_BYTES);
	struct buf message = BUF_INIT(NOTE_BYTES_MAX + 64);

	if (!cur_done(&c) || time_s > INT64_MAX)
		return -EBADMSG;
	struct str m = cosigned(&message, n->text, time_s);
	int r = buf_ok(&message) ? sign_check(k->public, m, (const uint8_t *)own.p) : -ENOMEM;
	buf_free(&message);
	if (r == 0 && ret_time_s)
		*ret_time_s = time_s;
	return r;
}

int
note_check(const struct note *n, const struct note_key *k, uint64_t *ret_time_s)
{
	uint8_t sig[NOTE_SIG_BYTES_MAX];
	uint32_t id = note_id(k);
	int r = -ENOKEY;

	for (unsigned i = 0; i < n->nsigs; i++) {
		if (n->sigs[i].id != id || !str_eq(n->sigs[i].name, k->name))
			continue;
		int bytes = note_sig_bytes(&n->sigs[i], sig);
		if (bytes < 0)
			return -EBADMSG;
		if (k->type == NOTE_COSIGNATURE)
			r = check_cosignature(n, k, sig, bytes, ret_time_s);
		else
			r = bytes == SIGN_BYTES ? sign_check(k->public, n->text, sig) : -EBADMSG;
		if (r < 0)
			return r;
	}
	return r;
}

void
note_begin(struct buf *out, struct str text)
{
	assert(str_ends(text, STR("\n")));
	buf_add(out, text);
	buf_add_byte(out, '\n');
}

void
note_add_sig(struct buf *out, struct str name, uint32_t id, struct str sig)
{
	uint8_t bytes[4 + NOTE_SIG_BYTES_MAX];
	struct enc e = enc_of(bytes, sizeof(bytes));

	enc_u32(&e, id);
	enc_bytes(&e, sig);
	assert(enc_ok(&e));
	buf_add(out, STR(DASH));
	buf_add(out, name);
	buf_add_byte(out, ' ');
	base64_add(out, str_of((const char *)bytes, e.n));
	buf_add_byte(out, '\n');
}

int
note_sign(struct buf *out, struct str text, const struct note_key *k, const uint8_t seed[SIGN_SEED_BYTES],
    uint64_t time_s)
{
	uint8_t bytes[8 + SIGN_BYTES];
	struct enc e = enc_of(bytes, sizeof(bytes));
	struct buf message = BUF_INIT(NOTE_BYTES_MAX + 64);
	uint8_t sig[SIGN_BYTES];
	int r;

	if (k->type == NOTE_COSIGNATURE) {
		enc_u64(&e, time_s);
		r = sign_make(seed, cosigned(&message, text, time_s), sig);
	} else {
		r = sign_make(seed, text, sig);
	}
	if (r == 0) {
		enc_bytes(&e, str_of((const char *)sig, sizeof(sig)));
		note_add_sig(out, k->name, note_id(k), str_of((const char *)bytes, e.n));
	}
	buf_free(&message);
	return r;
}
