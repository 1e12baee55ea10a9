/*
 * drop: files of the log give way to segments. Before one is removed its leaves are computed again from the segment
 * (written by packd, which is not believed), and must lead to the tree that stands at the head of the file behind it.
 * Must never remove a line that cannot be read elsewhere, that watchd has not seen, or whose epoch is still open.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "console/vault/seg_reader.h"
#include "role/vault/vaultd.h"
#include "sys/file.h"

struct drop {
	struct vaulting *v;
	uint64_t first, end;           /* lines of the file */
	struct nonce_store nonces;
	struct nonce_room room;
	struct digest digest;          /* of the segment */
	uint64_t segment;
	int error;                     /* -EAGAIN: no segment holds it yet */
};

/* With a room of its own: the loop's thread uses the disk's. */
static int
block(void *ctx, uint64_t number, struct nonce_block *ret)
{
	struct drop *d = ctx;

	return vault_disk_load_block(&d->v->disk, number, &d->room, ret);
}

/* The tree with which a file of the log begins. */
static int
tree_at_head(const struct vault_disk *disk, uint64_t first, struct tree *ret)
{
	char path[PATH_MAX];
	struct frame_cipher *cipher = NULL;
	struct str map = STR_NULL;
	struct frame f;
	int r = vault_disk_file_path(disk, first, path);

	if (r == 0)
		r = file_map(path, &map);
	if (r == 0)
		r = keyring_cipher(&disk->ring, disk->dir, first, &cipher);
	if (r == 0)
		r = frame_read(map, cipher, &f) == 1 && f.kind == FRAME_START ? 0 : -EBADMSG;
	if (r == 0) {
		struct cur c = cur_of(f.side);
		r = tree_unpack(&c, ret);
	}
	frame_cipher_free(cipher);
	file_unmap(map);
	return r;
}

/* The newest segment that begins at or before the line. */
static int
open_segment(struct drop *d, struct seg_reader *reader)
{
	char path[PATH_MAX];
	uint64_t *numbers = NULL;
	size_t n = 0;
	int r = file_path(path, sizeof(path), d->v->disk.dir, "seg");

	if (r == 0)
		r = file_numbers(path, STR(".seg"), &numbers, &n);
	while (r == 0 && n && numbers[n - 1] > d->first)
		n--;
	if (r == 0 && n == 0)
		r = -EAGAIN;
	if (r == 0) {
		d->segment = numbers[n - 1];
		r = seg_reader_open(reader, &d->v->disk.ring, d->v->disk.dir, d->segment);
	}
	free(numbers);
	if (r == 0 && (!seg_reader_has(reader, d->first) || !seg_reader_has(reader, d->end - 1)))
		r = -EAGAIN;
	return r;
}

static int
compute(struct drop *d, struct seg_reader *reader)
{
	uint8_t nonce[VAULT_NONCE_BYTES];
	struct tree t, want;
	struct str record;
	int r = tree_at_head(&d->v->disk, d->first, &t);

	if (r == 0)
		r = tree_at_head(&d->v->disk, d->end, &want);
	for (uint64_t i = d->first; i < d->end && r == 0; i++) {
		r = seg_reader_record(reader, i, &record);
		if (r == 0)
			r = nonce_get(&d->nonces, i, nonce);
		if (r < 0)
			return r;
		struct digest leaf = vault_leaf(nonce, record);
		tree_add(&t, &leaf);
	}
	if (r < 0)
		return r;
	struct digest a = tree_root(&t), b = tree_root(&want);
	return t.size == want.size && digest_eq(&a, &b) ? 0 : -EBADMSG;
}

static void
work(void *ctx)
{
	struct drop *d = ctx;
	struct seg_reader *reader = calloc(1, sizeof(*reader));

	d->error = reader ? open_segment(d, reader) : -ENOMEM;
	if (d->error == 0)
		d->error = segment_check(&reader->segment);
	if (d->error == 0)
		d->error = compute(d, reader);
	if (d->error == 0)
		d->error = vaulting_take_key(&d->v->disk, d->segment, &reader->segment, "");
	if (d->error == 0) {
		d->digest = reader->segment.digest;
		d->error = vault_disk_wal_remove(&d->v->disk, d->first);
	}
	seg_reader_free(reader);
	explicit_bzero(&d->nonces, sizeof(d->nonces));
	nonce_room_wipe(&d->room);
}

static void
done(void *ctx)
{
	struct drop *d = ctx;
	struct vaulting *v = d->v;
	char hex[2 * DIGEST_BYTES + 1];

	v->dropping = false;
	if (d->error == 0) {
		v->dropped++;
		for (unsigned i = 0; i < DIGEST_BYTES; i++)
			snprintf(hex + 2 * i, 3, "%02x", d->digest.b[i]);
		/* The digest is in the tree from now on: an index made anew would not be this one. */
		if (d->segment != v->told_segment && !v->stopping)
			vaulting_say(v, "vault.segment first=%llu digest=%s", (unsigned long long)d->segment, hex);
		v->told_segment = d->segment;
	} else if (d->error != -EAGAIN && d->error != v->drop_error) {
		log_say(&v->role->log, LOG_LEVEL_ERROR,
		    "segment %020llu does not hold what was sealed, or cannot be read (%s): the log keeps its lines",
		    (unsigned long long)d->segment, strerror(-d->error));
	}
	v->drop_error = d->error == -EAGAIN ? 0 : d->error;
	free(d);
}

/* How far somebody has taken lines, as shipd wrote it down; 0 when it did not. */
static uint64_t
noted(const struct vaulting *v, const char *name)
{
	struct buf text = BUF_INIT(64);
	char path[PATH_MAX];
	uint64_t at = 0;
	int n = snprintf(path, sizeof(path), "%s/ship/%s", v->disk.dir, name);

	if (n > 0 && n < (int)sizeof(path) && file_read(path, &text) == 0)
		(void)!text_u64(str_trim(buf_str(&text)), &at);
	buf_free(&text);
	return at;
}

static uint64_t
shipped_to(const struct vaulting *v, const struct conf_ship *c)
{
	static const char *const names[] = { [CONF_SHIP_NATS] = "nats", [CONF_SHIP_CLICKHOUSE] = "clickhouse" };
	char host[64], name[128];

	host[addr_show(&c->to.addr, host)] = '\0';
	snprintf(name, sizeof(name), addr_is_v4(&c->to.addr) ? "%s-%s:%u" : "%s-[%s]:%u", names[c->engine], host, c->to.port);
	return noted(v, name);
}

static uint64_t
relayed_to(const struct vaulting *v, const struct conf_relay *c)
{
	char name[CONF_RELAY_NAME];

	config_relay_name(c, name);
	return noted(v, name);
}

/* Every engine and every site has the lines before this one; or too much waits already. */
static bool
shipped(const struct vaulting *v, uint64_t end, size_t files)
{
	if (files * (uint64_t)VAULT_FILE_BYTES > v->conf->ship_backlog)
		return true;
	for (uint32_t i = 0; i < v->conf->nships; i++)
		if (shipped_to(v, &v->conf->ships[i]) < end)
			return false;
	for (uint32_t i = 0; i < v->role->config->nrelays; i++)
		if (relayed_to(v, &v->role->config->relays[i]) < end)
			return false;
	return vaulting_copy_done(v, end);
}

void
vaulting_drop(struct vaulting *v)
{
	uint64_t *files = NULL;
	size_t n = 0;
	struct drop *d;

	if (v->dropping || v->stopping || v->drop_error || vault_disk_files(&v->disk, &files, &n) < 0)
		return;
	bool may = n > 1 && files[1] <= v->epoch_lines && files[1] <= v->watched && files[1] > files[0];
	may = may && shipped(v, files[1], n);
	d = may ? calloc(1, sizeof(*d)) : NULL;
	if (d) {
		*d = (struct drop){ .v = v, .first = files[0], .end = files[1], .nonces = { .ctx = d, .block = block } };
		v->dropping = work_start(v->role->loop, work, done, d) == 0;
		if (!v->dropping)
			free(d);
	}
	free(files);
}
