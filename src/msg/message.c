/*
 * message: encoders, decoders and checks, all from the rows. Must never accept a message that is
 * not exactly a row.
 */
#include "msg/message.h"

#include <assert.h>
#include <errno.h>

#define SUPERVISOR MSG_SUPERVISOR
#define INTAKED MSG_INTAKED
#define WATCHD MSG_WATCHD
#define RUNNERD MSG_RUNNERD
#define VAULTD MSG_VAULTD
#define NETD MSG_NETD
#define L2TPD MSG_L2TPD
#define PEEKD MSG_PEEKD
#define LINKD MSG_LINKD
#define PACKD MSG_PACKD
#define SHIPD MSG_SHIPD
#define ROLES MSG_ROLES
#define KEEP MSG_KEEP
#define STARTING MSG_STARTING
#define OPEN MSG_OPEN
#define CLOSING MSG_CLOSING

static const struct msg_row rows[] = {
#define MESSAGE(name_, number, from_, to_, in_, then_, fds_, fields, help_) \
	{ .name = #name_, .type = MSG_##name_, .from = (from_), .to = (to_), .in = (in_), .then = (then_), \
	  .fds = (fds_), .help = (help_) },
#include "msg/messages.def"
#undef MESSAGE
};

size_t
msg_rows(const struct msg_row **ret)
{
	*ret = rows;
	return ARRAY_LEN(rows);
}

const struct msg_row *
msg_row(unsigned type)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if ((unsigned)rows[i].type == type)
			return &rows[i];
	return NULL;
}

const char *
msg_peer_name(enum msg_peer p)
{
	switch (p) {
	case MSG_SUPERVISOR:
		return "guaritad";
	case MSG_INTAKED:
		return "intaked";
	case MSG_WATCHD:
		return "watchd";
	case MSG_RUNNERD:
		return "runnerd";
	case MSG_VAULTD:
		return "vaultd";
	case MSG_PACKD:
		return "packd";
	case MSG_NETD:
		return "netd";
	case MSG_L2TPD:
		return "l2tpd";
	case MSG_SHIPD:
		return "shipd";
	case MSG_PEEKD:
		return "peekd";
	case MSG_LINKD:
		return "linkd";
	case MSG_IPSECD:
		return "ipsecd";
	case MSG_ROLES:
		break;
	}
	return "several";
}

bool
msg_permitted(const struct msg_row *row, enum msg_peer from, enum msg_peer to, enum msg_state state)
{
	return row && (row->from & from) && (row->to & to) && (row->in & state);
}

#define F_U8(n) enc_u8(e, f->n);
#define F_U16(n) enc_u16(e, f->n);
#define F_U32(n) enc_u32(e, f->n);
#define F_U64(n) enc_u64(e, f->n);
#define F_I64(n) enc_u64(e, (uint64_t)f->n);
#define F_STR(n) enc_text32(e, f->n);
#define F_BYTES(n) enc_str32(e, f->n);
#define MESSAGE(name, number, from, to, in, then, fds, fields, help) \
	static void \
	encode_##name(const struct msg_##name *f, struct enc *e) \
	{ \
		fields \
	}
#include "msg/messages.def"
#undef MESSAGE
#undef F_U8
#undef F_U16
#undef F_U32
#undef F_U64
#undef F_I64
#undef F_STR
#undef F_BYTES

#define F_U8(n) f->n = cur_u8(c);
#define F_U16(n) f->n = cur_u16(c);
#define F_U32(n) f->n = cur_u32(c);
#define F_U64(n) f->n = cur_u64(c);
#define F_I64(n) f->n = (int64_t)cur_u64(c);
#define F_STR(n) f->n = cur_text32(c);
#define F_BYTES(n) f->n = cur_str32(c);
#define MESSAGE(name, number, from, to, in, then, fds, fields, help) \
	static void \
	decode_##name(struct cur *c, struct msg_##name *f) \
	{ \
		fields \
	}
#include "msg/messages.def"
#undef MESSAGE

void
msg_encode(const struct msg *m, struct enc *e)
{
	enc_u16(e, (uint16_t)m->type);
	switch (m->type) {
#define MESSAGE(name, number, from, to, in, then, fds, fields, help) \
	case MSG_##name: \
		encode_##name(&m->name, e); \
		return;
#include "msg/messages.def"
#undef MESSAGE
	}
	assert(!"a message of no row");
}

int
msg_decode(struct str bytes, struct msg *ret)
{
	struct cur c = cur_of(bytes);
	struct msg m = { .type = (enum msg_type)cur_u16(&c), .fd = -1 };

	if (!cur_ok(&c) || !msg_row(m.type))
		return -EBADMSG;
	switch (m.type) {
#define MESSAGE(name, number, from, to, in, then, fds, fields, help) \
	case MSG_##name: \
		decode_##name(&c, &m.name); \
		break;
#include "msg/messages.def"
#undef MESSAGE
	}
	if (!cur_done(&c))
		return -EBADMSG;
	*ret = m;
	return 0;
}
