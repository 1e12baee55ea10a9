/* attrs: the attributes of a netlink message by their number, as every reader of netlink in this folder needs them. */
#ifndef GUARITA_SYS_ATTRS_H
#define GUARITA_SYS_ATTRS_H

#include <arpa/inet.h>
#include <libmnl/libmnl.h>

#include "base/str.h"

struct attrs {
	const struct nlattr *v[64];    /* those with higher numbers are left out; NULL: not there */
};

/* For mnl_attr_parse(), with a struct attrs as ctx. */
static inline int
take_attr(const struct nlattr *a, void *ctx)
{
	struct attrs *all = ctx;

	if (mnl_attr_get_type(a) < ARRAY_LEN(all->v))
		all->v[mnl_attr_get_type(a)] = a;
	return MNL_CB_OK;
}

/* 0 when it is absent or of another length. */
static inline uint32_t
attr_be32(const struct nlattr *a)
{
	return a && mnl_attr_get_payload_len(a) == 4 ? ntohl(mnl_attr_get_u32(a)) : 0;
}

#endif
