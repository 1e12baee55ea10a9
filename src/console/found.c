/* found: see found.h. Nothing here prints. */
#include "console/found.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#define TEXTS 9
#define OF_CONTEXT (UINT64_C(1) << 63)     /* in a ref: no record has so high a one */

/* An incident as it is kept: a long log has many thousands. The texts follow, then the refs of its proofs. */
struct packed {
	uint64_t id, count, proofs_cut;
	int64_t first_us, last_us;
	uint32_t rule, worsened, nproofs, sources_more;
	uint16_t kind;
	uint8_t severity;
	bool sure, src_is_name;
	uint16_t len[TEXTS];
	char texts[];
};

struct found_view {
	struct incident incident;
	struct proof proofs[INCIDENT_PROOF_MAX];
};

static struct str
keep(struct found *f, struct str s)
{
	return s.n ? arena_str(&f->arena, s) : STR_NULL;
}

static void
texts_of(const struct incident *in, struct str ret[TEXTS])
{
	const struct str texts[TEXTS] = { in->src, in->user, in->host, in->program, in->service, in->dst,
		in->dst_port, in->sources, in->why };

	for (size_t i = 0; i < TEXTS; i++)
		ret[i] = str_head(texts[i], UINT16_MAX);
}

/* NULL without memory. */
static const struct packed *
pack(struct found *f, const struct incident *in)
{
	struct str texts[TEXTS];
	size_t n = sizeof(struct packed) + in->nproofs * sizeof(uint64_t);
	struct packed *p;
	char *at;

	assert(in->nproofs <= INCIDENT_PROOF_MAX);
	texts_of(in, texts);
	for (size_t i = 0; i < TEXTS; i++)
		n += texts[i].n;
	p = arena_alloc(&f->arena, n);
	if (!p)
		return NULL;
	*p = (struct packed){ .id = in->id, .count = in->count, .proofs_cut = in->proofs_cut,
		.first_us = in->first_us, .last_us = in->last_us, .rule = in->rule, .worsened = in->worsened,
		.nproofs = (uint32_t)in->nproofs, .kind = in->kind, .severity = (uint8_t)in->severity,
		.sure = in->sure, .src_is_name = in->src_is_name, .sources_more = in->sources_more };
	at = p->texts;
	for (size_t i = 0; i < TEXTS; i++) {
		p->len[i] = (uint16_t)texts[i].n;
		memcpy(at, texts[i].n ? texts[i].p : "", texts[i].n);
		at += texts[i].n;
	}
	for (size_t i = 0; i < in->nproofs; i++) {
		uint64_t ref = in->proofs[i].ref | (in->proofs[i].context ? OF_CONTEXT : 0);

		assert(!(in->proofs[i].ref & OF_CONTEXT));
		memcpy(at + i * sizeof(ref), &ref, sizeof(ref));
	}
	return p;
}

static struct str
next_text(const struct packed *p, size_t i, const char **at)
{
	struct str text = p->len[i] ? str_of(*at, p->len[i]) : STR_NULL;

	*at += p->len[i];
	return text;
}

const struct incident *
found_get(const struct found *f, size_t i)
{
	const struct packed *p = f->rows[i];
	struct found_view *v = f->view;
	const char *at = p->texts;

	v->incident = (struct incident){ .id = p->id, .rule = p->rule, .kind = p->kind,
		.severity = (enum severity)p->severity, .worsened = p->worsened, .first_us = p->first_us,
		.last_us = p->last_us, .count = p->count, .proofs_cut = p->proofs_cut, .sure = p->sure,
		.src_is_name = p->src_is_name, .sources_more = p->sources_more, .proofs = v->proofs, .nproofs = p->nproofs };
	v->incident.src = next_text(p, 0, &at);
	v->incident.user = next_text(p, 1, &at);
	v->incident.host = next_text(p, 2, &at);
	v->incident.program = next_text(p, 3, &at);
	v->incident.service = next_text(p, 4, &at);
	v->incident.dst = next_text(p, 5, &at);
	v->incident.dst_port = next_text(p, 6, &at);
	v->incident.sources = next_text(p, 7, &at);
	v->incident.why = next_text(p, 8, &at);
	for (size_t k = 0; k < p->nproofs; k++) {
		uint64_t ref;

		memcpy(&ref, at + k * sizeof(ref), sizeof(ref));
		v->proofs[k] = (struct proof){ .ref = ref & ~OF_CONTEXT, .time_us = WHEN_NONE,
			.context = (ref & OF_CONTEXT) != 0 };
	}
	return &v->incident;
}

static void
keep_incident(struct found *f, const struct incident *in)
{
	const struct packed *p;

	if (f->n == f->size) {
		size_t size = f->size ? f->size * 2 : 64;
		const struct packed **grown = realloc(f->rows, size * sizeof(*grown));

		if (!grown) {
			f->lost++;
			return;
		}
		f->rows = grown;
		f->size = size;
	}
	p = pack(f, in);
	if (p)
		f->rows[f->n++] = p;
	else
		f->lost++;
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
	const struct packed *x = *(const struct packed *const *)a, *y = *(const struct packed *const *)b;

	if (x->severity != y->severity)
		return x->severity > y->severity ? -1 : 1;
	if (x->first_us != y->first_us)
		return x->first_us < y->first_us ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

int
found_sort(struct found *f)
{
	f->view = malloc(sizeof(*f->view));
	if (!f->view)
		return -ENOMEM;
	if (f->n > 0)
		qsort(f->rows, f->n, sizeof(*f->rows), gravest_first);
	return 0;
}

void
found_free(struct found *f)
{
	free(f->rows);
	free(f->view);
	free(f->marks);
	arena_free(&f->arena);
	*f = (struct found){ 0 };
}
