/*
 * fallback: when the way past a proxy is open. Probes in, a decision out: so many failures in a
 * row open it, so long a time without one closes it again. Pure: times are handed in.
 */
#ifndef GUARITA_GATE_FALLBACK_H
#define GUARITA_GATE_FALLBACK_H

#include "base/buf.h"
#include "conf/config_gate.h"

struct fallback {
	const struct conf_fallback *conf;
	bool open;
	int64_t fails;                 /* in a row */
	int64_t well_since_us;         /* monotonic, of the first good probe since the last failure; 0: none */
	uint64_t probes, failed, changes;
};

/* `open`: as the kernel has it now. */
void fallback_begin(struct fallback *f, const struct conf_fallback *c, bool open);
/* The result of a probe. True when `open` changed. */
bool fallback_note(struct fallback *f, bool good, int64_t now_us);
/* An answer's first bytes: does it say that the proxy serves? False also while too few are there. */
bool fallback_answer_good(struct str bytes);
/* The request that asks for the url through the proxy. */
void fallback_request(const struct conf_fallback *c, struct buf *out);

#endif
