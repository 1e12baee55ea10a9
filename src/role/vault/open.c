/*
 * open: the start of vaultd: making a vault, or finding one and judging how it was left. What was tampered with is
 * set aside as it is, inside the same directory, and a new vault begun. Must never go on writing into evidence.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "role/vault/vaultd.h"
#include "sys/clock.h"
#include "sys/file.h"

static int
draw_seed(void *ctx, uint64_t block, uint8_t ret[VAULT_NONCE_BYTES])
{
	return vault_disk_seed(&((struct vaulting *)ctx)->disk, block, ret);
}

/* Of a block of which some were forgotten, after a restart. */
static int
later_nonce(void *ctx, uint64_t index, uint8_t ret[VAULT_NONCE_BYTES])
{
	return nonce_get(&((struct vaulting *)ctx)->nonces, index, ret);
}

static void
on_node(void *ctx, unsigned level, uint64_t index, const struct digest *node)
{
	struct vaulting *v = ctx;
	int r = vault_disk_node(&v->disk, level, index, node);

	/* A node can be made again from the lines; a full disk shows at the frame. */
	if (r < 0 && r != -ENOSPC)
		log_say(&v->role->log, LOG_LEVEL_WARNING, "a node of the tree was not written: %s", strerror(-r));
}

struct replay {
	struct vaulting *v;
	int error;
};

/* Positions and sources, as they were with each frame. */
static void
on_frame(void *ctx, const struct frame *f)
{
	struct vaulting *v = ctx;
	struct cur c = cur_of(f->side);
	struct tree t;
	int r = 0;

	if (f->kind == FRAME_START)
		r = tree_unpack(&c, &t) < 0 ? -EBADMSG : vaulting_take_side(v, str_of((const char *)c.p, c.n));
	else if (f->kind == FRAME_LINES)
		r = vaulting_take_side(v, f->side);
	if (r < 0)
		log_say(&v->role->log, LOG_LEVEL_ERROR,
		    "frame %llu holds positions that cannot be understood; files may be read again",
		    (unsigned long long)f->number);
}

static int
set_aside(struct vaulting *v)
{
	char aside[PATH_MAX], from[PATH_MAX], to[PATH_MAX], name[64];
	struct dirent *e;
	DIR *dir = opendir(v->conf->path.p);

	if (!dir)
		return -errno;
	snprintf(name, sizeof(name), "set-aside-%lld", (long long)(clock_wall_us() / WHEN_SECOND));
	int r = file_path(aside, sizeof(aside), v->conf->path.p, name);
	if (r == 0)
		r = file_make_dirs(aside, 0700);
	while (r == 0 && (e = readdir(dir))) {
		if (e->d_name[0] == '.' || str_starts(str_z(e->d_name), STR("set-aside-")))
			continue;
		r = file_path(from, sizeof(from), v->conf->path.p, e->d_name);
		if (r == 0)
			r = file_path(to, sizeof(to), aside, e->d_name);
		if (r == 0 && rename(from, to) < 0)
			r = -errno;
	}
	closedir(dir);
	if (r == 0)
		log_say(&v->role->log, LOG_LEVEL_ERROR, "the vault as it was found is in %s; a new one is begun", aside);
	return r;
}

static int
forget(struct vaulting *v)
{
	vault_disk_close(&v->disk);
	streams_close(&v->streams);
	v->spooled = 0;
	return streams_open(&v->streams, 0, random_u64());
}

/* Judges the newest file; when it has no whole beginning, the one before it, which then must be level with the keys. */
static int
judge(struct vaulting *v, const uint64_t *files, size_t n, const struct keys *k, struct recover *ret, uint64_t *ret_file,
    struct str *ret_map, struct frame_cipher **ret_cipher)
{
	struct recover_calls calls = { .ctx = v, .on_frame = on_frame, .on_node = on_node };
	char path[PATH_MAX];
	struct frame_cipher *cipher = NULL;
	struct str map = STR_NULL;

	for (size_t i = n; i-- > 0;) {
		int r = vault_disk_file_path(&v->disk, files[i], path);
		if (r == 0)
			r = file_map(path, &map);
		if (r == 0)
			r = keyring_cipher(&v->disk.ring, v->disk.dir, files[i], &cipher);
		if (r == 0)
			r = recover(map, cipher, k, &v->nonces, &calls, ret);
		if (r < 0) {
			frame_cipher_free(cipher);
			file_unmap(map);
			return r;
		}
		if (ret->last.kind || i == 0 || i + 1 < n) {
			*ret_file = files[i];
			*ret_map = map;
			*ret_cipher = cipher;
			return 0;
		}
		frame_cipher_free(cipher);
		file_unmap(map);
		cipher = NULL;
		map = STR_NULL;
	}
	return -ENOENT;
}

static void
conclude(struct vaulting *v, const struct recover *rec)
{
	static const char *const names[] = {
		[RECOVER_CLEAN] = "clean", [RECOVER_CRASH] = "crash", [RECOVER_TAMPERED] = "tampered",
	};

	v->verdict = names[rec->verdict];
	v->torn_bytes = rec->torn_bytes;
	snprintf(v->why, sizeof(v->why), "%s", rec->why);
	if (rec->verdict == RECOVER_CRASH)
		log_say(&v->role->log, LOG_LEVEL_WARNING,
		    "the vault was not closed: a crash (%s); every acknowledged line is there, %llu bytes that were never "
		    "acknowledged are cut off", rec->why, (unsigned long long)rec->torn_bytes);
}

static void
open_sealer(struct vaulting *v, const struct tree *t, const struct keys *k)
{
	struct sealer_opts o = { .ctx = v, .seed = draw_seed, .nonce = later_nonce, .on_node = on_node };

	memcpy(o.boot, v->boot, sizeof(o.boot));
	sealer_open(&v->sealer, &o, t, k);
	v->durable = v->since = t->size;
}

/* Takes the log as it was left. -EBADMSG: it was tampered with; why is in v->why. */
static int
take_log(struct vaulting *v, const uint64_t *files, size_t n, struct keys *k)
{
	struct recover rec = { .verdict = RECOVER_TAMPERED };
	struct frame_cipher *cipher = NULL;
	struct str map = STR_NULL;
	const char *why = NULL;
	uint64_t file = 0;
	int r = judge(v, files, n, k, &rec, &file, &map, &cipher);

	if (r < 0) {
		snprintf(v->why, sizeof(v->why), "the newest file cannot be read: %s", strerror(-r));
		return -EBADMSG;
	}
	conclude(v, &rec);
	if (rec.verdict == RECOVER_TAMPERED)
		r = -EBADMSG;
	if (r == 0 && rec.adopt) {
		struct digest root = tree_root(&rec.tree);
		keys_step(k, &rec.last_digest, rec.tree.size, &root);
	}
	file_unmap(map);
	if (r == 0) {
		r = vaulting_open_epochs(v, k, &why);
		if (r == -EBADMSG)
			snprintf(v->why, sizeof(v->why), "%s", why);
	}
	if (r < 0) {
		frame_cipher_free(cipher);
		return r;
	}
	/* A file begun and not made durable: nobody was told of anything in it. */
	for (size_t i = n; i-- > 0 && files[i] != file && r == 0;)
		r = vault_disk_wal_remove(&v->disk, files[i]);
	if (r == 0)
		r = vault_disk_wal_open(&v->disk, file, rec.good_bytes);
	v->planned_bytes = rec.good_bytes;
	v->in_fresh_file = rec.tree.size == file;
	open_sealer(v, &rec.tree, k);
	v->sealer.cipher = cipher;
	return r;
}

/* A vault without its master key is not taken for one that was tampered with: it waits for the key. */
static int
open_ring(struct vaulting *v)
{
	int r = vault_disk_ring_open(&v->disk, v->away);

	if (r == 0)
		return vault_disk_sweep_file_keys(&v->disk);
	if (r == -ENOKEY)
		log_say(&v->role->log, LOG_LEVEL_ERROR, "the master key of the vault in %s is not there: %s", v->disk.dir,
		    v->away ? "neither in the vault nor wrapped under the key that lies elsewhere; bring back segment-keys/"
		    : "it lies elsewhere, or was removed; say where in the vault's block, as in: key file \"/media/key/vault\";");
	if (r == -EKEYREJECTED)
		log_say(&v->role->log, LOG_LEVEL_ERROR, "%s is not the key of the vault in %s: bring the one it was wrapped under",
		    v->away->path, v->disk.dir);
	return r;
}

/* A vault that was made and has no log yet. */
static int
begin_log(struct vaulting *v, const struct keys *k)
{
	struct tree empty = { .size = 0 };

	v->verdict = "new";
	v->epoch_s = v->disk.identity.made_s;
	open_sealer(v, &empty, k);
	return 0;
}

static int
take_vault(struct vaulting *v)
{
	uint64_t *files = NULL;
	struct keys k;
	size_t n = 0;
	int r = vault_disk_keys_load(&v->disk, &k);

	v->nonces = (struct nonce_store){ .ctx = &v->disk, .block = vault_disk_block };
	if (r < 0) {
		snprintf(v->why, sizeof(v->why), "the sealing keys are gone or damaged");
		return r;
	}
	r = vault_disk_files(&v->disk, &files, &n);
	if (r == 0 && n == 0 && k.frame > 0) {
		snprintf(v->why, sizeof(v->why), "the log is gone");
		r = -EBADMSG;
	}
	if (r == 0)
		r = n && k.frame ? take_log(v, files, n, &k) : begin_log(v, &k);
	keys_wipe(&k);
	free(files);
	return r;
}

static int
make(struct vaulting *v)
{
	const char *what;
	int64_t now_s = clock_wall_us() / WHEN_SECOND;

	log_say(&v->role->log, LOG_LEVEL_INFO, "making a new vault in %s: keys for %lld epochs", v->conf->path.p,
	    (long long)v->conf->epochs);
	int r = vault_disk_make(v->conf->path.p, v->conf->origin, (uint64_t)v->conf->epochs, now_s);
	if (r == 0)
		r = vault_disk_open(&v->disk, v->conf->path.p, &what);
	if (r == 0)
		r = open_ring(v);
	if (r == 0)
		r = take_vault(v);
	if (r == 0)
		log_say(&v->role->log, LOG_LEVEL_WARNING,
		    "a new vault was made; take %s/keys/auditor away and keep it elsewhere: who has it can check every seal",
		    v->conf->path.p);
	return r;
}

/* Tampered, or parts missing: kept as it is, and told. */
static int
begin_anew(struct vaulting *v, const char *why)
{
	char told[sizeof(v->why)];

	snprintf(told, sizeof(told), "%s", why);
	log_say(&v->role->log, LOG_LEVEL_ERROR, "THE VAULT WAS TAMPERED WITH, OR ITS DISK FAILED: %s", told);
	int r = forget(v);
	if (r == 0)
		r = set_aside(v);
	if (r == 0)
		r = make(v);
	v->verdict = "tampered";
	snprintf(v->why, sizeof(v->why), "%s", told);
	return r;
}

int
vaulting_open(struct vaulting *v)
{
	char why[160];
	const char *what;
	int r = vault_disk_open(&v->disk, v->conf->path.p, &what);

	if (r == -ENOENT) {
		r = make(v);
		if (r == -EEXIST)
			r = begin_anew(v, "there is a log, and the vault's identity is gone");
	} else if (r == -EBADMSG) {
		snprintf(why, sizeof(why), "%s is missing or is not what it was", what);
		r = begin_anew(v, why);
	} else if (r == 0) {
		r = open_ring(v);
		if (r == 0)
			r = take_vault(v);
		if (r == -EBADMSG)
			r = begin_anew(v, v->why);
	}
	if (r < 0)
		log_say(&v->role->log, LOG_LEVEL_ERROR, "the vault in %s cannot be opened: %s", v->conf->path.p,
		    strerror(-r));
	return r;
}
