/*
 * keep_work: a deletion on the disk: what vault_keep_plan found is carried out, the segment written anew compared with
 * the old one, keys destroyed. Runs on the other thread. Must never delete what no record of the log tells of.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "console/vault/gone_list.h"
#include "console/vault/segment_keys.h"
#include "role/vault/keep_private.h"
#include "sys/file.h"

#define WORK_MAX (64u << 20)

static int
part(const struct keep_job *j, const char *ending, char path[PATH_MAX])
{
	return snprintf(path, PATH_MAX, "%s/seg/%020llu%s", keep_dir(j), (unsigned long long)j->first, ending) < PATH_MAX
	    ? 0 : -ENAMETOOLONG;
}

static int
sync_segments(const struct keep_job *j)
{
	char path[PATH_MAX];
	int r = file_path(path, sizeof(path), keep_dir(j), "seg"), fd = r < 0 ? -1 : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return r < 0 ? r : -errno;
	r = fsync(fd) < 0 ? -errno : 0;
	close(fd);
	return r;
}

int
vaulting_take_key(const struct vault_disk *d, uint64_t number, const struct segment *s, const char *more)
{
	uint8_t key[BLOB_KEY_BYTES], wrapped[SEGMENT_KEY_WRAPPED];
	char fresh[PATH_MAX], kept[PATH_MAX];
	int r = segment_key_fresh_path(fresh, d->dir, number, more);

	if (!s->encrypted)
		return 0;
	if (r == 0)
		r = segment_key_path(kept, d->dir, &s->digest);
	if (r == 0 && access(kept, F_OK) == 0)
		return vault_disk_destroy(fresh, SEGMENT_KEY_WRAPPED);
	if (r == 0)
		r = segment_key_read_fresh(&d->ring, d->dir, fresh, key);
	if (r == 0)
		r = segment_key_wrap(d->ring.master, key, wrapped);
	if (r == 0)
		r = file_replace(kept, str_of((const char *)wrapped, sizeof(wrapped)), 0640, true);
	explicit_bzero(key, sizeof(key));
	return r < 0 ? r : vault_disk_destroy(fresh, SEGMENT_KEY_WRAPPED);
}

/* Where a line of the log lies in its block of nonces: forgotten block by block. */
static int
forget_nonces(const struct keep_job *j)
{
	struct nonce_set *set = calloc(1, sizeof(*set));
	bool any = false;
	int r = set ? 0 : -ENOMEM;

	for (uint64_t row = 0; row < j->rows && r == 0; row++) {
		uint64_t index = j->first + row;
		if (j->gone[row]) {
			nonce_set_add(set, (uint32_t)(index % NONCE_BLOCK));
			any = true;
		}
		if (any && (row + 1 == j->rows || (index + 1) % NONCE_BLOCK == 0)) {
			r = vault_disk_forget(&j->v->disk, index / NONCE_BLOCK, set);
			memset(set, 0, sizeof(*set));
			any = false;
		}
	}
	free(set);
	return r;
}

static int
destroy_key(const struct keep_job *j, const struct digest *digest)
{
	char path[PATH_MAX];
	int r = segment_key_path(path, keep_dir(j), digest);

	return r < 0 ? r : vault_disk_destroy(path, SEGMENT_KEY_WRAPPED);
}

/* Killed while a whole segment went: what is left of it is written down, the rest is done again. */
static int
finish_gone(struct keep_job *j, const struct gone *g)
{
	char path[PATH_MAX];
	struct seg_reader *reader = calloc(1, sizeof(*reader));
	int r = reader ? keep_begin(j, reader, g->first) : -ENOMEM;
	struct digest digest = r == 0 ? reader->segment.digest : (struct digest){ { 0 } };

	for (uint64_t row = 0; row < j->rows && r == 0; row++)
		j->gone[row] = true;
	seg_reader_free(reader);
	if (r == 0)
		r = destroy_key(j, &digest);
	if (r == 0)
		r = forget_nonces(j);
	if (r == 0)
		r = part(j, ".seg", path);
	if (r == 0 && unlink(path) < 0)
		r = -errno;
	keep_job_reset(j);
	return r;
}

int
keep_finish_all_gone(struct keep_job *j, const uint64_t *numbers, size_t n)
{
	struct gone_list list;
	int r = gone_list_read(keep_dir(j), &list);

	for (size_t i = 0; i < n && r == 0; i++) {
		const struct gone *g = gone_list_find(&list, numbers[i]);
		if (g)
			r = finish_gone(j, g);
	}
	gone_list_free(&list);
	return r;
}

/* Carrying out. */

static int
write_gone(const struct keep_job *j)
{
	struct buf text = BUF_INIT(GONE_TEXT_MAX);
	struct gone *g = calloc(1, sizeof(*g));
	struct gone_maker *m = calloc(1, sizeof(*m));
	char path[PATH_MAX];
	int r = g && m ? part(j, ".gone", path) : -ENOMEM;

	if (r == 0) {
		gone_begin(m, g, j->first, j->first + j->rows, j->record);
		for (uint64_t row = 0; row < j->rows; row++)
			gone_add(m, &j->leaves[row]);
		gone_show(g, &text);
		r = buf_ok(&text) ? file_replace(path, buf_str(&text), 0640, true) : -ENOMEM;
	}
	if (r == 0)
		r = sync_segments(j);
	free(g);
	free(m);
	buf_free(&text);
	return r;
}

static int
digest_of_segment(const struct keep_job *j, struct digest *ret)
{
	struct seg_reader *reader = calloc(1, sizeof(*reader));
	int r = reader ? seg_reader_open(reader, &j->v->disk.ring, keep_dir(j), j->first) : -ENOMEM;

	if (r == 0)
		*ret = reader->segment.digest;
	seg_reader_free(reader);
	return r;
}

/* The key first: from then on the file is noise, wherever copies of it are. */
static int
drop_segment(const struct keep_job *j)
{
	char path[PATH_MAX];
	struct digest digest;
	int r = digest_of_segment(j, &digest);

	if (r == 0)
		r = write_gone(j);
	if (r == 0)
		r = destroy_key(j, &digest);
	if (r == 0)
		r = forget_nonces(j);
	if (r == 0)
		r = part(j, ".seg", path);
	if (r == 0 && unlink(path) < 0)
		r = -errno;
	return r < 0 ? r : sync_segments(j);
}

static int
leave_work(const struct keep_job *j)
{
	struct gone_work w = { .first = j->first, .record = j->record, .n = (uint32_t)j->ngone };
	struct seg_reader *reader = calloc(1, sizeof(*reader));
	struct buf file = BUF_INIT(WORK_MAX);
	char path[PATH_MAX];
	int r = reader ? seg_reader_open(reader, &j->v->disk.ring, keep_dir(j), j->first) : -ENOMEM;

	if (r == 0 && reader->segment.encrypted) {
		w.encrypted = true;
		memcpy(w.key, reader->key, sizeof(w.key));
	}
	gone_work_begin(&w, &file);
	for (uint64_t row = 0; row < j->rows; row++)
		if (j->gone[row])
			gone_work_add(&file, (uint32_t)row, &j->leaves[row]);
	if (r == 0)
		r = part(j, ".forget", path);
	if (r == 0)
		r = buf_ok(&file) ? file_replace(path, buf_str(&file), 0600, true) : -ENOMEM;
	explicit_bzero(&w, sizeof(w));
	buf_wipe(&file);
	seg_reader_free(reader);
	return r;
}

void
keep_carry(void *job)
{
	struct keep_job *j = job;

	j->error = j->whole ? drop_segment(j) : leave_work(j);
}

bool
keep_packd_is_done(const struct keep_job *j)
{
	char path[PATH_MAX];

	return part(j, ".again", path) == 0 && access(path, F_OK) == 0;
}

/* Every leaf as before, every line that is to go gone, and no other. */
static int
compare(struct keep_job *j, struct seg_reader *again)
{
	uint8_t nonce[VAULT_NONCE_BYTES];
	struct keep_nonces nonces;
	struct vault_entry e;
	struct digest leaf;
	struct str record;
	int r = again->segment.first_index == j->first && again->segment.rows == j->rows ? segment_check(&again->segment) : -EBADMSG;

	keep_nonces_open(&nonces, &j->v->disk);
	for (uint64_t row = 0; row < j->rows && r == 0; row++) {
		r = seg_reader_entry(again, j->first + row, &e);
		bool erased = r == 0 && e.flags & VAULT_ERASED;
		if (erased) {
			leaf = vault_entry_leaf(&e, nonce);
		} else if (r == 0) {
			r = seg_reader_record(again, j->first + row, &record);
			if (r == 0)
				r = nonce_get(&nonces.store, j->first + row, nonce);
			if (r == 0)
				leaf = vault_leaf(nonce, record);
		}
		if (r == 0 && (!digest_eq(&leaf, &j->leaves[row]) || (j->gone[row] && !erased)))
			r = -EBADMSG;
	}
	keep_nonces_close(&nonces);
	return r;
}

static int
open_again(struct keep_job *j, struct seg_reader *reader)
{
	uint8_t key[BLOB_KEY_BYTES];
	char path[PATH_MAX], fresh[PATH_MAX];
	int r = part(j, ".again", path);

	if (r == 0)
		r = segment_key_fresh_path(fresh, keep_dir(j), j->first, ".again");
	if (r == 0)
		r = seg_reader_open_file(reader, path,
		    segment_key_read_fresh(&j->v->disk.ring, keep_dir(j), fresh, key) == 0 ? key : NULL);
	/* Its key was taken in before a restart. */
	if (r == 0 && reader->segment.encrypted && !reader->segment.seal.key &&
	    segment_key_find(&j->v->disk.ring, keep_dir(j), j->first, &reader->segment.digest, reader->key) == 0)
		reader->segment.seal.key = reader->key;
	explicit_bzero(key, sizeof(key));
	return r;
}

void
keep_check(void *job)
{
	struct keep_job *j = job;
	struct seg_reader *again = calloc(1, sizeof(*again));
	char path[PATH_MAX];
	int r = again ? open_again(j, again) : -ENOMEM;

	if (r == 0)
		r = compare(j, again);
	if (r == 0)
		r = vaulting_take_key(&j->v->disk, j->first, &again->segment, ".again");
	if (r == 0)
		j->digest = again->segment.digest;
	/* Not what was asked for: packd may try again. */
	if (r == -EBADMSG && part(j, ".again", path) == 0)
		(void)unlink(path);
	seg_reader_free(again);
	j->error = r;
}

void
keep_finish(void *job)
{
	struct keep_job *j = job;
	char from[PATH_MAX], to[PATH_MAX], work[PATH_MAX];
	struct digest was;
	int r = digest_of_segment(j, &was);

	if (r == 0)
		r = part(j, ".again", from);
	if (r == 0)
		r = part(j, ".seg", to);
	if (r == 0)
		r = part(j, ".forget", work);
	if (r == 0 && rename(from, to) < 0)
		r = -errno;
	if (r == 0)
		r = sync_segments(j);
	if (r == 0 && !digest_eq(&was, &j->digest))
		r = destroy_key(j, &was);
	if (r == 0)
		r = forget_nonces(j);
	if (r == 0)
		r = vault_disk_destroy(work, GONE_WORK_HEAD);
	j->error = r;
}

/* After a restart. */

static int
take_work(struct keep_job *j, const struct gone_work *w, struct seg_reader *reader)
{
	struct cur rows = w->rows;
	struct digest leaf;
	uint32_t row = 0;
	uint64_t left = 0;
	bool *gone = calloc(j->rows, sizeof(*gone));

	if (!gone)
		return -ENOMEM;
	int r = keep_leaves(j, reader, &left);
	while (r == 0 && gone_work_next(&rows, &row, &leaf) == 1) {
		if (row >= j->rows || !digest_eq(&leaf, &j->leaves[row]))
			r = -EBADMSG;
		else
			gone[row] = true;
	}
	free(j->gone);
	j->gone = gone;
	j->record = w->record;
	for (uint64_t i = 0; i < j->rows; i++)
		j->ngone += gone[i];
	return r;
}

int
keep_left_over(struct keep_job *j)
{
	struct seg_reader *reader = calloc(1, sizeof(*reader));
	struct buf file = BUF_INIT(WORK_MAX);
	uint64_t *numbers = NULL;
	struct gone_work w = { .n = 0 };
	char path[PATH_MAX];
	size_t n = 0;
	int r = reader ? file_path(path, sizeof(path), keep_dir(j), "seg") : -ENOMEM;

	if (r == 0)
		r = file_numbers(path, STR(".forget"), &numbers, &n);
	if (r == 0 && !n)
		r = -ENOENT;
	if (r == 0)
		r = keep_begin(j, reader, numbers[0]);
	if (r == 0)
		r = part(j, ".forget", path);
	if (r == 0)
		r = file_read(path, &file);
	if (r == 0)
		r = gone_work_read(buf_str(&file), &w);
	if (r == 0)
		r = take_work(j, &w, reader);
	/* Also when the new segment has its place already: doing it once more changes nothing. */
	if (r == 0)
		r = leave_work(j);
	free(numbers);
	explicit_bzero(&w, sizeof(w));
	buf_wipe(&file);
	seg_reader_free(reader);
	return r;
}

void
keep_job_reset(struct keep_job *j)
{
	struct vaulting *v = j->v;

	free(j->gone);
	free(j->leaves);
	*j = (struct keep_job){ .v = v, .now_us = j->now_us, .asked = j->asked, .nasked = j->nasked };
}
