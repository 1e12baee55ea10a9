/*
 * l2tp: the wire form of L2TPv2 (RFC 2661): headers, attributes, control messages. Bytes in, structs out, and back. What a
 * message means is decided above.
 */
#ifndef GUARITA_WIRE_L2TP_H
#define GUARITA_WIRE_L2TP_H

#include "base/buf.h"
#include "base/cur.h"

#define L2TP_PORT 1701
#define L2TP_CONTROL_HEAD 12           /* T, L and S are set: section 3.1 */
#define L2TP_AVP_HEAD 6
#define L2TP_AVP_MAX 1023
#define L2TP_MESSAGE_MAX 1400          /* what we send in one control message */
#define L2TP_PLAIN_MAX 2048            /* deciphered values of one message, together */

/* Bits of the first 16 of a header. */
enum {
	L2TP_T = 0x8000, L2TP_L = 0x4000, L2TP_S = 0x0800, L2TP_O = 0x0200, L2TP_P = 0x0100, L2TP_VERSION = 0x000f,
};

struct l2tp_head {
	bool control;
	bool sequenced;                /* ns and nr are there */
	uint8_t version;               /* 2; other versions are told and nothing else is read */
	uint16_t tunnel, session;
	uint16_t ns, nr;
	struct str payload;            /* attributes, or a PPP frame */
};

/*
 * 0, or -EBADMSG; -EPROTONOSUPPORT with ret->version and ret->control set when the version is not 2. Bytes beyond the
 * length are padding.
 */
int l2tp_head_read(struct str datagram, struct l2tp_head *ret) WARN_UNUSED;
/* A control header with the length of the whole message. */
void l2tp_head_write(struct enc *e, uint16_t length, uint16_t tunnel, uint16_t session, uint16_t ns, uint16_t nr);

/* Attribute types of section 4.4, RFC 3145 and RFC 5515 that we know by name: l2tp_avp.c holds their table. */
enum l2tp_avp_type {
	L2TP_MESSAGE_TYPE = 0, L2TP_RESULT_CODE = 1, L2TP_PROTOCOL_VERSION = 2, L2TP_FRAMING_CAPS = 3,
	L2TP_BEARER_CAPS = 4, L2TP_TIE_BREAKER = 5, L2TP_FIRMWARE = 6, L2TP_HOST_NAME = 7, L2TP_VENDOR_NAME = 8,
	L2TP_TUNNEL_ID = 9, L2TP_WINDOW = 10, L2TP_CHALLENGE = 11, L2TP_CAUSE = 12, L2TP_CHALLENGE_RESPONSE = 13,
	L2TP_SESSION_ID = 14, L2TP_CALL_SERIAL = 15, L2TP_MINIMUM_BPS = 16, L2TP_MAXIMUM_BPS = 17,
	L2TP_BEARER_TYPE = 18, L2TP_FRAMING_TYPE = 19, L2TP_CALLED = 21, L2TP_CALLING = 22, L2TP_SUB_ADDRESS = 23,
	L2TP_TX_SPEED = 24, L2TP_CHANNEL_ID = 25, L2TP_FIRST_LCP = 26, L2TP_LAST_SENT_LCP = 27,
	L2TP_LAST_RECEIVED_LCP = 28, L2TP_PROXY_AUTH = 29, L2TP_PROXY_NAME = 30, L2TP_PROXY_CHALLENGE = 31,
	L2TP_PROXY_ID = 32, L2TP_PROXY_RESPONSE = 33, L2TP_CALL_ERRORS = 34, L2TP_ACCM = 35, L2TP_RANDOM_VECTOR = 36,
	L2TP_GROUP_ID = 37, L2TP_RX_SPEED = 38, L2TP_SEQUENCING = 39, L2TP_PPP_CAUSE = 46,
	L2TP_AVPS = 47,
};

enum l2tp_message_type {
	L2TP_ZLB = 0,                  /* no attributes at all: only acknowledges */
	L2TP_SCCRQ = 1, L2TP_SCCRP = 2, L2TP_SCCCN = 3, L2TP_STOPCCN = 4, L2TP_HELLO = 6, L2TP_OCRQ = 7, L2TP_OCRP = 8,
	L2TP_OCCN = 9, L2TP_ICRQ = 10, L2TP_ICRP = 11, L2TP_ICCN = 12, L2TP_CDN = 14, L2TP_WEN = 15, L2TP_SLI = 16,
};

enum l2tp_kind { L2TP_NUMBER, L2TP_BYTES };

struct l2tp_avp_row {
	uint8_t type;
	uint8_t kind;                  /* enum l2tp_kind */
	uint8_t size;                  /* of a number; the least of bytes */
	bool mandatory;                /* M as we send it */
	bool hideable;
	const char *name;
};

const struct l2tp_avp_row *l2tp_avp_row(unsigned type);        /* NULL: unknown */

struct l2tp_message {
	uint16_t type;                 /* enum l2tp_message_type, or one that we do not know */
	bool mandatory;                /* M of the message type: an unknown one may not be passed over */
	uint64_t has;                  /* bit per attribute type */
	uint64_t number[L2TP_AVPS];
	struct str bytes[L2TP_AVPS];   /* the whole value, of numbers too */
	uint16_t result, error;        /* why it cannot be accepted, as it goes into a Result Code; 0: fine */
	uint16_t about;                /* the attribute to blame */
	uint8_t plain[L2TP_PLAIN_MAX]; /* hidden values, deciphered */
};

static inline bool
l2tp_has(const struct l2tp_message *m, enum l2tp_avp_type t)
{
	return (m->has >> t & 1) != 0;
}

/*
 * Reads attributes. 0; -EBADMSG when they cannot be taken apart, or one that may not be ignored is unknown or unfit: then
 * result, error and about say why, and whatever was read before stays readable (the session to be closed, for example).
 * secret: for hidden attributes; empty: none is known.
 */
int l2tp_message_read(struct str payload, struct str secret, struct l2tp_message *ret) WARN_UNUSED;

/* Writes a control message into e; begin with l2tp_begin(). */
void l2tp_begin(struct enc *e, enum l2tp_message_type type, uint16_t tunnel, uint16_t session);
void l2tp_put(struct enc *e, enum l2tp_avp_type type, uint64_t number);
void l2tp_put_bytes(struct enc *e, enum l2tp_avp_type type, struct str value);
/* Result Code: section 4.4.2; error and text are left out when they are 0 and empty. */
void l2tp_put_result(struct enc *e, uint16_t result, uint16_t error, struct str text);
/* As l2tp_put_bytes(), hidden with the secret and a random vector that has been put before (section 4.3). */
void l2tp_put_hidden(struct enc *e, enum l2tp_avp_type type, struct str value, struct str secret, struct str vector);
/* Fills in the length; 0 when the message did not fit. */
size_t l2tp_end(struct enc *e);
/*
 * A message that l2tp_end() ended, with all in it hidden that may be (section 4.3), ended too: its length, or 0 when it does
 * not fit. vector: 16 bytes that never come again.
 */
size_t l2tp_hide(struct str message, struct str secret, struct str vector, struct enc *e);

/* MD5(type, secret, challenge), type is SCCRP or SCCCN: section 5.1.1. */
void l2tp_answer(enum l2tp_message_type type, struct str secret, struct str challenge, uint8_t ret[16]);

/* Names for people; "?" for what we do not know. */
const char *l2tp_message_name(unsigned type);
const char *l2tp_stop_name(unsigned result);       /* result of StopCCN */
const char *l2tp_cdn_name(unsigned result);        /* result of CDN */
const char *l2tp_error_name(unsigned error);       /* general error codes */

enum { L2TP_STOP_CLEAR = 1, L2TP_STOP_ERROR = 2, L2TP_STOP_EXISTS = 3, L2TP_STOP_AUTH = 4, L2TP_STOP_VERSION = 5,
	L2TP_STOP_SHUTDOWN = 6, L2TP_STOP_FSM = 7 };
enum { L2TP_CDN_CARRIER = 1, L2TP_CDN_ERROR = 2, L2TP_CDN_ADMIN = 3, L2TP_CDN_BUSY = 4, L2TP_CDN_NEVER = 5,
	L2TP_CDN_TIMEOUT = 10 };
enum { L2TP_ERROR_NO_TUNNEL = 1, L2TP_ERROR_LENGTH = 2, L2TP_ERROR_VALUE = 3, L2TP_ERROR_RESOURCES = 4,
	L2TP_ERROR_SESSION = 5, L2TP_ERROR_VENDOR = 6, L2TP_ERROR_TRY_ANOTHER = 7, L2TP_ERROR_UNKNOWN_AVP = 8 };

#endif
