/*
 * attest: our newest checkpoint, for the witnesses, and what they put under it. All are asked about the same one, so
 * that their signatures stand together in one note; the proof from what each has seen is made by another thread. Must
 * never keep a line that was not checked with the key of that witness.
 */
#include <errno.h>
#include <stdlib.h>

#include "console/vault/dir.h"
#include "role/vault/sites.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "vault/witness.h"

#define ROUND_US (8 * WHEN_SECOND)     /* witnesses that ask within this time sign the same checkpoint */
#define OLD_US (30 * WHEN_SECOND)      /* a note with more signatures gives way to a newer one then */
#define LINES_MAX (NOTE_SIGS_MAX - 2)  /* beside the log's own */

static struct vault_witness *
find(struct vaulting *v, struct str site)
{
	for (uint32_t i = 0; i < v->sites->nwitnesses; i++)
		if (str_eq(v->sites->witnesses[i].name, site))
			return &v->sites->witnesses[i];
	return NULL;
}

/* Who they are: "SITE KEY", a line each, for those who count the signatures. */

static struct str
key_in(struct str text, struct str site)
{
	struct str line;

	while (str_split(&text, '\n', &line)) {
		size_t blank = str_find_byte(line, ' ');
		if (str_eq(str_head(line, blank), site))
			return str_from(line, blank + 1);
	}
	return STR_NULL;
}

int
vaulting_attest_open(struct vaulting *v)
{
	const struct conf_sites *sites = &v->role->config->sites;
	struct vault_attest *a = &v->sites->attest;
	struct buf known = BUF_INIT(1u << 20);
	char path[PATH_MAX];

	*a = (struct vault_attest){ .note = BUF_INIT(NOTE_BYTES_MAX), .text = BUF_INIT(NOTE_BYTES_MAX), .lines = BUF_INIT(NOTE_BYTES_MAX) };
	v->sites->witnesses = calloc(sites->npeers + 1u, sizeof(*v->sites->witnesses));
	if (!v->sites->witnesses)
		return -ENOMEM;
	if (file_path(path, sizeof(path), v->disk.dir, "witnesses") == 0)
		(void)!file_read(path, &known);
	for (uint32_t i = 0; i < sites->npeers; i++) {
		if (!sites->peers[i].witness)
			continue;
		struct vault_witness *w = &v->sites->witnesses[v->sites->nwitnesses++];
		*w = (struct vault_witness){ .name = sites->peers[i].name, .key = BUF_INIT(1024) };
		buf_add(&w->key, key_in(buf_str(&known), w->name));
	}
	buf_free(&known);
	return 0;
}

void
vaulting_attest_close(struct vaulting *v)
{
	struct vault_attest *a = &v->sites->attest;

	while (a->busy)
		loop_run_once(v->role->loop, true);
	for (uint32_t i = 0; i < v->sites->nwitnesses; i++)
		buf_free(&v->sites->witnesses[i].key);
	free(v->sites->witnesses);
	buf_free(&a->note);
	buf_free(&a->text);
	buf_free(&a->lines);
}

static int
put(const struct vaulting *v, const char *name, struct str text)
{
	char path[PATH_MAX];
	int r = file_path(path, sizeof(path), v->disk.dir, name);

	return r < 0 ? r : file_replace(path, text, 0644, false);
}

void
vaulting_attest_key(struct vaulting *v, const struct msg_witness *m)
{
	struct vault_witness *w = find(v, m->site);
	struct buf text = BUF_INIT(1u << 20);
	struct note_key k;

	if (!w || note_key_read(m->key, &k) < 0 || k.type != NOTE_COSIGNATURE || str_eq(buf_str(&w->key), m->key))
		return;
	buf_reset(&w->key);
	buf_add(&w->key, m->key);
	for (uint32_t i = 0; i < v->sites->nwitnesses; i++)
		if (v->sites->witnesses[i].key.n)
			buf_addf(&text, "%.*s %.*s\n", STR_FMT(v->sites->witnesses[i].name), STR_FMT(buf_str(&v->sites->witnesses[i].key)));
	int r = buf_ok(&text) ? put(v, "witnesses", buf_str(&text)) : -ENOMEM;
	if (r < 0)
		log_say(&v->role->log, LOG_LEVEL_WARNING, "the keys of the witnesses are not written down: %s", strerror(-r));
	buf_free(&text);
}

/* The checkpoint. */

/* The newest one, unless the present round has only begun: 0; -EAGAIN: there is none that can be shown. */
static int
take_note(struct vaulting *v)
{
	struct vault_attest *a = &v->sites->attest;
	int64_t now = clock_mono_us();
	struct checkpoint c;
	struct note n;
	char path[PATH_MAX];

	if (a->size && now - a->since_us < ROUND_US)
		return 0;
	buf_reset(&a->note);
	a->size = 0;
	int r = file_path(path, sizeof(path), v->disk.dir, "checkpoint");
	if (r == 0)
		r = file_read(path, &a->note);
	if (r == 0)
		r = note_read(buf_str(&a->note), &n) < 0 || checkpoint_read(n.text, &c) < 0 ? -EBADMSG : 0;
	/* After a power cut the file may be older than the log: a witness would take that for a vault that was set back. */
	if (r == 0 && c.size < v->since)
		r = -EAGAIN;
	if (r < 0)
		return r == -ENOENT ? -EAGAIN : r;
	a->size = c.size;
	a->since_us = now;
	buf_reset(&a->text);
	buf_add(&a->text, n.text);
	buf_reset(&a->lines);
	a->nlines = 0;
	return buf_ok(&a->text) ? 0 : -ENOMEM;
}

struct proof_job {
	struct vaulting *v;
	struct vault_witness *of;
	uint64_t old, size;
	struct buf path;
	struct vault_dir dir;
	int error;
};

static void
work(void *ctx)
{
	struct proof_job *j = ctx;
	struct tree_source source = vault_dir_source(&j->dir);
	struct tree_path path = { .n = 0 };

	j->error = vault_dir_open(&j->dir, j->v->disk.dir);
	j->dir.ring = &j->v->disk.ring;
	if (j->error == 0 && j->old)
		j->error = tree_prove_consistency(&source, j->old, j->size, &path);
	if (j->error == 0)
		j->error = witness_path(&path, &j->path);
	vault_dir_close(&j->dir);
}

static void next_proof(struct vaulting *v);

static void
done(void *ctx)
{
	struct proof_job *j = ctx;
	struct vaulting *v = j->v;
	struct vault_attest *a = &v->sites->attest;
	struct msg m = { .type = MSG_attested, .fd = -1, .attested = { .site = j->of->name, .old = j->old, .size = j->size,
		.path = buf_str(&j->path), .note = buf_str(&a->note) } };

	a->busy = false;
	if (j->error < 0)
		log_say(&v->role->log, LOG_LEVEL_ERROR, "no proof from entry %llu can be made for the witness %.*s: %s",
		    (unsigned long long)j->old, STR_FMT(j->of->name), j->dir.why[0] ? j->dir.why : strerror(-j->error));
	else if (v->sites->link && chan_state(v->sites->link) == MSG_OPEN && chan_send(v->sites->link, &m) < 0)
		log_say(&v->role->log, LOG_LEVEL_WARNING, "linkd does not take a checkpoint");
	buf_free(&j->path);
	free(j);
	next_proof(v);
}

static void
start_proof(struct vaulting *v, struct vault_witness *w)
{
	struct proof_job *j = calloc(1, sizeof(*j));

	w->asked = false;
	if (!j)
		return;
	*j = (struct proof_job){ .v = v, .of = w, .old = w->old, .size = v->sites->attest.size,
		.path = BUF_INIT(WITNESS_PATH_MAX * DIGEST_BYTES) };
	v->sites->attest.busy = work_start(v->role->loop, work, done, j) == 0;
	if (!v->sites->attest.busy)
		free(j);
}

/* It has seen more of this log than there is. What is said of it is a record, and an incident, here too. */
static void
set_back(struct vaulting *v, struct vault_witness *w)
{
	w->asked = false;
	if (w->told)
		return;
	w->told = true;
	log_say(&v->role->log, LOG_LEVEL_ERROR, "THE VAULT WAS SET BACK: site %.*s signed a checkpoint of %llu lines, and there are %llu",
	    STR_FMT(w->name), (unsigned long long)w->old, (unsigned long long)v->sites->attest.size);
	vaulting_say(v, "log.tampered file=\"vault %.*s\" what=rewound surety=certain record=%llu say=\"site %.*s signed a checkpoint "
	    "of %llu lines, and there are fewer\"", STR_FMT(v->disk.identity.origin), (unsigned long long)v->sites->attest.size,
	    STR_FMT(w->name), (unsigned long long)w->old);
}

static void
next_proof(struct vaulting *v)
{
	for (uint32_t i = 0; i < v->sites->nwitnesses && !v->sites->attest.busy && !v->stopping; i++) {
		struct vault_witness *w = &v->sites->witnesses[i];
		if (!w->asked || take_note(v) < 0)
			continue;
		if (w->old > v->sites->attest.size)
			set_back(v, w);
		else
			start_proof(v, w);
	}
}

void
vaulting_attest(struct vaulting *v, const struct msg_attest *m)
{
	struct vault_witness *w = find(v, m->site);

	if (!w)
		return;
	w->asked = true;
	w->old = m->old;
	next_proof(v);
}

void
vaulting_attest_ready(struct vaulting *v)
{
	next_proof(v);
}

/* Signatures. */

static bool
is_signed(const struct vault_witness *w, struct str note)
{
	struct note_key k;
	struct note n;

	return note_key_read(buf_str(&w->key), &k) == 0 && note_read(note, &n) == 0 && note_check(&n, &k, NULL) == 0;
}

static void
keep_note(struct vaulting *v)
{
	struct vault_attest *a = &v->sites->attest;
	struct buf whole = BUF_INIT(NOTE_BYTES_MAX);
	int64_t now = clock_mono_us();

	/* The one with more witnesses stays until the round is as far, or that one is old. */
	if (a->nlines < a->kept && now - a->kept_us < OLD_US)
		return;
	buf_add(&whole, buf_str(&a->note));
	buf_add(&whole, buf_str(&a->lines));
	int r = buf_ok(&whole) ? put(v, "cosigned", buf_str(&whole)) : -ENOMEM;
	if (r == 0) {
		a->kept = a->nlines;
		a->kept_us = now;
	} else {
		log_say(&v->role->log, LOG_LEVEL_WARNING, "a cosigned checkpoint is not written down: %s", strerror(-r));
	}
	buf_free(&whole);
}

void
vaulting_attest_signed(struct vaulting *v, const struct msg_cosigned *m)
{
	struct vault_attest *a = &v->sites->attest;
	struct vault_witness *w = find(v, m->site);
	struct buf note = BUF_INIT(NOTE_BYTES_MAX);

	/* Of a round before this one: what it was worth then, the next one is now. */
	if (!w || !a->size || !str_eq(m->text, buf_str(&a->text)) || a->nlines >= LINES_MAX)
		return;
	note_begin(&note, m->text);
	buf_add(&note, m->lines);
	if (buf_ok(&note) && is_signed(w, buf_str(&note)) && str_find(buf_str(&a->lines), m->lines) == a->lines.n) {
		buf_add(&a->lines, m->lines);
		a->nlines++;
		keep_note(v);
	}
	buf_free(&note);
}
