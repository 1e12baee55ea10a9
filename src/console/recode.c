/* recode: a small buffer before the conversion and one behind it, so that a reader may ask for any size. */
#include "console/recode.h"

#include <errno.h>
#include <stdlib.h>

#define IN_SIZE (32u << 10)

struct recode {
	enum utf16 order;
	bool ended;
	size_t in_len;
	size_t out_start, out_end;
	char in[IN_SIZE];
	char out[IN_SIZE / 2 * 3];
};

int
recode_new(enum utf16 order, struct recode **ret)
{
	struct recode *r = malloc(sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->order = order;
	recode_rewind(r);
	*ret = r;
	return 0;
}

void
recode_free(struct recode *r)
{
	free(r);
}

void
recode_rewind(struct recode *r)
{
	r->ended = false;
	r->in_len = r->out_start = r->out_end = 0;
}

/* Reads until there is something behind the conversion, or the end. */
static ssize_t
fill(struct recode *r, struct unpack *from)
{
	while (r->out_start == r->out_end && !r->ended) {
		size_t taken;
		ssize_t n = unpack_read(from, r->in + r->in_len, IN_SIZE - r->in_len);

		if (n < 0)
			return n;
		r->ended = n == 0;
		r->in_len += (size_t)n;
		r->out_start = 0;
		r->out_end = utf16_to_utf8(
		    r->order, str_of(r->in, r->in_len), r->ended, r->out, sizeof(r->out), &taken);
		memmove(r->in, r->in + taken, r->in_len - taken);
		r->in_len -= taken;
	}
	return (ssize_t)(r->out_end - r->out_start);
}

ssize_t
recode_read(struct recode *r, struct unpack *from, char *dst, size_t size)
{
	ssize_t n = fill(r, from);

	if (n <= 0)
		return n;
	if ((size_t)n > size)
		n = (ssize_t)size;
	memcpy(dst, r->out + r->out_start, (size_t)n);
	r->out_start += (size_t)n;
	return n;
}
