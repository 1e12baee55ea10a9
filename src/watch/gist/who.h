/* who: addresses and names of a text that was taken apart. Private to gist. */
#ifndef GUARITA_WATCH_GIST_WHO_H
#define GUARITA_WATCH_GIST_WHO_H

#include "watch/gist/pieces.h"

#define GIST_ADDRS_MAX 16u
#define NOBODY UINT32_MAX

enum whose {                           /* by how well it may be named as the source */
	WHOSE_NONE,                    /* a version, part of a name */
	WHOSE_DST,
	WHOSE_OPEN,                    /* no word says */
	WHOSE_PLAIN,                   /* "ip=", "host 192.0.2.1" */
	WHOSE_SRC,
};

struct gist_addrs {
	uint32_t at[GIST_ADDRS_MAX];
	enum whose whose[GIST_ADDRS_MAX];
	uint32_t n, open;              /* open: how many may be the source */
	uint32_t src, dst;             /* pieces, or NOBODY */
	enum whose claim;              /* of src */
	bool paired;                   /* two addresses without a word */
};

struct str gist_text(const struct pieces *p, const struct piece *a);
void gist_addrs_find(const struct pieces *p, bool packets, struct gist_addrs *ret);
/* side: SRC or DST. */
struct str gist_port(const struct pieces *p, uint32_t addr, uint32_t side);
struct str gist_user(const struct gist_words *w, const struct pieces *p, uint32_t src);

#endif
