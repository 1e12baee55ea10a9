/*
 * candidate: the operator's configuration beside the one that is held: both loaded, both as bundles, and the hash that
 * stands for exactly this step from the one to the other.
 */
#ifndef GUARITA_CONSOLE_GATE_CANDIDATE_H
#define GUARITA_CONSOLE_GATE_CANDIDATE_H

#include "conf/bundle.h"
#include "console/command.h"
#include "console/gate/history.h"

#define CONFIG_DEFAULT "/etc/guarita/guarita.conf"
#define PLAN_HEX 16

struct loaded {
	struct arena arena;
	struct diags *diags;
	struct config *config;
	struct buf bundle;
	char hash[CHANGE_HASH_HEX + 1];
};

/* Faults are printed. loaded_free() in every case. */
int loaded_read(struct loaded *l, const char *path) WARN_UNUSED;
void loaded_free(struct loaded *l);
/* The files of a configuration as one text for people, for comparing line by line. */
void loaded_text(const struct loaded *l, struct buf *out);

struct candidate {
	const char *path;
	uint32_t base;                 /* generation that it is compared with */
	struct loaded old, new;
	char plan[PLAN_HEX + 1];
};

/* The path that the options say, absolute; NULL after a complaint. To be freed. */
char *candidate_path(const struct options *o);
/* For commands that can do without: silent when none was named and the usual place holds none. */
char *candidate_path_if_any(const struct options *o);
/*
 * path: the new configuration, which may be a held generation. Complains, and returns 0 or -errno. candidate_close()
 * in every case.
 */
int candidate_open(struct candidate *c, const struct history *h, const char *path) WARN_UNUSED;
void candidate_close(struct candidate *c);
bool candidate_same(const struct candidate *c);
#define AROUND_MAX 3
/* Lines that differ, with so many around them. Returns how many differ. */
size_t show_differences(const struct options *o, struct str old, struct str new, unsigned around);

#endif
