/* packet: an evaluator's packet as the bytes that a kernel receives. For the oracle only. */
#ifndef GUARITA_TEST_ORACLE_PACKET_H
#define GUARITA_TEST_ORACLE_PACKET_H

#include "base/buf.h"
#include "gate/eval.h"

#define TAIL 8                         /* bytes at the end that tell packets apart */

/* tcp_flags: of TCP alone; id goes to the last bytes. */
void packet_bytes(const struct eval_packet *p, uint8_t tcp_flags, uint64_t id, struct buf *out);

#endif
