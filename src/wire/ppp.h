/*
 * ppp: the wire form of PPP (RFC 1661) and of the protocols that negotiate over it: frames, code packets, options. CHAP
 * (RFC 1994) and PAP (RFC 1334) packets too. What an option means is decided above.
 */
#ifndef GUARITA_WIRE_PPP_H
#define GUARITA_WIRE_PPP_H

#include "base/cur.h"

enum ppp_protocol {
	PPP_IP = 0x0021, PPP_MP = 0x003d, PPP_IPV6 = 0x0057, PPP_COMPRESSED = 0x00fd,
	PPP_IPCP = 0x8021, PPP_IPV6CP = 0x8057, PPP_CCP = 0x80fd,
	PPP_LCP = 0xc021, PPP_PAP = 0xc023, PPP_CHAP = 0xc223, PPP_EAP = 0xc227,
};

/* RFC 1661 section 5, RFC 1570, RFC 1962 section 3. */
enum ppp_code {
	PPP_CONF_REQ = 1, PPP_CONF_ACK = 2, PPP_CONF_NAK = 3, PPP_CONF_REJ = 4, PPP_TERM_REQ = 5, PPP_TERM_ACK = 6,
	PPP_CODE_REJ = 7, PPP_PROTO_REJ = 8, PPP_ECHO_REQ = 9, PPP_ECHO_REP = 10, PPP_DISCARD = 11, PPP_IDENT = 12,
	PPP_TIME_LEFT = 13, PPP_RESET_REQ = 14, PPP_RESET_ACK = 15,
};

enum lcp_option { LCP_MRU = 1, LCP_ACCM = 2, LCP_AUTH = 3, LCP_QUALITY = 4, LCP_MAGIC = 5, LCP_PFC = 7, LCP_ACFC = 8,
	LCP_CALLBACK = 13, LCP_MRRU = 17, LCP_SHORT_SEQUENCE = 18, LCP_ENDPOINT = 19 };
enum ipcp_option { IPCP_ADDRESSES = 1, IPCP_COMPRESSION = 2, IPCP_ADDRESS = 3, IPCP_DNS1 = 129, IPCP_NBNS1 = 130,
	IPCP_DNS2 = 131, IPCP_NBNS2 = 132 };
enum ipv6cp_option { IPV6CP_ID = 1 };
enum ccp_option { CCP_MPPE = 18 };

enum chap_code { CHAP_CHALLENGE = 1, CHAP_RESPONSE = 2, CHAP_SUCCESS = 3, CHAP_FAILURE = 4 };
enum pap_code { PAP_REQUEST = 1, PAP_ACK = 2, PAP_NAK = 3 };
enum chap_algorithm { CHAP_MD5 = 5, CHAP_MS1 = 0x80, CHAP_MS2 = 0x81 };

#define PPP_HEAD 4                     /* FF 03 and the protocol, as we write them */
#define PPP_PACKET_HEAD 4
#define PPP_PACKET_MAX 1500
#define PPP_MRRU_MAX 2048              /* of a packet that came in fragments */
#define PPP_FRAGMENT_NUMBERS 0xffffffu  /* they wrap there */
#define PPP_VALUE_MAX 64               /* of one option that we write */

/*
 * Takes a frame with or without FF 03, and the protocol in one or two bytes, whatever was agreed on (RFC 1661 section
 * 6.5 and 6.6 allow it to be understood always). 0 or -EBADMSG.
 */
int ppp_frame_read(struct str frame, uint16_t *ret_protocol, struct str *ret_payload) WARN_UNUSED;
void ppp_frame_write(struct enc *e, uint16_t protocol);

/* RFC 1990 section 4.1, with numbers of 24 bits: the short ones come only to who asks for them. */
struct ppp_fragment {
	bool first, last;
	uint32_t number;
	struct str data;
};

/* The payload of PPP_MP. 0 or -EBADMSG. */
int ppp_fragment_read(struct str payload, struct ppp_fragment *ret) WARN_UNUSED;
/* The head, after which the data is written. */
void ppp_fragment_write(struct enc *e, bool first, bool last, uint32_t number);

struct ppp_packet {
	uint8_t code, id;
	struct str data;               /* padding cut off */
};

int ppp_packet_read(struct str payload, struct ppp_packet *ret) WARN_UNUSED;
/* Frame and packet head; ppp_packet_end() fills in the length: the whole frame's, or 0 when it did not fit. */
void ppp_packet_begin(struct enc *e, uint16_t protocol, uint8_t code, uint8_t id);
size_t ppp_packet_end(struct enc *e);

struct ppp_option {
	uint8_t type;
	struct str value;
	struct str whole;              /* type and length too */
};

/* 1, 0 at the end, -EBADMSG. */
int ppp_option_next(struct cur *c, struct ppp_option *ret) WARN_UNUSED;
void ppp_option_put(struct enc *e, uint8_t type, struct str value);
void ppp_option_put16(struct enc *e, uint8_t type, uint16_t v);
void ppp_option_put32(struct enc *e, uint8_t type, uint32_t v);

/* Challenge and Response: a value with its length, and a name. */
int chap_value_read(struct str data, struct str *ret_value, struct str *ret_name) WARN_UNUSED;
void chap_value_write(struct enc *e, struct str value, struct str name);
/* Response of CHAP with MD5: RFC 1994 section 4.1. */
void chap_md5(uint8_t id, struct str secret, struct str challenge, uint8_t ret[16]);

int pap_request_read(struct str data, struct str *ret_user, struct str *ret_password) WARN_UNUSED;
void pap_request_write(struct enc *e, struct str user, struct str password);
/* The message of an Ack or Nak, empty when there is none. */
struct str pap_message(struct str data);
void pap_message_write(struct enc *e, struct str text);

const char *ppp_protocol_name(uint16_t protocol);
const char *ppp_code_name(uint8_t code);

#endif
