/*
 * keep_plan: which lines go next, and their leaves: by an order to erase, by the rules of retention, by size. Runs on
 * the other thread. Must never delete anything.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "console/vault/gone_list.h"
#include "role/vault/keep_private.h"
#include "sys/file.h"

static int
block(void *ctx, uint64_t number, struct nonce_block *ret)
{
	struct keep_nonces *n = ctx;

	return vault_disk_load_block(n->disk, number, &n->room, ret);
}

void
keep_nonces_open(struct keep_nonces *n, const struct vault_disk *disk)
{
	*n = (struct keep_nonces){ .disk = disk, .store = { .ctx = n, .block = block } };
}

void
keep_nonces_close(struct keep_nonces *n)
{
	nonce_room_wipe(&n->room);
	explicit_bzero(&n->store, sizeof(n->store));
}

/* All leaves of a segment: what was erased before has its own. */
int
keep_leaves(struct keep_job *j, struct seg_reader *reader, uint64_t *ret_left)
{
	uint8_t nonce[VAULT_NONCE_BYTES];
	struct keep_nonces nonces;
	struct vault_entry e;
	struct str record;
	uint64_t left = 0;
	int r = 0;

	j->leaves = calloc(j->rows, sizeof(*j->leaves));
	if (!j->leaves)
		return -ENOMEM;
	keep_nonces_open(&nonces, &j->v->disk);
	for (uint64_t row = 0; row < j->rows && r == 0; row++) {
		r = seg_reader_entry(reader, j->first + row, &e);
		if (r == 0 && e.flags & VAULT_ERASED) {
			j->leaves[row] = vault_entry_leaf(&e, nonce);
			j->gone[row] = false;
			continue;
		}
		left += !j->gone[row];
		if (r == 0)
			r = seg_reader_record(reader, j->first + row, &record);
		if (r == 0)
			r = nonce_get(&nonces.store, j->first + row, nonce);
		if (r == 0)
			j->leaves[row] = vault_leaf(nonce, record);
	}
	keep_nonces_close(&nonces);
	*ret_left = left;
	return r;
}

static int
settle(struct keep_job *j, struct seg_reader *reader)
{
	uint64_t left = 0;
	int r = keep_leaves(j, reader, &left);

	for (uint64_t row = 0; row < j->rows && r == 0; row++)
		j->ngone += j->gone[row];
	j->whole = left == 0;
	return r;
}

int
keep_begin(struct keep_job *j, struct seg_reader *reader, uint64_t number)
{
	int r = seg_reader_open(reader, &j->v->disk.ring, keep_dir(j), number);

	j->first = number;
	j->rows = r == 0 ? reader->segment.rows : 0;
	if (r == 0)
		j->gone = calloc(j->rows, sizeof(*j->gone));
	return r < 0 ? r : j->gone ? 0 : -ENOMEM;
}

/* Lines still in the log wait until they are packed. */
static bool
can_go(const struct seg_reader *r, uint64_t log)
{
	return r->open && r->segment.first_index + r->segment.rows <= log;
}

/* An order whose line is in no segment and not in the log any more: it went with all others. */
static void
carried_out(struct keep_job *j, const struct erasure *e)
{
	keep_job_reset(j);
	j->erasing = true;
	j->record = e->record;
}

static int
plan_erasure(struct keep_job *j, const struct erasure *e, const uint64_t *numbers, size_t n, uint64_t log)
{
	struct seg_reader *reader = calloc(1, sizeof(*reader));
	int r = reader ? 0 : -ENOMEM;

	while (n > 0 && numbers[n - 1] > e->index)
		n--;
	if (r == 0 && n)
		r = keep_begin(j, reader, numbers[n - 1]);
	if (r == 0 && n && can_go(reader, log) && seg_reader_has(reader, e->index)) {
		j->gone[e->index - j->first] = true;
		j->record = e->record;
		j->erasing = true;
		r = settle(j, reader);
	} else if (r == 0) {
		carried_out(j, e);
	}
	seg_reader_free(reader);
	return r;
}

/* One line; those still in the log wait until they are packed. */
static int
plan_erasures(struct keep_job *j, const uint64_t *numbers, size_t n, uint64_t log)
{
	for (size_t i = 0; i < j->nasked; i++)
		if (j->asked[i].index < log)
			return plan_erasure(j, &j->asked[i], numbers, n, log);
	return 0;
}

static void
name_rules(struct keep_job *j, const struct keeping *k, uint64_t took, bool too_large)
{
	size_t n = 0;

	if (too_large)
		n = (size_t)snprintf(j->rule, sizeof(j->rule), "size");
	for (size_t i = 0; i <= k->retain.nrules && !too_large && n < sizeof(j->rule); i++)
		if (took >> i & 1) {
			struct str name = i < k->retain.nrules ? k->retain.rules[i].name : k->retain.others.name;
			n += (size_t)snprintf(j->rule + n, sizeof(j->rule) - n, "%s%.*s", n ? ", " : "", STR_FMT(name));
		}
}

static struct keep_seen *
seen(struct keeping *k, uint64_t number)
{
	for (size_t i = 0; i < k->nseen; i++)
		if (k->seen[i].first == number)
			return &k->seen[i];
	struct keep_seen *p = reallocarray(k->seen, k->nseen + 1, sizeof(*p));
	if (!p)
		return NULL;
	k->seen = p;
	p[k->nseen] = (struct keep_seen){ .first = number };
	return &k->seen[k->nseen++];
}

/* When the next rule has its time here, for those who ask. */
static int64_t
next_due(const struct retain *p, int64_t max_ns, uint64_t done)
{
	int64_t next = 0;

	for (size_t i = 0; i <= p->nrules; i++) {
		const struct retain_rule *r = i < p->nrules ? &p->rules[i] : &p->others;
		int64_t at = max_ns / 1000 + r->for_us;
		if (r->for_us > 0 && !(done >> i & 1) && (!next || at < next))
			next = at;
	}
	return next;
}

static int
plan_open(struct keep_job *j, struct keeping *k, struct seg_reader *reader, struct keep_seen *s, bool too_large)
{
	int64_t max_ns = reader->segment.max_ns;
	uint64_t due = too_large ? retain_all(&k->retain) : retain_due(&k->retain, max_ns, j->now_us), took = 0;
	int r = 0;

	s->next_us = next_due(&k->retain, max_ns, due);
	/* Too large, and all that is left of it is held: the next one must do. */
	if (!(due & ~s->due))
		return 0;
	r = retain_rows(&k->retain, &reader->segment, due, j->gone, &took);
	if (r == 0 && took)
		r = settle(j, reader);
	if (r == 0 && !j->ngone)
		s->due |= due;
	name_rules(j, k, took, too_large);
	return r;
}

static int
plan_rules(struct keep_job *j, struct keeping *k, uint64_t number, uint64_t log, bool too_large)
{
	struct keep_seen *s = seen(k, number);
	struct seg_reader *reader;
	int r;

	if (!s)
		return -ENOMEM;
	if (!too_large && s->looked && (!s->next_us || s->next_us > j->now_us))
		return 0;
	reader = calloc(1, sizeof(*reader));
	r = reader ? keep_begin(j, reader, number) : -ENOMEM;
	if (r == 0 && can_go(reader, log)) {
		r = plan_open(j, k, reader, s, too_large);
		s->looked = r == 0 && !j->ngone;
	}
	seg_reader_free(reader);
	if (r < 0 || !j->ngone)
		keep_job_reset(j);
	return r;
}

static uint64_t
bytes_in(const char *vault, const char *name)
{
	char path[PATH_MAX], file[PATH_MAX];
	uint64_t *numbers = NULL, sum = 0;
	struct stat st;
	size_t n = 0;
	bool log = strcmp(name, "wal") == 0;
	int r = file_path(path, sizeof(path), vault, name);

	if (r == 0)
		r = file_numbers(path, log ? STR(".wal") : STR(".seg"), &numbers, &n);
	for (size_t i = 0; i < n && r == 0; i++)
		if (snprintf(file, sizeof(file), "%.4000s/%020llu.%s", path, (unsigned long long)numbers[i], name) > 0 &&
		    stat(file, &st) == 0)
			sum += (uint64_t)st.st_size;
	free(numbers);
	return sum;
}

/* When its first frame was sealed. */
static int64_t
file_since(const struct keep_job *j, uint64_t first)
{
	struct str map = STR_NULL;
	char path[PATH_MAX];
	struct frame f;
	int64_t at = 0;

	if (vault_disk_file_path(&j->v->disk, first, path) == 0 && file_map(path, &map) == 0 && frame_skim(map, &f) == 1)
		at = f.wall_us;
	file_unmap(map);
	return at;
}

void
keep_plan(void *job)
{
	struct keep_job *j = job;
	struct keeping *k = j->v->keeping;
	uint64_t *numbers = NULL, *files = NULL, log = 0, bytes;
	struct erasure *asked = j->asked;
	char path[PATH_MAX];
	size_t n = 0, nfiles = 0;
	int64_t since = 0;
	int r = file_path(path, sizeof(path), keep_dir(j), "seg");

	if (r == 0)
		r = file_numbers(path, STR(".seg"), &numbers, &n);
	if (r == 0)
		r = vault_disk_files(&j->v->disk, &files, &nfiles);
	if (r == 0 && nfiles) {
		log = files[0];
		since = file_since(j, log);
	}
	if (r == 0)
		r = keep_finish_all_gone(j, numbers, n);
	if (r == 0)
		r = plan_erasures(j, numbers, n, log);
	bytes = bytes_in(keep_dir(j), "wal") + bytes_in(keep_dir(j), "seg");
	for (size_t i = 0; i < n && r == 0 && !j->ngone && !j->erasing; i++)
		r = plan_rules(j, k, numbers[i], log, k->size_limit && bytes > k->size_limit);
	free(numbers);
	free(files);
	free(asked);
	j->asked = NULL;
	j->bytes = bytes;
	j->log_first = log;
	j->log_since_us = since;
	j->error = r;
}
