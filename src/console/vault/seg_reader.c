/* seg_reader: see seg_reader.h. Must never make up a byte: what the view gives is encoded again, and nothing else. */
#include "console/vault/seg_reader.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "console/vault/segment_keys.h"
#include "sys/file.h"

int
seg_reader_open_file(struct seg_reader *r, const char *path, const uint8_t *key)
{
	*r = (struct seg_reader){ .line = BUF_INIT(2 * VAULT_RECORD_MAX) };
	int e = file_map(path, &r->map);
	if (e == 0)
		e = segment_open(&r->segment, r->map, NULL);
	r->open = e == 0;
	if (e == 0 && key) {
		memcpy(r->key, key, sizeof(r->key));
		r->segment.seal.key = r->key;
	}
	return e;
}

int
seg_reader_open(struct seg_reader *r, const struct keyring *ring, const char *vault, uint64_t number)
{
	uint8_t key[BLOB_KEY_BYTES];
	char path[PATH_MAX];

	*r = (struct seg_reader){ .open = false };
	if (snprintf(path, sizeof(path), "%s/seg/%020llu.seg", vault, (unsigned long long)number) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	int e = seg_reader_open_file(r, path, NULL);
	if (e == 0 && r->segment.encrypted && segment_key_find(ring, vault, number, &r->segment.digest, key) == 0) {
		memcpy(r->key, key, sizeof(key));
		r->segment.seal.key = r->key;
		explicit_bzero(key, sizeof(key));
	}
	return e;
}

void
seg_reader_close(struct seg_reader *r)
{
	if (r->open)
		segment_close(&r->segment);
	file_unmap(r->map);
	buf_free(&r->line);
	explicit_bzero(r->key, sizeof(r->key));
	r->map = STR_NULL;
	r->view = NULL;
	r->open = false;
}

void
seg_reader_free(struct seg_reader *r)
{
	if (r)
		seg_reader_close(r);
	free(r);
}

bool
seg_reader_has(const struct seg_reader *r, uint64_t index)
{
	return r->open && index >= r->segment.first_index && index - r->segment.first_index < r->segment.rows;
}

static bool
granule_has(const struct seg_reader *r, uint32_t granule, uint64_t index)
{
	const struct granule_info *g = &r->segment.granules[granule].info;

	return index >= g->first_index && index - g->first_index < g->rows;
}

static int
hold(struct seg_reader *r, uint64_t index)
{
	uint32_t g = 0;

	if (r->view && granule_has(r, r->granule, index))
		return 0;
	while (g < r->segment.ngranules && !granule_has(r, g, index))
		g++;
	if (g == r->segment.ngranules)
		return -EBADMSG;
	if (r->view)
		segment_drop_view(&r->segment, r->granule);
	r->view = NULL;
	r->granule = g;
	int e = segment_view(&r->segment, g, &r->view);
	if (e == 0)
		e = view_words(r->view);
	return e < 0 ? e : view_rows(r->view);
}

/* What was erased holds its leaf, and nothing else can stand there. */
static bool
valid(const struct vault_entry *e)
{
	return e->flags & VAULT_ERASED ? e->raw.n == DIGEST_BYTES && e->transport < VAULT_TRANSPORTS : vault_entry_valid(e);
}

int
seg_reader_entry(struct seg_reader *r, uint64_t index, struct vault_entry *ret)
{
	struct vault_entry entry;
	int e = hold(r, index);

	buf_reset(&r->line);
	if (e == 0)
		e = view_entry(r->view, index, (uint32_t)(index - r->segment.granules[r->granule].info.first_index), &r->line, &entry,
		    NULL);
	if (e < 0)
		return e;
	if (!valid(&entry))
		return -EBADMSG;
	*ret = entry;
	return 0;
}

int
seg_reader_record(struct seg_reader *r, uint64_t index, struct str *ret)
{
	struct enc again = enc_of(r->record, sizeof(r->record));
	struct vault_entry entry;
	int e = seg_reader_entry(r, index, &entry);

	if (e < 0)
		return e;
	if (entry.flags & VAULT_ERASED)
		return -ENODATA;
	vault_entry_encode(&entry, &again);
	*ret = str_of((const char *)r->record, again.n);
	return enc_ok(&again) ? 0 : -EBADMSG;
}
