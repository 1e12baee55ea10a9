/*
 * radius: packets of RADIUS (RFC 2865, 2866, 5176) with Microsoft's attributes (RFC 2548), and what proves them. A packet is
 * bounds-checked whole before an attribute of it is read; an answer counts only when it is proved twice: by its
 * authenticator and, against forged MD5 collisions (CVE-2024-3596), by its Message-Authenticator.
 */
#ifndef GUARITA_WIRE_RADIUS_H
#define GUARITA_WIRE_RADIUS_H

#include "base/cur.h"

#define RADIUS_HEAD 20
#define RADIUS_MAX 4096
#define RADIUS_AUTHENTICATOR 16
#define RADIUS_VALUE_MAX 253
#define RADIUS_PASSWORD_MAX 128
#define RADIUS_AUTH_PORT 1812
#define RADIUS_ACCT_PORT 1813
#define RADIUS_CHANGE_PORT 3799

enum radius_code {
	RADIUS_ACCESS_REQUEST = 1, RADIUS_ACCESS_ACCEPT = 2, RADIUS_ACCESS_REJECT = 3, RADIUS_ACCT_REQUEST = 4,
	RADIUS_ACCT_RESPONSE = 5, RADIUS_ACCESS_CHALLENGE = 11, RADIUS_DISCONNECT = 40, RADIUS_DISCONNECT_ACK = 41,
	RADIUS_DISCONNECT_NAK = 42, RADIUS_COA = 43, RADIUS_COA_ACK = 44, RADIUS_COA_NAK = 45,
};

enum radius_attribute {
	RADIUS_USER_NAME = 1, RADIUS_USER_PASSWORD = 2, RADIUS_CHAP_PASSWORD = 3, RADIUS_NAS_ADDRESS = 4, RADIUS_NAS_PORT = 5,
	RADIUS_SERVICE_TYPE = 6, RADIUS_FRAMED_PROTOCOL = 7, RADIUS_FRAMED_ADDRESS = 8, RADIUS_FILTER_ID = 11, RADIUS_FRAMED_MTU = 12,
	RADIUS_REPLY_MESSAGE = 18, RADIUS_FRAMED_ROUTE = 22, RADIUS_CLASS = 25, RADIUS_VENDOR = 26,
	RADIUS_SESSION_TIMEOUT = 27, RADIUS_IDLE_TIMEOUT = 28, RADIUS_CALLED_STATION = 30, RADIUS_CALLING_STATION = 31,
	RADIUS_NAS_IDENTIFIER = 32, RADIUS_STATUS_TYPE = 40, RADIUS_DELAY_TIME = 41, RADIUS_IN_OCTETS = 42,
	RADIUS_OUT_OCTETS = 43, RADIUS_SESSION_ID = 44, RADIUS_AUTHENTIC = 45, RADIUS_SESSION_TIME = 46,
	RADIUS_IN_PACKETS = 47, RADIUS_OUT_PACKETS = 48, RADIUS_TERMINATE_CAUSE = 49, RADIUS_IN_GIGAWORDS = 52,
	RADIUS_OUT_GIGAWORDS = 53, RADIUS_EVENT_TIME = 55, RADIUS_CHAP_CHALLENGE = 60, RADIUS_NAS_PORT_TYPE = 61,
	RADIUS_FRAMED_POOL = 88, RADIUS_FRAMED_PREFIX6 = 97, RADIUS_DELEGATED_PREFIX6 = 123,
	RADIUS_TUNNEL_TYPE = 64, RADIUS_TUNNEL_MEDIUM = 65, RADIUS_TUNNEL_CLIENT = 66, RADIUS_TUNNEL_SERVER = 67,
	RADIUS_MESSAGE_AUTHENTICATOR = 80, RADIUS_INTERIM_INTERVAL = 85, RADIUS_ERROR_CAUSE = 101,
};

enum { RADIUS_MICROSOFT = 311, RADIUS_WISPR = 14122, RADIUS_MIKROTIK = 14988 };
enum radius_microsoft { RADIUS_MS_ERROR = 2, RADIUS_MS_POLICY = 7, RADIUS_MS_TYPES = 8, RADIUS_MS_CHALLENGE = 11,
	RADIUS_MS_SEND_KEY = 16, RADIUS_MS_RECV_KEY = 17, RADIUS_MS_RESPONSE2 = 25, RADIUS_MS_SUCCESS2 = 26,
	RADIUS_MS_DNS1 = 28, RADIUS_MS_DNS2 = 29, RADIUS_MS_NBNS1 = 30, RADIUS_MS_NBNS2 = 31 };
enum radius_wispr { RADIUS_WISPR_UP = 7, RADIUS_WISPR_DOWN = 8 };
enum radius_mikrotik { RADIUS_MIKROTIK_RATE = 8 };

struct radius_packet {
	uint8_t code, id;
	struct str whole;              /* padding cut off */
	const uint8_t *authenticator;
	struct str attributes;
};

/* 0 or -EBADMSG: lengths, of the packet and of each attribute, must fit. */
int radius_read(struct str datagram, struct radius_packet *ret) WARN_UNUSED;

struct radius_value {
	uint32_t vendor;               /* 0: one of the RFCs */
	uint8_t type;
	struct str value;
};

/* Walks over all attributes, those inside vendors' too. */
struct radius_walk {
	struct cur outer, inner;
	uint32_t vendor;
};
struct radius_walk radius_walk(const struct radius_packet *p);
bool radius_next(struct radius_walk *w, struct radius_value *ret);
/* The first of its kind; false: there is none. */
bool radius_find(const struct radius_packet *p, uint32_t vendor, uint8_t type, struct str *ret);
uint32_t radius_number(struct str value);      /* of four bytes, else 0 */

/* Begins a packet; the place of a Message-Authenticator comes first where `proved`. */
void radius_begin(struct enc *e, enum radius_code code, uint8_t id, const uint8_t authenticator[RADIUS_AUTHENTICATOR],
    bool proved);
void radius_put(struct enc *e, uint8_t type, struct str value);
void radius_put_number(struct enc *e, uint8_t type, uint32_t v);
void radius_put_vendor(struct enc *e, uint32_t vendor, uint8_t type, struct str value);
/* RFC 2865 section 5.2; at most RADIUS_PASSWORD_MAX bytes. */
void radius_put_password(struct enc *e, struct str password, struct str secret,
    const uint8_t authenticator[RADIUS_AUTHENTICATOR]);
/*
 * Length and proofs: of an Access-Request, of requests whose authenticator is a digest (accounting, changes), of answers to
 * those. The whole packet's length, or 0 when it did not fit.
 */
size_t radius_end_access(struct enc *e, struct str secret) WARN_UNUSED;
size_t radius_end_request(struct enc *e, struct str secret) WARN_UNUSED;
size_t radius_end_answer(struct enc *e, struct str secret, const uint8_t request[RADIUS_AUTHENTICATOR]) WARN_UNUSED;

/* Whether an answer belongs to the request with this authenticator, and is from who knows the secret. */
bool radius_answer_is_good(const struct radius_packet *p, const uint8_t request[RADIUS_AUTHENTICATOR], struct str secret,
    bool proved);
/* The same of a request to us: Disconnect or CoA. A Message-Authenticator that is there must be right. */
bool radius_request_is_good(const struct radius_packet *p, struct str secret);
/* RFC 2548 section 2.4.2. The key's length, or -EBADMSG. */
int radius_key(struct str value, struct str secret, const uint8_t request[RADIUS_AUTHENTICATOR], uint8_t ret[32]) WARN_UNUSED;

const char *radius_code_name(uint8_t code);

#endif
