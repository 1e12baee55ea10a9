/* config_hash: see config_file.h. Beside that file, for the sake of those who load configurations and need no libcrypto. */
#include <stdio.h>

#include "console/config_file.h"
#include "vault/digest.h"

void
config_hash(struct str bundle, char dst[65])
{
	struct digest d = digest_of(&bundle, 1);

	for (size_t i = 0; i < DIGEST_BYTES; i++)
		snprintf(dst + 2 * i, 3, "%02x", d.b[i]);
}
