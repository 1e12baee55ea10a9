/*
 * repack: a segment written anew without the lines that are to go. vaultd left the work (vault/gone.h) and the key; what
 * is made here it compares leaf by leaf with the old one before it takes it. Must never touch the old segment.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "console/vault/pack_out.h"
#include "console/vault/seg_reader.h"
#include "sys/file.h"
#include "vault/gone.h"

#define WORK_MAX (64u << 20)

struct repack {
	const struct pack_opts *o;
	struct pack_report *r;
	struct gone_work work;
	struct seg_reader reader;
	struct pack_out out;
};

/* What is left of a line: its time, its leaf, and which record says why. */
static struct vault_entry
erased(const struct vault_entry *e, const struct digest *leaf, struct str source)
{
	return (struct vault_entry){
		.index = e->index, .recv_ns = e->recv_ns, .transport = e->transport, .flags = VAULT_ERASED, .source = source,
		.raw = digest_str(leaf),
	};
}

static int
copy_lines(struct repack *p)
{
	struct cur rows = p->work.rows;
	struct digest leaf;
	struct vault_entry e;
	char source[40];
	uint32_t gone = 0;
	int r = 0, more = gone_work_next(&rows, &gone, &leaf);
	int n = snprintf(source, sizeof(source), "gone %llu", (unsigned long long)p->work.record);

	for (uint64_t row = 0; row < p->reader.segment.rows && r == 0; row++) {
		r = seg_reader_entry(&p->reader, p->work.first + row, &e);
		if (r < 0)
			return r;
		e.index = p->work.first + row;
		if (more && row == gone) {
			e = erased(&e, &leaf, str_of(source, (size_t)n));
			r = pack_out_add(&p->out, &e);
			more = gone_work_next(&rows, &gone, &leaf);
		} else {
			r = pack_out_add(&p->out, &e);
		}
	}
	return r == 0 && more ? -EBADMSG : r;
}

static int
write_again(struct repack *p, const char *temp)
{
	int r = pack_out_open(&p->out, p->o, p->r, temp, p->work.encrypted);

	if (r == 0)
		r = copy_lines(p);
	return r == 0 ? pack_out_finish(&p->out) : r;
}

static int
make(struct repack *p, uint64_t number)
{
	char path[PATH_MAX], temp[PATH_MAX], old[PATH_MAX];

	snprintf(old, sizeof(old), "%s/seg/%020llu.seg", p->o->vault, (unsigned long long)number);
	snprintf(path, sizeof(path), "%s/seg/%020llu.again", p->o->vault, (unsigned long long)number);
	snprintf(temp, sizeof(temp), "%s/seg/new", p->o->vault);
	int r = seg_reader_open_file(&p->reader, old, p->work.encrypted ? p->work.key : NULL);
	if (r == 0 && (p->work.first != number || p->reader.segment.first_index != number))
		r = -EBADMSG;
	if (r == 0)
		r = write_again(p, temp);
	if (r == 0)
		r = pack_out_leave_key(&p->out, p->work.first, ".again");
	if (r == 0 && rename(temp, path) < 0)
		r = -errno;
	if (r < 0)
		unlink(temp);
	p->r->segments += r == 0;
	return r;
}

static int
run(const struct pack_opts *o, uint64_t number, struct pack_report *ret)
{
	struct repack p = { .o = o, .r = ret, .out.fd = -1 };
	struct buf file = BUF_INIT(WORK_MAX);
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/seg/%020llu.forget", o->vault, (unsigned long long)number);
	int r = file_read(path, &file);
	if (r == 0)
		r = gone_work_read(buf_str(&file), &p.work);
	if (r == 0)
		r = make(&p, number);
	if (r < 0)
		snprintf(ret->why, sizeof(ret->why), "segment %020llu cannot be written without the lines that are to go: %s",
		    (unsigned long long)number, strerror(-r));
	seg_reader_close(&p.reader);
	pack_out_close(&p.out);
	explicit_bzero(&p.work, sizeof(p.work));
	buf_wipe(&file);
	return r;
}

static bool
made_already(const char *vault, uint64_t number)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/seg/%020llu.again", vault, (unsigned long long)number);
	return access(path, F_OK) == 0;
}

/* The first segment that waits to be written anew: 1, or 0 without one, or -errno. */
static int
next_number(const char *vault, uint64_t *ret)
{
	char path[PATH_MAX];
	uint64_t *numbers = NULL;
	size_t n = 0, i = 0;
	int r = file_path(path, sizeof(path), vault, "seg");

	if (r == 0)
		r = file_numbers(path, STR(".forget"), &numbers, &n);
	while (i < n && made_already(vault, numbers[i]))
		i++;
	if (r == 0 && i < n) {
		*ret = numbers[i];
		r = 1;
	}
	free(numbers);
	return r;
}

int
repack_waits(const char *vault)
{
	uint64_t number;

	return next_number(vault, &number);
}

int
repack_next(const struct pack_opts *o, struct pack_report *ret)
{
	uint64_t number;

	*ret = (struct pack_report){ .segments = 0 };
	int r = next_number(o->vault, &number);
	return r == 1 ? run(o, number, ret) : r;
}
