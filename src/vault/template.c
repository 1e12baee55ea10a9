/* template: see template.h. Never trusts a length. */
#include "vault/template.h"

#include <errno.h>

#include "base/cur.h"

/* Counts the parts, or says -EBADMSG: then nothing was allocated. */
static int
count_parts(struct str bytes, uint32_t *ret)
{
	struct cur c = cur_of(bytes);

	for (uint32_t n = 0; n <= TOKENS_MAX; n++) {
		uint8_t type;

		(void)cur_bytes(&c, cur_u8(&c));
		type = cur_u8(&c);
		(void)cur_u8(&c);
		if (!cur_ok(&c) || type >= TOKEN_TYPES)
			return -EBADMSG;
		if (type == TOKEN_END) {
			*ret = n;
			return cur_done(&c) ? 0 : -EBADMSG;
		}
	}
	return -EBADMSG;
}

int
template_parse(struct arena *a, struct str bytes, struct template *ret)
{
	struct cur c = cur_of(bytes);
	struct template t = { .bytes = bytes };
	int rc = bytes.n <= TEMPLATE_MAX ? count_parts(bytes, &t.n) : -EBADMSG;

	if (rc < 0)
		return rc;
	t.parts = ARENA_ARRAY(a, struct part, t.n + 1);
	if (!t.parts)
		return -ENOMEM;
	t.stamp = t.n;
	for (uint32_t i = 0; i <= t.n; i++) {
		t.parts[i].literal = cur_bytes(&c, cur_u8(&c));
		t.parts[i].type = cur_u8(&c);
		t.parts[i].param = cur_u8(&c);
		if (t.stamp == t.n && token_is_stamp(t.parts[i].type))
			t.stamp = i;
	}
	*ret = t;
	return 0;
}

bool
template_attached(const struct template *t, uint32_t i)
{
	return i > 0 && i < t->n && t->parts[i].literal.n == 0;
}
