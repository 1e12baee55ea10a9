/*
 * bench/vault-seal: sealing alone, in one process, with the disk as it is:
 *
 *     vault-seal seal LOG DIR [FRAME_BYTES]    a new vault: each frame written, synced, its key replaced and synced, before
 *                                              the next; lines/s, processor time, and the delay of a frame
 *     vault-seal prove DIR COUNT               as many proofs made and checked: time of each
 *
 * Lines are read into memory first.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "console/vault/dir.h"
#include "role/vault/disk.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "vault/checkpoint.h"
#include "vault/sealer.h"

#define FRAMES_MAX 1000000

struct bench {
	struct vault_disk disk;
	struct sealer sealer;
	int64_t delays[FRAMES_MAX];
	size_t n;
};

static int
seed(void *ctx, uint64_t block, uint8_t ret[VAULT_NONCE_BYTES])
{
	return vault_disk_seed(&((struct bench *)ctx)->disk, block, ret);
}

static void
on_node(void *ctx, unsigned level, uint64_t index, const struct digest *node)
{
	if (vault_disk_node(&((struct bench *)ctx)->disk, level, index, node) < 0)
		abort();
}

static int
write_frame(struct bench *b, bool new_file)
{
	uint8_t slot[KEYS_SLOT_BYTES];
	struct buf bytes;
	int64_t began = clock_mono_us();
	uint64_t first = b->sealer.frame.first;
	int r = sealer_finish(&b->sealer, STR("\0\0\0\0\0\0\0\0"), clock_wall_us(), (uint64_t)began, &bytes);

	if (r == 0 && new_file)
		r = vault_disk_wal_new(&b->disk, first);
	if (r == 0)
		r = vault_disk_wal_write(&b->disk, buf_str(&bytes));
	keys_pack(&b->sealer.keys, slot);
	if (r == 0)
		r = vault_disk_keys_store(&b->disk, slot, keys_slot_offset(&b->sealer.keys));
	buf_free(&bytes);
	if (b->n < FRAMES_MAX)
		b->delays[b->n++] = clock_mono_us() - began;
	return r;
}

static int
by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static int
seal_lines(struct bench *b, struct str log, size_t frame_bytes, uint64_t *lines)
{
	struct str line;
	int r = 0;

	sealer_begin(&b->sealer, FRAME_START);
	r = write_frame(b, true);
	while (r == 0 && log.n) {
		int64_t now_ns = clock_wall_us() * 1000;
		sealer_begin(&b->sealer, FRAME_LINES);
		while (r == 0 && b->sealer.out.n < frame_bytes && str_split(&log, '\n', &line)) {
			struct vault_entry e = { .recv_ns = now_ns, .source = STR("tcp 192.0.2.1"), .transport = VAULT_TCP, .raw = line };
			r = sealer_add(&b->sealer, &e) < 0 ? -EIO : 0;
			++*lines;
		}
		if (r == 0)
			r = write_frame(b, false);
	}
	return r;
}

/* So that proofs can be made of what was sealed. */
static int
sign(struct bench *b)
{
	const struct keys *k = &b->sealer.keys;
	struct checkpoint c = { .origin = b->disk.identity.origin, .size = k->size, .root = k->root };
	struct epoch_mark mark = { .epoch = 0, .time_s = (uint64_t)(clock_wall_us() / WHEN_SECOND) };
	struct buf text = BUF_INIT(4096), note = BUF_INIT(NOTE_BYTES_MAX);
	uint8_t secret[SIGN_SEED_BYTES];

	checkpoint_show(&c, &text);
	note_begin(&note, buf_str(&text));
	int r = note_sign(&note, buf_str(&text), &b->disk.identity.key, b->disk.log_seed, 0);
	keys_sign_seed(k, secret);
	if (r == 0)
		r = epoch_sign(&note, buf_str(&text), c.origin, &b->disk.epoch_tree, secret, mark);
	if (r == 0)
		r = vault_disk_checkpoint(&b->disk, buf_str(&note));
	buf_free(&text);
	buf_free(&note);
	return r;
}

static int
seal(const char *path, const char *dir, size_t frame_bytes)
{
	static struct bench b;
	struct sealer_opts o = { .ctx = &b, .seed = seed, .on_node = on_node };
	struct tree empty = { .size = 0 };
	struct str log = STR_NULL;
	struct keys keys;
	const char *what;
	uint64_t lines = 0;
	int r = file_map(path, &log);

	if (r == 0)
		r = vault_disk_make(dir, STR("example.com/bench"), 16, 1700000000);
	if (r == 0)
		r = vault_disk_open(&b.disk, dir, &what);
	if (r == 0)
		r = vault_disk_keys_load(&b.disk, &keys);
	if (r < 0)
		return r;
	sealer_open(&b.sealer, &o, &empty, &keys);
	int64_t wall = clock_mono_us(), cpu = clock_cpu_us();
	r = seal_lines(&b, log, frame_bytes, &lines);
	wall = clock_mono_us() - wall;
	cpu = clock_cpu_us() - cpu;
	if (r == 0)
		r = sign(&b);
	qsort(b.delays, b.n, sizeof(b.delays[0]), by_size);
	printf("sealed and durable: %llu lines, %.0f lines/s, %.0f lines/s of one core; %zu frames, made durable in p50 %.2f ms, "
	    "p99 %.2f ms\n", (unsigned long long)lines, (double)lines * 1e6 / (double)wall, (double)lines * 1e6 / (double)cpu, b.n,
	    (double)b.delays[b.n / 2] / 1000, (double)b.delays[b.n * 99 / 100] / 1000);
	sealer_close(&b.sealer);
	vault_disk_close(&b.disk);
	file_unmap(log);
	return r;
}

static int
prove(const char *dir, uint64_t count)
{
	struct buf text = BUF_INIT(1 << 20), decoded = BUF_INIT(1 << 20);
	int64_t made = 0, checked = 0, longest = 0;
	struct line_proof p;
	struct verdict v;
	struct vault_dir d;
	int r = vault_dir_open(&d, dir);
	struct trust trust = { .identity = &d.identity };
	size_t bytes = 0;

	for (uint64_t i = 0; i < count && r == 0; i++) {
		buf_reset(&text);
		buf_reset(&decoded);
		int64_t at = clock_cpu_us();
		r = vault_dir_prove(&d, random_u64() % 900000, &text);
		int64_t took = clock_cpu_us() - at;
		made += took;
		longest = took > longest ? took : longest;
		at = clock_cpu_us();
		if (r == 0)
			r = line_proof_read(buf_str(&text), &decoded, &p);
		if (r == 0)
			r = line_proof_check(&p, &trust, &v);
		checked += clock_cpu_us() - at;
		bytes += text.n;
	}
	if (r == 0)
		printf("proofs: made in %.2f ms (longest %.2f), checked in %.3f ms, %zu bytes\n", (double)made / 1000 / (double)count,
		    (double)longest / 1000, (double)checked / 1000 / (double)count, bytes / count);
	vault_dir_close(&d);
	buf_free(&text);
	buf_free(&decoded);
	return r;
}

int
main(int argc, char **argv)
{
	uint64_t n = 65536;
	int r = -EINVAL;

	if (argc == 5 && strcmp(argv[1], "seal") == 0 && text_u64(str_z(argv[4]), &n) == 0)
		r = seal(argv[2], argv[3], n);
	else if (argc == 4 && strcmp(argv[1], "seal") == 0)
		r = seal(argv[2], argv[3], n);
	else if (argc == 4 && strcmp(argv[1], "prove") == 0 && text_u64(str_z(argv[3]), &n) == 0)
		r = prove(argv[2], n);
	if (r < 0)
		fprintf(stderr, "vault-seal: %s\n", strerror(-r));
	return r < 0;
}
