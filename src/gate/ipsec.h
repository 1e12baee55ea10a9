/*
 * ipsec: what strongSwan is told, and what it answers: the key, a connection for all who dial in, one for each headquarters,
 * and then to raise those that we dial. One question at a time; events come between. Bytes in, bytes out; sentences for
 * people by a hook.
 */
#ifndef GUARITA_GATE_IPSEC_H
#define GUARITA_GATE_IPSEC_H

#include "conf/config_vpn.h"
#include "wire/vici.h"

#define IPSEC_REQID 1701               /* of every protected tunnel: the VPN's socket asks the kernel for it */
#define IPSEC_AGAIN_US INT64_C(10000000)       /* a headquarters that is not reached is tried again after so long */

enum ipsec_say { IPSEC_GOOD, IPSEC_BAD };

struct ipsec_link {                    /* a headquarters */
	const struct conf_vpn_headquarters *conf;
	char name[32];                 /* of its connection */
	bool up;
	int64_t tried_us;
	unsigned tries;
};

struct ipsec {
	const struct conf_vpn *conf;
	bool marks;                    /* the kernel tells associations apart for us: many may dial in through one address */
	struct str key;                /* the private key's file, as it is; empty with a shared key */
	void (*say)(void *ctx, enum ipsec_say how, const char *sentence);
	void *ctx;
	struct ipsec_link links[CONF_VPN_HEADQUARTERS_MAX];
	uint32_t nlinks;
	unsigned step;                 /* the question that waits for its answer */
	uint32_t link;                 /* that it is about */
	bool ready;                    /* everything is loaded */
	char version[48];              /* of the daemon */
	uint32_t up, refused;          /* protected tunnels now; questions that were refused */
	uint64_t events;
};

void ipsec_open(struct ipsec *i, const struct conf_vpn *conf, bool marks, struct str key, void (*say)(void *ctx, enum ipsec_say how,
    const char *sentence), void *ctx);
/* A new connection with the daemon: what was known is forgotten, the first question goes to out. */
void ipsec_begin(struct ipsec *i, struct buf *out);
/* A packet came: 0, with the next question in out if there is one, or -EBADMSG. */
int ipsec_input(struct ipsec *i, struct str packet, struct buf *out) WARN_UNUSED;
/* Once a second: whoever is not reached is tried again. */
void ipsec_tick(struct ipsec *i, int64_t now_us, struct buf *out);

#endif
