/* masked: the text of a configuration as it may be shown: its passwords are not in it. */
#ifndef GUARITA_CONSOLE_MASKED_H
#define GUARITA_CONSOLE_MASKED_H

#include "conf/config.h"

/*
 * Adds the text with every password of the configuration replaced. What stands there instead tells whether two are the
 * same, while this process runs: a changed password is seen as a change.
 */
void masked_text(const struct config *c, struct str text, struct buf *out);

#endif
