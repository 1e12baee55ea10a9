/* entry: packing lines for messages and the spool. Must never read past what was handed in. */
#include "msg/entry.h"

#include <endian.h>
#include <errno.h>

/* By hand and not by the cursor: this is done for every line there is. */
void
entry_pack(struct enc *e, const struct entry *in)
{
	uint32_t source = htobe32(in->source), n = htobe32((uint32_t)in->bytes.n);
	uint64_t seq = htobe64(in->seq), received = htobe64((uint64_t)in->received_us);
	uint16_t flags = htobe16(in->flags);

	if (e->failed || in->bytes.n > e->size - e->n ||
	    e->size - e->n - in->bytes.n < ENTRY_HEAD) {
		e->failed = true;
		return;
	}
	uint8_t *p = e->p + e->n;
	memcpy(p, &source, 4);
	memcpy(p + 4, &seq, 8);
	memcpy(p + 12, &received, 8);
	memcpy(p + 20, &flags, 2);
	memcpy(p + 22, &n, 4);
	if (in->bytes.n)
		memcpy(p + ENTRY_HEAD, in->bytes.p, in->bytes.n);
	e->n += ENTRY_HEAD + in->bytes.n;
}

int
entry_next(struct cur *c, struct entry *ret)
{
	uint32_t source, n;
	uint64_t seq, received;
	uint16_t flags;

	if (c->n == 0)
		return c->failed ? -EBADMSG : 0;
	if (c->failed || c->n < ENTRY_HEAD)
		return -EBADMSG;
	memcpy(&source, c->p, 4);
	memcpy(&seq, c->p + 4, 8);
	memcpy(&received, c->p + 12, 8);
	memcpy(&flags, c->p + 20, 2);
	memcpy(&n, c->p + 22, 4);
	n = be32toh(n);
	flags = be16toh(flags);
	if (n > c->n - ENTRY_HEAD || flags & ~ENTRY_FLAGS_KNOWN)
		return -EBADMSG;
	*ret = (struct entry){
		.source = be32toh(source),
		.seq = be64toh(seq),
		.received_us = (int64_t)be64toh(received),
		.flags = flags,
		.bytes = str_of((const char *)c->p + ENTRY_HEAD, n),
	};
	c->p += ENTRY_HEAD + n;
	c->n -= ENTRY_HEAD + n;
	return 1;
}

void
entry_pack_source(struct enc *e, const struct entry_source *in)
{
	enc_u8(e, (uint8_t)in->kind);
	enc_u8(e, in->envelope);
	enc_u64(e, (uint64_t)in->anchor_us);
	enc_str32(e, in->name);
	enc_str32(e, in->program);
	enc_str32(e, in->host);
	if (in->zoned)
		enc_u16(e, (uint16_t)in->zone_min);
}

int
entry_source_read(struct str bytes, struct entry_source *ret)
{
	struct cur c = cur_of(bytes);
	uint8_t kind = cur_u8(&c), envelope = cur_u8(&c);
	struct entry_source s = {
		.kind = (enum entry_kind)kind,
		.envelope = envelope == 1,
		.anchor_us = (int64_t)cur_u64(&c),
	};

	s.name = cur_str32(&c);
	s.program = cur_str32(&c);
	s.host = cur_str32(&c);
	s.zoned = cur_ok(&c) && c.n > 0;
	s.zone_min = s.zoned ? (int16_t)cur_u16(&c) : 0;
	if (!cur_done(&c) || kind > ENTRY_KIND_OWN || envelope > 1)
		return -EBADMSG;
	*ret = s;
	return 0;
}
