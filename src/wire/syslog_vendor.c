/*
 * Heads that are no RFC 3164 although they come the same way: Cisco IOS, Nexus, ASA; Huawei;
 * MikroTik RouterOS; UniFi. Each must prove itself by a mnemonic or a known topic, so that ordinary
 * messages are never taken for one.
 */
#include "wire/syslog_part.h"

#define CISCO_PIECES_MAX 8
#define CISCO_WORDS_MAX 2
#define CISCO_LOOK_MAX 160
#define UNIFI_MAX 96

/*
 * "%SEC-6-IPACCESSLOGP", "%ASA-session-6-302013", "%%01SHELL/5/LOGIN": bytes, and the severity
 * digit in it.
 */
static size_t
mnemonic(struct str s, int8_t *ret_severity)
{
	size_t i = 1, dashes = 0;
	int severity = -1;
	if (i < s.n && s.p[i] == '%')
		for (i++; i < s.n && i < 5 && stamp_digit(s.p[i]);)
			i++;
	size_t start = i;
	for (; i < s.n && i < 96; i++) {
		char c = s.p[i];
		if (c == '-' || (c == '/' && start > 1)) {
			dashes++;
			if (i > start && i + 2 < s.n && s.p[i + 1] >= '0' && s.p[i + 1] <= '7' &&
			    s.p[i + 2] == c)
				severity = s.p[i + 1] - '0';
		} else if (!byte_is(c, BYTE_UPPER) && !(dashes && byte_is(c, BYTE_ALNUM))) {
			break;
		}
	}
	if (severity < 0 || i >= s.n || i == start)
		return 0;
	*ret_severity = (int8_t)severity;
	return i;
}

/* Behind the mnemonic: Huawei's "(l)[12]", blanks, a colon. */
static bool
mnemonic_ends(struct str s, size_t at)
{
	if (at < s.n && s.p[at] == '(') {
		size_t close = str_find_byte(str_head(str_from(s, at), 8), ')');
		at += close < 8 ? close + 1 : 0;
	}
	if (at < s.n && s.p[at] == '[') {
		size_t close = str_find_byte(str_head(str_from(s, at), 16), ']');
		at += close < 16 ? close + 1 : 0;
	}
	at = skip_blanks(s, at);
	return at < s.n && s.p[at] == ':';
}

/* "5w6d:" "1d02h:" "00:12:34:" "1y3w:": how long the box is up. */
static size_t
uptime_word(struct str s)
{
	size_t i = 0;
	while (
	    i < s.n && i < 16 && (stamp_digit(s.p[i]) || strchr("ywdhms", s.p[i]) || s.p[i] == ':'))
		i++;
	return i >= 4 && s.p[i - 1] == ':' && stamp_digit(*s.p) && i < s.n && s.p[i] == ' ' ? i : 0;
}

/* IOS XR: "RP/0/RSP0/CPU0:", with the stamp right behind it. */
static size_t
xr_node(struct str s)
{
	size_t slash = str_find_byte(str_head(s, 4), '/');
	size_t colon = str_find_byte(str_head(s, 32), ':');
	bool node = slash < 4 && colon > 4 && colon < 32 && colon < s.n &&
	    str_eq(str_of(s.p + colon - 4, 3), STR("CPU"));
	return node ? colon + 1 : 0;
}

static size_t
cisco_piece(struct str s, struct syslog_head *h, int *io_words)
{
	struct stamp st;
	size_t i = 0, n;
	if (*s.p == ':' && s.n > 1)
		return 1;
	while (i < s.n && stamp_digit(s.p[i]))
		i++;
	if (i && i < 12 && i + 1 < s.n && s.p[i] == ':' && s.p[i + 1] == ' ')
		return i + 1;
	if ((n = uptime_word(s)) != 0 || (n = xr_node(s)) != 0)
		return n;
	if ((n = stamp_parse(s, &st)) != 0 && st.trust == STAMP_STRONG) {
		if (h->stamp.form == STAMP_NONE)
			h->stamp = st;
		return n;
	}
	for (n = 0; n < s.n && n < 64 && byte_is(s.p[n], BYTE_HOST | BYTE_ALNUM);)
		n++;
	if (n < 1 || n >= s.n || s.p[n] != ' ')
		return 0;
	struct str word = str_head(s, n);
	/*
	 * "router:" names the box, "exec[123]:" a part of it. More words are prose, and what is
	 * behind a pid is the mnemonic or a daemon's own message: it may quote a stranger.
	 */
	bool process = word.n > 2 && str_ends(word, STR("]:"));
	if (++*io_words > CISCO_WORDS_MAX || (process && s.p[skip_blanks(s, n)] != '%'))
		return 0;
	if (word.p[n - 1] == ':' && word.n > 1)
		word.n--;
	if (!h->host.n && str_find_byte(word, '[') == word.n)
		h->host = word;
	return n;
}

bool
syslog_cisco(struct str s, struct syslog_head *h)
{
	struct syslog_head try = *h;
	int words = 0;
	size_t sign = str_find_byte(str_head(s, CISCO_LOOK_MAX), '%');
	if (sign >= s.n || sign >= CISCO_LOOK_MAX)
		return false;
	for (int i = 0; i < CISCO_PIECES_MAX && s.n; i++) {
		s = str_from(s, skip_blanks(s, 0));
		if (s.n && *s.p == '%') {
			int8_t severity;
			size_t n = mnemonic(s, &severity);
			if (!n || !mnemonic_ends(s, n))
				return false;
			try.form = SYSLOG_CISCO;
			try.program = str_head(s, n);
			try.severity = try.has_pri ? try.severity : severity;
			try.message = s;
			*h = try;
			return true;
		}
		size_t n = s.n ? cisco_piece(s, &try, &words) : 0;
		if (!n)
			return false;
		s = str_from(s, n);
	}
	return false;
}

/* What RouterOS's log can begin with; the severities come behind. */
static const char *const topics[] = {
	"account", "async", "backup", "bfd", "bgp", "bridge", "calc", "caps", "certificate",
	"critical", "container", "ddns", "debug", "dhcp", "dns", "dot1x", "dude", "e-mail", "error",
	"event", "fetch", "firewall", "gps", "gsm", "health", "hotspot", "igmp-proxy", "info",
	"interface", "ipsec", "iscsi", "isdn", "kvm", "l2tp", "ldp", "lora", "lte", "manager",
	"mme", "mpls", "mqtt", "mvrp", "netinstall", "netwatch", "ntp", "ospf", "ovpn", "packet",
	"pim", "poe-out", "ppp", "pppoe", "pptp", "queue", "radius", "radvd", "raw", "read", "rip",
	"route", "rpki", "rsvp", "script", "sertcp", "simulator", "smb", "snmp", "ssh", "sstp",
	"state", "store", "stp", "system", "telephony", "tftp", "timer", "tr069", "update", "ups",
	"upnp", "vpls", "vrrp", "warning", "watchdog", "web-proxy", "wireguard", "wireless", "wifi",
	"write", "zerotier",
};

static bool
known_topic(struct str word)
{
	for (size_t i = 0; i < ARRAY_LEN(topics); i++)
		if (topics[i][0] == *word.p && str_eq(word, str_z(topics[i])))
			return true;
	return false;
}

static int8_t
topic_severity(struct str topic)
{
	static const struct { const char *name; int8_t value; } severities[] = {
		{ "critical", 2 }, { "error", 3 }, { "warning", 4 }, { "info", 6 }, { "debug", 7 },
	};
	for (size_t i = 0; i < ARRAY_LEN(severities); i++)
		if (str_eq(topic, str_z(severities[i].name)))
			return severities[i].value;
	return -1;
}

bool
syslog_routeros(struct str s, struct syslog_head *h)
{
	size_t n = 0, commas = 0;
	for (; n < s.n && n < 96; n++) {
		if (s.p[n] == ',')
			commas++;
		else if (!(s.p[n] >= 'a' && s.p[n] <= 'z') && !stamp_digit(s.p[n]) &&
		    s.p[n] != '-' && s.p[n] != '!')
			break;
	}
	if (!commas || n >= s.n || s.p[n] != ' ')
		return false;
	struct str rest = str_head(s, n), topic;
	int8_t severity = -1;
	while (str_split(&rest, ',', &topic)) {
		if (!topic.n || !known_topic(*topic.p == '!' ? str_from(topic, 1) : topic))
			return false;
		if (severity < 0)
			severity = topic_severity(topic);
	}
	h->form = SYSLOG_ROUTEROS;
	h->program = h->data = str_head(s, n);
	h->severity = h->has_pri ? h->severity : severity;
	h->message = s;
	return true;
}

static bool
link_address(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!stamp_digit(s.p[i]) && !((s.p[i] | 0x20) >= 'a' && (s.p[i] | 0x20) <= 'f'))
			return false;
	return s.n == 12;
}

/* "v4.3.28": without a link address only the version proves that a list of words is a head. */
static bool
version_word(struct str s)
{
	return s.n > 3 && *s.p == 'v' && stamp_digit(s.p[1]) && str_find_byte(s, '.') < s.n;
}

size_t
syslog_unifi(struct str s, struct str *ret_name)
{
	bool quoted = str_starts(s, STR("(\""));
	size_t n = quoted ? 2 : 0, start = n;
	while (n < s.n && n < UNIFI_MAX && (byte_is(s.p[n], BYTE_TAG) || s.p[n] == ','))
		n++;
	struct str rest = str_of(s.p + start, n - start), first, second;
	if (quoted && !str_starts(str_from(s, n), STR("\")")))
		return 0;
	n += quoted ? 2 : 0;
	n += n < s.n && s.p[n] == ':';
	if (n >= s.n || !byte_is(s.p[n], BYTE_BLANK) || !str_split(&rest, ',', &first) ||
	    !str_split(&rest, ',', &second))
		return 0;
	if (!link_address(first) && !link_address(second) && !version_word(rest))
		return 0;
	*ret_name = link_address(first) ? STR_NULL : first;
	return skip_blanks(s, n);
}
