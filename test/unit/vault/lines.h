/* lines: log lines of many templates for the tests of the store, the same for the same seed. Never read from a file. */
#ifndef GUARITA_TEST_VAULT_LINES_H
#define GUARITA_TEST_VAULT_LINES_H

#include "../base/prng.h"
#include "base/buf.h"

static inline void
lines_make(uint64_t *seed, struct buf *out)
{
	static const char *const users[] = { "root", "ana", "Bruno", "o'hara", "user17", "caf\xc3\xa9" };
	static const char *const rare[] = { "", " ", "\x1b]0;x\x07", "one of its kind", "2001:db8::1 up", "=%s%n", "a,b,,c" };
	unsigned day = 1 + (unsigned)prng_below(seed, 28), second = (unsigned)prng_below(seed, 86400);
	unsigned a = (unsigned)prng_below(seed, 40), port = (unsigned)prng_below(seed, 65536);
	const char *user = users[prng_below(seed, 6)];

	switch (prng_below(seed, 8)) {
	case 0:
	case 1:
		buf_addf(out, "<38>1 2026-11-%02uT%02u:%02u:%02u.%06uZ gw%u sshd %u - - Failed password for %s from 203.0.113.%u port %u ssh2", day,
		    second / 3600, second / 60 % 60, second % 60, port * 7, a % 3, 100 + a, user, a, port);
		break;
	case 2:
		buf_addf(out, "Nov %2u %02u:%02u:%02u gw%u sshd[%u]: Accepted publickey for %s from 2001:db8::%x port %u", day, second / 3600,
		    second / 60 % 60, second % 60, a % 3, 100 + a, user, a, port);
		break;
	case 3:
		buf_addf(out, "198.51.100.%u - - [%02u/Nov/2026:%02u:%02u:%02u +0000] \"GET /item/%u?q=%s HTTP/1.1\" 200 %u", a, day,
		    second / 3600, second / 60 % 60, second % 60, port, user, port * 3);
		break;
	case 4:
		buf_addf(out, "kernel: IN=eth%u MAC=52:54:00:00:01:%02x:00:1b:21:aa:bb:%02x:08:00 SRC=10.0.%u.%u ID=%u", a % 2, a, a / 2, a,
		    port % 256, port);
		break;
	case 5:
		buf_addf(out, "%08X%02X: to=<%s@example.%s>, delay=0.%02u, id=550e8400-e29b-41d4-a716-%012llx", port * 977, a, user,
		    a % 2 ? "org" : "net", a, (unsigned long long)prng_next(seed) >> 16);
		break;
	case 6:
		buf_addf(out, "line %u of %u", port, a);
		break;
	default:
		buf_add(out, str_z(rare[prng_below(seed, 7)]));
		if (a == 0) {
			for (unsigned i = 0; i < 3000; i++)
				buf_addf(out, "%u.", i);
		}
	}
}

#endif
