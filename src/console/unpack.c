/* unpack: one stream from a plain or packed file. Each format is a row of functions; none of them ever seeks. */
#include "console/unpack.h"

#include <errno.h>
#include <lzma.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#define INPUT_SIZE (64u << 10)
#define XZ_MEMORY_MAX (UINT64_C(256) << 20)   /* a hostile archive may ask for gigabytes */

struct format {
	const char *name;
	struct str magic;
	int (*begin)(struct unpack *u);
	/* Unpacks from u->in into dst; bytes made, 0 when it wants input, or a negative errno. */
	ssize_t (*step)(struct unpack *u, char *dst, size_t size);
	void (*end)(struct unpack *u);
};

struct unpack {
	int fd;
	bool eof;                 /* the file is read to its end */
	bool done;                /* the packed stream ended, only more members may follow */
	const struct format *format;
	uint64_t taken;
	size_t start, end;        /* unread part of in */
	union {
		z_stream z;
		lzma_stream xz;
		ZSTD_DStream *zstd;
	} s;
	char in[INPUT_SIZE];
};

static ssize_t
plain_step(struct unpack *u, char *dst, size_t size)
{
	size_t n = u->end - u->start;

	if (n > size)
		n = size;
	memcpy(dst, u->in + u->start, n);
	u->start += n;
	return (ssize_t)n;
}

static int
gzip_begin(struct unpack *u)
{
	u->s.z = (z_stream){ 0 };
	return inflateInit2(&u->s.z, 15 + 16) == Z_OK ? 0 : -ENOMEM;
}

static ssize_t
gzip_step(struct unpack *u, char *dst, size_t size)
{
	z_stream *z = &u->s.z;
	int rc;

	if (u->done) {            /* another member may follow (RFC 1952 section 2.2) */
		if (inflateReset(z) != Z_OK)
			return -EBADMSG;
		u->done = false;
	}
	z->next_in = (Bytef *)(u->in + u->start);
	z->avail_in = (uInt)(u->end - u->start);
	z->next_out = (Bytef *)dst;
	z->avail_out = (uInt)size;
	rc = inflate(z, Z_NO_FLUSH);
	u->start = u->end - z->avail_in;
	if (rc == Z_STREAM_END)
		u->done = true;
	else if (rc != Z_OK && rc != Z_BUF_ERROR)
		return -EBADMSG;
	return (ssize_t)(size - z->avail_out);
}

static void
gzip_end(struct unpack *u)
{
	inflateEnd(&u->s.z);
}

static int
xz_begin(struct unpack *u)
{
	u->s.xz = (lzma_stream)LZMA_STREAM_INIT;
	return lzma_stream_decoder(&u->s.xz, XZ_MEMORY_MAX, LZMA_CONCATENATED) == LZMA_OK ? 0 : -ENOMEM;
}

static ssize_t
xz_step(struct unpack *u, char *dst, size_t size)
{
	lzma_stream *x = &u->s.xz;
	lzma_ret rc;

	x->next_in = (const uint8_t *)u->in + u->start;
	x->avail_in = u->end - u->start;
	x->next_out = (uint8_t *)dst;
	x->avail_out = size;
	rc = lzma_code(x, u->eof ? LZMA_FINISH : LZMA_RUN);
	u->start = u->end - x->avail_in;
	if (rc == LZMA_STREAM_END)
		u->done = true;
	else if (rc == LZMA_MEMLIMIT_ERROR)
		return -EFBIG;
	else if (rc != LZMA_OK && rc != LZMA_BUF_ERROR)
		return -EBADMSG;
	return (ssize_t)(size - x->avail_out);
}

static void
xz_end(struct unpack *u)
{
	lzma_end(&u->s.xz);
}

static int
zstd_begin(struct unpack *u)
{
	u->s.zstd = ZSTD_createDStream();
	return u->s.zstd ? 0 : -ENOMEM;
}

static ssize_t
zstd_step(struct unpack *u, char *dst, size_t size)
{
	ZSTD_inBuffer in = { u->in + u->start, u->end - u->start, 0 };
	ZSTD_outBuffer out = { dst, size, 0 };
	size_t rc = ZSTD_decompressStream(u->s.zstd, &out, &in);

	u->start += in.pos;
	if (ZSTD_isError(rc))
		return -EBADMSG;
	u->done = rc == 0;
	return (ssize_t)out.pos;
}

static void
zstd_end(struct unpack *u)
{
	ZSTD_freeDStream(u->s.zstd);
}

static const struct format formats[] = {
	{ "gzip", { "\x1f\x8b", 2 }, gzip_begin, gzip_step, gzip_end },
	{ "xz", { "\xfd" "7zXZ\0", 6 }, xz_begin, xz_step, xz_end },
	{ "zstd", { "\x28\xb5\x2f\xfd", 4 }, zstd_begin, zstd_step, zstd_end },
};

static const struct format plain = { "plain", { NULL, 0 }, NULL, plain_step, NULL };

/* More bytes of the file into `in`; 0 also at its end. */
static int
fill(struct unpack *u)
{
	ssize_t n;

	if (u->start > 0) {
		memmove(u->in, u->in + u->start, u->end - u->start);
		u->end -= u->start;
		u->start = 0;
	}
	while (!u->eof && u->end < INPUT_SIZE) {
		n = read(u->fd, u->in + u->end, INPUT_SIZE - u->end);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			u->eof = true;
		u->end += (size_t)n;
		u->taken += (uint64_t)n;
		break;
	}
	return 0;
}

int
unpack_open(int fd, struct unpack **ret)
{
	struct unpack *u = calloc(1, sizeof(*u));
	int rc;

	if (!u) {
		close(fd);
		return -ENOMEM;
	}
	u->fd = fd;
	u->format = &plain;
	do {
		rc = fill(u);
	} while (rc == 0 && !u->eof && u->end < 8);
	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(formats); i++) {
		if (str_starts(str_of(u->in, u->end), formats[i].magic)) {
			rc = formats[i].begin(u);
			if (rc == 0)
				u->format = &formats[i];
			break;
		}
	}
	if (rc < 0) {
		unpack_close(u);
		return rc;
	}
	*ret = u;
	return 0;
}

void
unpack_close(struct unpack *u)
{
	if (!u)
		return;
	if (u->format->end)
		u->format->end(u);
	close(u->fd);
	free(u);
}

/* Plain bytes go straight from the file to dst once what was read for the magic is used up. */
static ssize_t
read_plain(struct unpack *u, char *dst, size_t size)
{
	ssize_t n;

	if (u->start < u->end)
		return plain_step(u, dst, size);
	do {
		n = read(u->fd, dst, size);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	u->taken += (uint64_t)n;
	return n;
}

ssize_t
unpack_read(struct unpack *u, char *dst, size_t size)
{
	if (u->format == &plain)
		return read_plain(u, dst, size);
	for (;;) {
		ssize_t n;
		int rc;

		if (u->start == u->end && (rc = fill(u)) < 0)
			return rc;
		if (u->start == u->end && u->eof && u->done)
			return 0;
		n = u->format->step(u, dst, size);
		if (n != 0)
			return n;
		if (u->eof && (u->start == u->end || u->done))
			return u->done ? 0 : -EBADMSG;
		if (u->start > 0 || u->end < INPUT_SIZE) {
			if ((rc = fill(u)) < 0)
				return rc;
		}
	}
}

uint64_t
unpack_taken(const struct unpack *u)
{
	return u->taken;
}

const char *
unpack_format(const struct unpack *u)
{
	return u->format->name;
}
