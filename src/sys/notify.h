/*
 * notify: tells the service manager how we are (sd_notify's protocol: one datagram, NAME=value
 * lines).
 */
#ifndef GUARITA_SYS_NOTIFY_H
#define GUARITA_SYS_NOTIFY_H

#include "base/str.h"

struct notify {
	int fd;                    /* -1: nobody listens */
	int64_t watchdog_us;       /* 0: no watchdog wanted */
};

/*
 * Reads NOTIFY_SOCKET and WATCHDOG_USEC from the environment, once, and removes them from it. Never
 * fails.
 */
struct notify notify_open(void);
void notify_close(struct notify *n);
void notify_send(const struct notify *n, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
