/*
 * utx: the log of logins of FreeBSD 9 and later, /var/log/utx.log: records of different lengths, big-endian on every
 * machine: two bytes of length, then type, time, id, pid, user, line and host, without the zeroes at their end
 * (lib/libc/gen/utxdb.h). Everything works on the bytes handed in; nothing is copied.
 */
#ifndef GUARITA_WIRE_UTX_H
#define GUARITA_WIRE_UTX_H

#include "wire/utmp.h"

#define UTX_BODY_MAX 197

/*
 * Takes the next record of *io_rest: 1; or 0 where none is: then *io_rest is empty, or begins with a piece that is
 * none, and utx_skip() goes on. A logout names no terminal, only the id of its login: u->line is empty then.
 */
int utx_next(struct str *io_rest, struct utmp *ret) WARN_UNUSED;
/* Leaves out what is no record, up to the next that is one. The bytes left out. */
size_t utx_skip(struct str *io_rest);
/* Could this be such a file? */
bool utx_detect(struct str head);
/* The record as bytes, with its length; at most 2 + UTX_BODY_MAX. */
size_t utx_write(const struct utmp *u, uint8_t dst[2 + UTX_BODY_MAX]);

#endif
