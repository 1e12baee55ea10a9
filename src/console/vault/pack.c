/* pack: see pack.h. Must never put a segment in its place that does not give every line back. */
#include "console/vault/pack.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/text.h"
#include "console/vault/gone_list.h"
#include "console/vault/pack_out.h"
#include "console/vault/seg_reader.h"
#include "sys/file.h"
#include "vault/frame.h"

#define ROWS_MAX (4 * SEGMENT_ROWS)

struct pack {
	const struct pack_opts *o;
	struct pack_report *r;
	struct pack_out out;           /* the segment that is made */
	uint64_t first, end;           /* of the lines to pack */
	uint64_t *files;
	size_t nfiles, from, to;       /* files[from] to before files[to] */
	char path[PATH_MAX], temp[PATH_MAX];
};

static int fault(struct pack *p, int error, const char *what) WARN_UNUSED;

static int
fault(struct pack *p, int error, const char *what)
{
	snprintf(p->r->why, sizeof(p->r->why), "%s: %s", what, strerror(-error));
	return error;
}

/* Where a segment ended of which no line is left; 0 when it was none. */
static uint64_t
gone_until(const char *vault)
{
	struct gone_list list;
	uint64_t end = 0;

	if (gone_list_read(vault, &list) == 0 && list.n)
		end = list.v[list.n - 1].end;
	gone_list_free(&list);
	return end;
}

/* Behind the last segment; 0 without one. */
static int
packed_until(struct pack *p, uint64_t *ret)
{
	char path[PATH_MAX];
	uint64_t *segments = NULL;
	struct seg_reader last = { .open = false };
	size_t n = 0;
	int r = file_path(path, sizeof(path), p->o->vault, "seg");

	*ret = gone_until(p->o->vault);
	if (r == 0)
		r = file_numbers(path, STR(".seg"), &segments, &n);
	if (r == 0 && n && segments[n - 1] >= *ret) {
		r = seg_reader_open(&last, p->o->ring, p->o->vault, segments[n - 1]);
		if (r == 0)
			*ret = last.segment.first_index + last.segment.rows;
		seg_reader_close(&last);
	}
	free(segments);
	return r < 0 ? fault(p, r, "the newest segment cannot be read") : 0;
}

/* Complete files behind the last segment, until there are enough lines. The newest file is still written. */
static int
choose(struct pack *p)
{
	char path[PATH_MAX];
	uint64_t until = 0;
	int r = packed_until(p, &until);

	if (r == 0)
		r = file_path(path, sizeof(path), p->o->vault, "wal");
	if (r == 0)
		r = file_numbers(path, STR(".wal"), &p->files, &p->nfiles);
	if (r < 0)
		return p->r->why[0] ? r : fault(p, r, path);
	while (p->from < p->nfiles && p->files[p->from] < until)
		p->from++;
	if (p->from == p->nfiles || p->files[p->from] != until)
		return 0;
	p->first = p->end = until;
	for (p->to = p->from; p->to + 1 < p->nfiles && p->end - p->first < SEGMENT_ROWS; p->to++) {
		if (p->files[p->to + 1] - p->first > ROWS_MAX && p->to > p->from)
			break;
		p->end = p->files[p->to + 1];
	}
	return 0;
}

/* All records of the chosen files, in order. */
static int
each_record(struct pack *p, int (*take)(void *ctx, uint64_t index, struct str record), void *ctx)
{
	char path[PATH_MAX];
	uint64_t index = p->first;
	int r = 0;

	for (size_t i = p->from; i < p->to && r == 0; i++) {
		struct str map = STR_NULL, rest, record;
		struct frame_cipher *cipher = NULL;
		struct frame f;
		snprintf(path, sizeof(path), "%s/wal/%020llu.wal", p->o->vault, (unsigned long long)p->files[i]);
		r = file_map(path, &map);
		if (r == 0)
			r = keyring_cipher(p->o->ring, p->o->vault, p->files[i], &cipher);
		for (rest = map; r == 0 && (r = frame_read(rest, cipher, &f)) == 1; rest = str_from(rest, frame_bytes(&f))) {
			struct cur lines = cur_of(f.lines);
			while ((r = frame_record(&lines, &record)) == 1)
				if ((r = take(ctx, index++, record)) < 0)
					break;
			r = r < 0 ? r : 0;
		}
		file_unmap(map);
		frame_cipher_free(cipher);
	}
	return r < 0 ? r : index == p->end ? 0 : -EBADMSG;
}

static int
add(void *ctx, uint64_t index, struct str record)
{
	struct pack *p = ctx;
	struct vault_entry e;
	int r = vault_entry_decode(record, index, &e);

	return r < 0 ? r : pack_out_add(&p->out, &e);
}

static int
write_segment(struct pack *p)
{
	int r = pack_out_open(&p->out, p->o, p->r, p->temp, p->o->encrypt);

	if (r == 0)
		r = each_record(p, add, p);
	return r == 0 ? pack_out_finish(&p->out) : r;
}

static int
same(void *ctx, uint64_t index, struct str record)
{
	struct str again;
	int r = seg_reader_record(ctx, index, &again);

	return r < 0 ? r : str_eq(again, record) ? 0 : -EBADMSG;
}

static int
reads_back(struct pack *p)
{
	struct seg_reader reader;
	int r = seg_reader_open_file(&reader, p->temp, p->out.encrypted ? p->out.key : NULL);

	if (r == 0)
		r = each_record(p, same, &reader);
	seg_reader_close(&reader);
	return r;
}

static int
sync_dir(const char *vault)
{
	char path[PATH_MAX];
	int r = file_path(path, sizeof(path), vault, "seg"), fd = r < 0 ? -1 : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return r < 0 ? r : -errno;
	r = fsync(fd) < 0 ? -errno : 0;
	close(fd);
	return r;
}

static int
make(struct pack *p)
{
	snprintf(p->path, sizeof(p->path), "%s/seg/%020llu.seg", p->o->vault, (unsigned long long)p->first);
	snprintf(p->temp, sizeof(p->temp), "%s/seg/new", p->o->vault);
	int r = write_segment(p);
	if (r < 0)
		return fault(p, r, "a segment cannot be written");
	r = reads_back(p);
	if (r < 0)
		return fault(p, r, "a segment does not give every line back, and is not used");
	r = pack_out_leave_key(&p->out, p->first, "");
	if (r < 0)
		return fault(p, r, "the key of a segment cannot be written");
	if (rename(p->temp, p->path) < 0)
		return fault(p, -errno, p->path);
	p->r->segments++;
	return sync_dir(p->o->vault);
}

uint64_t
pack_wanted(const char *vault)
{
	struct buf b = BUF_INIT(32);
	char path[PATH_MAX];
	uint64_t index;
	bool is = file_path(path, sizeof(path), vault, PACK_WANTED) == 0 && file_read(path, &b) == 0 &&
	    text_u64(str_trim(buf_str(&b)), &index) == 0;

	buf_free(&b);
	return is ? index : 0;
}

static bool
is_enough(const struct pack *p)
{
	return p->end > p->first && (p->end - p->first >= p->o->rows_min || p->first < pack_wanted(p->o->vault));
}

int
pack_waits(const struct pack_opts *o, struct pack_report *ret)
{
	struct pack p = { .o = o, .r = ret, .out.fd = -1 };

	*ret = (struct pack_report){ .segments = 0 };
	int r = repack_waits(o->vault);
	if (r == 0)
		r = choose(&p);
	free(p.files);
	return r == 0 ? is_enough(&p) : r;
}

int
pack_next(const struct pack_opts *o, struct pack_report *ret)
{
	struct pack p = { .o = o, .r = ret, .out.fd = -1 };

	*ret = (struct pack_report){ .segments = 0 };
	int r = choose(&p);
	if (r == 0 && is_enough(&p))
		r = make(&p);
	if (p.out.fd >= 0 && r < 0)
		unlink(p.temp);
	pack_out_close(&p.out);
	free(p.files);
	return r;
}
