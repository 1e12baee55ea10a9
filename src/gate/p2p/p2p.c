/*
 * p2p: rows of protocols and what makes their first payload certain. Must never read past a payload, keep a
 * pointer into one, or guess: each row says what else has to fit besides its magic.
 */
#include "gate/p2p/p2p.h"

#include "base/cur.h"

static const char *const names[P2P_CLASSES] = {
	[P2P_NONE] = "none",
	[P2P_BITTORRENT] = "bittorrent",
	[P2P_UTP] = "bittorrent-utp",
	[P2P_DHT] = "bittorrent-dht",
	[P2P_TRACKER] = "bittorrent-tracker",
	[P2P_LOCAL] = "bittorrent-local",
	[P2P_EDONKEY] = "edonkey",
	[P2P_KAD] = "kad",
	[P2P_GNUTELLA] = "gnutella",
	[P2P_DIRECTCONNECT] = "directconnect",
};

static uint8_t
byte_at(struct str s, size_t i)
{
	return i < s.n ? (uint8_t)s.p[i] : 0;
}

static bool
has(struct str s, struct str needle)
{
	return str_find(s, needle) < s.n;
}

/* TCP. */

/* BEP 3: nineteen, "BitTorrent protocol"; the rest of the 68 bytes may come in another segment. */
static bool
is_handshake(struct str s)
{
	return str_starts(s, STR("\x13" "BitTorrent protocol"));
}

static struct str
first_line(struct str s)
{
	return str_head(s, str_find_byte(s, '\n'));
}

/* An announce names the torrent and the peer; "announce" alone is a word like any other. */
static bool
is_http_tracker(struct str s)
{
	struct str line = first_line(s);

	if (!str_starts(s, STR("GET /")))
		return false;
	if (has(line, STR("/scrape?info_hash=")))
		return true;
	return has(line, STR("info_hash=")) && has(line, STR("peer_id=")) && has(line, STR("port="));
}

/* A count of tags, little-endian: nobody sends more than a few dozen. */
static bool
few_tags(struct str s, size_t at)
{
	struct cur c = cur_of(str_from(s, at));
	uint32_t tags = cur_u32le(&c);

	return cur_ok(&c) && tags < 64;
}

/*
 * eDonkey over TCP: marker, length (little-endian) of what follows, opcode. A client's hello carries the size of
 * its hash (16), a server's login does not; both end in tags whose count is small.
 */
static bool
is_edonkey_tcp(struct str s)
{
	struct cur c = cur_of(s);
	uint8_t marker = cur_u8(&c);
	uint32_t length = cur_u32le(&c);
	uint8_t opcode = cur_u8(&c);
	size_t whole = 5 + (size_t)length;

	if (!cur_ok(&c) || marker != 0xe3 || length < 27 || length > 4096)
		return false;
	/* The whole message, perhaps with the head of the next one. */
	if (s.n < whole || (s.n > whole && (uint8_t)s.p[whole] != 0xe3 && (uint8_t)s.p[whole] != 0xc5))
		return false;
	if (opcode == 0x01 && byte_at(s, 6) == 0x10)
		return few_tags(s, 29);
	return (opcode == 0x01 || opcode == 0x4c) && few_tags(s, 28);
}

static bool
is_gnutella_tcp(struct str s)
{
	struct str line = first_line(s);

	return str_starts(s, STR("GNUTELLA CONNECT/")) || str_starts(s, STR("GNUTELLA/0.")) ||
	    str_starts(s, STR("GET /uri-res/N2R?urn:sha1:")) ||
	    str_starts(s, STR("HEAD /uri-res/N2R?urn:sha1:")) ||
	    (str_starts(s, STR("GIV ")) && str_find_byte(line, ':') < 14 && line.n >= 38);
}

/* NMDC: the hub's lock or a client's name, ended by a bar; ADC: the supported features. */
static bool
is_directconnect(struct str s)
{
	bool bar = str_find_byte(s, '|') < s.n;

	if (str_starts(s, STR("$Lock ")))
		return bar && has(s, STR(" Pk="));
	if (str_starts(s, STR("$MyNick ")))
		return bar && has(s, STR("|$Lock "));
	return str_starts(s, STR("HSUP ADBAS")) || str_starts(s, STR("CSUP ADBAS")) ||
	    str_starts(s, STR("HSUP ADBASE")) || str_starts(s, STR("ISUP ADBAS"));
}

/* UDP. */

/* BEP 5: a bencoded dictionary with a node's id of twenty bytes and its kind: query, answer or error. */
static bool
is_dht(struct str s)
{
	if (s.n < 20 || s.p[0] != 'd' || s.p[s.n - 1] != 'e' || byte_at(s, 1) < '1' || byte_at(s, 1) > '9')
		return false;
	if (str_starts(s, STR("d1:eli")))
		return has(s, STR("1:y1:e"));
	return has(s, STR("2:id20:")) && (has(s, STR("1:y1:q")) || has(s, STR("1:y1:r")));
}

/* BEP 15: connect request: magic number, action 0, transaction. */
static bool
is_udp_tracker(struct str s)
{
	return s.n == 16 && memcmp(s.p, "\0\0\x04\x17\x27\x10\x19\x80\0\0\0\0", 12) == 0;
}

static bool
is_local_discovery(struct str s)
{
	return str_starts(s, STR("BT-SEARCH * HTTP/1.")) && has(s, STR("nfohash:"));
}

/*
 * Kad: marker, opcode, and a length that belongs to the opcode. With lists the length follows from their count.
 * Datagrams of two bytes are not taken for certain: the other side must answer in kind.
 */
static bool
is_kad(struct str s)
{
	uint8_t opcode = byte_at(s, 1);

	if (s.n < 2 || (uint8_t)s.p[0] != 0xe4)
		return false;
	switch (opcode) {
	case 0x09: /* bootstrap answer: id, port, version, contacts of 25 */
		return s.n >= 23 && s.n == 23 + 25 * (size_t)(byte_at(s, 21) | byte_at(s, 22) << 8);
	case 0x11: /* hello and its answer: id, port, version, tags */
	case 0x19:
		return s.n >= 22 && byte_at(s, 20) >= 1 && byte_at(s, 20) < 16 && byte_at(s, 21) < 8 &&
		    s.n <= 22 + 32 * (size_t)byte_at(s, 21) && s.n >= 22 + 3 * (size_t)byte_at(s, 21);
	case 0x21: /* look-up: how many, target, receiver */
		return s.n == 35 && (byte_at(s, 2) == 2 || byte_at(s, 2) == 4 || byte_at(s, 2) == 11);
	case 0x29: /* its answer: target, contacts of 25 */
		return s.n >= 19 && byte_at(s, 18) > 0 && s.n == 19 + 25 * (size_t)byte_at(s, 18);
	default:
		return false;
	}
}

/* The pairs of short datagrams that make sense only together: question, answer, the answer's length. */
static const struct {
	uint8_t marker, question, answer;
	uint16_t question_n, answer_min;
	enum p2p_class is;
} pairs[] = {
	{ 0xe4, 0x01, 0x09, 2, 23, P2P_KAD },          /* bootstrap */
	{ 0xe4, 0x60, 0x61, 2, 4, P2P_KAD },           /* ping */
	{ 0xe3, 0x96, 0x97, 6, 14, P2P_EDONKEY },      /* state of a server */
	{ 0xe3, 0xa2, 0xa3, 2, 6, P2P_EDONKEY },       /* its description */
	{ 0xe3, 0x9a, 0x9b, 18, 25, P2P_EDONKEY },     /* sources of a file */
	{ 0xc5, 0x90, 0x91, 18, 4, P2P_EDONKEY },      /* asking again */
	{ 0xc5, 0x90, 0x92, 18, 2, P2P_EDONKEY },
};

static enum p2p_class
look_pair(struct p2p_flow *f, bool reply, struct str s)
{
	uint8_t marker = byte_at(s, 0), opcode = byte_at(s, 1);

	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		if (pairs[i].marker != marker || s.n < 2)
			continue;
		if (f->hint == pairs[i].is && f->opcode == pairs[i].question && f->hint_reply != reply &&
		    opcode == pairs[i].answer && s.n >= pairs[i].answer_min)
			return pairs[i].is;
		if (opcode == pairs[i].question && s.n == pairs[i].question_n) {
			f->hint = (uint8_t)pairs[i].is;
			f->opcode = opcode;
			f->hint_reply = reply;
		}
	}
	return P2P_NONE;
}

/* Gnutella over UDP: 23 bytes of head whose length fits, a version in the identifier, known type; or "GND". */
static bool
is_gnutella_udp(struct str s)
{
	uint8_t type = byte_at(s, 16);

	if (str_starts(s, STR("GND")))
		return s.n > 8 && byte_at(s, 3) < 4 && byte_at(s, 7) > 0 && byte_at(s, 6) > 0 &&
		    byte_at(s, 6) <= byte_at(s, 7);
	if (s.n < 23 || byte_at(s, 8) != 0xff || byte_at(s, 15) != 0)
		return false;
	struct cur c = cur_of(str_from(s, 19));
	return cur_u32le(&c) == s.n - 23 && byte_at(s, 17) + byte_at(s, 18) <= 8 &&
	    (type == 0x00 || type == 0x01 || type == 0x31 || type == 0x32 || type == 0x80 || type == 0x81);
}

/* uTP. */

enum { UTP_STATE = 2, UTP_RESET = 3, UTP_SYN = 4 };

struct utp {
	uint8_t type, extension;
	uint16_t id, seq, ack;
	uint32_t difference, window;
};

/* BEP 29: twenty bytes, then extensions as a chain of next type, length, bytes; a SYN has no payload. */
static bool
utp_parse(struct str s, struct utp *ret)
{
	struct cur c = cur_of(s);
	uint8_t first = cur_u8(&c);

	*ret = (struct utp){ .type = first >> 4, .extension = cur_u8(&c), .id = cur_u16(&c) };
	(void)cur_u32(&c);
	ret->difference = cur_u32(&c);
	ret->window = cur_u32(&c);
	ret->seq = cur_u16(&c);
	ret->ack = cur_u16(&c);
	for (uint8_t next = ret->extension; next != 0 && cur_ok(&c);) {
		if (next > 4)
			return false;
		next = cur_u8(&c);
		(void)cur_bytes(&c, cur_u8(&c));
	}
	return cur_done(&c) && (first & 0x0f) == 1;
}

/* The opening alone is twenty plain bytes; its answer must name the same connection and the same number. */
static enum p2p_class
look_utp(struct p2p_flow *f, bool reply, struct str s)
{
	struct utp u;

	if (!utp_parse(s, &u))
		return P2P_NONE;
	if (u.type == UTP_SYN && u.ack == 0 && u.difference == 0) {
		f->hint = P2P_UTP;
		f->hint_reply = reply;
		f->utp_id = u.id;
		f->utp_seq = u.seq;
	} else if (u.type == UTP_STATE && f->hint == P2P_UTP && f->hint_reply != reply && u.id == f->utp_id &&
	    u.ack == f->utp_seq) {
		return P2P_UTP;
	}
	return P2P_NONE;
}

/* Rows. */

static const struct row {
	enum p2p_proto proto;
	enum p2p_class is;
	bool (*fits)(struct str payload);
} rows[] = {
	{ P2P_TCP, P2P_BITTORRENT, is_handshake },
	{ P2P_TCP, P2P_TRACKER, is_http_tracker },
	{ P2P_TCP, P2P_EDONKEY, is_edonkey_tcp },
	{ P2P_TCP, P2P_GNUTELLA, is_gnutella_tcp },
	{ P2P_TCP, P2P_DIRECTCONNECT, is_directconnect },
	{ P2P_UDP, P2P_DHT, is_dht },
	{ P2P_UDP, P2P_TRACKER, is_udp_tracker },
	{ P2P_UDP, P2P_LOCAL, is_local_discovery },
	{ P2P_UDP, P2P_KAD, is_kad },
	{ P2P_UDP, P2P_GNUTELLA, is_gnutella_udp },
};

enum p2p_class
p2p_look(struct p2p_flow *f, enum p2p_proto proto, bool reply, struct str payload)
{
	enum p2p_class found = P2P_NONE;

	if (payload.n == 0 || p2p_done(f))
		return P2P_NONE;
	f->packets++;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (rows[i].proto == proto && rows[i].fits(payload))
			return rows[i].is;
	}
	if (proto == P2P_UDP)
		found = look_pair(f, reply, payload);
	if (proto == P2P_UDP && found == P2P_NONE)
		found = look_utp(f, reply, payload);
	return found;
}

bool
p2p_done(const struct p2p_flow *f)
{
	return f->packets >= P2P_PACKETS_MAX;
}

const char *
p2p_name(enum p2p_class c)
{
	return names[c];
}
