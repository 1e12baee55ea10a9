/* vault_make: a new vault. Must never overwrite what may be evidence. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base64.h"
#include "role/vault/disk.h"
#include "sys/clock.h"
#include "sys/file.h"

static int
draw(void *dst, size_t n)
{
	return getrandom(dst, n, 0) == (ssize_t)n ? 0 : -EIO;
}

static int
put(const char *dir, const char *name, struct str bytes, mode_t mode)
{
	char path[PATH_MAX];
	int r = file_path(path, sizeof(path), dir, name);

	return r < 0 ? r : file_replace(path, bytes, mode, true);
}

/* The secrets' files. */
static int
put_keys(const char *dir, const struct digest *auditor, const struct digest *sign, const uint8_t seed[SIGN_SEED_BYTES])
{
	uint8_t file[KEYS_FILE_BYTES] = { 0 };
	struct buf text = BUF_INIT(100);
	struct keys k;

	keys_begin(&k, auditor, sign);
	keys_pack(&k, file + keys_slot_offset(&k));
	base64_add(&text, digest_str(auditor));
	buf_add_byte(&text, '\n');
	int r = put(dir, "keys/seal", str_of((const char *)file, sizeof(file)), 0600);
	if (r == 0)
		r = put(dir, "keys/log", str_of((const char *)seed, SIGN_SEED_BYTES), 0600);
	if (r == 0)
		r = put(dir, "keys/nonces", STR(""), 0600);
	if (r == 0)
		r = put(dir, "keys/auditor", buf_str(&text), 0600);
	keys_wipe(&k);
	explicit_bzero(file, sizeof(file));
	buf_wipe(&text);
	return r;
}

/* The public keys of all epochs, and the identity that follows from them. */
static int
put_epochs(const char *dir, const struct digest *sign, uint64_t epochs, struct digest *ret_identity)
{
	unsigned height = 63 - (unsigned)__builtin_clzll(epochs * 2 - 1);
	uint8_t *nodes = malloc(epoch_tree_bytes(height));
	struct epoch_tree t = { 0 };
	int r = nodes ? epoch_tree_make(sign, height, nodes) : -ENOMEM;

	if (r == 0)
		r = epoch_tree_open(str_of((const char *)nodes, epoch_tree_bytes(height)), &t);
	if (r == 0)
		r = put(dir, "epoch-keys", t.nodes, 0644);
	if (r == 0)
		*ret_identity = epoch_identity(&t);
	free(nodes);
	return r;
}

static int
put_identity(const char *dir, struct str origin, const uint8_t seed[SIGN_SEED_BYTES], const struct digest *epochs,
    int64_t now_s)
{
	struct identity i = {
		.origin = origin, .id = random_u64(), .made_s = now_s,
		.key = { .name = origin, .type = NOTE_ED25519 },
		.epochs = { .name = origin, .identity = *epochs },
	};
	struct buf text = BUF_INIT(4096);
	int r = sign_public(seed, i.key.public);

	identity_show(&i, &text);
	if (r == 0)
		r = buf_ok(&text) ? put(dir, "identity", buf_str(&text), 0644) : -ENOMEM;
	buf_free(&text);
	return r;
}

static int
make_dirs(const char *dir)
{
	static const struct { const char *name; mode_t mode; } subs[] = {
		{ "wal", 0750 }, { "tree", 0750 }, { "seg", 0750 }, { "keys", 0700 },
	};
	char path[PATH_MAX];
	int r = file_make_dirs(dir, 0750);

	for (size_t i = 0; i < ARRAY_LEN(subs) && r == 0; i++) {
		r = file_path(path, sizeof(path), dir, subs[i].name);
		if (r == 0)
			r = file_make_dirs(path, subs[i].mode);
	}
	return r;
}

/* A log without an identity is not a vault half made: that one has no log yet. */
static bool
holds_a_log(const char *dir)
{
	struct vault_disk d = { .wal = -1 };
	uint64_t *files = NULL;
	size_t n = 0;

	if (file_path(d.dir, sizeof(d.dir), dir, "") < 0)
		return true;
	int r = vault_disk_files(&d, &files, &n);
	free(files);
	return r != -ENOENT && (r < 0 || n > 0);
}

int
vault_disk_make(const char *dir, struct str origin, uint64_t epochs, int64_t now_s)
{
	struct { struct digest auditor, sign; uint8_t seed[SIGN_SEED_BYTES]; } secret;
	struct digest identity;

	if (!note_name_valid(origin))
		return -EINVAL;
	if (holds_a_log(dir))
		return -EEXIST;
	int r = make_dirs(dir);
	if (r == 0)
		r = draw(&secret, sizeof(secret));
	if (r == 0)
		r = put_epochs(dir, &secret.sign, epochs, &identity);
	if (r == 0)
		r = put_keys(dir, &secret.auditor, &secret.sign, secret.seed);
	if (r == 0)
		r = put(dir, "epochs", STR(""), 0644);
	if (r == 0)
		r = put_identity(dir, origin, secret.seed, &identity, now_s);
	explicit_bzero(&secret, sizeof(secret));
	return r;
}
