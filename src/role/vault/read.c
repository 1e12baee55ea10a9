/*
 * read: the vault's own log read back in order, from any entry on: for watchd, for other sites. A reader that fell
 * behind, or was started anew, is served like one that keeps up. Must never hand out what is not durable.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "role/vault/vaultd.h"
#include "sys/file.h"

#define FRAME_BYTES_MAX (FRAME_HEAD + FRAME_LINES_MAX + FRAME_SIDE_MAX)

void
vault_cursor_open(struct vault_cursor *c)
{
	*c = (struct vault_cursor){ .fd = -1, .bytes = BUF_INIT(FRAME_BYTES_MAX) };
}

void
vault_cursor_close(struct vault_cursor *c)
{
	fd_close(&c->fd);
	frame_cipher_free(c->cipher);
	c->cipher = NULL;
	buf_free(&c->bytes);
}

void
vault_cursor_seek(struct vault_cursor *c, uint64_t at)
{
	fd_close(&c->fd);
	c->at = at;
	c->loaded = c->held = false;
}

/* The file that holds the entry; or, when that is no more, the oldest there is. */
static int
open_file(const struct vaulting *v, struct vault_cursor *c)
{
	char path[PATH_MAX];
	struct frame_cipher *cipher = NULL;
	uint64_t *files = NULL;
	size_t n = 0, i = 0;
	int r = vault_disk_files(&v->disk, &files, &n);

	if (r == 0 && n == 0)
		r = -ENOENT;
	while (r == 0 && i + 1 < n && files[i + 1] <= c->at)
		i++;
	if (r == 0 && files[i] > c->at) {
		c->skipped += files[i] - c->at;
		c->at = files[i];
	}
	if (r == 0)
		r = vault_disk_file_path(&v->disk, files[i], path);
	if (r == 0)
		r = keyring_cipher(&v->disk.ring, v->disk.dir, files[i], &cipher);
	free(files);
	if (r < 0)
		return r;
	fd_close(&c->fd);
	frame_cipher_free(c->cipher);
	c->cipher = cipher;
	c->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	c->offset = 0;
	c->loaded = false;
	/* Let go of in this moment: the next turn finds another. */
	return c->fd >= 0 || errno == ENOENT ? 0 : -errno;
}

/* The next frame of the open file: 1, 0 at its end. */
static int
read_frame(struct vault_cursor *c)
{
	size_t size;
	char head[FRAME_HEAD];
	ssize_t n = file_read_at(c->fd, head, sizeof(head), c->offset);

	if (n <= 0)
		return (int)n;
	if (frame_size(str_of(head, (size_t)n), &size) < 0)
		return -EBADMSG;
	buf_reset(&c->bytes);
	if (!buf_reserve(&c->bytes, size))
		return -ENOMEM;
	n = file_read_at(c->fd, c->bytes.p, size, c->offset);
	if (n != (ssize_t)size || frame_read(str_of(c->bytes.p, size), c->cipher, &c->frame) != 1)
		return n < 0 ? (int)n : -EBADMSG;
	c->bytes.n = size;
	c->offset += size;
	c->lines = cur_of(c->frame.lines);
	c->line = c->frame.first;
	c->loaded = true;
	return 1;
}

/* A record of the loaded frame that is not behind us: 1, or 0 at its end. */
static int
in_frame(struct vault_cursor *c)
{
	int r = 0;

	while (c->loaded && (r = frame_record(&c->lines, &c->record)) == 1)
		if (c->line++ >= c->at)
			return 1;
	c->loaded = false;
	return r;
}

int
vault_cursor_next(const struct vaulting *v, struct vault_cursor *c, struct str *ret)
{
	while (!c->held && c->at < v->durable) {
		int r = in_frame(c);
		c->held = r == 1;
		if (r == 0)
			r = c->fd < 0 ? 0 : read_frame(c);
		/* The end of one file is the beginning of the next. */
		if (r == 0)
			r = open_file(v, c);
		if (r < 0)
			return r;
	}
	if (c->held)
		*ret = c->record;
	return c->held;
}

void
vault_cursor_took(struct vault_cursor *c)
{
	c->held = false;
	c->at++;
}
