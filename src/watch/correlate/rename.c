/* rename: see rename.h. The saved names are foreign bytes. */
#include "watch/correlate/rename.h"

#include <stdlib.h>

static void
put_name(struct buf *out, struct str name)
{
	buf_add_byte(out, (char)name.n);
	buf_add(out, str_head(name, UINT8_MAX));
}

void
renames_save(const struct ruleset *rs, struct buf *out)
{
	uint16_t nkinds = (uint16_t)kinds_count(rs->kinds), nfields = 0;

	while (nfields < FIELD_MAX && fields_name(rs->fields, nfields).n)
		nfields++;
	buf_add(out, str_of((const char *)&nkinds, sizeof(nkinds)));
	for (uint16_t k = 0; k < nkinds; k++)
		put_name(out, kinds_row(rs->kinds, k)->name);
	buf_add(out, str_of((const char *)&nfields, sizeof(nfields)));
	for (uint16_t f = 0; f < nfields; f++)
		put_name(out, fields_name(rs->fields, f));
}

typedef uint16_t find_fn(const struct ruleset *rs, struct str name);

static uint16_t
find_kind(const struct ruleset *rs, struct str name)
{
	uint16_t kind = kinds_find(rs->kinds, name);

	return kind == KIND_NONE ? RENAME_GONE : kind;
}

static uint16_t
find_field(const struct ruleset *rs, struct str name)
{
	uint16_t field = fields_find(rs->fields, name);

	return field == FIELD_NONE ? RENAME_GONE : field;
}

/* Names, to what they are today. */
static bool
load_table(const struct ruleset *rs, find_fn *find, uint16_t **ret, uint32_t *ret_n, bool *io_same, struct str *in)
{
	uint16_t n;

	if (in->n < sizeof(n))
		return false;
	memcpy(&n, in->p, sizeof(n));
	*in = str_from(*in, sizeof(n));
	*ret = malloc(((size_t)n + 1) * sizeof(**ret));
	if (!*ret)
		return false;
	for (uint16_t i = 0; i < n; i++) {
		struct str name = str_head(str_from(*in, 1), in->n ? (uint8_t)in->p[0] : 0);

		if (in->n == 0 || in->n < 1u + (uint8_t)in->p[0])
			return false;
		*in = str_from(*in, 1 + name.n);
		(*ret)[i] = find(rs, name);
		*io_same &= (*ret)[i] == i;
	}
	*ret_n = n;
	return true;
}

bool
renames_load(struct renames *n, const struct ruleset *rs, struct str *in)
{
	*n = (struct renames){ .same = true };
	return load_table(rs, find_kind, &n->kinds, &n->nkinds, &n->same, in) &&
	    load_table(rs, find_field, &n->fields, &n->nfields, &n->same, in);
}

void
renames_free(struct renames *n)
{
	free(n->kinds);
	free(n->fields);
	*n = (struct renames){ 0 };
}
