/* segment_read: see segment.h. Every offset is compared with the file before it is followed. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "vault/column.h"
#include "vault/segment_private.h"
#include "vault/token_filter.h"

static int
fault(struct segment *s, const char *what)
{
	snprintf(s->fault, sizeof(s->fault), "%s", what);
	return -EBADMSG;
}

static int
granule_fault(struct segment *s, uint32_t granule, const char *what)
{
	snprintf(s->fault, sizeof(s->fault), "granule %u (entries from %llu): %s", granule,
	    (unsigned long long)s->granules[granule].info.first_index, what);
	return -EBADMSG;
}

static struct blob
parse_blob(struct cur *in)
{
	struct blob b = { .off = varint_get(in) };
	uint64_t stored = varint_get(in), raw = varint_get(in);

	if (stored > UINT32_MAX || raw > UINT32_MAX)
		cur_fail(in);
	b.stored = (uint32_t)stored;
	b.raw = (uint32_t)raw;
	return b;
}

static void
take_digest(struct cur *in, uint8_t *ret, size_t n)
{
	struct str d = cur_bytes(in, n);

	if (d.n == n)
		memcpy(ret, d.p, n);
}

static bool
inside(const struct blob *b, uint64_t stored)
{
	return b->off <= stored && b->stored <= stored - b->off;
}

static int
parse_granule(struct segment *s, struct cur *in, uint64_t *off, uint64_t end, struct segment_granule *g)
{
	struct granule_info *info = &g->info;
	uint64_t rows;

	info->first_index = varint_get(in);
	rows = varint_get(in);
	info->raw_bytes = varint_get(in);
	info->min_ns = unzigzag(varint_get(in));
	info->max_ns = unzigzag(varint_get(in));
	info->stored = varint_get(in);
	info->filter_number = (uint32_t)varint_get(in);
	info->filter = parse_blob(in);
	take_digest(in, info->filter.digest, BLOB_DIGEST_BYTES);
	info->directory = parse_blob(in);
	take_digest(in, info->directory_digest, DIGEST_BYTES);
	memcpy(info->directory.digest, info->directory_digest, BLOB_DIGEST_BYTES);
	if (!cur_ok(in) || rows == 0 || rows > GRANULE_ROWS || info->stored > end - *off || info->min_ns > info->max_ns ||
	    !inside(&info->filter, info->stored) || !inside(&info->directory, info->stored))
		return fault(s, "meta: a granule that cannot be");
	if (info->first_index != s->first_index + s->rows && s->rows > 0)
		return fault(s, "meta: entries missing between granules");
	info->rows = (uint32_t)rows;
	g->off = *off;
	*off += info->stored;
	return 0;
}

static void
sum_up(struct segment *s, const struct granule_info *info)
{
	if (s->rows == 0) {
		s->first_index = info->first_index;
		s->min_ns = info->min_ns;
		s->max_ns = info->max_ns;
	}
	s->min_ns = info->min_ns < s->min_ns ? info->min_ns : s->min_ns;
	s->max_ns = info->max_ns > s->max_ns ? info->max_ns : s->max_ns;
	s->rows += info->rows;
	s->raw_bytes += info->raw_bytes;
}

static int
parse_meta(struct segment *s, struct str meta, uint64_t end)
{
	struct cur in = cur_of(meta);
	uint64_t off = SEGMENT_MAGIC.n, n;
	uint8_t version = cur_u8(&in), encrypted = cur_u8(&in);
	int rc = 0;

	s->encrypted = encrypted;
	s->salt = varint_get(&in);
	n = varint_get(&in);
	if (!cur_ok(&in) || version != SEGMENT_VERSION || encrypted > 1 || n == 0 || n > in.n)
		return fault(s, "meta: a version that this program does not know, or no granules");
	s->granules = calloc(n, sizeof(*s->granules));
	if (!s->granules)
		return -ENOMEM;
	for (s->ngranules = 0; rc == 0 && s->ngranules < n; s->ngranules++) {
		rc = parse_granule(s, &in, &off, end, &s->granules[s->ngranules]);
		if (rc == 0)
			sum_up(s, &s->granules[s->ngranules].info);
	}
	if (rc == 0 && (!cur_done(&in) || off != end))
		rc = fault(s, "meta: granules and file do not agree");
	return rc;
}

int
segment_open(struct segment *s, struct str bytes, const uint8_t *key)
{
	struct str trailer = str_from(bytes, bytes.n - SEGMENT_TRAILER), meta;
	struct cur in = cur_of(trailer);
	uint32_t n;
	int rc;

	*s = (struct segment){ .bytes = bytes, .seal.key = key };
	if (bytes.n < SEGMENT_MAGIC.n + SEGMENT_TRAILER || !str_starts(bytes, SEGMENT_MAGIC) || !str_ends(bytes, SEGMENT_END))
		return fault(s, "not a segment, or cut off");
	n = cur_u32le(&in);
	if (n > bytes.n - SEGMENT_MAGIC.n - SEGMENT_TRAILER || n > SEGMENT_META_MAX || cur_u32le(&in) != 0)
		return fault(s, "trailer: wrong length of the meta");
	meta = str_head(str_from(bytes, bytes.n - SEGMENT_TRAILER - n), n);
	s->digest = digest_of(&meta, 1);
	if (!str_eq(digest_str(&s->digest), cur_bytes(&in, DIGEST_BYTES)))
		return fault(s, "meta: not what the trailer says");
	rc = parse_meta(s, meta, bytes.n - SEGMENT_TRAILER - n);
	if (rc < 0) {
		char why[sizeof(s->fault)];

		memcpy(why, s->fault, sizeof(why));
		segment_close(s);
		memcpy(s->fault, why, sizeof(why));
	}
	return rc;
}

void
segment_close(struct segment *s)
{
	for (uint32_t i = 0; s->granules && i < s->ngranules; i++) {
		view_close(s->granules[i].view);
		free(s->granules[i].filter_owned);
	}
	free(s->granules);
	*s = (struct segment){ 0 };
}

static struct str
granule_bytes(const struct segment *s, uint32_t granule)
{
	const struct segment_granule *g = &s->granules[granule];

	return str_head(str_from(s->bytes, g->off), g->info.stored);
}

int
segment_view(struct segment *s, uint32_t granule, struct view **ret)
{
	struct segment_granule *g = &s->granules[granule];
	struct blob_seal seal = { .key = s->seal.key, .granule = granule };
	struct view *v = NULL;
	int rc;

	if (!g->view) {
		rc = view_open(&g->info, granule_bytes(s, granule), &seal, s->encrypted, &v);
		if (rc == -EBADMSG)
			granule_fault(s, granule, v->fault[0] ? v->fault : "damaged directory");
		if (rc < 0) {
			view_close(v);
			return rc;
		}
		g->view = v;
	}
	*ret = g->view;
	return 0;
}

void
segment_drop_view(struct segment *s, uint32_t granule)
{
	view_close(s->granules[granule].view);
	s->granules[granule].view = NULL;
}

int
segment_filter(struct segment *s, uint32_t granule, struct str *ret)
{
	struct segment_granule *g = &s->granules[granule];
	struct blob_seal seal = { .key = s->seal.key, .granule = granule };
	struct str stored = str_head(str_from(granule_bytes(s, granule), g->info.filter.off), g->info.filter.stored);
	int rc;

	if (!g->filter_checked && g->info.filter.stored > 0) {
		rc = blob_read(&g->info.filter, &seal, s->encrypted, g->info.filter_number, stored, &g->filter, &g->filter_owned);
		if (rc == 0 && !token_filter_valid(g->filter)) {
			free(g->filter_owned);
			g->filter_owned = NULL;
			g->filter = STR_NULL;
			rc = -EBADMSG;
		}
		if (rc == -EBADMSG)
			return granule_fault(s, granule, "damaged filter");
		if (rc < 0)
			return rc;
	}
	g->filter_checked = true;
	*ret = g->filter;
	return 0;
}

int
segment_check(struct segment *s)
{
	for (uint32_t i = 0; i < s->ngranules; i++) {
		struct str filter;
		struct view *v;
		int rc = segment_filter(s, i, &filter);

		if (rc == 0)
			rc = segment_view(s, i, &v);
		if (rc == 0 && (rc = view_check(v)) == -EBADMSG)
			granule_fault(s, i, v->fault);
		segment_drop_view(s, i);
		if (rc < 0)
			return rc;
	}
	return 0;
}
