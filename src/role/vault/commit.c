/*
 * commit: frames to the disk: frame, sync, keys, sync, and only then are the senders told. While the disk works,
 * the next frame fills: a slow disk makes larger frames, not longer queues. Must never tell anyone before the disk did.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "role/vault/vaultd.h"
#include "sys/clock.h"

#define RETRY_MS 1000

static void
free_job(struct vault_job *j)
{
	explicit_bzero(j->slot, sizeof(j->slot));
	buf_free(&j->bytes);
	free(j);
}

void
vaulting_drop_jobs(struct vaulting *v)
{
	while (v->jobs) {
		struct vault_job *j = v->jobs;
		v->jobs = j->next;
		free_job(j);
	}
	v->last_job = &v->jobs;
}

/* The open frame is sealed and put in line. */
static int
finish(struct vaulting *v, struct str side, bool new_file)
{
	struct vault_job *j = calloc(1, sizeof(*j));
	uint64_t first = v->sealer.frame.first;

	if (!j)
		return -ENOMEM;
	int r = sealer_finish(&v->sealer, side, clock_wall_us(), (uint64_t)clock_boot_us(), &j->bytes);
	if (r < 0) {
		free_job(j);
		return r;
	}
	j->v = v;
	j->new_file = new_file;
	j->encrypted = new_file && v->sealer.cipher;
	memcpy(j->file_key, v->file_key, sizeof(j->file_key));
	j->first = first;
	j->size = v->sealer.tree.size;
	j->spooled = v->spooled;
	j->credits = v->credits;
	v->credits = 0;
	keys_pack(&v->sealer.keys, j->slot);
	j->slot_at = keys_slot_offset(&v->sealer.keys);
	v->planned_bytes = (new_file ? 0 : v->planned_bytes) + j->bytes.n;
	*v->last_job = j;
	v->last_job = &j->next;
	return 0;
}

/* What goes wrong here cannot be undone in memory; on the disk everything is in order. */
static void
give_up(struct vaulting *v, int error)
{
	log_say(&v->role->log, LOG_LEVEL_ERROR, "cannot seal: %s; starting anew from what is on the disk",
	    strerror(-error));
	role_end(v->role, 1);
}

static int
finish_lines(struct vaulting *v)
{
	struct buf side = BUF_INIT(FRAME_SIDE_MAX);
	uint8_t spooled[8];
	struct enc e = enc_of(spooled, sizeof(spooled));

	enc_u64(&e, v->spooled);
	buf_add(&side, str_of((const char *)spooled, e.n));
	buf_add(&side, buf_str(&v->side));
	int r = buf_ok(&side) && buf_ok(&v->side) ? finish(v, buf_str(&side), false) : -ENOMEM;
	buf_reset(&v->side);
	buf_free(&side);
	if (r == 0)
		vaulting_copied_framed(v);
	return r;
}

/* Each file of the log has a key of its own, which goes with it. */
static int
new_cipher(struct vaulting *v)
{
	struct frame_cipher *cipher = NULL;
	int r = v->conf->encrypt ? vault_disk_file_key(&v->disk, v->file_key, &cipher) : 0;

	if (r < 0)
		return r;
	frame_cipher_free(v->sealer.cipher);
	v->sealer.cipher = cipher;
	return 0;
}

/* A file's first frame holds all that is needed to go on from it. No frame may be open. */
static int
start_file(struct vaulting *v)
{
	struct buf state = BUF_INIT(FRAME_SIDE_MAX);

	int r = vaulting_pack_state(v, &state);
	if (r == 0)
		r = new_cipher(v);
	if (r == 0) {
		sealer_begin(&v->sealer, FRAME_START);
		r = finish(v, buf_str(&state), true);
	}
	buf_free(&state);
	return r;
}

void
vaulting_begin_file(struct vaulting *v)
{
	int r = start_file(v);

	if (r < 0)
		give_up(v, r);
	vaulting_poke(v);
}

int
vaulting_begin(struct vaulting *v)
{
	if (v->sealer.open)
		return 0;
	if (v->planned_bytes >= VAULT_FILE_BYTES) {
		int r = start_file(v);
		if (r < 0)
			return r;
	}
	sealer_begin(&v->sealer, FRAME_LINES);
	v->open_us = clock_mono_us();
	return 0;
}

/* On the other thread: nothing but the job and the disk is touched. */
static void
work(void *ctx)
{
	struct vault_job *j = ctx;
	struct vault_disk *d = &j->v->disk;
	int r = 0;

	if (j->new_file && !j->framed)
		r = vault_disk_sync_nodes(d);
	/* A file without its key would be noise; a key without its file is swept away. */
	if (r == 0 && j->encrypted && !j->framed)
		r = vault_disk_file_key_store(d, j->first, j->file_key);
	if (r == 0 && j->new_file && !j->framed)
		r = vault_disk_wal_new(d, j->first);
	if (r == 0 && !j->framed)
		r = vault_disk_wal_write(d, buf_str(&j->bytes));
	j->framed |= r == 0;
	if (r == 0)
		r = vault_disk_keys_store(d, j->slot, j->slot_at);
	j->keyed = r == 0;
	j->error = r;
}

static void tell_sender(struct vaulting *v, const struct vault_job *j);
static void start_job(struct vaulting *v);

static bool
may_pass(int error)
{
	return error == -ENOSPC || error == -EDQUOT;
}

static void
failed(struct vaulting *v, int error)
{
	if (!may_pass(error)) {
		give_up(v, error);
		return;
	}
	if (v->error != -error)
		log_say(&v->role->log, LOG_LEVEL_ERROR,
		    "the vault in %s cannot be written: %s; nothing is acknowledged until it can, senders wait",
		    v->disk.dir, strerror(-error));
	if (!v->error)
		v->error_us = clock_mono_us();
	v->error = -error;
	v->retrying = true;
	timer_start(v->retry_timer, RETRY_MS, 0);
}

/* While it lasted nothing could be sealed: the record comes behind, and says how long. */
static void
tell_stall(struct vaulting *v, int error)
{
	long long seconds = (clock_mono_us() - v->error_us + WHEN_SECOND - 1) / WHEN_SECOND;

	v->stalls++;
	log_say(&v->role->log, LOG_LEVEL_INFO, "the vault is written again, after %lld seconds", seconds);
	vaulting_say(v, "vault.stalled seconds=%lld error=%s", seconds, strerrorname_np(error));
}

static void
done(void *ctx)
{
	struct vault_job *j = ctx;
	struct vaulting *v = j->v;

	v->busy = false;
	if (j->error < 0) {
		failed(v, j->error);
		return;
	}
	int stalled = v->error;
	v->error = 0;
	v->jobs = j->next;
	if (!v->jobs)
		v->last_job = &v->jobs;
	v->frames++;
	v->bytes += j->bytes.n;
	v->durable = j->size;
	vaulting_answer(v);
	tell_sender(v, j);
	free_job(j);
	if (stalled)
		tell_stall(v, stalled);
	vaulting_copied_durable(v);
	vaulting_feed(v);
	vaulting_copy(v);
	vaulting_notes(v);
	vaulting_poke(v);
}

static void
tell_sender(struct vaulting *v, const struct vault_job *j)
{
	struct msg saved = { .type = MSG_saved, .fd = -1, .saved.spooled = j->spooled };
	struct msg credit = { .type = MSG_credit, .fd = -1, .credit.batches = j->credits };

	if (!v->intake || chan_state(v->intake) != MSG_OPEN || j->credits == 0)
		return;
	if (chan_send(v->intake, &saved) < 0 || chan_send(v->intake, &credit) < 0)
		log_say(&v->role->log, LOG_LEVEL_WARNING, "intaked does not take what it is told");
}

static void
start_job(struct vaulting *v)
{
	v->busy = true;
	v->begun_us = clock_mono_us();
	int r = work_start(v->role->loop, work, done, v->jobs);
	if (r < 0) {
		v->busy = false;
		give_up(v, r);
	}
}

/* How long the open frame may still wait for others, in microseconds. */
static int64_t
may_wait(const struct vaulting *v)
{
	int64_t now = clock_mono_us(), since = v->open_us > v->begun_us ? v->begun_us : v->open_us;

	/* After a pause the first line does not wait at all: it has no company. */
	if (v->sealer.out.n >= VAULT_FRAME_FULL)
		return 0;
	return since + v->conf->frame_us - now;
}

void
vaulting_poke(struct vaulting *v)
{
	if (v->busy || v->retrying)
		return;
	if (!v->jobs && v->sealer.open) {
		int64_t wait = may_wait(v);
		if (wait > 0) {
			if (!timer_active(v->frame_timer))
				timer_start(v->frame_timer, (uint64_t)(wait + 999) / 1000, 0);
			return;
		}
		int r = finish_lines(v);
		if (r < 0) {
			give_up(v, r);
			return;
		}
	}
	if (v->jobs)
		start_job(v);
}

static int
write_all(struct vaulting *v)
{
	while (v->busy)
		loop_run_once(v->role->loop, true);
	while (v->jobs) {
		struct vault_job *j = v->jobs;
		work(j);
		if (j->error < 0)
			return j->error;
		done(j);
		while (v->busy)
			loop_run_once(v->role->loop, true);
	}
	return 0;
}

int
vaulting_end(struct vaulting *v)
{
	int r = 0;

	/* A disk that refuses now is no reason to wait for it. */
	if (v->sealer.open)
		r = finish_lines(v);
	if (r == 0)
		r = write_all(v);
	if (r < 0)
		return r;
	sealer_begin(&v->sealer, FRAME_CLOSE);
	r = finish(v, STR(""), false);
	return r < 0 ? r : write_all(v);
}
