/* epoch: one identity for keys that come and go. Must never sign for an epoch with a key that is not in the tree. */
#include "vault/epoch.h"

#include <errno.h>

#include "base/base64.h"
#include "base/cur.h"
#include "base/text.h"
#include "vault/keys.h"

#define TYPE "\xffguarita-epoch-v1"
#define SIG_HEAD (4 + 8 + SIGN_PUBLIC_BYTES + SIGN_BYTES)

static struct digest
leaf_of(const uint8_t public[SIGN_PUBLIC_BYTES])
{
	const struct str pieces[] = { str_of("", 1), str_of((const char *)public, SIGN_PUBLIC_BYTES) };

	return digest_of(pieces, ARRAY_LEN(pieces));
}

static struct digest
node_at(struct str nodes, uint64_t i)
{
	struct digest d;

	memcpy(d.b, nodes.p + i * DIGEST_BYTES, DIGEST_BYTES);
	return d;
}

int
epoch_tree_make(const struct digest *sign, unsigned height, uint8_t *dst)
{
	struct str nodes = str_of((const char *)dst, epoch_tree_bytes(height));
	uint64_t n = UINT64_C(1) << height, below = 0;
	uint8_t seed[SIGN_SEED_BYTES], public[SIGN_PUBLIC_BYTES];
	struct digest s = *sign;
	int r = 0;

	for (uint64_t i = 0; i < n && r == 0; i++) {
		keys_seed_of(&s, seed);
		r = sign_public(seed, public);
		struct digest leaf = leaf_of(public);
		memcpy(dst + i * DIGEST_BYTES, leaf.b, DIGEST_BYTES);
		s = keys_sign_after(&s);
	}
	explicit_bzero(seed, sizeof(seed));
	explicit_bzero(&s, sizeof(s));
	for (uint64_t at = n; n > 1 && r == 0; n /= 2)
		for (uint64_t i = 0; i < n / 2; i++, below += 2, at++) {
			struct digest a = node_at(nodes, below), b = node_at(nodes, below + 1), up = tree_join(&a, &b);
			memcpy(dst + at * DIGEST_BYTES, up.b, DIGEST_BYTES);
		}
	return r;
}

int
epoch_tree_open(struct str bytes, struct epoch_tree *ret)
{
	for (unsigned h = 0; h <= EPOCH_HEIGHT_MAX; h++)
		if (bytes.n == epoch_tree_bytes(h)) {
			*ret = (struct epoch_tree){ .height = h, .nodes = bytes };
			return 0;
		}
	return -EBADMSG;
}

struct digest
epoch_identity(const struct epoch_tree *t)
{
	return node_at(t->nodes, t->nodes.n / DIGEST_BYTES - 1);
}

static struct str
material(const struct epoch_key *k, uint8_t dst[sizeof(TYPE) - 1 + DIGEST_BYTES])
{
	memcpy(dst, TYPE, sizeof(TYPE) - 1);
	memcpy(dst + sizeof(TYPE) - 1, k->identity.b, DIGEST_BYTES);
	return str_of((const char *)dst, sizeof(TYPE) - 1 + DIGEST_BYTES);
}

static uint32_t
key_id(const struct epoch_key *k)
{
	uint8_t bytes[sizeof(TYPE) - 1 + DIGEST_BYTES];

	return note_key_id(k->name, material(k, bytes));
}

void
epoch_key_show(const struct epoch_key *k, struct buf *out)
{
	uint8_t bytes[sizeof(TYPE) - 1 + DIGEST_BYTES];

	buf_addf(out, "%.*s+%08x+", STR_FMT(k->name), key_id(k));
	base64_add(out, material(k, bytes));
}

int
epoch_key_read(struct str text, struct epoch_key *ret)
{
	size_t plus = str_find_byte(text, '+');
	uint8_t bytes[sizeof(TYPE) - 1 + DIGEST_BYTES];
	struct epoch_key k = { .name = str_head(text, plus) };
	struct buf again = BUF_INIT(1024);

	if (!note_name_valid(k.name) || base64_read_exact(str_from(text, plus + 10), bytes, sizeof(bytes)) < 0 ||
	    memcmp(bytes, TYPE, sizeof(TYPE) - 1) != 0)
		return -EBADMSG;
	memcpy(k.identity.b, bytes + sizeof(TYPE) - 1, DIGEST_BYTES);
	epoch_key_show(&k, &again);
	bool same = buf_ok(&again) && str_eq(buf_str(&again), text);
	buf_free(&again);
	if (!same)
		return -EBADMSG;
	*ret = k;
	return 0;
}

static void
add_path(const struct epoch_tree *t, uint32_t epoch, struct enc *e)
{
	uint64_t level_at = 0, i = epoch;

	for (unsigned l = 0; l < t->height; l++, i /= 2) {
		struct digest sibling = node_at(t->nodes, level_at + (i ^ 1));
		enc_bytes(e, digest_str(&sibling));
		level_at += UINT64_C(1) << (t->height - l);
	}
}

static void
add_message(struct buf *out, struct str text, struct epoch_mark m)
{
	buf_addf(out, "guarita-epoch-v1\nepoch %u\ntime %llu\n", m.epoch, (unsigned long long)m.time_s);
	buf_add(out, text);
}

int
epoch_sign(struct buf *out, struct str text, struct str name, const struct epoch_tree *t,
    const uint8_t seed[SIGN_SEED_BYTES], struct epoch_mark mark)
{
	uint8_t public[SIGN_PUBLIC_BYTES], sig[SIGN_BYTES], bytes[SIG_HEAD + EPOCH_HEIGHT_MAX * DIGEST_BYTES];
	struct enc e = enc_of(bytes, sizeof(bytes));
	struct buf message = BUF_INIT(NOTE_BYTES_MAX + 128);
	struct epoch_key k = { .name = name, .identity = epoch_identity(t) };

	if (mark.epoch >= UINT64_C(1) << t->height)
		return -EDOM;
	int r = sign_public(seed, public);
	struct digest leaf = leaf_of(public), want = node_at(t->nodes, mark.epoch);
	if (r == 0 && !digest_eq(&leaf, &want))
		return -EDOM;
	add_message(&message, text, mark);
	if (r == 0)
		r = buf_ok(&message) ? sign_make(seed, buf_str(&message), sig) : -ENOMEM;
	buf_free(&message);
	if (r < 0)
		return r;
	enc_u32(&e, mark.epoch);
	enc_u64(&e, mark.time_s);
	enc_bytes(&e, str_of((const char *)public, sizeof(public)));
	enc_bytes(&e, str_of((const char *)sig, sizeof(sig)));
	add_path(t, mark.epoch, &e);
	note_add_sig(out, name, key_id(&k), str_of((const char *)bytes, e.n));
	return 0;
}

/* The key must have signed; the path leads from it to the identity. */
static int
check_sig(const struct note *n, struct str sig, struct digest *ret_identity, struct epoch_mark *ret)
{
	struct cur c = cur_of(sig);
	struct epoch_mark m = { .epoch = cur_u32(&c), .time_s = cur_u64(&c) };
	struct str public = cur_bytes(&c, SIGN_PUBLIC_BYTES), own = cur_bytes(&c, SIGN_BYTES);
	struct buf message = BUF_INIT(NOTE_BYTES_MAX + 128);
	struct tree_path path = { .n = 0 };
	struct digest identity;

	if (!cur_ok(&c) || c.n % DIGEST_BYTES || c.n / DIGEST_BYTES > EPOCH_HEIGHT_MAX)
		return -EBADMSG;
	while (c.n)
		memcpy(path.path[path.n++].b, cur_bytes(&c, DIGEST_BYTES).p, DIGEST_BYTES);
	struct digest leaf = leaf_of((const uint8_t *)public.p);
	if (tree_follow(&leaf, m.epoch, UINT64_C(1) << path.n, &path, &identity) < 0)
		return -EBADMSG;
	add_message(&message, n->text, m);
	int r = !buf_ok(&message) ? -ENOMEM :
	    sign_check((const uint8_t *)public.p, buf_str(&message), (const uint8_t *)own.p);
	buf_free(&message);
	if (r < 0)
		return r;
	*ret_identity = identity;
	*ret = m;
	return 0;
}

int
epoch_check(const struct note *n, const struct epoch_key *k, struct epoch_mark *ret)
{
	uint8_t sig[NOTE_SIG_BYTES_MAX];
	uint32_t id = key_id(k);
	struct digest identity;
	int found = -ENOKEY;

	for (unsigned i = 0; i < n->nsigs; i++) {
		if (n->sigs[i].id != id || !str_eq(n->sigs[i].name, k->name))
			continue;
		int bytes = note_sig_bytes(&n->sigs[i], sig);
		/* Two lines of one key could say two things. */
		if (bytes < 0 || found == 0)
			return -EBADMSG;
		found = check_sig(n, str_of((const char *)sig, (size_t)bytes), &identity, ret);
		if (found < 0)
			return found;
		if (!digest_eq(&identity, &k->identity))
			return -EBADMSG;
	}
	return found;
}

int
epoch_find(const struct note *n, struct str name, struct epoch_key *ret_key, struct epoch_mark *ret)
{
	uint8_t sig[NOTE_SIG_BYTES_MAX];
	struct epoch_mark mark;

	for (unsigned i = 0; i < n->nsigs; i++) {
		struct epoch_key k = { .name = n->sigs[i].name };
		int bytes = note_sig_bytes(&n->sigs[i], sig);
		if (bytes < 0 || !str_eq(k.name, name) ||
		    check_sig(n, str_of((const char *)sig, (size_t)bytes), &k.identity, &mark) < 0 ||
		    key_id(&k) != n->sigs[i].id)
			continue;
		*ret_key = k;
		return epoch_check(n, &k, ret);
	}
	return -ENOKEY;
}

bool
epoch_closing(struct str *rest, uint64_t want, struct str *ret_note)
{
	struct str line, word, number, bytes, after = *rest;
	uint64_t n, size;

	if (!str_split(&after, '\n', &line) || !str_word(&line, &word) || !str_word(&line, &number) ||
	    !str_word(&line, &bytes) || !str_eq(word, STR("epoch")) || text_u64(number, &n) < 0 || n != want ||
	    text_u64(bytes, &size) < 0 || size > after.n)
		return false;
	*ret_note = str_head(after, size);
	*rest = str_from(after, size);
	return true;
}
