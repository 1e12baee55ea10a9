/* checkpoint: text to tree head and back. Must never accept two texts for one number. */
#include "vault/checkpoint.h"

#include <errno.h>

#include "base/base64.h"
#include "base/text.h"

void
checkpoint_show(const struct checkpoint *c, struct buf *out)
{
	buf_addf(out, "%.*s\n%llu\n", STR_FMT(c->origin), (unsigned long long)c->size);
	base64_add(out, digest_str(&c->root));
	buf_add_byte(out, '\n');
}

int
checkpoint_read(struct str text, struct checkpoint *ret)
{
	struct checkpoint c = { .size = 0 };
	struct str size, root, more;

	if (!str_ends(text, STR("\n")) || !str_split(&text, '\n', &c.origin) || !str_split(&text, '\n', &size) ||
	    !str_split(&text, '\n', &root) || c.origin.n == 0)
		return -EBADMSG;
	if (text_u64(size, &c.size) < 0 || (size.n > 1 && size.p[0] == '0') ||
	    base64_read_exact(root, c.root.b, DIGEST_BYTES) < 0)
		return -EBADMSG;
	while (str_split(&text, '\n', &more))
		if (more.n == 0)
			return -EBADMSG;
	*ret = c;
	return 0;
}
