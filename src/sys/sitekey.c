/* sitekey: see sitekey.h. */
#include "sys/sitekey.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base64.h"
#include "sys/file.h"

#define FILE_BYTES_MAX 256

int
sitekey_read(const char *path, uint8_t ret_seed[TLS_KEY_BYTES])
{
	struct buf text = BUF_INIT(FILE_BYTES_MAX);
	uint8_t seed[TLS_KEY_BYTES];
	struct stat st;
	int r = stat(path, &st) < 0 ? -errno : st.st_mode & 077 ? -EPERM : file_read(path, &text);

	if (r == 0 && base64_read_exact(str_trim(buf_str(&text)), seed, sizeof(seed)) < 0)
		r = -EBADMSG;
	if (r == 0)
		memcpy(ret_seed, seed, sizeof(seed));
	tls_wipe(seed, sizeof(seed));
	if (text.p)
		tls_wipe(text.p, text.size);
	buf_free(&text);
	return r;
}

int
sitekey_make(const char *path, uint8_t ret_seed[TLS_KEY_BYTES])
{
	struct buf text = BUF_INIT(FILE_BYTES_MAX);
	uint8_t seed[TLS_KEY_BYTES];
	int r = tls_new_seed(seed);

	if (r == 0) {
		base64_add(&text, str_of((const char *)seed, sizeof(seed)));
		buf_add_byte(&text, '\n');
		r = buf_ok(&text) ? 0 : -ENOMEM;
	}
	int fd = r == 0 ? open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600) : -1;
	if (r == 0 && fd < 0)
		r = -errno;
	if (r == 0)
		r = file_write_all(fd, buf_str(&text));
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	if (r == 0)
		memcpy(ret_seed, seed, sizeof(seed));
	else if (fd >= 0)
		unlink(path);
	fd_close(&fd);
	tls_wipe(seed, sizeof(seed));
	if (text.p)
		tls_wipe(text.p, text.size);
	buf_free(&text);
	return r;
}

int
sitekey_show(const uint8_t seed[TLS_KEY_BYTES], struct buf *out)
{
	uint8_t key[TLS_KEY_BYTES];
	int r = tls_public_key(seed, key);

	if (r == 0)
		base64_add(out, str_of((const char *)key, sizeof(key)));
	return r;
}
