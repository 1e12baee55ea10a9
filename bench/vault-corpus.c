/*
 * bench/vault-corpus: writes a log of the edge of a company, as syslog of RFC 5424, the same for the same seed:
 *
 *     vault-corpus LINES [SEED] > corpus.log
 *
 * 34 % dropped packets of nftables, 22 % squid, 16 % named, 14 % sshd, the rest dhcpd, pppd, cron and postfix. Ports,
 * addresses, sizes and ids are random on purpose: real logs repeat themselves far more, so what is measured here is a
 * lower bound. About 200 bytes a line.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/when.h"

static uint64_t
next(uint64_t *s)
{
	uint64_t z = *s += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

static unsigned
below(uint64_t *s, unsigned n)
{
	return (unsigned)(next(s) >> 32) % n;
}

/* Few are met often, many seldom: the larger of the distances that chance draws is thrown away, thrice. */
static unsigned
skewed(uint64_t *s, unsigned n)
{
	uint64_t x = below(s, n);

	return (unsigned)(x * below(s, n) / n * below(s, n) / n);
}

static const char *const hosts[] = { "fw-matriz", "fw-filial1", "fw-filial2", "fw-filial3", "px-matriz", "ns1", "ns2", "mx1", "vpn1", "srv-erp" };
static const char *const users[] = { "root", "ana", "bruno", "carla", "daniel", "elisa", "fabio", "gustavo", "helena", "igor", "julia",
	"karina", "leo", "marcos", "nadia", "otavio", "paula", "rafael", "sandra", "tiago", "admin", "test", "oracle", "backup", "deploy" };
static const char *const names[] = { "update", "cdn", "api", "static", "mail", "www", "img", "login", "telemetry", "sync", "files", "app" };
static const char *const tlds[] = { "com", "net", "org", "com.br", "io" };

struct text {
	char p[1024];
	size_t n;
};

#define ADD(t, ...) ((t)->n += (size_t)snprintf((t)->p + (t)->n, sizeof((t)->p) - (t)->n, __VA_ARGS__))

static void
add_outside(struct text *t, uint64_t *s)
{
	unsigned a = below(s, 3) ? 20000 + skewed(s, 40000) : (unsigned)next(s);

	ADD(t, "%u.%u.%u.%u", 11 + a % 199, a / 199 % 256, (a * 2654435761u) >> 24, (a * 40503u) >> 8 & 255);
}

static void
add_inside(struct text *t, uint64_t *s)
{
	ADD(t, "192.168.%u.%u", 10 + below(s, 4), 2 + skewed(s, 250));
}

static void
add_domain(struct text *t, uint64_t *s)
{
	unsigned d = skewed(s, 8000);

	ADD(t, "%s.site%u.%s", names[below(s, 12)], d * 7919 % 100000, tlds[d % 5]);
}

static const char *
drop(struct text *t, uint64_t *s)
{
	static const char *const out[] = { "ppp0", "eth1", "wan0" };
	bool udp = below(s, 4) == 0;

	ADD(t, "nft-drop IN=%s OUT= MAC=52:54:00:%02x:%02x:%02x:00:1b:21:%02x:%02x:%02x:08:00 SRC=", out[below(s, 3)], 1, 2, 3,
	    below(s, 4), below(s, 4), below(s, 8));
	add_outside(t, s);
	ADD(t, " DST=203.0.113.%u LEN=%u TOS=0x00 PREC=0x00 TTL=%u ID=%u %sPROTO=%s SPT=%u DPT=%u %s", below(s, 16),
	    40 + below(s, 1400), 40 + below(s, 90), below(s, 65536), udp ? "" : "DF ", udp ? "UDP" : "TCP", 1024 + below(s, 64512),
	    below(s, 3) ? (unsigned[]){ 22, 23, 80, 443, 445, 3389, 5060, 8080 }[below(s, 8)] : below(s, 65536), udp ? "LEN=" : "WINDOW=");
	ADD(t, "%u%s", udp ? 20 + below(s, 500) : below(s, 65536), udp ? "" : " RES=0x00 SYN URGP=0");
	return "kernel";
}

static const char *
squid(struct text *t, uint64_t *s, int64_t us)
{
	static const char *const codes[] = { "TCP_MISS/200", "TCP_HIT/200", "TCP_TUNNEL/200", "TCP_DENIED/403", "TCP_MISS/304", "TCP_MISS/404" };
	static const char *const types[] = { "text/html", "image/png", "application/json", "application/javascript", "-" };

	ADD(t, "%lld.%03lld %6u ", (long long)(us / WHEN_SECOND), (long long)(us / 1000 % 1000), skewed(s, 60000));
	add_inside(t, s);
	ADD(t, " %s %u GET http://", codes[skewed(s, 6)], below(s, 200000));
	add_domain(t, s);
	ADD(t, "/%s/%u?id=%u %s HIER_DIRECT/", names[below(s, 12)], below(s, 100000), (unsigned)(next(s) >> 40), users[skewed(s, 20)]);
	add_outside(t, s);
	ADD(t, " %s", types[below(s, 5)]);
	return "squid";
}

static const char *
named(struct text *t, uint64_t *s)
{
	struct text d = { 0 };

	add_domain(&d, s);
	ADD(t, "client @0x7f%010llx ", (unsigned long long)(next(s) >> 24 & 0xffffffffff));
	add_inside(t, s);
	ADD(t, "#%u (%s): query: %s IN %s +E(0)K (192.168.10.1)", 1024 + below(s, 64512), d.p, d.p, (const char *[]){ "A", "AAAA", "PTR", "MX" }[skewed(s, 4)]);
	return "named";
}

static const char *
sshd(struct text *t, uint64_t *s)
{
	unsigned what = below(s, 10);
	bool inside = what > 7;

	if (what < 4)
		ADD(t, "Failed password for %s%s from ", what < 2 ? "invalid user " : "", users[below(s, 25)]);
	else if (what < 6)
		ADD(t, "Invalid user %s from ", users[below(s, 25)]);
	else if (what < 8)
		ADD(t, "Connection closed by authenticating user %s ", users[below(s, 25)]);
	else
		ADD(t, "Accepted publickey for %s from ", users[below(s, 25)]);
	if (inside)
		add_inside(t, s);
	else
		add_outside(t, s);
	ADD(t, " port %u%s", 1024 + below(s, 64512), what < 4 ? " ssh2" : what < 8 ? " [preauth]" : " ssh2: ED25519 SHA256:");
	for (int i = 0; inside && i < 43; i++)
		ADD(t, "%c", "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[below(s, 64)]);
	return "sshd";
}

static const char *
rest(struct text *t, uint64_t *s)
{
	unsigned what = below(s, 10);

	if (what < 3) {
		ADD(t, "%s ", what ? "DHCPACK on" : "DHCPREQUEST for");
		add_inside(t, s);
		ADD(t, " %s 3c:22:fb:%02x:%02x:%02x (PC-%04u) via eth0", what ? "to" : "from", below(s, 16), below(s, 256), below(s, 256), below(s, 400));
		return "dhcpd";
	}
	if (what < 4) {
		ADD(t, "remote IP address 10.8.%u.%u", below(s, 4), below(s, 256));
		return "pppd";
	}
	if (what < 6) {
		ADD(t, "(%s) CMD (/usr/local/bin/%s-%s --quiet)", users[below(s, 25)], names[below(s, 12)], names[below(s, 12)]);
		return "CRON";
	}
	ADD(t, "%010llX: to=<%s@", (unsigned long long)(next(s) >> 24), users[below(s, 25)]);
	add_domain(t, s);
	ADD(t, ">, relay=mx.");
	add_domain(t, s);
	ADD(t, "[");
	add_outside(t, s);
	ADD(t, "]:25, delay=%u.%u, delays=%u.%02u/0/%u.%u/%u.%u, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as %010llX)", below(s, 9), below(s, 10),
	    below(s, 2), below(s, 100), below(s, 3), below(s, 10), below(s, 5), below(s, 10), (unsigned long long)(next(s) >> 24));
	return "postfix/smtp";
}

int
main(int argc, char **argv)
{
	uint64_t lines = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000, s = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	int64_t us = INT64_C(1795251600) * WHEN_SECOND;

	for (uint64_t i = 0; i < lines; i++) {
		struct text t = { 0 };
		unsigned kind = below(&s, 100), host;
		const char *program;
		struct civil c;

		us += below(&s, 20000);
		program = kind < 34 ? drop(&t, &s) : kind < 56 ? squid(&t, &s, us) : kind < 72 ? named(&t, &s) : kind < 86 ? sshd(&t, &s) : rest(&t, &s);
		host = kind < 34 ? below(&s, 4) : kind < 56 ? 4 : kind < 72 ? 5 + below(&s, 2) : below(&s, 10);
		when_to_civil(us, &c);
		printf("<%u>1 %04d-%02d-%02dT%02d:%02d:%02d.%06dZ %s %s ", kind < 34 ? 4 : kind < 86 ? 30 : 38, c.year, c.month, c.day, c.hour,
		    c.minute, c.second, c.us, hosts[host], program);
		if (kind < 34)
			printf("- - - %s\n", t.p);
		else
			printf("%u - - %s\n", kind < 72 ? 700 + host * 13 : 1000 + below(&s, 60000), t.p);
	}
	return ferror(stdout) || fflush(stdout) != 0;
}
