/* repeat: the two ways in which syslog daemons say that a message came again. */
#ifndef GUARITA_EVENT_REPEAT_H
#define GUARITA_EVENT_REPEAT_H

#include "event/record.h"

#define REPEAT_MAX 100000u /* higher counts are taken as this: one line must not become a flood */

enum repeat_form {
	REPEAT_NONE,
	/*
	 * "last message repeated 3 times": the message before, of the same host, came r->repeat
	 * more times; this record has no text of its own.
	 */
	REPEAT_PREVIOUS,
	/* "message repeated 3 times: [ text]": r->message is now the text, r->repeat how often. */
	REPEAT_INNER,
};

/*
 * Looks at r->message (after lens_read(), before decode()); sets r->repeat and, for REPEAT_INNER,
 * r->message.
 */
enum repeat_form repeat_read(struct record *r);

#endif
