/* segment_write: granules one after the other, then the meta that names them. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "vault/column.h"
#include "vault/segment_private.h"

#define GRANULES_MAX 4096u

struct segment_writer {
	struct segment_opts opts;
	struct granule *granule;
	struct granule_encoder *encoder;
	struct granule_info *infos;
	uint32_t ngranules, size;
	uint64_t off, rows, next_index;
	struct buf meta;
};

struct segment_writer *
segment_writer_new(const struct segment_opts *o)
{
	struct segment_writer *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->opts = *o;
	if (w->opts.level == 0)
		w->opts.level = SEGMENT_LEVEL;
	w->meta = BUF_INIT(SEGMENT_META_MAX);
	w->granule = granule_new(o->hash_seed, o->names, o->nnames);
	w->encoder = granule_encoder_new();
	if (!w->granule || !w->encoder) {
		segment_writer_free(w);
		return NULL;
	}
	return w;
}

void
segment_writer_free(struct segment_writer *w)
{
	if (!w)
		return;
	granule_free(w->granule);
	granule_encoder_free(w->encoder);
	free(w->infos);
	buf_free(&w->meta);
	free(w);
}

uint64_t
segment_rows(const struct segment_writer *w)
{
	return w->rows;
}

static int
flush(struct segment_writer *w, struct buf *out)
{
	struct blob_seal seal = { .key = w->opts.key, .granule = w->ngranules };
	int rc;

	if (w->ngranules == w->size) {
		uint32_t size = w->size ? 2 * w->size : 8;
		struct granule_info *infos = realloc(w->infos, size * sizeof(*infos));

		if (!infos)
			return -ENOMEM;
		w->infos = infos;
		w->size = size;
	}
	if (w->ngranules == GRANULES_MAX)
		return -EFBIG;
	if (w->ngranules == 0 && w->off == 0) {
		buf_add(out, SEGMENT_MAGIC);
		w->off = SEGMENT_MAGIC.n;
	}
	rc = granule_encode(w->encoder, w->granule, &seal, w->opts.salt, w->opts.level, out, &w->infos[w->ngranules]);
	if (rc < 0)
		return rc;
	w->off += w->infos[w->ngranules++].stored;
	granule_reset(w->granule);
	return 0;
}

int
segment_add(struct segment_writer *w, const struct vault_entry *e, const struct fact *facts, size_t nfacts, struct buf *out)
{
	int rc;

	if (w->rows > 0 && e->index != w->next_index)
		return -EINVAL;
	rc = granule_add(w->granule, e, facts, nfacts);
	if (rc == -ENOSPC) {
		rc = flush(w, out);
		if (rc == 0)
			rc = granule_add(w->granule, e, facts, nfacts);
	}
	if (rc < 0)
		return rc;
	w->rows++;
	w->next_index = e->index + 1;
	return 0;
}

static void
describe_blob(struct buf *meta, const struct blob *b)
{
	varint_add(meta, b->off);
	varint_add(meta, b->stored);
	varint_add(meta, b->raw);
}

static void
describe(struct segment_writer *w)
{
	struct buf *m = &w->meta;

	buf_reset(m);
	buf_add_byte(m, SEGMENT_VERSION);
	buf_add_byte(m, w->opts.key != NULL);
	varint_add(m, w->opts.salt);
	varint_add(m, w->ngranules);
	for (uint32_t i = 0; i < w->ngranules; i++) {
		const struct granule_info *g = &w->infos[i];

		varint_add(m, g->first_index);
		varint_add(m, g->rows);
		varint_add(m, g->raw_bytes);
		varint_add(m, zigzag(g->min_ns));
		varint_add(m, zigzag(g->max_ns));
		varint_add(m, g->stored);
		varint_add(m, g->filter_number);
		describe_blob(m, &g->filter);
		buf_add(m, str_of((const char *)g->filter.digest, BLOB_DIGEST_BYTES));
		describe_blob(m, &g->directory);
		buf_add(m, str_of((const char *)g->directory_digest, DIGEST_BYTES));
	}
}

int
segment_finish(struct segment_writer *w, uint64_t next_salt, struct buf *out, struct digest *ret)
{
	struct digest d;
	struct str meta;
	int rc = 0;

	if (granule_rows(w->granule) > 0)
		rc = flush(w, out);
	if (rc < 0)
		return rc;
	if (w->rows == 0)
		return -EINVAL;
	describe(w);
	if (!buf_ok(&w->meta))
		return -ENOMEM;
	meta = buf_str(&w->meta);
	d = digest_of(&meta, 1);
	buf_add(out, meta);
	for (int i = 0; i < 8; i++)
		buf_add_byte(out, (char)(i < 4 ? meta.n >> 8 * i : 0));
	buf_add(out, digest_str(&d));
	buf_add(out, SEGMENT_END);
	if (!buf_ok(out))
		return -ENOMEM;
	w->ngranules = 0;
	w->off = w->rows = 0;
	w->opts.salt = next_salt;
	*ret = d;
	return 0;
}
