/* query_private: what the files of the query share. */
#ifndef GUARITA_VAULT_QUERY_PRIVATE_H
#define GUARITA_VAULT_QUERY_PRIVATE_H

#include "vault/query.h"

struct hs_scratch;

struct query_scratch {
	struct hs_scratch *hs;
};

#endif
