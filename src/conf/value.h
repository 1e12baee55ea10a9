/*
 * value: the types that configuration options have in memory, beside bool, int64_t, uint64_t and
 * struct str.
 */
#ifndef GUARITA_CONF_VALUE_H
#define GUARITA_CONF_VALUE_H

#include "base/text.h"

struct conf_strs {
	struct str *v;
	uint32_t n;
};

struct conf_cidrs {
	struct cidr *v;
	uint32_t n;
};

/*
 * Where something listens: "192.0.2.1:514", "[2001:db8::1]:514", ":514" (every address), or a path.
 */
struct conf_endpoint {
	bool any;              /* no address given: both IPv6 and IPv4 */
	struct addr addr;      /* :: when any */
	uint16_t port;         /* 0: a unix socket */
	struct str path;       /* of the unix socket; NUL-terminated */
};

#endif
