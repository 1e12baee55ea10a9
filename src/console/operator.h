/*
 * operator: who gives a command, and over which connection: what decides whether a change would lock him out, and
 * whether his confirmation counts.
 */
#ifndef GUARITA_CONSOLE_OPERATOR_H
#define GUARITA_CONSOLE_OPERATOR_H

#include "base/buf.h"
#include "base/text.h"

struct operator {
	char user[64];
	bool remote;                   /* over SSH; else a terminal of the machine itself, or nobody's */
	struct addr addr, here;        /* his end and ours */
	uint16_t port, here_port;
	char from[128];                /* for people: "192.0.2.7" or "the machine itself" */
	char connection[128];          /* as a line of operator_connections(); empty when not remote */
};

/*
 * Looks at this process's environment and at that of its ancestors, because sudo and su do not pass on what sshd
 * said.
 */
void operator_find(struct operator *ret);
/* "192.0.2.7 51022 198.51.100.1 22", as sshd puts it. 0 or -EINVAL. */
int operator_parse(struct str ssh_connection, struct operator *ret) WARN_UNUSED;
/* Every established TCP connection of the machine, a line each: "THEIRS:PORT OURS:PORT". 0 or -errno. */
int operator_connections(struct buf *out) WARN_UNUSED;
/* One text of /proc/net/tcp or tcp6 as such lines. */
void operator_read_proc(struct str text, struct buf *out);

#endif
