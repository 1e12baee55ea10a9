/* vault_image: see vault_image.h. Only for tests. */
#include "vault_image.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/base64.h"
#include "console/vault/dir.h"
#include "sys/file.h"
#include "vault/checkpoint.h"
#include "vault/segment.h"

static const char *const names[IMAGE_PARTS] = {
	[PART_WAL0] = "wal/00000000000000000000.wal", [PART_WAL1] = "wal/00000000000000000015.wal",
	[PART_WAL2] = "wal/00000000000000000030.wal", [PART_WAL3] = "wal/00000000000000000047.wal",
	[PART_SEG0] = "seg/00000000000000000000.seg", [PART_SEG1] = "seg/00000000000000000015.seg",
	[PART_EPOCHS] = "epochs", [PART_CHECKPOINT] = "checkpoint", [PART_KEYS] = "keys/seal", [PART_NONCES] = "keys/nonces",
};

const char *
vault_image_name(const struct vault_image *v, enum image_part part)
{
	return names[part];
}

int
vault_image_put(const struct vault_image *v, enum image_part part, struct str bytes)
{
	char path[PATH_MAX];
	int r = file_path(path, sizeof(path), v->dir, names[part]);

	return r < 0 ? r : file_replace(path, bytes, 0600, false);
}

int
vault_image_remove(const struct vault_image *v, enum image_part part)
{
	char path[PATH_MAX];
	int r = file_path(path, sizeof(path), v->dir, names[part]);

	return r == 0 && unlink(path) < 0 && errno != ENOENT ? -errno : r;
}

static int
seed(void *ctx, uint64_t block, uint8_t ret[VAULT_NONCE_BYTES])
{
	return vault_disk_seed(&((struct vault_image *)ctx)->disk, block, ret);
}

int
vault_image_note(const struct vault_image *v, const struct keys *k, struct buf *out)
{
	struct checkpoint c = { .origin = v->disk.identity.origin, .size = k->size, .root = k->root };
	struct epoch_mark mark = { .epoch = (uint32_t)k->epoch, .time_s = 1700000000 + k->epoch };
	struct buf text = BUF_INIT(4096);
	uint8_t secret[SIGN_SEED_BYTES];

	checkpoint_show(&c, &text);
	note_begin(out, buf_str(&text));
	int r = note_sign(out, buf_str(&text), &v->disk.identity.key, v->disk.log_seed, 0);
	keys_sign_seed(k, secret);
	if (r == 0)
		r = epoch_sign(out, buf_str(&text), c.origin, &v->disk.epoch_tree, secret, mark);
	buf_free(&text);
	return r;
}

static int
store_keys(struct vault_image *v, const struct keys *k)
{
	uint8_t slot[KEYS_SLOT_BYTES];

	keys_pack(k, slot);
	return vault_disk_keys_store(&v->disk, slot, keys_slot_offset(k));
}

static int
add_line(struct sealer *s, const char *line, uint8_t transport, struct str source)
{
	struct vault_entry e = { .recv_ns = 1700000000000000000 + (int64_t)s->tree.size, .transport = transport, .source = source,
		.raw = str_z(line) };

	return sealer_add(s, &e) < 0 ? -EIO : 0;
}

/* told: lines that vaultd says itself. */
static int
write_frame(struct vault_image *v, struct sealer *s, enum frame_kind kind, char told[][128], unsigned ntold)
{
	struct buf bytes = { 0 };
	char line[80];
	int r = 0;

	sealer_begin(s, kind);
	for (unsigned i = 0; i < IMAGE_LINES && kind == FRAME_LINES && r == 0; i++) {
		snprintf(line, sizeof(line), "line %u of frame %llu, and what else there is to say", i,
		    (unsigned long long)s->keys.frame);
		r = add_line(s, line, VAULT_UDP, STR("udp 192.0.2.1"));
	}
	for (unsigned i = 0; i < ntold && r == 0; i++)
		r = add_line(s, told[i], VAULT_OWN, STR("vaultd"));
	uint64_t first = s->frame.first;
	if (r == 0)
		r = sealer_finish(s, STR("\0\0\0\0\0\0\0\0"), 1700000000000000 + (int64_t)s->keys.frame, s->keys.frame, &bytes);
	if (r == 0 && kind == FRAME_START)
		r = vault_disk_wal_new(&v->disk, first);
	if (r == 0)
		r = vault_disk_wal_write(&v->disk, buf_str(&bytes));
	buf_free(&bytes);
	return r < 0 ? r : store_keys(v, &s->keys);
}

/* A file of the log becomes a segment; told: what the log says of it. */
static int
pack(struct vault_image *v, uint64_t first, char told[128])
{
	static const struct str fact_names[] = { STR_INIT("frame") };
	struct segment_opts o = { .salt = first + 1, .names = fact_names, .nnames = 1 };
	struct segment_writer *w = segment_writer_new(&o);
	struct buf out = BUF_INIT(1 << 20);
	struct vault_dir d;
	struct digest digest;
	int n = snprintf(told, 128, "vault.segment first=%llu digest=", (unsigned long long)first);
	int r = w ? vault_dir_open(&d, v->dir) : -ENOMEM;

	for (uint64_t i = first; r == 0 && i < first + IMAGE_EPOCH_LINES; i++) {
		struct vault_entry e;
		struct str record;

		r = vault_dir_record(&d, i, &record);
		if (r == 0)
			r = vault_entry_decode(record, i, &e);
		if (r == 0)
			r = segment_add(w, &e, &(struct fact){ .value = str_head(e.raw, 4) }, 1, &out);
	}
	if (w)
		vault_dir_close(&d);
	if (r == 0)
		r = segment_finish(w, 0, &out, &digest);
	if (r == 0)
		r = vault_image_put(v, first ? PART_SEG1 : PART_SEG0, buf_str(&out));
	for (unsigned i = 0; i < DIGEST_BYTES && r == 0; i++)
		n += snprintf(told + n, 128 - (size_t)n, "%02x", digest.b[i]);
	segment_writer_free(w);
	buf_free(&out);
	return r;
}

static int
save(struct vault_image *v, struct image *ret)
{
	char path[PATH_MAX];

	for (unsigned i = 0; i < IMAGE_PARTS; i++) {
		ret->part[i] = BUF_INIT(1 << 20);
		int r = file_path(path, sizeof(path), v->dir, names[i]);
		if (r == 0)
			r = file_read(path, &ret->part[i]);
		if (r < 0 && r != -ENOENT)
			return r;
		ret->has[i] = r == 0;
	}
	return 0;
}

static int
write_checkpoint(struct vault_image *v, const struct keys *k)
{
	struct buf note = BUF_INIT(NOTE_BYTES_MAX);
	int r = vault_image_note(v, k, &note);

	if (r == 0)
		r = vault_disk_checkpoint(&v->disk, buf_str(&note));
	buf_free(&note);
	return r;
}

static int
close_epoch(struct vault_image *v, struct keys *k)
{
	struct buf note = BUF_INIT(NOTE_BYTES_MAX);
	int r = vault_image_note(v, k, &note);

	if (r == 0)
		r = vault_disk_epoch_add(&v->disk, k->epoch, buf_str(&note));
	keys_next_epoch(k);
	if (r == 0)
		r = store_keys(v, k);
	k->turn++;
	buf_free(&note);
	return r < 0 ? r : store_keys(v, k);
}

static int
write_epoch(struct vault_image *v, struct sealer *s, unsigned epoch)
{
	char told[2][128];
	bool packs = epoch == 2;
	int r = write_frame(v, s, FRAME_START, NULL, 0);

	if (r == 0 && packs)
		r = pack(v, 0, told[0]);
	if (r == 0 && packs)
		r = pack(v, IMAGE_EPOCH_LINES, told[1]);
	for (unsigned f = 0; f < 3 && r == 0; f++)
		r = write_frame(v, s, FRAME_LINES, told, packs && f == 0 ? 2 : 0);
	if (r == 0 && packs)
		r = vault_image_remove(v, PART_WAL0);
	return r == 0 && packs ? vault_image_remove(v, PART_WAL1) : r;
}

static int
write_all(struct vault_image *v, struct sealer *s)
{
	int r = 0;

	for (unsigned e = 0; e < IMAGE_STAGES && r == 0; e++) {
		r = write_epoch(v, s, e);
		if (r == 0)
			r = write_checkpoint(v, &s->keys);
		if (r == 0)
			r = save(v, &v->stage[e]);
		if (r == 0 && e + 1 < IMAGE_STAGES)
			r = close_epoch(v, &s->keys);
	}
	v->keys = s->keys;
	v->root = tree_root(&s->tree);
	v->size = s->tree.size;
	return r;
}

/* Where each frame lies, and the tree before it. */
static int
index_file(struct vault_image *v, enum image_part part)
{
	enum wal_fault fault;
	struct wal_reader w;
	struct frame f;
	int r;

	wal_open(&w, buf_str(&vault_image_now(v)->part[part]), NULL, &v->nonces);
	for (;;) {
		struct image_frame *at = &v->frames[v->nframes];
		at->before = w.tree;
		at->at = w.offset;
		r = wal_next(&w, &f, &fault);
		if (r <= 0)
			return r;
		at->frame = f;
		at->file = part;
		at->bytes = frame_bytes(&f);
		v->nframes++;
	}
}

int
vault_image_make(struct vault_image *v, const char *dir)
{
	struct sealer_opts o = { .ctx = v, .seed = seed, .boot = "a boot of a test" };
	struct tree empty = { .size = 0 };
	struct buf auditor = BUF_INIT(100);
	struct sealer s;
	const char *what;
	char path[PATH_MAX];

	*v = (struct vault_image){ .nframes = 0 };
	snprintf(v->dir, sizeof(v->dir), "%s", dir);
	int r = vault_disk_make(dir, STR("example.com/campaign"), 16, 1700000000);
	if (r == 0)
		r = vault_disk_open(&v->disk, dir, &what);
	if (r == 0)
		r = vault_disk_keys_load(&v->disk, &v->keys);
	if (r < 0)
		return r;
	v->nonces = (struct nonce_store){ .ctx = &v->disk, .block = vault_disk_block };
	sealer_open(&s, &o, &empty, &v->keys);
	r = write_all(v, &s);
	sealer_close(&s);
	for (enum image_part p = PART_WAL2; p <= PART_WAL3 && r == 0; p++)
		r = index_file(v, p);
	if (r == 0)
		r = file_path(path, sizeof(path), dir, "keys/auditor");
	if (r == 0)
		r = file_read(path, &auditor);
	if (r == 0)
		r = base64_read_exact(str_trim(buf_str(&auditor)), v->auditor.b, DIGEST_BYTES);
	buf_free(&auditor);
	return r;
}
