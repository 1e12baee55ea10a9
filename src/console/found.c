/* found: see found.h. Nothing here prints. */
#include "console/found.h"

#include <stdlib.h>

static struct str
keep(struct found *f, struct str s)
{
	return s.n ? arena_str(&f->arena, s) : STR_NULL;
}

static void
keep_incident(struct found *f, const struct incident *in)
{
	struct incident *i;
	struct proof *proofs;

	if (f->n == f->size) {
		size_t size = f->size ? f->size * 2 : 64;
		struct incident *grown = realloc(f->incidents, size * sizeof(*grown));

		if (!grown) {
			f->lost++;
			return;
		}
		f->incidents = grown;
		f->size = size;
	}
	i = &f->incidents[f->n];
	*i = *in;
	proofs = ARENA_ARRAY(&f->arena, struct proof, in->nproofs + 1);
	if (!proofs) {
		f->lost++;
		return;
	}
	memcpy(proofs, in->proofs, in->nproofs * sizeof(*proofs));
	i->proofs = proofs;
	i->src = keep(f, in->src);
	i->user = keep(f, in->user);
	i->host = keep(f, in->host);
	i->program = keep(f, in->program);
	i->service = keep(f, in->service);
	i->dst = keep(f, in->dst);
	i->dst_port = keep(f, in->dst_port);
	i->why = keep(f, in->why);
	f->n++;
}

static void
on_incident(void *ctx, const struct incident *i, enum incident_change change)
{
	struct found *f = ctx;

	if (change == INCIDENT_OPENED)
		f->opened++;
	if (change == INCIDENT_CLOSED)
		keep_incident(f, i);
}

static struct found_mark *
cell(const struct found *f, uint64_t ref)
{
	size_t at = hash_mix(0, ref) & (f->marks_size - 1);

	while (f->marks[at].ref != 0 && f->marks[at].ref != ref)
		at = (at + 1) & (f->marks_size - 1);
	return &f->marks[at];
}

static bool
marks_grow(struct found *f)
{
	struct found old = *f;

	f->marks_size = old.marks_size ? old.marks_size * 2 : 1024;
	f->marks = calloc(f->marks_size, sizeof(*f->marks));
	if (!f->marks) {
		*f = old;
		f->lost++;
		return false;
	}
	for (size_t i = 0; i < old.marks_size; i++) {
		if (old.marks[i].ref != 0)
			*cell(f, old.marks[i].ref) = old.marks[i];
	}
	free(old.marks);
	return true;
}

static struct found_mark *
mark_for(struct found *f, uint64_t ref)
{
	struct found_mark *m;

	if (f->nmarks * 2 >= f->marks_size && !marks_grow(f))
		return NULL;
	m = cell(f, ref);
	if (m->ref == 0) {
		*m = (struct found_mark){ .ref = ref, .kind = KIND_NONE };
		f->nmarks++;
	}
	return m;
}

static void
on_mark(void *ctx, uint64_t ref, uint16_t kind)
{
	struct found *f = ctx;
	struct found_mark *m = f->keep_marks ? mark_for(f, ref) : NULL;

	if (!m)
		return;
	m->hostile = true;
	if (kind != KIND_NONE)
		m->kind = kind;
}

void
found_calls(struct found *f, struct correlate_calls *ret)
{
	*ret = (struct correlate_calls){ .ctx = f, .on_incident = on_incident, .on_mark = on_mark };
}

void
found_joined(struct found *f, const struct record *r)
{
	struct found_mark *m = NULL;

	for (uint16_t i = 0; i < r->nfields; i++) {
		if (!(r->fields[i].flags & FIELD_JOINED))
			continue;
		if (!m) {
			m = mark_for(f, r->ref);
			if (!m)
				return;
			m->joined = ARENA_ARRAY(&f->arena, struct found_join, r->nfields);
			m->njoined = 0;
			if (!m->joined)
				return;
		}
		m->joined[m->njoined++] = (struct found_join){ .key = r->fields[i].key,
			.text = keep(f, record_text(r, r->fields[i].at)) };
	}
}

const struct found_mark *
found_mark(const struct found *f, uint64_t ref)
{
	const struct found_mark *m = f->marks_size ? cell(f, ref) : NULL;

	return m && m->ref ? m : NULL;
}

static int
gravest_first(const void *a, const void *b)
{
	const struct incident *x = a, *y = b;

	if (x->severity != y->severity)
		return x->severity > y->severity ? -1 : 1;
	if (x->first_us != y->first_us)
		return x->first_us < y->first_us ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

void
found_sort(struct found *f)
{
	if (f->n > 0)
		qsort(f->incidents, f->n, sizeof(*f->incidents), gravest_first);
}

void
found_free(struct found *f)
{
	free(f->incidents);
	free(f->marks);
	arena_free(&f->arena);
	*f = (struct found){ 0 };
}
