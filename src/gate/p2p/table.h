/*
 * table: the first packets of many connections at once, for the classifier: what is kept of each between its packets,
 * and the scores of our hosts. Pure, of a fixed size: a connection that is pushed out is looked at as a new one.
 */
#ifndef GUARITA_GATE_P2P_TABLE_H
#define GUARITA_GATE_P2P_TABLE_H

#include "conf/value.h"
#include "gate/p2p/score.h"
#include "wire/packet.h"

struct p2p_table;

/* own: networks whose hosts are scored; they must outlive the table. seed: drawn by the role. NULL: no memory. */
struct p2p_table *p2p_table_new(struct conf_cidrs own, uint64_t seed);
void p2p_table_free(struct p2p_table *t);

struct p2p_finding {
	enum p2p_class is;             /* P2P_NONE: nothing, or said before */
	struct p2p_host_state host;    /* of the host of ours, when this packet began its connection */
	struct addr addr;              /* of that host */
};

/* reply: it goes towards the one who began the connection. */
struct p2p_finding p2p_table_packet(struct p2p_table *t, const struct packet *p, bool reply, int64_t now_us);

#endif
