/*
 * account_tail: see account_tail.h. Polled, not woken: five calls of stat(2) a few times a second
 * cost less than the one missed event of a file that the kernel itself writes.
 */
#include "role/intake/account_tail.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "console/accounts/file.h"
#include "sys/clock.h"
#include "watch/accounts/integrity_logins.h"
#include "watch/accounts/integrity_memory.h"

#define PRIME_RECORDS (1u << 16)       /* so many old records are read in silence */
#define VERIFY_BYTES_MAX (64u << 20)   /* files up to this size are read again after each change */
#define PAUSE_EVERY 256u
#define SEEN_PAUSE_US (2 * WHEN_SECOND)        /* between two digests of a file that grows all the time */

struct account_tail {
	char *path;
	struct account_lines_opts line_opts;
	struct account_tail_calls calls;
	struct account_file file;
	bool open, quiet, told_unreadable;
	uint64_t at;                   /* records taken */
	int64_t changed_us;            /* mtime when it was looked at last */
	struct account_lines *lines;
	struct integrity_logins *logins;
	struct integrity_memory memory;/* of what was taken, for comparison after a change */
	struct account_chain chain;    /* of the records from `chain_first` on, as they were when they were taken */
	uint64_t chain_first;          /* 0: none */
	uint64_t told_seen;            /* records of the chain that were told */
	int64_t told_seen_us, chain_last_us;
	struct buf line;
};

int
account_tail_new(const char *path, const struct account_lines_opts *o, const struct account_tail_calls *calls,
    struct account_tail **ret)
{
	struct account_tail *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	*t = (struct account_tail){ .path = strdup(path), .line_opts = *o, .calls = *calls, .line = BUF_INIT(64u << 10),
		.told_seen_us = -SEEN_PAUSE_US };
	if (!t->path) {
		free(t);
		return -ENOMEM;
	}
	*ret = t;
	return 0;
}

static void
let_go(struct account_tail *t)
{
	if (t->open)
		account_close(&t->file);
	account_lines_free(t->lines);
	integrity_logins_free(t->logins);
	integrity_memory_free(&t->memory);
	t->chain_first = t->told_seen = 0;
	t->lines = NULL;
	t->logins = NULL;
	t->open = false;
	t->at = 0;
	t->changed_us = WHEN_NONE;
}

void
account_tail_free(struct account_tail *t)
{
	if (!t)
		return;
	let_go(t);
	account_chain_free(&t->chain);
	buf_free(&t->line);
	free(t->path);
	free(t);
}

const char *
account_tail_path(const struct account_tail *t)
{
	return t->path;
}

struct account_pos
account_tail_pos(const struct account_tail *t)
{
	if (!t->open)
		return (struct account_pos){ 0 };
	return (struct account_pos){ .dev = t->file.dev, .ino = t->file.ino, .offset = t->at * t->file.record };
}

static void
on_found(void *ctx, const struct integrity_finding *f)
{
	struct account_tail *t = ctx;

	if (!t->quiet && f->surety >= INTEGRITY_LIKELY)
		t->calls.found(t->calls.ctx, t->path, f);
}

static bool
is_table(const struct account_tail *t)
{
	return t->file.kind == ACCOUNT_LASTLOG || t->file.kind == ACCOUNT_FAILLOG;
}

static int
open_file(struct account_tail *t, const char *path)
{
	struct integrity_logins_opts o = { .calls = { t, on_found }, .now_us = WHEN_NONE };
	int rc = account_open(path, &t->file);

	if (rc < 0)
		return rc;
	t->open = true;
	account_chain_begin(&t->chain);
	o.failures = t->file.kind == ACCOUNT_FAILURES;
	rc = account_lines_new(&t->line_opts, &t->lines);
	if (rc == 0 && t->file.kind <= ACCOUNT_FAILURES)
		rc = integrity_logins_new(&o, &t->logins);
	if (rc < 0) {
		let_go(t);
		return rc;
	}
	integrity_memory_begin(&t->memory, (uint32_t)t->file.record, random_u64());
	return 0;
}

static void
try_open(struct account_tail *t, const char *path)
{
	int rc = open_file(t, path);

	/* A file that is not there yet will come; one of another kind will not become an account file. */
	if (rc < 0 && rc != -ENOENT && !t->told_unreadable)
		t->calls.event(t->calls.ctx, t->path, ACCOUNT_TAIL_UNREADABLE, 0, (uint64_t)-rc);
	t->told_unreadable = rc < 0 && rc != -ENOENT;
}

static void
give(struct account_tail *t)
{
	if (t->line.n > 0 && !t->quiet)
		t->calls.line(t->calls.ctx, buf_str(&t->line));
	buf_reset(&t->line);
}

/* 0: it has none. */
static int64_t
time_of(const struct account_tail *t, struct str bytes)
{
	struct pacct p;
	struct utmp u;

	if (t->file.kind == ACCOUNT_PROCESSES)
		return pacct_read(bytes, &p) == 0 ? p.begin * WHEN_SECOND : 0;
	utmp_read((enum utmp_layout)t->file.layout, bytes, &u);
	return u.time_us;
}

static void
tell_seen(struct account_tail *t, int64_t now_us)
{
	struct account_seal s = { .kind = ACCOUNT_SEAL_RECORDS, .dev = t->file.dev, .ino = t->file.ino,
		.record_size = t->file.record, .first = t->chain_first, .count = t->chain.records, .last_us = t->chain_last_us };

	if (!t->calls.seen || !t->open || t->chain.records == t->told_seen)
		return;
	s.digest = account_chain_digest(&t->chain);
	t->told_seen = t->chain.records;
	t->told_seen_us = now_us;
	t->calls.seen(t->calls.ctx, t->path, &s);
}

/* A busy file is told of now and then, a quiet one at once. */
static void
tell_seen_when_due(struct account_tail *t)
{
	int64_t now = clock_mono_us();

	if (now - t->told_seen_us >= SEEN_PAUSE_US)
		tell_seen(t, now);
}

static void
chain(struct account_tail *t, struct str bytes, uint64_t number, int64_t time_us)
{
	if (!t->calls.seen || (t->chain_first && t->chain_first + t->chain.records != number))
		return;
	if (!t->chain_first)
		t->chain_first = number;
	if (time_us > 0)
		t->chain_last_us = time_us;
	/* Without room there is no digest of what follows; what was told stays true. */
	if (account_chain_add(&t->chain, bytes) < 0)
		t->calls.seen = NULL;
}

/* The records before the first that is read, where they are not too many: a digest of the whole file says most. */
static void
chain_up_to(struct account_tail *t, uint64_t end)
{
	if (!t->calls.seen || is_table(t) || end * t->file.record > VERIFY_BYTES_MAX)
		return;
	for (uint64_t i = 0; i < end; i++) {
		struct str bytes = account_at(&t->file, i);

		if (bytes.n == 0)
			return;
		chain(t, bytes, i + 1, time_of(t, bytes));
	}
}

/* One record to a line, to the checker, to the memory and to the digest. */
static void
take(struct account_tail *t, struct str bytes, uint64_t number)
{
	struct integrity_calls none = { t, on_found };
	int64_t time_us = 0;
	struct pacct p;
	struct utmp u;

	if (t->file.kind == ACCOUNT_PROCESSES) {
		if (pacct_read(bytes, &p) == 0) {
			account_line_command(t->lines, &p, &t->line);
			time_us = p.begin * WHEN_SECOND;
		}
	} else {
		utmp_read((enum utmp_layout)t->file.layout, bytes, &u);
		time_us = u.time_us;
		integrity_logins_record(t->logins, &u, number);
		if (t->file.kind == ACCOUNT_FAILURES)
			account_line_failure(t->lines, &u, &t->line);
		else
			account_line_login(t->lines, &u, number, &t->line);
	}
	give(t);
	chain(t, bytes, number, time_us);
	/* Without room to remember there is nothing to compare with later: that is all. */
	if (t->memory.records + 1 == number && integrity_memory_record(&t->memory, NULL, bytes, time_us, &none) < 0)
		integrity_memory_free(&t->memory);
}

static void
take_until(struct account_tail *t, uint64_t end)
{
	while (t->at < end) {
		struct str bytes = account_at(&t->file, t->at);

		if (bytes.n == 0)
			return;
		take(t, bytes, ++t->at);
		if (!t->quiet && t->at % PAUSE_EVERY == 0 && t->calls.pause(t->calls.ctx))
			return;
	}
}

static void
tell_entry_seen(struct account_tail *t, uint64_t uid, struct str bytes, int64_t time_us)
{
	struct account_seal s = { .kind = ACCOUNT_SEAL_ENTRY, .dev = t->file.dev, .ino = t->file.ino,
		.record_size = t->file.record, .first = uid, .count = 1, .last_us = time_us, .digest = digest_of(&bytes, 1) };

	/* What a tally of failures says is not for ever: a login clears it. */
	if (t->calls.seen && t->file.kind == ACCOUNT_LASTLOG)
		t->calls.seen(t->calls.ctx, t->path, &s);
}

/* The entries of a table that are new since the last look; all of them are remembered. */
static void
take_table(struct account_tail *t)
{
	struct integrity_calls calls = { t, on_found };
	struct integrity_memory now, *old = &t->memory;

	integrity_memory_begin(&now, (uint32_t)t->file.record, old->seed);
	old->at = 0;
	for (uint64_t i = 0; account_next_data(&t->file, &i) == 0 && i <= UINT32_MAX; i++) {
		struct str bytes = account_at(&t->file, i);
		char name[32];
		struct lastlog e;
		size_t n;
		bool same;

		if (bytes.n == 0)
			break;
		lastlog_read((enum lastlog_layout)t->file.layout, bytes, &e);
		if (e.blank)
			continue;
		n = (size_t)snprintf(name, sizeof(name), "uid=%u", (unsigned)i);
		if (integrity_memory_entry(&now, old, i, bytes, e.time_s * WHEN_SECOND, str_of(name, n), &calls) < 0)
			break;
		same = old->at > 0 && old->blocks[old->at - 1].index == i &&
		    old->blocks[old->at - 1].hash == now.blocks[now.nblocks - 1].hash;
		if (same)
			continue;
		tell_entry_seen(t, i, bytes, e.time_s * WHEN_SECOND);
		if (t->file.kind == ACCOUNT_LASTLOG)
			account_line_last(t->lines, (uint32_t)i, &e, &t->line);
		else
			account_line_fails(t->lines, (uint32_t)i, &e, &t->line);
		give(t);
	}
	integrity_memory_end(&now, old, &calls);
	integrity_memory_free(old);
	*old = now;
	old->table = true;
}

/* Was something rewritten that had been read before? */
static void
verify(struct account_tail *t)
{
	struct integrity_calls calls = { t, on_found };
	struct integrity_memory now;
	int rc = 0;

	if (t->memory.nblocks == 0 || t->memory.records != t->at)
		return;
	integrity_memory_begin(&now, (uint32_t)t->file.record, t->memory.seed);
	for (uint64_t i = 0; rc == 0 && i < t->at; i++) {
		struct str bytes = account_at(&t->file, i);

		if (bytes.n == 0)
			break;
		rc = integrity_memory_record(&now, &t->memory, bytes, time_of(t, bytes), &calls);
	}
	if (rc == 0)
		integrity_memory_end(&now, &t->memory, &calls);
	integrity_memory_free(&t->memory);
	t->memory = now;
	if (rc < 0)
		integrity_memory_free(&t->memory);
}

/* The whole file counts, or its last part when it is long: logouts need their logins, not last year's. */
static void
prime(struct account_tail *t, uint64_t end)
{
	t->quiet = true;
	if (is_table(t)) {
		take_table(t);
	} else if (end > PRIME_RECORDS && t->file.kind != ACCOUNT_PROCESSES) {
		t->at = end - PRIME_RECORDS;
		chain_up_to(t, t->at);
		take_until(t, end);
		integrity_memory_free(&t->memory);      /* does not begin with record 1: nothing to compare */
	} else if (t->file.kind != ACCOUNT_PROCESSES) {
		take_until(t, end);
	} else {
		chain_up_to(t, end);
		t->at = end;
	}
	t->quiet = false;
}

/* After a restart, what we had been reading may have been renamed; its rest comes first. */
static bool
finish_renamed(struct account_tail *t, const struct account_pos *pos)
{
	char path[PATH_MAX];
	struct stat st;

	if (snprintf(path, sizeof(path), "%s.1", t->path) >= (int)sizeof(path) || stat(path, &st) < 0 ||
	    st.st_ino != pos->ino || st.st_dev != pos->dev || open_file(t, path) < 0)
		return false;
	if (!is_table(t)) {
		prime(t, pos->offset / t->file.record);
		take_until(t, t->file.count);
		account_tail_end(t);
	}
	let_go(t);
	return true;
}

void
account_tail_begin(struct account_tail *t, const struct account_pos *pos, bool from_start)
{
	uint64_t end = 0;
	bool same;

	try_open(t, t->path);
	same = pos && t->open && pos->ino == t->file.ino && pos->dev == t->file.dev;
	if (pos && !same) {
		struct stat st;
		bool there = t->open;

		let_go(t);
		if (!finish_renamed(t, pos))
			t->calls.event(t->calls.ctx, t->path, ACCOUNT_TAIL_REPLACED, pos->offset,
			    stat(t->path, &st) == 0 ? (uint64_t)st.st_size : 0);
		if (there)
			try_open(t, t->path);
	}
	if (!t->open)
		return;
	if (same && pos->offset > t->file.bytes)
		t->calls.event(t->calls.ctx, t->path, ACCOUNT_TAIL_SHRUNK, pos->offset, t->file.bytes);
	else if (same)
		end = pos->offset / t->file.record;
	else if (!pos && !from_start)
		end = t->file.count;
	/* What a table held before is not news, unless somebody asked for it. */
	if (!is_table(t) || !from_start)
		prime(t, end);
	account_tail_poll(t);
}

static bool
replaced(struct account_tail *t)
{
	struct stat st;

	return stat(t->path, &st) == 0 && (st.st_ino != t->file.ino || st.st_dev != t->file.dev);
}

static void
read_new(struct account_tail *t)
{
	uint64_t was = t->at * t->file.record;
	bool grew, changed;

	if (account_refresh(&t->file) < 0)
		return;
	grew = t->file.count > t->at;
	changed = t->changed_us != t->file.mtime_us;
	if (!grew && !changed)
		return;
	if (is_table(t)) {
		take_table(t);
	} else if (t->file.count < t->at) {
		t->calls.event(t->calls.ctx, t->path, ACCOUNT_TAIL_SHRUNK, was, t->file.bytes);
		account_tail_end(t);
		let_go(t);
		try_open(t, t->path);
		if (t->open)
			take_until(t, t->file.count);
	} else {
		/* An empty file has no layout yet. */
		if (t->at == 0) {
			let_go(t);
			try_open(t, t->path);
		}
		if (t->open && changed && t->at > 0 && (!grew || t->file.bytes <= VERIFY_BYTES_MAX))
			verify(t);
		if (t->open)
			take_until(t, t->file.count);
	}
	t->changed_us = t->open && t->at >= t->file.count ? t->file.mtime_us : WHEN_NONE;
}

void
account_tail_end(struct account_tail *t)
{
	tell_seen(t, clock_mono_us());
}

void
account_tail_poll(struct account_tail *t)
{
	if (!t->open)
		try_open(t, t->path);
	if (!t->open)
		return;
	read_new(t);
	tell_seen_when_due(t);
	if (!t->open || !replaced(t) || t->calls.pause(t->calls.ctx))
		return;
	/* Renamed: read to its end just now; its successor is read from its beginning. */
	account_tail_end(t);
	let_go(t);
	try_open(t, t->path);
	if (t->open)
		read_new(t);
	tell_seen_when_due(t);
}
