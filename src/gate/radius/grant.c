/* grant: attributes of an Access-Accept, or of a change, in our terms. What cannot be read is as if it were not there. */
#include <stdio.h>

#include "gate/radius/client.h"

#include "base/cur.h"

/* "2M/10M", "512k": bits a second, upload before download as RouterOS has it; what follows (bursts) is not ours. */
static bool
rate_read(struct str s, uint64_t *ret_bits, size_t *ret_used)
{
	uint64_t v = 0;
	size_t i = 0;

	for (; i < s.n && s.p[i] >= '0' && s.p[i] <= '9' && v < 100000000000; i++)
		v = v * 10 + (uint64_t)(s.p[i] - '0');
	if (i == 0)
		return false;
	if (i < s.n && (s.p[i] == 'k' || s.p[i] == 'K')) {
		v *= 1000;
		i++;
	} else if (i < s.n && s.p[i] == 'M') {
		v *= 1000000;
		i++;
	}
	*ret_bits = v;
	*ret_used = i;
	return true;
}

static void
take_mikrotik_rate(struct str s, struct limits *ret)
{
	uint64_t up, down;
	size_t used;

	if (!rate_read(s, &up, &used))
		return;
	down = up;
	if (used < s.n && s.p[used] == '/')
		(void)!rate_read(str_from(s, used + 1), &down, &used);
	ret->rate[LIMITS_IN] = up / 8;
	ret->rate[LIMITS_OUT] = down / 8;
}

static void
take_limit(const struct radius_value *v, struct limits *ret)
{
	uint32_t n = radius_number(v->value);

	if (v->vendor == RADIUS_WISPR && v->type == RADIUS_WISPR_UP)
		ret->rate[LIMITS_IN] = n / 8;
	else if (v->vendor == RADIUS_WISPR && v->type == RADIUS_WISPR_DOWN)
		ret->rate[LIMITS_OUT] = n / 8;
	else if (v->vendor == RADIUS_MIKROTIK && v->type == RADIUS_MIKROTIK_RATE)
		take_mikrotik_rate(v->value, ret);
	else if (v->vendor == 0 && v->type == RADIUS_SESSION_TIMEOUT)
		ret->session_us = (int64_t)n * 1000000;
	else if (v->vendor == 0 && v->type == RADIUS_IDLE_TIMEOUT)
		ret->idle_us = (int64_t)n * 1000000;
}

void
radius_limits_read(const struct radius_packet *p, struct limits *ret)
{
	struct radius_walk w = radius_walk(p);
	struct radius_value v;

	*ret = (struct limits){ .idle_us = 0 };
	while (radius_next(&w, &v))
		take_limit(&v, ret);
}

/* "192.168.30.0/24 0.0.0.0 1": RFC 2865 section 5.22; the network is what counts, it lies behind the peer. */
static void
take_route(struct str s, struct radius_grant *g)
{
	struct str text = str_head(s, str_find_byte(s, ' '));
	struct cidr c;

	if (g->nroutes == RADIUS_ROUTES_MAX || cidr_parse(text, &c) < 0 || !addr_is_v4(&c.net) || c.bits == 96)
		return;
	const uint8_t *b = c.net.b + 12;
	g->routes[g->nroutes++] = (struct radius_route){ .bits = (uint8_t)(c.bits - 96),
		.net = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3] };
}

/* RFC 3162 section 2.3, RFC 4818 section 3: a byte of nothing, the length in bits, as many bytes as it takes. */
static void
take_prefix(const struct radius_value *v, struct radius_grant *g)
{
	struct cur c = cur_of(v->value);
	uint64_t net = 0;

	cur_u8(&c);
	uint8_t bits = cur_u8(&c);
	for (unsigned i = 0; i < 8; i++)
		net = net << 8 | (c.n ? cur_u8(&c) : 0);
	if (!cur_ok(&c) || bits == 0 || bits > 64)
		return;
	net &= UINT64_MAX << (64 - bits);
	if (v->type == RADIUS_FRAMED_PREFIX6 && bits == 64)
		g->prefix = net;
	else if (v->type == RADIUS_DELEGATED_PREFIX6 && g->ndelegated < RADIUS_PREFIXES_MAX)
		g->delegated[g->ndelegated++] = (struct radius_prefix){ .net = net, .bits = bits };
}

/* RFC 2865 section 5.8: all ones and all ones but the last mean that the address is ours to choose. */
static void
take_common(const struct radius_value *v, struct radius_grant *g)
{
	uint32_t n = radius_number(v->value);

	switch (v->type) {
	case RADIUS_FRAMED_ADDRESS:
		g->address = n >= UINT32_MAX - 1 ? 0 : n;
		break;
	case RADIUS_FRAMED_ROUTE:
		take_route(v->value, g);
		break;
	case RADIUS_FRAMED_PREFIX6: case RADIUS_DELEGATED_PREFIX6:
		take_prefix(v, g);
		break;
	case RADIUS_FILTER_ID:
		snprintf(g->list, sizeof(g->list), "%.*s", STR_FMT(str_head(v->value, RADIUS_WORD_MAX)));
		break;
	case RADIUS_FRAMED_POOL:
		snprintf(g->pool, sizeof(g->pool), "%.*s", STR_FMT(str_head(v->value, RADIUS_WORD_MAX)));
		break;
	case RADIUS_INTERIM_INTERVAL:
		g->interim_us = (int64_t)n * 1000000;
		break;
	case RADIUS_CLASS:
		g->nclass = v->value.n <= sizeof(g->class) ? v->value.n : 0;
		if (g->nclass)
			memcpy(g->class, v->value.p, g->nclass);
		break;
	case RADIUS_REPLY_MESSAGE:
		snprintf(g->message, sizeof(g->message), "%.*s", STR_FMT(str_head(v->value, sizeof(g->message) - 1)));
		break;
	default:
		break;
	}
}

struct reading {
	struct str secret;
	const uint8_t *request;
	struct radius_grant *g;
	bool send, recv;
};

static bool
take_key(const struct reading *r, struct str value, uint8_t ret[MPPE_KEY])
{
	uint8_t key[32];
	int n = radius_key(value, r->secret, r->request, key);

	if (n == MPPE_KEY)
		memcpy(ret, key, MPPE_KEY);
	wipe(key, sizeof(key));
	return n == MPPE_KEY;
}

static void
take_microsoft(struct reading *r, const struct radius_value *v)
{
	struct radius_grant *g = r->g;
	uint32_t n = radius_number(v->value);

	switch (v->type) {
	case RADIUS_MS_SEND_KEY:
		r->send = take_key(r, v->value, g->key_send);
		break;
	case RADIUS_MS_RECV_KEY:
		r->recv = take_key(r, v->value, g->key_recv);
		break;
	case RADIUS_MS_POLICY:
		g->must_encrypt = n == 2;
		break;
	case RADIUS_MS_SUCCESS2:
		/* The identifier stands before it. */
		g->proven = v->value.n >= 1 + MSCHAP_PROOF;
		if (g->proven)
			memcpy(g->proof, v->value.p + 1, MSCHAP_PROOF);
		break;
	case RADIUS_MS_DNS1: case RADIUS_MS_DNS2:
		g->dns[v->type - RADIUS_MS_DNS1] = n;
		break;
	case RADIUS_MS_NBNS1: case RADIUS_MS_NBNS2:
		g->wins[v->type - RADIUS_MS_NBNS1] = n;
		break;
	default:
		break;
	}
}

void
radius_grant_read(const struct radius_packet *p, struct str secret, const uint8_t request[RADIUS_AUTHENTICATOR],
    struct radius_grant *ret)
{
	struct reading r = { .secret = secret, .request = request, .g = ret };
	struct radius_walk w = radius_walk(p);
	struct radius_value v;

	*ret = (struct radius_grant){ .verdict = RADIUS_GRANTED };
	while (radius_next(&w, &v)) {
		take_limit(&v, &ret->limits);
		if (v.vendor == 0)
			take_common(&v, ret);
		else if (v.vendor == RADIUS_MICROSOFT)
			take_microsoft(&r, &v);
	}
	ret->has_keys = r.send && r.recv;
}
