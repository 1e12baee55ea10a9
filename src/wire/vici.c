/* vici: strongSwan's packets. Must never trust a length, nor a section to end. */
#include "wire/vici.h"

#include <assert.h>
#include <errno.h>

static bool
has_name(enum vici_type type)
{
	return type == VICI_REQUEST || type == VICI_REGISTER || type == VICI_UNREGISTER || type == VICI_EVENT;
}

static void
add_u16(struct buf *b, size_t v)
{
	buf_add_byte(b, (char)(v >> 8));
	buf_add_byte(b, (char)v);
}

/* One byte of length; a name that has no room is our fault, not the world's. */
static void
add_name(struct buf *b, struct str name)
{
	assert(name.n > 0 && name.n <= UINT8_MAX);
	buf_add_byte(b, (char)name.n);
	buf_add(b, name);
}

static void
add_value(struct buf *b, struct str value)
{
	if (value.n > UINT16_MAX) {
		b->failed = true;
		return;
	}
	add_u16(b, value.n);
	buf_add(b, value);
}

size_t
vici_begin(struct buf *b, enum vici_type type, struct str name)
{
	size_t start = b->n;

	buf_add(b, str_of("\0\0\0\0", VICI_HEAD));
	buf_add_byte(b, (char)type);
	if (has_name(type))
		add_name(b, name);
	return start;
}

void
vici_section(struct buf *b, const char *name)
{
	buf_add_byte(b, VICI_SECTION);
	add_name(b, str_z(name));
}

void
vici_section_end(struct buf *b)
{
	buf_add_byte(b, VICI_SECTION_END);
}

void
vici_value(struct buf *b, const char *name, struct str value)
{
	buf_add_byte(b, VICI_VALUE);
	add_name(b, str_z(name));
	add_value(b, value);
}

void
vici_list(struct buf *b, const char *name)
{
	buf_add_byte(b, VICI_LIST);
	add_name(b, str_z(name));
}

void
vici_item(struct buf *b, struct str value)
{
	buf_add_byte(b, VICI_ITEM);
	add_value(b, value);
}

void
vici_list_end(struct buf *b)
{
	buf_add_byte(b, VICI_LIST_END);
}

void
vici_end(struct buf *b, size_t start)
{
	if (!buf_ok(b))
		return;
	size_t n = b->n - start - VICI_HEAD;
	if (n > VICI_PACKET_MAX) {
		b->failed = true;
		return;
	}
	struct enc e = enc_of(b->p + start, VICI_HEAD);
	enc_u32(&e, (uint32_t)n);
}

int
vici_cut(struct str stream, struct str *ret_packet, size_t *ret_used)
{
	struct cur c = cur_of(stream);
	uint32_t n = cur_u32(&c);

	if (!cur_ok(&c))
		return -EAGAIN;
	if (n > VICI_PACKET_MAX)
		return -EMSGSIZE;
	struct str packet = cur_bytes(&c, n);
	if (!cur_ok(&c))
		return -EAGAIN;
	*ret_packet = packet;
	*ret_used = VICI_HEAD + n;
	return 0;
}

int
vici_open(struct str packet, enum vici_type *ret_type, struct str *ret_name, struct vici_reader *ret)
{
	struct cur c = cur_of(packet);
	uint8_t type = cur_u8(&c);
	struct str name = { .n = 0 };

	if (type >= VICI_TYPES)
		return -EBADMSG;
	if (has_name(type)) {
		name = cur_bytes(&c, cur_u8(&c));
		if (name.n == 0)
			return -EBADMSG;
	}
	if (!cur_ok(&c))
		return -EBADMSG;
	*ret_type = type;
	*ret_name = name;
	*ret = (struct vici_reader){ .cur = c };
	return 0;
}

/* What may stand where: items in lists only, everything else outside of them. */
static bool
fits(const struct vici_reader *r, uint8_t token)
{
	if (r->list)
		return token == VICI_ITEM || token == VICI_LIST_END;
	if (token == VICI_SECTION)
		return r->depth < VICI_DEPTH_MAX;
	if (token == VICI_SECTION_END)
		return r->depth > 0;
	return token == VICI_VALUE || token == VICI_LIST;
}

enum vici_token
vici_next(struct vici_reader *r, struct str *name, struct str *value)
{
	struct cur *c = &r->cur;
	struct str n = { .n = 0 }, v = { .n = 0 };

	if (r->failed)
		return VICI_BAD;
	if (c->n == 0 && r->depth == 0 && !r->list)
		return VICI_END;
	uint8_t token = cur_u8(c);
	if (!cur_ok(c) || !fits(r, token)) {
		r->failed = true;
		return VICI_BAD;
	}
	bool named = token == VICI_SECTION || token == VICI_VALUE || token == VICI_LIST;
	if (named)
		n = cur_bytes(c, cur_u8(c));
	if (token == VICI_VALUE || token == VICI_ITEM)
		v = cur_bytes(c, cur_u16(c));
	if (!cur_ok(c) || (named && n.n == 0)) {
		r->failed = true;
		return VICI_BAD;
	}
	if (named)
		*name = n;
	if (token == VICI_VALUE || token == VICI_ITEM)
		*value = v;
	r->depth += token == VICI_SECTION ? 1 : 0;
	r->depth -= token == VICI_SECTION_END ? 1 : 0;
	r->list = token == VICI_LIST || token == VICI_ITEM;
	return (enum vici_token)token;
}
