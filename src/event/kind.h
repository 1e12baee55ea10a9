/*
 * kind: what a line means, in one dotted word. The part before the dot is its family. One row per kind in kinds.def
 * says whether such a line is hostile by itself, how grave, and its ATT&CK technique. Rules speak of kinds only.
 */
#ifndef GUARITA_EVENT_KIND_H
#define GUARITA_EVENT_KIND_H

#include "base/str.h"

enum severity {
	SEVERITY_INFO,
	SEVERITY_LOW,
	SEVERITY_MEDIUM,
	SEVERITY_HIGH,
	SEVERITY_CRITICAL,
};

enum {
#define KIND(id, name, hostile, severity, attack, help) KIND_##id,
#include "event/kinds.def"
#undef KIND
	KIND_BUILT_IN
};

#define KIND_MAX 2048
#define KIND_NONE UINT16_MAX

struct kind_row {
	struct str name;
	bool hostile;
	enum severity severity;
	const char *attack;            /* "T1110.001" or NULL */
	const char *help;
};

struct kinds;                                        /* the registry: built-in rows, and those of `kind` statements */
struct kinds *kinds_new(void);
void kinds_free(struct kinds *k);
uint16_t kinds_find(const struct kinds *k, struct str name);     /* KIND_NONE when unknown */
uint16_t kinds_add(struct kinds *k, const struct kind_row *row); /* texts must outlive it; KIND_NONE when full or known */
const struct kind_row *kinds_row(const struct kinds *k, uint16_t kind);
uint16_t kinds_count(const struct kinds *k);
/* True when kind equals pattern, refines it ("auth.fail" covers "auth.fail.x"), or pattern is "auth.*". */
bool kinds_covers(const struct kinds *k, struct str pattern, uint16_t kind);
const char *severity_name(enum severity s);          /* "info" "low" "medium" "high" "critical" */
int severity_parse(struct str s, enum severity *ret) WARN_UNUSED;

#endif
