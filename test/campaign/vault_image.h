/*
 * vault_image: a small vault on a disk, and the same as bytes in memory, for campaigns that change it and put it back.
 * Four epochs with a file of the log each, of which the last is open; the files of the first two have given way to segments,
 * whose digests are lines of the log.
 */
#ifndef GUARITA_TEST_VAULT_IMAGE_H
#define GUARITA_TEST_VAULT_IMAGE_H

#include "role/vault/disk.h"
#include "vault/recover.h"
#include "vault/sealer.h"

#define IMAGE_PARTS 10
#define IMAGE_STAGES 4
#define IMAGE_FRAMES_MAX 64
#define IMAGE_LINES 5                  /* of a frame */
#define IMAGE_EPOCH_LINES (3 * IMAGE_LINES)   /* of the epochs that are packed */

enum image_part { PART_WAL0, PART_WAL1, PART_WAL2, PART_WAL3, PART_SEG0, PART_SEG1, PART_EPOCHS, PART_CHECKPOINT, PART_KEYS, PART_NONCES };

struct image {
	struct buf part[IMAGE_PARTS];
	bool has[IMAGE_PARTS];
};

struct image_frame {
	enum image_part file;
	size_t at, bytes;
	struct frame frame;            /* slices point into the image */
	struct tree before;
};

struct vault_image {
	char dir[128];
	struct vault_disk disk;
	struct digest auditor;
	struct image stage[IMAGE_STAGES];      /* at the end of each epoch; the last is how it stands */
	struct image_frame frames[IMAGE_FRAMES_MAX];
	unsigned nframes;
	struct keys keys;              /* live: what a thief of today finds */
	struct nonce_store nonces;
	struct digest root;
	uint64_t size;
};

int vault_image_make(struct vault_image *v, const char *dir) WARN_UNUSED;
/* Writes one part as it is in bytes; or takes it away. */
int vault_image_put(const struct vault_image *v, enum image_part part, struct str bytes) WARN_UNUSED;
int vault_image_remove(const struct vault_image *v, enum image_part part) WARN_UNUSED;
/* Signed by whoever has the log's key and that epoch's secret. */
int vault_image_note(const struct vault_image *v, const struct keys *k, struct buf *out) WARN_UNUSED;
const char *vault_image_name(const struct vault_image *v, enum image_part part);

static inline struct image *
vault_image_now(struct vault_image *v)
{
	return &v->stage[IMAGE_STAGES - 1];
}

#endif
