/*
 * frame: lines out of a stream of bytes: RFC 6587 octet counting and lines ended by LF, or entries of the journal's
 * export format. Pure; keeps nothing but a few bytes of state, the caller keeps what is not yet whole.
 */
#ifndef GUARITA_ROLE_FRAME_H
#define GUARITA_ROLE_FRAME_H

#include "base/str.h"

enum frame_mode {
	FRAME_AUTO,                /* octet counting when a frame begins like "123 <", else lines */
	FRAME_OCTET,
	FRAME_LINE,
	FRAME_JOURNAL,             /* up to an empty line, binary fields respected */
};

struct framer {
	enum frame_mode mode;
	size_t max;                /* longer ones are cut there */
	bool skipping;             /* in the rest of a line that was cut */
	uint64_t skip;             /* bytes left of an octet-counted frame that was cut */
	uint64_t cut;              /* lines cut so far */
};

#define FRAME_DIGITS_MAX 8

/*
 * Takes the next line off *rest: 1 and *ret_line (without its LF, CR LF or count), 0 when more bytes are needed, or
 * -EBADMSG: not counted as it should be, the stream cannot be understood any more.
 */
int frame_next(struct framer *f, struct str *rest, struct str *ret_line) WARN_UNUSED;
/* At the end of the stream: what is left is a line, if it is one at all. */
bool frame_last(struct framer *f, struct str rest, struct str *ret_line);

#endif
