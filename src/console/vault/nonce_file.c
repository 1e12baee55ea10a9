/* nonce_file: see nonce_file.h. */
#include "console/vault/nonce_file.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "sys/file.h"

int
nonce_file_path(char *dst, const char *vault, uint64_t block)
{
	return snprintf(dst, PATH_MAX, "%s/keys/forgotten/%020llu", vault, (unsigned long long)block) < PATH_MAX
	    ? 0 : -ENAMETOOLONG;
}

static int
load_nodes(const char *path, uint64_t block, struct nonce_room *room, struct nonce_block *ret)
{
	struct buf file = BUF_INIT(NONCE_FORGOTTEN_MAX);
	size_t n = 0;
	int r = file_read(path, &file);

	if (r == 0 && !room->many) {
		room->many = calloc(NONCE_NODES_MAX, sizeof(*room->many));
		r = room->many ? 0 : -ENOMEM;
	}
	if (r == 0)
		r = nonce_block_read(buf_str(&file), block, room->many, &n);
	if (r == 0)
		*ret = (struct nonce_block){ .n = n, .nodes = room->many };
	buf_wipe(&file);
	return r;
}

int
nonce_file_load(const char *vault, struct str slot, uint64_t block, struct nonce_room *room, struct nonce_block *ret)
{
	char path[PATH_MAX];

	room->one = (struct nonce_node){ .level = NONCE_BLOCK_LEVELS };
	int r = nonce_slot_read(slot, block, room->one.seed);
	if (r == 0) {
		*ret = (struct nonce_block){ .n = 1, .nodes = &room->one };
		return 0;
	}
	r = nonce_file_path(path, vault, block);
	return r < 0 ? r : load_nodes(path, block, room, ret);
}

void
nonce_room_wipe(struct nonce_room *room)
{
	explicit_bzero(&room->one, sizeof(room->one));
	if (room->many)
		explicit_bzero(room->many, NONCE_NODES_MAX * sizeof(*room->many));
	free(room->many);
	room->many = NULL;
}
