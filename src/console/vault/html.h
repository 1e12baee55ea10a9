/* html: a proof as one page that checks itself in any browser, without a network. */
#ifndef GUARITA_CONSOLE_VAULT_HTML_H
#define GUARITA_CONSOLE_VAULT_HTML_H

#include "base/buf.h"

/* proof: a checked tlog-proof; identity: the text of the vault's. */
void vault_html(struct str proof, struct str identity, struct buf *out);
/* The proof inside such a page; anything else is given back as it is. */
struct str vault_html_proof(struct str text);

#endif
