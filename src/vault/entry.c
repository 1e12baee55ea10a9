/* entry: canonical bytes of a line. Must never give two forms to one entry. */
#include "vault/entry.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>

#define VERSION 1

bool
vault_entry_valid(const struct vault_entry *e)
{
	return e->transport < VAULT_TRANSPORTS && (e->flags & ~VAULT_FLAGS_RECORDED) == 0 &&
	    e->source.n <= VAULT_SOURCE_MAX && e->raw.n <= VAULT_RAW_MAX;
}

/* By hand and not by the cursor: this is done for every line there is. */
static void
head(const struct vault_entry *e, uint8_t dst[VAULT_RECORD_HEAD])
{
	uint16_t source = htobe16((uint16_t)e->source.n);
	uint64_t received = htobe64((uint64_t)e->recv_ns);

	assert(vault_entry_valid(e));
	dst[0] = VERSION;
	dst[1] = e->transport;
	dst[2] = e->flags;
	memcpy(dst + 3, &source, 2);
	memcpy(dst + 5, &received, 8);
}

void
vault_entry_encode(const struct vault_entry *e, struct enc *out)
{
	uint8_t h[VAULT_RECORD_HEAD];

	head(e, h);
	enc_bytes(out, str_of((const char *)h, sizeof(h)));
	enc_bytes(out, e->source);
	enc_bytes(out, e->raw);
}

int
vault_entry_decode(struct str record, uint64_t index, struct vault_entry *ret)
{
	struct cur c = cur_of(record);
	uint8_t version = cur_u8(&c), transport = cur_u8(&c), flags = cur_u8(&c);
	uint16_t source = cur_u16(&c);
	struct vault_entry e = {
		.index = index,
		.recv_ns = (int64_t)cur_u64(&c),
		.transport = transport,
		.flags = flags,
		.source = cur_bytes(&c, source),
	};

	e.raw = cur_bytes(&c, c.n);
	if (!cur_ok(&c) || version != VERSION || !vault_entry_valid(&e))
		return -EBADMSG;
	*ret = e;
	return 0;
}

struct digest
vault_leaf(const uint8_t nonce[VAULT_NONCE_BYTES], struct str record)
{
	const struct str pieces[] = {
		str_of("", 1), str_of((const char *)nonce, VAULT_NONCE_BYTES), record,
	};

	return digest_of(pieces, ARRAY_LEN(pieces));
}

struct digest
vault_entry_leaf(const struct vault_entry *e, const uint8_t nonce[VAULT_NONCE_BYTES])
{
	uint8_t h[1 + VAULT_NONCE_BYTES + VAULT_RECORD_HEAD] = { 0 };
	const struct str pieces[] = { str_of((const char *)h, sizeof(h)), e->source, e->raw };
	struct digest d;

	if (e->flags & VAULT_ERASED) {
		assert(e->raw.n == DIGEST_BYTES);
		memcpy(d.b, e->raw.p, DIGEST_BYTES);
		return d;
	}
	memcpy(h + 1, nonce, VAULT_NONCE_BYTES);
	head(e, h + 1 + VAULT_NONCE_BYTES);
	return digest_of(pieces, ARRAY_LEN(pieces));
}
