/* keys: chains that only go forward. Must never leave a key behind that was stepped over. */
#include "vault/keys.h"

#include <assert.h>
#include <errno.h>

#include "base/cur.h"

static const struct str magic = STR_INIT("guarita-keys-1\n");

static struct digest
derive(const struct digest *from, struct str label)
{
	return digest_mac(digest_str(from), &label, 1);
}

static void
enter_epoch(struct keys *k, const struct digest *a)
{
	k->frame_key = derive(a, STR("frames"));
	k->next_epoch = derive(a, STR("next epoch"));
}

void
keys_begin(struct keys *k, const struct digest *auditor, const struct digest *sign)
{
	*k = (struct keys){ .sign = *sign, .root = digest_of(NULL, 0) };
	enter_epoch(k, auditor);
}

struct digest
keys_seal(const struct keys *k, const struct str *pieces, size_t n)
{
	return digest_mac(digest_str(&k->frame_key), pieces, n);
}

void
keys_step(struct keys *k, const struct digest *last, uint64_t size, const struct digest *root)
{
	k->frame_key = derive(&k->frame_key, STR("next frame"));
	k->frame++;
	k->last = *last;
	k->size = size;
	k->root = *root;
	k->turn++;
}

struct digest
keys_sign_after(const struct digest *sign)
{
	return derive(sign, STR("next epoch"));
}

void
keys_next_epoch(struct keys *k)
{
	struct digest a = k->next_epoch;

	k->sign = keys_sign_after(&k->sign);
	enter_epoch(k, &a);
	k->epoch++;
	k->turn++;
	explicit_bzero(&a, sizeof(a));
}

void
keys_seed_of(const struct digest *sign, uint8_t ret_seed[SIGN_SEED_BYTES])
{
	struct digest d = derive(sign, STR("ed25519"));

	memcpy(ret_seed, d.b, SIGN_SEED_BYTES);
	explicit_bzero(&d, sizeof(d));
}

void
keys_sign_seed(const struct keys *k, uint8_t ret_seed[SIGN_SEED_BYTES])
{
	keys_seed_of(&k->sign, ret_seed);
}

void
keys_wipe(struct keys *k)
{
	explicit_bzero(k, sizeof(*k));
}

void
keys_pack(const struct keys *k, uint8_t dst[KEYS_SLOT_BYTES])
{
	struct enc e = enc_of(dst, KEYS_SLOT_BYTES);

	memset(dst, 0, KEYS_SLOT_BYTES);
	enc_bytes(&e, magic);
	enc_u64(&e, k->turn);
	enc_u64(&e, k->epoch);
	enc_u64(&e, k->frame);
	enc_u64(&e, k->size);
	enc_bytes(&e, digest_str(&k->root));
	enc_bytes(&e, digest_str(&k->last));
	enc_bytes(&e, digest_str(&k->next_epoch));
	enc_bytes(&e, digest_str(&k->frame_key));
	enc_bytes(&e, digest_str(&k->sign));
	struct str packed = str_of((const char *)dst, e.n);
	struct digest check = digest_of(&packed, 1);
	enc_bytes(&e, digest_str(&check));
	assert(enc_ok(&e));
}

static struct digest
cur_digest(struct cur *c)
{
	struct digest d = { { 0 } };
	struct str s = cur_bytes(c, DIGEST_BYTES);

	if (s.n == DIGEST_BYTES)
		memcpy(d.b, s.p, DIGEST_BYTES);
	return d;
}

static int
read_slot(struct str slot, struct keys *ret)
{
	struct cur c = cur_of(slot);
	struct str m = cur_bytes(&c, magic.n);
	struct keys k = {
		.turn = cur_u64(&c), .epoch = cur_u64(&c), .frame = cur_u64(&c), .size = cur_u64(&c),
		.root = cur_digest(&c), .last = cur_digest(&c), .next_epoch = cur_digest(&c),
		.frame_key = cur_digest(&c), .sign = cur_digest(&c),
	};
	struct str packed = str_head(slot, slot.n - c.n);
	struct digest check = cur_digest(&c), want = digest_of(&packed, 1);

	if (!cur_ok(&c) || !str_eq(m, magic) || !digest_eq(&check, &want))
		return -EBADMSG;
	*ret = k;
	return 0;
}

int
keys_load(struct str file, struct keys *ret)
{
	struct keys slot[2];
	bool ok[2];

	for (int i = 0; i < 2; i++)
		ok[i] = read_slot(str_head(str_from(file, (size_t)i * KEYS_SLOT_BYTES), KEYS_SLOT_BYTES), &slot[i]) == 0;
	if (ok[0] || ok[1])
		*ret = ok[0] && (!ok[1] || slot[0].turn > slot[1].turn) ? slot[0] : slot[1];
	explicit_bzero(slot, sizeof(slot));
	return ok[0] || ok[1] ? 0 : -EBADMSG;
}
