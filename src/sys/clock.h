/*
 * clock: the only place where time is read and chance is drawn. Callers hand the values on; engines
 * never call this.
 */
#ifndef GUARITA_SYS_CLOCK_H
#define GUARITA_SYS_CLOCK_H

#include "base/str.h"
#include "base/when.h"

int64_t clock_wall_us(void);     /* microseconds since 1970-01-01 UTC; may step */
int64_t clock_mono_us(void);     /* never steps; for time-outs and measured spans */
int64_t clock_boot_us(void);     /* since the machine was started; sleep counts */
int64_t clock_cpu_us(void);      /* processor time of this process, user and system */
int clock_offset_min(void);      /* minutes east of UTC of the local zone, now */
/* The same of "local", "-03:00", or the name of a zone, which is read from the system's files. */
int clock_zone_min(struct str zone);
bool clock_zone_known(struct str zone);   /* false: the system's files know no zone of that name, and it would be taken as UTC */
uint64_t random_u64(void);       /* from the kernel; a role draws its hash seed once */
/* Host name of this machine, "localhost" when the kernel has none; dst of 256 bytes. */
char *host_name(char dst[256]);
/* Another text after each start of the machine; dst of 64 bytes. 0 or -errno. */
int machine_boot_id(char dst[64]) WARN_UNUSED;

#endif
