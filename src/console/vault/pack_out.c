/* pack_out: see pack_out.h. Must never leave a key in memory. */
#include "console/vault/pack_out.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/random.h>
#include <unistd.h>

#include "console/meaning.h"
#include "console/vault/segment_keys.h"
#include "sys/clock.h"
#include "sys/file.h"

#define BYTES_MAX (1u << 30)
#define WRITE_BYTES (1u << 20)

int
pack_out_open(struct pack_out *p, const struct pack_opts *o, struct pack_report *r, const char *path, bool encrypted)
{
	struct segment_opts s = { .hash_seed = o->seed, .salt = random_u64(), .key = encrypted ? p->key : NULL };

	*p = (struct pack_out){ .o = o, .r = r, .bytes = BUF_INIT(BYTES_MAX), .encrypted = encrypted, .fd = -1 };
	if (encrypted && getrandom(p->key, sizeof(p->key), 0) != (ssize_t)sizeof(p->key))
		return -EIO;
	p->meaning = meaning_new(o->rules, o->work, o->seed);
	if (!p->meaning)
		return -ENOMEM;
	s.names = meaning_names(p->meaning, &s.nnames);
	p->writer = segment_writer_new(&s);
	if (!p->writer)
		return -ENOMEM;
	p->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
	return p->fd < 0 ? -errno : 0;
}

void
pack_out_close(struct pack_out *p)
{
	segment_writer_free(p->writer);
	meaning_free(p->meaning);
	buf_free(&p->bytes);
	fd_close(&p->fd);
	explicit_bzero(p->key, sizeof(p->key));
}

static int
flush(struct pack_out *p)
{
	int r = file_write_all(p->fd, buf_str(&p->bytes));

	p->r->stored_bytes += p->bytes.n;
	buf_reset(&p->bytes);
	return r;
}

int
pack_out_add(struct pack_out *p, const struct vault_entry *e)
{
	struct fact facts[FACTS_MAX];
	size_t n = e->flags & VAULT_ERASED ? 0 : meaning_of(p->meaning, e, facts);
	int r = segment_add(p->writer, e, facts, n, &p->bytes);

	p->r->lines++;
	p->r->raw_bytes += e->raw.n;
	return r == 0 && p->bytes.n >= WRITE_BYTES ? flush(p) : r;
}

int
pack_out_finish(struct pack_out *p)
{
	struct digest digest;
	int r = segment_finish(p->writer, random_u64(), &p->bytes, &digest);

	if (r == 0)
		r = flush(p);
	return r == 0 && fdatasync(p->fd) < 0 ? -errno : r;
}

int
pack_out_leave_key(const struct pack_out *p, uint64_t first, const char *more)
{
	struct str key = str_of((const char *)p->key, sizeof(p->key));
	uint8_t wrapped[SEGMENT_KEY_WRAPPED];
	char path[PATH_MAX];

	if (!p->encrypted)
		return 0;
	int r = segment_key_fresh_path(path, p->o->vault, first, more);
	if (r == 0 && p->o->ring && p->o->ring->has_log) {
		r = segment_key_wrap(p->o->ring->log, p->key, wrapped);
		key = str_of((const char *)wrapped, sizeof(wrapped));
	}
	return r < 0 ? r : file_replace(path, key, 0640, true);
}
