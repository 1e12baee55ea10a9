/*
 * integrity_sealed: see integrity_sealed.h.
 *
 * A state says: "the first N records of this log have this digest". A state is met when some file of the log still
 * gives it, under whatever name. One that is not met was either rotated out of the world, then it is older than all
 * that are met, and nothing of its time is left; or somebody edited what it speaks of.
 */
#include "console/accounts/integrity_sealed.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "console/i18n.h"
#include "console/remote.h"
#include "console/term.h"

struct sealed_file {
	struct account_file *f;        /* NULL: an entry of a table that is not sealed as it is */
	uint32_t path;                 /* of the states: that of its stem; UINT32_MAX: none */
	char *stem;
	struct account_seal now;       /* all of it */
	bool sealed;                   /* the vault says exactly that */
};

int
integrity_sealed_open(struct integrity_sealed *s, const struct options *o)
{
	int rc;

	*s = (struct integrity_sealed){ .there = false };
	rc = sealed_states_read(o, &s->states);
	s->there = rc == 0;
	if (rc == 0 && s->states.unreadable > 0)
		complain(_("guarita integrity: %llu states in the vault cannot be read\n"), (unsigned long long)s->states.unreadable);
	if (rc < 0)
		sealed_states_free(&s->states);
	return rc == -ENOENT ? 0 : rc;
}

void
integrity_sealed_close(struct integrity_sealed *s)
{
	for (size_t i = 0; i < s->nfiles; i++)
		free(s->files[i].stem);
	free(s->files);
	sealed_states_free(&s->states);
}

static int64_t
time_of(const struct account_file *f, struct str bytes)
{
	struct pacct p;
	struct utmp u;

	if (f->kind == ACCOUNT_PROCESSES)
		return pacct_read(bytes, &p) == 0 ? p.begin * WHEN_SECOND : 0;
	utmp_read((enum utmp_layout)f->layout, bytes, &u);
	return u.time_us;
}

static struct sealed_file *
new_file(struct integrity_sealed *s, struct account_file *f, const char *stem)
{
	struct sealed_file *grown = reallocarray(s->files, s->nfiles + 1, sizeof(*grown));

	if (!grown)
		return NULL;
	s->files = grown;
	grown[s->nfiles] = (struct sealed_file){ .f = f, .path = sealed_states_path(&s->states, stem), .stem = strdup(stem) };
	return grown[s->nfiles].stem ? &grown[s->nfiles++] : NULL;
}

/* States of logs with records of this size, by the record their digest begins with and how many it is of. */
struct wanted {
	struct sealed_state **v;
	size_t n;
};

static int
by_first_and_count(const void *a, const void *b)
{
	const struct account_seal *x = &(*(struct sealed_state *const *)a)->seal, *y = &(*(struct sealed_state *const *)b)->seal;

	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	return x->count == y->count ? 0 : x->count < y->count ? -1 : 1;
}

static int
want(struct integrity_sealed *s, const struct account_file *f, struct wanted *ret)
{
	*ret = (struct wanted){ .v = malloc((s->states.n + 1) * sizeof(*ret->v)) };
	if (!ret->v)
		return -ENOMEM;
	for (size_t i = 0; i < s->states.n; i++) {
		struct sealed_state *x = &s->states.v[i];

		if (x->seal.kind == ACCOUNT_SEAL_RECORDS && x->seal.record_size == f->record && !x->file &&
		    x->seal.first + x->seal.count - 1 <= f->count)
			ret->v[ret->n++] = x;
	}
	qsort(ret->v, ret->n, sizeof(*ret->v), by_first_and_count);
	return 0;
}

/* One pass over the file from `first` on: which of the states w[0..n-1], all of that first, does it show? */
static int
meet(struct account_file *f, uint64_t first, struct sealed_state **w, size_t n, uint32_t number, struct account_seal *now)
{
	struct account_chain chain = { .records = 0 };
	int64_t last_us = 0;
	size_t at = 0;
	int rc = 0;

	account_chain_begin(&chain);
	for (uint64_t i = first; rc == 0 && i <= f->count && (at < n || now); i++) {
		struct str bytes = account_at(f, i - 1);
		int64_t us;

		if (bytes.n == 0)
			break;
		us = time_of(f, bytes);
		last_us = us > 0 ? us : last_us;
		rc = account_chain_add(&chain, bytes);
		for (; at < n && w[at]->seal.count == chain.records; at++) {
			struct digest d = account_chain_digest(&chain);

			if (digest_eq(&d, &w[at]->seal.digest))
				w[at]->file = number;
		}
	}
	if (now)
		*now = (struct account_seal){ .kind = ACCOUNT_SEAL_RECORDS, .dev = f->dev, .ino = f->ino, .record_size = f->record,
			.first = first, .count = chain.records, .last_us = last_us, .digest = account_chain_digest(&chain) };
	account_chain_free(&chain);
	return rc;
}

static bool
is_sealed(const struct integrity_sealed *s, const struct sealed_file *file)
{
	for (size_t i = s->states.n; i > 0; i--) {
		const struct account_seal *x = &s->states.v[i - 1].seal;

		if (x->kind == file->now.kind && x->first == file->now.first && x->count == file->now.count &&
		    digest_eq(&x->digest, &file->now.digest))
			return true;
	}
	return false;
}

int
integrity_sealed_log(struct integrity_sealed *s, struct account_file *f, const char *stem)
{
	struct sealed_file *file;
	struct wanted w;
	size_t end;
	int rc;

	if (!s->there)
		return 0;
	file = new_file(s, f, stem);
	if (!file)
		return -ENOMEM;
	rc = want(s, f, &w);
	/* The digest of the whole is what will be sealed, so the pass from record 1 on is made in any case. */
	for (end = 0; end < w.n && w.v[end]->seal.first == 1; end++)
		;
	if (rc == 0)
		rc = meet(f, 1, w.v, end, (uint32_t)s->nfiles, &file->now);
	for (size_t from = end; rc == 0 && from < w.n; from = end) {
		while (end < w.n && w.v[end]->seal.first == w.v[from]->seal.first)
			end++;
		rc = meet(f, w.v[from]->seal.first, &w.v[from], end - from, (uint32_t)s->nfiles, NULL);
	}
	free(w.v);
	file->sealed = rc == 0 && is_sealed(s, file);
	return rc;
}

static void
tell_entry(enum integrity_what what, uint64_t uid, int64_t was_us, int64_t now_us, uint64_t index, const struct integrity_calls *calls)
{
	char note[64], name[32];

	calls->found(calls->ctx, &(struct integrity_finding){ .what = what, .surety = integrity_surety_of(what), .record = uid + 1,
		.count = 1, .user = str_of(name, (size_t)snprintf(name, sizeof(name), "uid=%llu", (unsigned long long)uid)),
		.after_us = now_us > 0 ? now_us : WHEN_NONE, .before_us = was_us > 0 ? was_us : WHEN_NONE,
		.note = str_of(note, (size_t)snprintf(note, sizeof(note), "sealed in the vault as %llu", (unsigned long long)index)) });
}

static int
by_uid_then_vault(const void *a, const void *b)
{
	const struct sealed_state *x = *(struct sealed_state *const *)a, *y = *(struct sealed_state *const *)b;

	if (x->seal.first != y->seal.first)
		return x->seal.first < y->seal.first ? -1 : 1;
	return x->index < y->index ? -1 : 1;
}

/* Logins only become later: that holds from each state to the next, and from the last to the file. */
static int
judge_entry(struct integrity_sealed *s, struct account_file *f, struct sealed_state **w, size_t n, const struct integrity_calls *calls)
{
	const struct sealed_state *was = w[0];
	struct str bytes = was->seal.first < f->count ? account_at(f, was->seal.first) : STR_NULL;
	struct lastlog e = { .blank = true };
	struct digest d = digest_of(&bytes, 1);
	struct sealed_file *file;

	for (size_t i = 1; i < n; i++) {
		if (w[i]->seal.last_us < was->seal.last_us)
			tell_entry(INTEGRITY_LAST_WENT_BACK, was->seal.first, was->seal.last_us, w[i]->seal.last_us, was->index, calls);
		was = w[i];
	}
	if (bytes.n > 0)
		lastlog_read((enum lastlog_layout)f->layout, bytes, &e);
	if (e.blank || e.time_s * WHEN_SECOND < was->seal.last_us)
		tell_entry(INTEGRITY_LAST_WENT_BACK, was->seal.first, was->seal.last_us, e.blank ? 0 : e.time_s * WHEN_SECOND, was->index, calls);
	else if (e.time_s * WHEN_SECOND == was->seal.last_us && !digest_eq(&d, &was->seal.digest))
		tell_entry(INTEGRITY_LAST_EDITED, was->seal.first, was->seal.last_us, was->seal.last_us, was->index, calls);
	if (e.blank || digest_eq(&d, &was->seal.digest))
		return 0;
	file = new_file(s, NULL, f->path);
	if (file)
		file->now = (struct account_seal){ .kind = ACCOUNT_SEAL_ENTRY, .dev = f->dev, .ino = f->ino, .record_size = f->record,
			.first = was->seal.first, .count = 1, .last_us = e.time_s * WHEN_SECOND, .digest = d };
	return file ? 0 : -ENOMEM;
}

/* An entry that the vault does not know yet. */
static int
note_new_entry(struct integrity_sealed *s, struct account_file *f, uint64_t uid, struct str bytes)
{
	struct lastlog e;
	struct sealed_file *file;

	lastlog_read((enum lastlog_layout)f->layout, bytes, &e);
	if (e.blank)
		return 0;
	file = new_file(s, NULL, f->path);
	if (!file)
		return -ENOMEM;
	file->now = (struct account_seal){ .kind = ACCOUNT_SEAL_ENTRY, .dev = f->dev, .ino = f->ino, .record_size = f->record,
		.first = uid, .count = 1, .last_us = e.time_s * WHEN_SECOND, .digest = digest_of(&bytes, 1) };
	return 0;
}

static bool
has_uid(struct sealed_state *const *v, size_t n, uint64_t uid)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (v[mid]->seal.first < uid)
			low = mid + 1;
		else
			high = mid;
	}
	return low < n && v[low]->seal.first == uid;
}

int
integrity_sealed_table(struct integrity_sealed *s, struct account_file *f, const struct integrity_calls *calls)
{
	uint32_t path = sealed_states_path(&s->states, f->path);
	struct wanted w = { .v = malloc((s->states.n + 1) * sizeof(*w.v)) };
	int rc = w.v ? 0 : -ENOMEM;

	for (size_t i = 0; rc == 0 && i < s->states.n; i++)
		if (s->states.v[i].seal.kind == ACCOUNT_SEAL_ENTRY && s->states.v[i].path == path)
			w.v[w.n++] = &s->states.v[i];
	if (w.n > 1)
		qsort(w.v, w.n, sizeof(*w.v), by_uid_then_vault);
	for (size_t from = 0, end = 0; rc == 0 && from < w.n; from = end) {
		while (end < w.n && w.v[end]->seal.first == w.v[from]->seal.first)
			end++;
		rc = judge_entry(s, f, &w.v[from], end - from, calls);
	}
	for (uint64_t i = 0; rc == 0 && s->there && account_next_data(f, &i) == 0; i++) {
		struct str bytes = account_at(f, i);

		if (bytes.n == 0)
			break;
		if (!has_uid(w.v, w.n, i))
			rc = note_new_entry(s, f, i, bytes);
	}
	free(w.v);
	return rc;
}

/* The judgement of one log. */

struct judged {
	struct integrity_sealed *s;
	uint32_t path;
	const struct integrity_calls *calls;
};

static bool
of_log(const struct judged *j, const struct sealed_state *x)
{
	return x->path == j->path && x->seal.kind == ACCOUNT_SEAL_RECORDS;
}

static bool
same_run(const struct sealed_state *x, const struct sealed_state *y)
{
	return x->seal.dev == y->seal.dev && x->seal.ino == y->seal.ino && x->seal.first == y->seal.first;
}

/* Of the same file, sealed before it, and met: what was still whole. */
static const struct sealed_state *
last_met_before(const struct judged *j, const struct sealed_state *x)
{
	const struct sealed_state *best = NULL;

	for (size_t i = 0; i < j->s->states.n && j->s->states.v[i].index < x->index; i++) {
		const struct sealed_state *y = &j->s->states.v[i];

		if (of_log(j, y) && y->file && same_run(x, y) && y->seal.count < x->seal.count &&
		    (!best || y->seal.count > best->seal.count))
			best = y;
	}
	return best;
}

/* The file that should show it: the one that shows what came before, or has its inode, or the newest. */
static const struct sealed_file *
should_show(const struct judged *j, const struct sealed_state *x, const struct sealed_state *met)
{
	const struct sealed_file *newest = NULL;

	if (met)
		return &j->s->files[met->file - 1];
	for (size_t i = 0; i < j->s->nfiles; i++) {
		const struct sealed_file *file = &j->s->files[i];

		if (!file->f || file->path != j->path)
			continue;
		if (file->f->dev == x->seal.dev && file->f->ino == x->seal.ino)
			return file;
		newest = file;
	}
	return newest;
}

/* Records that were sealed and are not there as they were; x is the first such state, `all` how many there were at last. */
static void
tell_edit(const struct judged *j, const struct sealed_state *x, uint64_t all)
{
	const struct sealed_state *met = last_met_before(j, x);
	const struct sealed_file *file = should_show(j, x, met);
	uint64_t whole = met ? met->seal.first + met->seal.count - 1 : x->seal.first - 1;
	uint64_t left = file && file->f ? file->f->count : 0, fewer = all > left ? all - left : 0;
	enum integrity_what what = fewer == 0 ? INTEGRITY_CHANGED : left == whole ? INTEGRITY_SHRUNK : INTEGRITY_REMOVED;
	char note[64];

	j->calls->found(j->calls->ctx, &(struct integrity_finding){ .what = what, .surety = INTEGRITY_CERTAIN, .record = whole + 1,
		.count = fewer, .after_us = met && met->seal.last_us > 0 ? met->seal.last_us : WHEN_NONE,
		.before_us = x->seal.last_us > 0 ? x->seal.last_us : WHEN_NONE,
		.note = str_of(note, (size_t)snprintf(note, sizeof(note), "sealed in the vault as %llu", (unsigned long long)x->index)) });
}

/* What is not met although older states are: one finding for each file that the states speak of. */
struct run {
	const struct sealed_state *first_unmet;
	uint64_t most;                 /* records that it had at last */
};

static struct run *
run_of(struct run *runs, size_t n, const struct sealed_state *x)
{
	for (size_t i = 0; i < n; i++)
		if (same_run(runs[i].first_unmet, x))
			return &runs[i];
	return NULL;
}

static int
judge_newer(const struct judged *j, uint64_t oldest_met, bool *ret_any)
{
	const struct sealed_states *all = &j->s->states;
	struct run *runs = NULL, *r;
	size_t n = 0;

	for (size_t i = 0; i < all->n; i++) {
		const struct sealed_state *x = &all->v[i];

		if (!of_log(j, x) || x->file || x->index < oldest_met)
			continue;
		r = run_of(runs, n, x);
		if (!r) {
			r = reallocarray(runs, n + 1, sizeof(*runs));
			if (!r) {
				free(runs);
				return -ENOMEM;
			}
			runs = r;
			r = &runs[n++];
			*r = (struct run){ .first_unmet = x };
		}
		if (x->seal.first + x->seal.count - 1 > r->most)
			r->most = x->seal.first + x->seal.count - 1;
	}
	for (size_t i = 0; i < n; i++)
		tell_edit(j, runs[i].first_unmet, runs[i].most);
	*ret_any = n > 0;
	free(runs);
	return 0;
}

/* How many records of the time up to this state the file still has. */
static uint64_t
covered(const struct sealed_file *file, int64_t until_us)
{
	uint64_t n = 0;

	for (uint64_t i = 0; i < file->f->count; i++) {
		struct str bytes = account_at(file->f, i);
		int64_t us = bytes.n ? time_of(file->f, bytes) : 0;

		if (bytes.n == 0)
			break;
		n += us > 0 && us <= until_us;
	}
	return n;
}

/*
 * The newest of the states that are older than all that are met. When half of its records seem to be there still, in
 * other words, it was not rotated away. Half, because clocks that were wrong give single records any time.
 */
static void
judge_older(const struct judged *j, uint64_t oldest_met)
{
	const struct sealed_state *x = NULL;

	for (size_t i = 0; i < j->s->states.n; i++)
		if (of_log(j, &j->s->states.v[i]) && j->s->states.v[i].index < oldest_met)
			x = &j->s->states.v[i];
	for (size_t i = 0; x && x->seal.last_us > 0 && i < j->s->nfiles; i++) {
		const struct sealed_file *file = &j->s->files[i];

		if (file->f && file->path == j->path && 2 * covered(file, x->seal.last_us) >= x->seal.count) {
			tell_edit(j, x, x->seal.first + x->seal.count - 1);
			return;
		}
	}
	if (x && oldest_met == UINT64_MAX)
		j->calls->found(j->calls->ctx, &(struct integrity_finding){ .what = INTEGRITY_REPLACED, .surety = INTEGRITY_LIKELY,
			.count = x->seal.count, .after_us = WHEN_NONE, .before_us = x->seal.last_us > 0 ? x->seal.last_us : WHEN_NONE });
}

static int
judge_log(struct judged *j)
{
	const struct sealed_states *all = &j->s->states;
	uint64_t oldest_met = UINT64_MAX;
	bool any;
	int rc;

	for (size_t i = 0; i < all->n; i++)
		if (of_log(j, &all->v[i]) && all->v[i].file && all->v[i].index < oldest_met)
			oldest_met = all->v[i].index;
	rc = judge_newer(j, oldest_met, &any);
	if (rc == 0 && !any)
		judge_older(j, oldest_met);
	return rc;
}

int
integrity_sealed_judge(struct integrity_sealed *s, bool whole, void (*at)(void *ctx, const char *path),
    const struct integrity_calls *calls)
{
	int rc = 0;

	for (uint32_t p = 0; rc == 0 && p < s->states.npaths; p++) {
		struct judged j = { .s = s, .path = p, .calls = calls };
		bool shown = false;

		for (size_t i = 0; i < s->nfiles; i++)
			shown |= s->files[i].f && s->files[i].path == p;
		/* A file elsewhere was not asked about. */
		if (!shown && !whole)
			continue;
		at(calls->ctx, s->states.paths[p]);
		rc = judge_log(&j);
	}
	return rc;
}

bool
integrity_sealed_memory(const struct integrity_sealed *s, const char *path, const struct digest *digest)
{
	uint32_t number = sealed_states_path(&s->states, path);
	unsigned known = 0;

	for (size_t i = s->states.n; known < 2 && i > 0; i--) {
		const struct sealed_state *x = &s->states.v[i - 1];

		if (x->seal.kind != ACCOUNT_SEAL_MEMORY || x->path != number)
			continue;
		if (digest && digest_eq(digest, &x->seal.digest))
			return true;
		known++;
	}
	return known == 0;
}

static int
seal(struct remote *r, const struct account_seal *what, const char *path)
{
	struct buf order = BUF_INIT(8192);
	struct str line;
	bool sealed = false;
	int rc;

	if (strlen(path) > ACCOUNT_SEAL_PATH_MAX) {
		complain(_("guarita integrity: %s: its name is too long to be sealed\n"), path);
		return 0;
	}
	buf_add(&order, STR("{\"cmd\":\"seal\","));
	account_seal_write(what, str_z(path), &order);
	rc = buf_ok(&order) ? remote_send(r, buf_str(&order)) : -ENOMEM;
	while (rc == 0 && (rc = remote_line(r, &line)) == 1) {
		rc = 0;
		sealed |= str_starts(line, STR("{\"type\":\"sealed\""));
		if (str_starts(line, STR("{\"type\":\"error\"")))
			complain("guarita integrity: %.*s\n", STR_FMT(line));
		if (str_starts(line, STR("{\"type\":\"end\"")))
			break;
	}
	buf_free(&order);
	return rc < 0 ? rc : sealed ? 0 : -EIO;
}

int
integrity_sealed_keep(struct integrity_sealed *s, const struct options *o, const char *memory, const struct digest *digest)
{
	struct account_seal of_memory = { .kind = ACCOUNT_SEAL_MEMORY };
	struct remote r;
	int rc = remote_open(&r, o->control);

	if (rc < 0)
		return rc;
	for (size_t i = 0; rc == 0 && i < s->nfiles; i++)
		if (!s->files[i].sealed && s->files[i].now.count > 0)
			rc = seal(&r, &s->files[i].now, s->files[i].stem);
	if (rc == 0 && memory) {
		of_memory.digest = *digest;
		rc = seal(&r, &of_memory, memory);
	}
	remote_close(&r);
	return rc;
}
