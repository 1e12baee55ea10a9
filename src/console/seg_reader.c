/* seg_reader: see seg_reader.h. Must never make up a byte: what the view gives is encoded again, and nothing else. */
#include "console/seg_reader.h"

#include <errno.h>

#include "sys/file.h"

int
seg_reader_open(struct seg_reader *r, const char *path)
{
	*r = (struct seg_reader){ .line = BUF_INIT(2 * VAULT_RECORD_MAX) };
	int e = file_map(path, &r->map);
	if (e == 0)
		e = segment_open(&r->segment, r->map, NULL);
	r->open = e == 0;
	return e;
}

void
seg_reader_close(struct seg_reader *r)
{
	if (r->open)
		segment_close(&r->segment);
	file_unmap(r->map);
	buf_free(&r->line);
	r->map = STR_NULL;
	r->open = false;
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

int
seg_reader_record(struct seg_reader *r, uint64_t index, struct str *ret)
{
	struct enc again = enc_of(r->record, sizeof(r->record));
	struct vault_entry entry;
	int e = hold(r, index);

	buf_reset(&r->line);
	if (e == 0)
		e = view_entry(r->view, index, (uint32_t)(index - r->segment.granules[r->granule].info.first_index), &r->line, &entry,
		    NULL);
	if (e < 0)
		return e;
	if (!vault_entry_valid(&entry))
		return -EBADMSG;
	vault_entry_encode(&entry, &again);
	*ret = str_of((const char *)r->record, again.n);
	return enc_ok(&again) ? 0 : -EBADMSG;
}
