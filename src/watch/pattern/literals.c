/*
 * literals: which of many literals stand in a text: Vectorscan's literal matcher in block mode, or aho.c. Holds
 * compiled databases only; must never decide what a hit means.
 */
#include "watch/pattern/literals.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <hs.h>

#include "base/hash.h"
#include "watch/pattern/aho.h"

struct literals {
	struct literal *v;
	size_t n;
	hs_database_t *db;       /* one of db, aho */
	struct aho *aho;
};

struct literals_work {
	hs_scratch_t *scratch;
};

uint64_t
literals_platform(void)
{
	hs_platform_info_t cpu = { 0 };
	uint64_t h = hash_bytes(str_z(hs_version()), 0);

	if (hs_populate_platform(&cpu) == HS_SUCCESS) {
		h = hash_mix(h, cpu.tune);
		h = hash_mix(h, cpu.cpu_features);
	}
	return h;
}

static int
compile(struct literals *l)
{
	const char **texts = calloc(l->n, sizeof(*texts));
	size_t *lens = calloc(l->n, sizeof(*lens));
	unsigned *flags = calloc(l->n, sizeof(*flags)), *ids = calloc(l->n, sizeof(*ids));
	hs_compile_error_t *error = NULL;
	int err = -ENOMEM;

	if (texts && lens && flags && ids) {
		for (size_t i = 0; i < l->n; i++) {
			texts[i] = l->v[i].text.p;
			lens[i] = l->v[i].text.n;
			flags[i] = HS_FLAG_SINGLEMATCH | (l->v[i].nocase ? HS_FLAG_CASELESS : 0);
			ids[i] = (unsigned)i;
		}
		err = hs_compile_lit_multi(texts, flags, ids, lens, (unsigned)l->n, HS_MODE_BLOCK, NULL, &l->db,
		    &error) == HS_SUCCESS ? 0 : -ENOTSUP;
	}
	if (error)
		hs_free_compile_error(error);
	free(texts);
	free(lens);
	free(flags);
	free(ids);
	return err;
}

#define NAME_BYTES 8               /* in front of a saved set: what it was compiled from */

/* A saved set is good for these literals in this order only. */
static void
name_of(const struct literals *l, char *ret)
{
	uint64_t h = l->n;

	for (size_t i = 0; i < l->n; i++)
		h = hash_bytes(l->v[i].text, hash_mix(h, l->v[i].nocase));
	for (unsigned i = 0; i < NAME_BYTES; i++)
		ret[i] = (char)(h >> (8 * i));
}

static bool
load_saved(struct literals *l, struct str cached)
{
	char name[NAME_BYTES];

	name_of(l, name);
	return cached.n > NAME_BYTES && memcmp(cached.p, name, NAME_BYTES) == 0 &&
	    hs_deserialize_database(cached.p + NAME_BYTES, cached.n - NAME_BYTES, &l->db) == HS_SUCCESS;
}

static int
build(struct literals *l, struct str cached, bool plain, bool *ret_compiled)
{
	if (plain || hs_valid_platform() != HS_SUCCESS)
		return aho_new(l->v, l->n, &l->aho);
	if (load_saved(l, cached))
		return 0;
	*ret_compiled = true;
	if (compile(l) == 0)
		return 0;
	return aho_new(l->v, l->n, &l->aho);
}

int
literals_new(const struct literal *v, size_t n, struct str cached, bool plain, struct literals **ret,
    bool *ret_compiled)
{
	struct literals *l = calloc(1, sizeof(*l));
	int err = -ENOMEM;

	assert(n > 0);
	if (l)
		l->v = calloc(n, sizeof(*l->v));
	if (l && l->v) {
		memcpy(l->v, v, n * sizeof(*v));
		l->n = n;
		err = build(l, cached, plain, ret_compiled);
	}
	if (err < 0) {
		literals_free(l);
		return err;
	}
	*ret = l;
	return 0;
}

void
literals_free(struct literals *l)
{
	if (!l)
		return;
	hs_free_database(l->db);
	aho_free(l->aho);
	free(l->v);
	free(l);
}

int
literals_save(const struct literals *l, struct buf *out)
{
	char *bytes = NULL, name[NAME_BYTES];
	size_t n = 0;

	if (!l->db)
		return 0;
	name_of(l, name);
	buf_add(out, str_of(name, sizeof(name)));
	if (hs_serialize_database(l->db, &bytes, &n) != HS_SUCCESS)
		return -ENOMEM;
	buf_add(out, str_of(bytes, n));
	free(bytes);
	return buf_ok(out) ? 0 : -ENOSPC;
}

struct literals_work *
literals_work_new(void)
{
	return calloc(1, sizeof(struct literals_work));
}

void
literals_work_free(struct literals_work *w)
{
	if (!w)
		return;
	hs_free_scratch(w->scratch);
	free(w);
}

int
literals_prepare(struct literals_work *w, const struct literals *l)
{
	return !l->db || hs_alloc_scratch(l->db, &w->scratch) == HS_SUCCESS ? 0 : -ENOMEM;
}

struct scan {
	void (*hit)(void *ctx, uint32_t id);
	void *ctx;
};

static int
on_match(unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void *ctx)
{
	const struct scan *s = ctx;

	s->hit(s->ctx, id);
	return 0;
}

void
literals_scan(const struct literals *l, struct literals_work *w, struct str text,
    void (*hit)(void *ctx, uint32_t id), void *ctx)
{
	struct scan s = { .hit = hit, .ctx = ctx };

	if (text.n == 0)
		return;
	if (l->aho)
		aho_scan(l->aho, text, hit, ctx);
	else
		hs_scan(l->db, text.p, (unsigned)text.n, 0, w->scratch, on_match, &s);
}
