/*
 * integrity_memory: see integrity_memory.h. The hash is keyed with a number drawn once and is 64
 * bits long: it finds every edit of somebody who does not know it; who can read and rewrite the
 * memory itself is stopped only by keeping it elsewhere.
 */
#include "watch/accounts/integrity_memory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/text.h"
#include "wire/json.h"

#define HEAD "guarita-integrity 1 "
#define INTEGRITY_PATH_MAX 65536

void
integrity_memory_begin(struct integrity_memory *m, uint32_t record_size, uint64_t seed)
{
	*m = (struct integrity_memory){ .record_size = record_size, .seed = seed, .old_matched = true };
}

void
integrity_memory_free(struct integrity_memory *m)
{
	free(m->path);
	free(m->blocks);
	*m = (struct integrity_memory){ 0 };
}

static int
room(struct integrity_memory *m)
{
	size_t size = m->size ? m->size * 2 : 64;
	struct integrity_block *grown;

	if (m->nblocks < m->size)
		return 0;
	if (size > INTEGRITY_BLOCKS_MAX)
		return -ENOMEM;
	grown = reallocarray(m->blocks, size, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	m->blocks = grown;
	m->size = size;
	return 0;
}

/* Where block b of the old one ends in time: where the next begins, or its last record. */
static int64_t
until(const struct integrity_memory *old, size_t b)
{
	int64_t t = b + 1 < old->nblocks ? old->blocks[b + 1].first_us : old->last_us;

	return t > 0 ? t : WHEN_NONE;
}

static void
tell_block(const struct integrity_memory *old, size_t b, enum integrity_what what, uint64_t count,
    const struct integrity_calls *calls)
{
	int64_t from = old->blocks[b].first_us;

	calls->found(calls->ctx, &(struct integrity_finding){ .what = what, .surety = integrity_surety_of(what),
		.record = b * INTEGRITY_BLOCK + 1, .count = count, .after_us = from > 0 ? from : WHEN_NONE,
		.before_us = until(old, b) });
}

/*
 * At the end of each block, and where the old file ended: only the first difference is told, because
 * a record that was taken out moves all that follow.
 */
static void
compare(struct integrity_memory *m, const struct integrity_memory *old, const struct integrity_calls *calls)
{
	size_t b = m->nblocks - 1;
	bool whole = m->records % INTEGRITY_BLOCK == 0, old_end = m->records == old->records;

	if (!m->old_matched || b >= old->nblocks || m->records > old->records || (!whole && !old_end))
		return;
	if (m->blocks[b].hash == old->blocks[b].hash)
		return;
	m->old_matched = false;
	m->changed = b;
	tell_block(old, b, INTEGRITY_CHANGED, 0, calls);
}

int
integrity_memory_record(struct integrity_memory *m, const struct integrity_memory *old, struct str record,
    int64_t time_us, const struct integrity_calls *calls)
{
	int rc;

	if (m->records % INTEGRITY_BLOCK == 0) {
		rc = room(m);
		if (rc < 0)
			return rc;
		m->running = m->seed;
		m->blocks[m->nblocks++] = (struct integrity_block){ .first_us = time_us };
	}
	m->running = hash_bytes(record, m->running);
	m->blocks[m->nblocks - 1].hash = m->running;
	if (time_us > 0)
		m->last_us = time_us;
	m->records++;
	if (old)
		compare(m, old, calls);
	return 0;
}

static void
tell_entry(enum integrity_what what, uint64_t uid, struct str user, int64_t was, int64_t now,
    const struct integrity_calls *calls)
{
	calls->found(calls->ctx, &(struct integrity_finding){ .what = what, .surety = integrity_surety_of(what),
		.record = uid + 1, .count = 1, .user = user, .after_us = now > 0 ? now : WHEN_NONE,
		.before_us = was > 0 ? was : WHEN_NONE });
}

/* Entries of the old one up to this uid that the new one does not have. */
static void
gone_until(struct integrity_memory *old, uint64_t uid, const struct integrity_calls *calls)
{
	for (; old->at < old->nblocks && old->blocks[old->at].index < uid; old->at++) {
		char name[32];
		uint64_t who = old->blocks[old->at].index;
		int n = snprintf(name, sizeof(name), "uid=%" PRIu64, who);

		tell_entry(INTEGRITY_LAST_WENT_BACK, who, str_of(name, (size_t)n), old->blocks[old->at].first_us, 0, calls);
	}
}

int
integrity_memory_entry(struct integrity_memory *m, struct integrity_memory *old, uint64_t uid, struct str record,
    int64_t time_us, struct str user, const struct integrity_calls *calls)
{
	struct integrity_block b = { .hash = hash_bytes(record, m->seed), .first_us = time_us, .index = uid };
	int rc = room(m);

	if (rc < 0)
		return rc;
	m->table = true;
	m->blocks[m->nblocks++] = b;
	m->records++;
	if (!old)
		return 0;
	gone_until(old, uid, calls);
	if (old->at < old->nblocks && old->blocks[old->at].index == uid) {
		const struct integrity_block *was = &old->blocks[old->at++];

		if (time_us < was->first_us)
			tell_entry(INTEGRITY_LAST_WENT_BACK, uid, user, was->first_us, time_us, calls);
		else if (time_us == was->first_us && b.hash != was->hash)
			tell_entry(INTEGRITY_LAST_EDITED, uid, user, was->first_us, time_us, calls);
	}
	return 0;
}

void
integrity_memory_end(struct integrity_memory *m, struct integrity_memory *old, const struct integrity_calls *calls)
{
	if (old && old->table) {
		gone_until(old, UINT64_MAX, calls);
		return;
	}
	if (!old || m->records >= old->records || old->nblocks == 0)
		return;
	if (!m->old_matched) {
		/* Taken out of the block that changed, or behind it. */
		tell_block(old, m->changed, INTEGRITY_REMOVED, old->records - m->records, calls);
		return;
	}
	calls->found(calls->ctx, &(struct integrity_finding){ .what = INTEGRITY_SHRUNK, .surety = INTEGRITY_CERTAIN,
		.record = m->records + 1, .count = old->records - m->records,
		.after_us = m->last_us > 0 ? m->last_us : WHEN_NONE, .before_us = old->last_us > 0 ? old->last_us : WHEN_NONE });
}

bool
integrity_memory_head_fits(const struct integrity_memory *old, uint32_t record_size, struct str head)
{
	uint64_t n = old->records < INTEGRITY_BLOCK ? old->records : INTEGRITY_BLOCK, hash = old->seed;

	if (old->record_size != record_size || n == 0 || head.n < n * record_size)
		return false;
	for (uint64_t i = 0; i < n; i++)
		hash = hash_bytes(str_of(head.p + i * record_size, record_size), hash);
	return hash == old->blocks[0].hash;
}

void
integrity_memory_start(struct buf *out, uint64_t seed)
{
	buf_addf(out, HEAD "%" PRIx64 "\n", seed);
}

void
integrity_memory_write(const struct integrity_memory *m, struct buf *out)
{
	buf_add(out, m->table ? STR("table") : STR("file"));
	buf_addf(out, " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %u %" PRId64 " %zu ", m->dev, m->ino, m->bytes,
	    m->records, m->record_size, m->last_us, m->nblocks);
	buf_add_json(out, str_z(m->path));
	buf_add_byte(out, '\n');
	for (size_t i = 0; i < m->nblocks; i++)
		buf_addf(out, "%" PRIx64 " %" PRId64 " %" PRIu64 "\n", m->blocks[i].hash, m->blocks[i].first_us,
		    m->blocks[i].index);
}

void
integrity_memory_seal(struct buf *out, uint64_t seed)
{
	buf_addf(out, "end %016" PRIx64 "\n", hash_bytes(buf_str(out), seed));
}

static bool
next_number(struct str *line, uint64_t *ret)
{
	struct str word;

	return str_word(line, &word) && text_u64(word, ret) == 0;
}

static bool
next_hex(struct str *line, uint64_t *ret)
{
	struct str word;
	uint64_t v = 0;

	if (!str_word(line, &word) || word.n == 0 || word.n > 16)
		return false;
	for (size_t i = 0; i < word.n; i++) {
		char c = word.p[i];

		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f'))
			return false;
		v = v << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	*ret = v;
	return true;
}

static bool
next_time(struct str *line, int64_t *ret)
{
	struct str word;

	return str_word(line, &word) && text_i64(word, ret) == 0;
}

/* A JSON string with its quotes. */
static char *
unquoted(struct str s)
{
	struct buf text = BUF_INIT(INTEGRITY_PATH_MAX);
	char *path = NULL;

	json_unescape(s.n >= 2 ? str_of(s.p + 1, s.n - 2) : STR_NULL, &text);
	if (buf_ok(&text))
		path = strdup(buf_cstr(&text));
	buf_free(&text);
	return path;
}

static int
read_blocks(struct integrity_memory *m, uint64_t n, struct str *rest)
{
	m->blocks = calloc(n ? n : 1, sizeof(*m->blocks));
	if (!m->blocks)
		return -ENOMEM;
	for (; m->nblocks < n; m->nblocks++) {
		struct integrity_block *b = &m->blocks[m->nblocks];
		struct str line;

		if (!str_split(rest, '\n', &line) || !next_hex(&line, &b->hash) || !next_time(&line, &b->first_us) ||
		    !next_number(&line, &b->index))
			return -EBADMSG;
	}
	return 0;
}

static int
read_file(struct integrity_memory *m, struct str line, uint64_t seed, struct str *rest)
{
	uint64_t size, blocks;
	struct str word;

	*m = (struct integrity_memory){ .seed = seed, .old_matched = true };
	if (!str_word(&line, &word) || !(str_eq(word, STR("file")) || str_eq(word, STR("table"))))
		return -EBADMSG;
	m->table = str_eq(word, STR("table"));
	if (!next_number(&line, &m->dev) || !next_number(&line, &m->ino) || !next_number(&line, &m->bytes) ||
	    !next_number(&line, &m->records) || !next_number(&line, &size) || !next_time(&line, &m->last_us) ||
	    !next_number(&line, &blocks) || blocks > INTEGRITY_BLOCKS_MAX)
		return -EBADMSG;
	m->record_size = (uint32_t)size;
	m->path = unquoted(str_trim(line));
	return m->path ? read_blocks(m, blocks, rest) : -ENOMEM;
}

/* The seed stands in the head, the hash of everything before it in the last line. */
static int
check(struct str text, uint64_t *ret_seed, struct str *ret_rest)
{
	struct str head, line, rest = text;
	size_t end = str_rfind(text, STR("\nend "));
	uint64_t seed, hash;

	if (end == text.n || !str_split(&rest, '\n', &head) || !str_starts(head, STR(HEAD)))
		return -EBADMSG;
	line = str_trim(str_from(text, end + 5));
	head = str_from(head, sizeof(HEAD) - 1);
	if (!next_hex(&head, &seed) || !next_hex(&line, &hash) || hash != hash_bytes(str_head(text, end + 1), seed))
		return -EBADMSG;
	*ret_seed = seed;
	*ret_rest = str_head(rest, rest.n - (text.n - end - 1));
	return 0;
}

int
integrity_memory_read(struct str text, struct integrity_memory **ret, size_t *ret_n, uint64_t *ret_seed)
{
	struct integrity_memory *all = NULL;
	struct str rest, line;
	uint64_t seed;
	size_t n = 0;
	int rc = check(text, &seed, &rest);

	while (rc == 0 && str_split(&rest, '\n', &line)) {
		struct integrity_memory *grown = reallocarray(all, n + 1, sizeof(*all));

		if (!grown) {
			rc = -ENOMEM;
			break;
		}
		all = grown;
		rc = read_file(&all[n++], line, seed, &rest);
	}
	if (rc < 0) {
		for (size_t i = 0; i < n; i++)
			integrity_memory_free(&all[i]);
		free(all);
		return rc;
	}
	*ret = all;
	*ret_n = n;
	*ret_seed = seed;
	return 0;
}
