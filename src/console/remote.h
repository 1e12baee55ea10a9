/* remote: a conversation with the running Guarita over its control socket: one JSON object a line. */
#ifndef GUARITA_CONSOLE_REMOTE_H
#define GUARITA_CONSOLE_REMOTE_H

#include "base/buf.h"

#define REMOTE_DEFAULT "/run/guarita/control"
#define REMOTE_LINE_MAX (8u << 20)

struct remote {
	int fd;
	struct buf in;      /* read and not yet handed out */
	size_t start;
};

/* path NULL: the default. 0 or a negative errno; what to do about it has been said on standard error. */
int remote_open(struct remote *r, const char *path) WARN_UNUSED;
/* One of the commands of the control socket, a plain word. */
int remote_ask(struct remote *r, const char *command) WARN_UNUSED;
/* A whole line, without newline. */
int remote_send(struct remote *r, struct str line) WARN_UNUSED;
/* The next line, without newline, good until the next call. 1, 0 when the other side closed, or a negative errno. */
int remote_line(struct remote *r, struct str *ret_line) WARN_UNUSED;
void remote_close(struct remote *r);

#endif
