/*
 * journal: fields of one export entry. Lengths are the writer's claim: each is checked against what
 * is there.
 */
#include "wire/journal.h"

#include "base/cur.h"

static bool
binary(struct str *rest, size_t key, struct str *ret_value)
{
	struct cur c = cur_of(str_from(*rest, key + 1));
	uint64_t n = cur_u64le(&c);
	struct str value = n <= c.n ? cur_bytes(&c, (size_t)n) : STR_NULL;
	if (!cur_ok(&c) || n > c.n + value.n || value.n != n)
		return false;
	/* The line feed behind the value may be missing at the very end only. */
	if (c.n && cur_u8(&c) != '\n')
		return false;
	*ret_value = value;
	*rest = str_of((const char *)c.p, c.n);
	return true;
}

bool
journal_next(struct str *rest, struct str *ret_key, struct str *ret_value)
{
	size_t line = str_find_byte(*rest, '\n');
	if (line == 0)
		return false;
	size_t equals = str_find_byte(str_head(*rest, line), '=');
	struct str key = str_head(*rest, equals);
	if (equals == line) {
		if (line == rest->n || !binary(rest, line, ret_value))
			return false;
	} else {
		*ret_value = str_of(rest->p + equals + 1, line - equals - 1);
		*rest = str_from(*rest, line + 1);
	}
	*ret_key = key;
	return true;
}
