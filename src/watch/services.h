/* services: names of well-known ports, as old programs write them instead of numbers. */
#ifndef GUARITA_WATCH_SERVICES_H
#define GUARITA_WATCH_SERVICES_H

#include "base/str.h"

/* The number as text ("143" for "imap"; letters in any case), or STR_NULL when the name is not known. */
struct str service_port(struct str name);

#endif
