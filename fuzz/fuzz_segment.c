/*
 * A directory of a granule that says anything, with hashes that agree: the worst that a hostile segment can be. The input
 * is: u16le rows, u16le length of the directory, the directory without its hashes, then blobs. Whatever it says, reading
 * gives lines or an error with a place.
 */
#include "fuzz.h"
#include "vault/digest.h"
#include "vault/granule_private.h"
#include "vault/view.h"

/* Copies a directory, putting the true hash behind the two sizes of each blob; what cannot be read is copied as it is. */
static void
with_hashes(struct str directory, struct str blobs, struct buf *out)
{
	struct cur in = cur_of(directory);
	uint64_t n;

	buf_add_byte(out, (char)cur_u8(&in));
	varint_add(out, varint_get(&in));
	n = varint_get(&in);
	varint_add(out, n);
	for (uint64_t i = 0; i < n && i < 4096 && cur_ok(&in); i++) {
		uint64_t stored = varint_get(&in), raw = varint_get(&in);
		struct str blob = str_head(blobs, stored);
		struct digest d = digest_of(&blob, 1);

		varint_add(out, stored);
		varint_add(out, raw);
		buf_add(out, str_of((const char *)d.b, BLOB_DIGEST_BYTES));
		blobs = str_from(blobs, stored);
	}
	buf_add(out, str_of((const char *)in.p, in.n));
}

static void
read_lines(struct view *v)
{
	struct buf line = BUF_INIT(1u << 22);
	struct fact facts[8];

	for (uint32_t r = 0; r < v->rows && r < 64; r++) {
		struct vault_entry e;
		struct extents x;

		buf_reset(&line);
		if (view_entry(v, r, r, &line, &e, &x) < 0)
			break;
		CLAIM(fuzz_within(buf_str(&line), e.raw));
		if (view_facts(v, view_group_of(v, r), v->ordinal[r], e.raw, &x, facts, 8) < 0)
			break;
	}
	buf_free(&line);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cur in = cur_of(fuzz_input(data, size));
	uint32_t rows = cur_u16le(&in);
	struct str directory = cur_bytes(&in, cur_u16le(&in)), blobs = str_of((const char *)in.p, in.n);
	struct granule_info info = { .rows = rows };
	struct buf all = BUF_INIT(1u << 22);
	struct blob_seal seal = { 0 };
	struct view *v = NULL;
	struct digest d;
	struct str stored;

	if (!cur_ok(&in))
		return 0;
	buf_add(&all, blobs);
	with_hashes(directory, blobs, &all);
	info.directory.off = blobs.n;
	info.directory.stored = (uint32_t)(all.n - blobs.n);
	info.stored = all.n;
	stored = str_from(buf_str(&all), blobs.n);
	d = digest_of(&stored, 1);
	memcpy(info.directory.digest, d.b, BLOB_DIGEST_BYTES);
	memcpy(info.directory_digest, d.b, DIGEST_BYTES);
	if (buf_ok(&all) && view_open(&info, buf_str(&all), &seal, false, &v) == 0) {
		read_lines(v);
		if (view_check(v) < 0)
			CLAIM(v->fault[0]);
	} else if (v) {
		CLAIM(v->fault[0]);
	}
	view_close(v);
	buf_free(&all);
	return 0;
}
