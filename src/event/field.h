/* field: names of the facts in a record. The well-known ones are the rows of fields.def; rules may add others. */
#ifndef GUARITA_EVENT_FIELD_H
#define GUARITA_EVENT_FIELD_H

#include "base/str.h"

enum {
#define FIELD(id, name, type, ecs, help) FIELD_##id,
#include "event/fields.def"
#undef FIELD
	FIELD_WELL_KNOWN
};

#define FIELD_MAX 4096
#define FIELD_NONE UINT16_MAX

struct fields;                                       /* the registry: names to numbers */
struct fields *fields_new(void);                     /* holds the well-known rows; NULL without memory */
void fields_free(struct fields *f);
/* The number of a name, adding it when new; FIELD_NONE when FIELD_MAX is reached or the name is bad ([a-z0-9_.-]+). */
uint16_t fields_intern(struct fields *f, struct str name);
uint16_t fields_find(const struct fields *f, struct str name);   /* FIELD_NONE when unknown */
uint16_t fields_count(const struct fields *f);       /* numbers below this are taken */
struct str fields_name(const struct fields *f, uint16_t key);
const char *fields_ecs(uint16_t key);                /* Elastic Common Schema name of a well-known one, or NULL */
const char *fields_type(uint16_t key);               /* default hole type of a well-known one, "word" for others */

#endif
