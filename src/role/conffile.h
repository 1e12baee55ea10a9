/*
 * conffile: guarita.conf from the disk: the reading that conf/ must not do itself.
 */
#ifndef GUARITA_ROLE_CONFFILE_H
#define GUARITA_ROLE_CONFFILE_H

#include "conf/config.h"

/* A configuration and everything it lives in. Never moved: others keep pointers into it. */
struct conffile {
	struct arena arena;
	struct diags *diags;
	struct config *config;         /* NULL after a failure */
};

/*
 * Reads path and what it includes. 0, or -errno; then the diags tell what is wrong (in every case
 * but -ENOMEM and an unreadable path). conffile_free() in every case.
 */
int conffile_read(const char *path, struct conffile *ret) WARN_UNUSED;
void conffile_free(struct conffile *c);
/* All faults as text. */
void conffile_show_faults(const struct conffile *c, struct buf *out);
/* The config as it concerns one role, as a number that changes when it does. */
enum conffile_part { CONFFILE_INTAKE, CONFFILE_RUN, CONFFILE_GATE, CONFFILE_VPN, CONFFILE_PARTS };
uint64_t conffile_fingerprint(const struct conffile *c, enum conffile_part part);

#endif
