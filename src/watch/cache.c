/*
 * cache: the compiled literal sets of a rule set as bytes. Layout, little-endian: magic, hash of texts and program,
 * hash of library and CPU, then per set its length, a hash of its literals and Vectorscan's own serialized form, which
 * carries a checksum. The sets come in a fixed order: groups, then refinements. The bytes are ours, but a broken file must do
 * no harm: whatever does not fit is compiled anew.
 */
#include "watch/cache.h"

#include <errno.h>

#include "base/cur.h"
#include "watch/engine.h"
#include "watch/refine.h"

#define CACHE_MAGIC UINT64_C(0x3230736572617547)   /* "Guares02" */
#define CACHE_SET_MAX (64u << 20)

/* Samples that passed another version of the program say nothing of this one. */
static uint64_t
texts_of(const struct ruleset *rs)
{
	return hash_bytes(str_z(GUARITA_VERSION), rs->hash);
}

static bool
open_cache(const struct ruleset *rs, const struct ruleset_cache *cache, struct cur *ret)
{
	struct cur c;

	if (!cache || cache->cached.n == 0)
		return false;
	c = cur_of(cache->cached);
	if (cur_u64le(&c) != CACHE_MAGIC || cur_u64le(&c) != texts_of(rs) || cur_u64le(&c) != literals_platform() ||
	    !cur_ok(&c))
		return false;
	*ret = c;
	return true;
}

static struct str
next_set(struct cur *c, bool good)
{
	return good ? cur_bytes(c, cur_u32le(c)) : STR_NULL;
}

int
cache_literals(struct ruleset *rs, const struct ruleset_cache *cache, bool *ret_passed)
{
	struct decoders *d = rs->decoders;
	struct cur c = { 0 };
	bool good = open_cache(rs, cache, &c), compiled = false;
	int err = 0;

	for (uint32_t i = 0; i < d->ngroups && err == 0; i++)
		err = index_literals(&d->groups[i].index, next_set(&c, good), false, &compiled);
	for (uint32_t i = 0; i < refine_sets(d) && err == 0; i++)
		err = refine_literals(d, i, next_set(&c, good), false, &compiled);
	*ret_passed = good && !compiled && cur_done(&c);
	return err;
}

static void
add_number(struct buf *b, uint64_t v, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		buf_add_byte(b, (char)(v >> (8 * i)));
}

static int
save_set(const struct literals *l, struct buf *out)
{
	size_t at = out->n;
	int err = 0;

	add_number(out, 0, 4);
	if (l)
		err = literals_save(l, out);
	if (err < 0 || !buf_ok(out) || out->n - at - 4 > CACHE_SET_MAX)
		return err < 0 ? err : -ENOSPC;
	for (unsigned i = 0; i < 4; i++)
		out->p[at + i] = (char)((out->n - at - 4) >> (8 * i));
	return 0;
}

int
cache_save(const struct ruleset *rs, struct ruleset_cache *cache, bool was_good)
{
	struct decoders *d = rs->decoders;
	int err = 0;

	if (was_good || !cache || !cache->ret_fresh)
		return 0;
	add_number(cache->ret_fresh, CACHE_MAGIC, 8);
	add_number(cache->ret_fresh, texts_of(rs), 8);
	add_number(cache->ret_fresh, literals_platform(), 8);
	for (uint32_t i = 0; i < d->ngroups && err == 0; i++)
		err = save_set(d->groups[i].index.literals, cache->ret_fresh);
	for (uint32_t i = 0; i < refine_sets(d) && err == 0; i++)
		err = save_set(refine_set(d, i), cache->ret_fresh);
	/* A cache that does not fit is no reason to refuse the rules. */
	if (err < 0 || !buf_ok(cache->ret_fresh))
		buf_reset(cache->ret_fresh);
	return 0;
}
