/* netlink: see netlink.h. Must never leave a length that the bytes behind it do not have. */
#include "wire/netlink.h"

#include <arpa/inet.h>
#include <endian.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <string.h>

static void
pad(struct buf *b)
{
	static const char zero[NLA_ALIGNTO];

	buf_add(b, str_of(zero, (NLA_ALIGNTO - b->n % NLA_ALIGNTO) % NLA_ALIGNTO));
}

size_t
netlink_begin(struct buf *b, const struct netlink_head *h)
{
	size_t at = b->n;
	struct nlmsghdr head = { .nlmsg_type = h->type, .nlmsg_flags = NLM_F_REQUEST | h->flags, .nlmsg_seq = h->seq };
	struct nfgenmsg more = { .nfgen_family = h->family, .version = NFNETLINK_V0, .res_id = htons(h->resource) };

	buf_add(b, str_of((const char *)&head, sizeof(head)));
	buf_add(b, str_of((const char *)&more, sizeof(more)));
	return at;
}

void
netlink_end(struct buf *b, size_t at)
{
	uint32_t n = (uint32_t)(b->n - at);

	if (buf_ok(b))
		memcpy(b->p + at + offsetof(struct nlmsghdr, nlmsg_len), &n, sizeof(n));
}

static void
put_head(struct buf *b, uint16_t attribute, size_t n)
{
	struct nlattr head = { .nla_type = attribute, .nla_len = (uint16_t)(NLA_HDRLEN + n) };

	if (n > UINT16_MAX - NLA_HDRLEN)
		b->failed = true;
	buf_add(b, str_of((const char *)&head, sizeof(head)));
}

void
netlink_put(struct buf *b, uint16_t attribute, const void *bytes, size_t n)
{
	put_head(b, attribute, n);
	buf_add(b, str_of(bytes, n));
	pad(b);
}

void
netlink_put_u8(struct buf *b, uint16_t attribute, uint8_t v)
{
	netlink_put(b, attribute, &v, sizeof(v));
}

void
netlink_put_be16(struct buf *b, uint16_t attribute, uint16_t v)
{
	uint16_t be = htobe16(v);

	netlink_put(b, attribute, &be, sizeof(be));
}

void
netlink_put_be32(struct buf *b, uint16_t attribute, uint32_t v)
{
	uint32_t be = htobe32(v);

	netlink_put(b, attribute, &be, sizeof(be));
}

void
netlink_put_be64(struct buf *b, uint16_t attribute, uint64_t v)
{
	uint64_t be = htobe64(v);

	netlink_put(b, attribute, &be, sizeof(be));
}

void
netlink_put_text(struct buf *b, uint16_t attribute, const char *text)
{
	netlink_put(b, attribute, text, strlen(text) + 1);
}

size_t
netlink_nest(struct buf *b, uint16_t attribute)
{
	size_t at = b->n;

	put_head(b, attribute | NLA_F_NESTED, 0);
	return at;
}

void
netlink_nest_end(struct buf *b, size_t at)
{
	size_t n = b->n - at;
	uint16_t length = (uint16_t)n;

	if (n > UINT16_MAX)
		b->failed = true;
	if (buf_ok(b))
		memcpy(b->p + at + offsetof(struct nlattr, nla_len), &length, sizeof(length));
}
