/*
 * epoch: closing notes and checkpoints. An epoch ends by time or by lines, also when nothing comes; its last note
 * is durable before its key is wiped. Must never sign a tree that is not on the disk.
 */
#include <errno.h>
#include <stdlib.h>

#include "role/vault/sites.h"
#include "role/vault/vaultd.h"
#include "sys/clock.h"
#include "vault/checkpoint.h"

/* The signed note of the log as the keys know it: on the disk, sealed, and nothing behind it. */
static int
make_note(struct vaulting *v, int64_t now_s, struct buf *out)
{
	const struct keys *k = &v->sealer.keys;
	struct checkpoint c = { .origin = v->disk.identity.origin, .size = k->size, .root = k->root };
	struct epoch_mark mark = { .epoch = (uint32_t)k->epoch, .time_s = (uint64_t)now_s };
	struct buf text = BUF_INIT(NOTE_BYTES_MAX);
	uint8_t seed[SIGN_SEED_BYTES];

	checkpoint_show(&c, &text);
	note_begin(out, buf_str(&text));
	int r = note_sign(out, buf_str(&text), &v->disk.identity.key, v->disk.log_seed, 0);
	keys_sign_seed(k, seed);
	if (r == 0)
		r = epoch_sign(out, buf_str(&text), v->disk.identity.epochs.name, &v->disk.epoch_tree, seed, mark);
	explicit_bzero(seed, sizeof(seed));
	if (r == 0 && (!buf_ok(out) || !buf_ok(&text)))
		r = -ENOMEM;
	buf_free(&text);
	return r;
}

void
vaulting_checkpoint(struct vaulting *v, int64_t now_s)
{
	struct buf note = BUF_INIT(NOTE_BYTES_MAX);

	/* Between two frames only: then the keys know exactly what is durable. */
	if (v->busy || v->jobs || (v->sealer.keys.size == v->checkpoint_size && v->checkpoint_s))
		return;
	int r = make_note(v, now_s, &note);
	if (r == 0)
		r = vault_disk_checkpoint(&v->disk, buf_str(&note));
	if (r < 0)
		log_say(&v->role->log, LOG_LEVEL_ERROR, "no checkpoint could be written: %s", strerror(-r));
	if (r == 0)
		v->checkpoint_size = v->sealer.keys.size;
	v->checkpoint_s = now_s;
	buf_free(&note);
	if (r == 0 && v->sites)
		vaulting_attest_ready(v);
}

/* Both slots of the key file: the one before still holds the secret of the epoch that is over. */
static int
store_keys_twice(struct vaulting *v)
{
	uint8_t slot[KEYS_SLOT_BYTES];
	struct keys *k = &v->sealer.keys;
	int r = 0;

	for (int i = 0; i < 2 && r == 0; i++) {
		if (i)
			k->turn++;
		keys_pack(k, slot);
		r = vault_disk_keys_store(&v->disk, slot, keys_slot_offset(k));
	}
	explicit_bzero(slot, sizeof(slot));
	return r;
}

int
vaulting_close_epoch(struct vaulting *v, int64_t now_s)
{
	struct buf note = BUF_INIT(NOTE_BYTES_MAX);
	uint64_t over = v->sealer.keys.epoch, size = v->sealer.keys.size;
	int r = make_note(v, now_s, &note);

	if (r == 0)
		r = vault_disk_epoch_add(&v->disk, over, buf_str(&note));
	if (r == 0) {
		keys_next_epoch(&v->sealer.keys);
		r = store_keys_twice(v);
	}
	buf_free(&note);
	if (r < 0)
		return r;
	v->epoch_lines = size;
	v->epoch_s = now_s;
	v->epoch_wanted = false;
	vaulting_say(v, "vault.epoch number=%llu size=%llu", (unsigned long long)over, (unsigned long long)size);
	return 0;
}

static void
end_epoch_when_due(struct vaulting *v, int64_t now_s)
{
	uint64_t epoch = v->sealer.keys.epoch;
	bool due = (v->epoch_wanted && v->durable > v->epoch_lines) || now_s - v->epoch_s >= v->conf->epoch_us / WHEN_SECOND ||
	    v->durable - v->epoch_lines >= VAULT_EPOCH_LINES;

	if (!due)
		return;
	if (epoch + 1 >= UINT64_C(1) << v->disk.epoch_tree.height) {
		if (!v->out_of_epochs)
			log_say(&v->role->log, LOG_LEVEL_ERROR,
			    "the vault's last signing key stays in use: begin a new vault");
		v->out_of_epochs = true;
		return;
	}
	int r = vaulting_close_epoch(v, now_s);
	if (r == -ENOSPC || r == -EDQUOT)
		return;
	if (r < 0) {
		log_say(&v->role->log, LOG_LEVEL_ERROR, "the epoch could not be closed: %s", strerror(-r));
		role_end(v->role, 1);
	}
}

void
vaulting_notes(struct vaulting *v)
{
	int64_t now_s = clock_wall_us() / WHEN_SECOND;

	if (!v->notes_due || v->busy || v->jobs || v->stopping)
		return;
	v->notes_due = false;
	vaulting_checkpoint(v, now_s);
	end_epoch_when_due(v, now_s);
}

/* The last closing note must be of the vault, of its epoch, and of a tree no larger than ours. */
static int
check_last(const struct vaulting *v, uint64_t epoch, struct str bytes, struct epoch_mark *mark, struct checkpoint *c)
{
	struct note n;

	if (note_read(bytes, &n) < 0 || note_check(&n, &v->disk.identity.key, NULL) < 0 ||
	    epoch_check(&n, &v->disk.identity.epochs, mark) < 0 || mark->epoch != epoch ||
	    checkpoint_read(n.text, c) < 0 || !str_eq(c->origin, v->disk.identity.origin))
		return -EBADMSG;
	return 0;
}

int
vaulting_open_epochs(struct vaulting *v, struct keys *k, const char **ret_why)
{
	struct buf last = BUF_INIT(NOTE_BYTES_MAX);
	struct epoch_mark mark = { 0 };
	struct checkpoint c = { .size = 0 };
	uint64_t n = 0;
	int r = vault_disk_epochs(&v->disk, &n, &last);

	*ret_why = "the last closing note is false";
	v->epoch_s = v->disk.identity.made_s;
	if (r == 0 && n)
		r = check_last(v, n - 1, buf_str(&last), &mark, &c);
	if (r == 0 && n) {
		v->epoch_s = (int64_t)mark.time_s;
		v->epoch_lines = c.size;
	}
	if (r == 0 && n == k->epoch + 1) {
		/* Killed between the note and the wiping of its key. Nothing may have been sealed since. */
		*ret_why = "lines were sealed with the key of an epoch that is over";
		r = c.size == k->size && digest_eq(&c.root, &k->root) ? 0 : -EBADMSG;
		if (r == 0)
			keys_next_epoch(k);
	} else if (r == 0 && n != k->epoch) {
		*ret_why = n < k->epoch ? "closing notes of epochs are missing" : "there are more closing notes than epochs";
		r = -EBADMSG;
	}
	buf_free(&last);
	return r;
}
