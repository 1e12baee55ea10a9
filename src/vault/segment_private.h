/* segment_private: what writer and reader of a segment agree on. */
#ifndef GUARITA_VAULT_SEGMENT_PRIVATE_H
#define GUARITA_VAULT_SEGMENT_PRIVATE_H

#include "vault/segment.h"

#define SEGMENT_VERSION 1
#define SEGMENT_META_MAX (16u << 20)
#define SEGMENT_MAGIC STR("guarita segment\n")
#define SEGMENT_END STR("GUARSEG1")
#define SEGMENT_TRAILER 48u

#endif
