/* columns: comma separated values, and lines under a header that names their columns. */
#include "wire/kv.h"

bool
csv_next(struct str *rest, char sep, struct str *ret_cell, bool *ret_quoted)
{
	struct str s = *rest;
	*ret_quoted = false;
	if (!s.p)
		return false;
	size_t blanks = 0;
	while (blanks < s.n && s.p[blanks] == ' ' && sep != ' ')
		blanks++;
	size_t end;
	if (blanks < s.n && s.p[blanks] == '"') {
		size_t i = blanks + 1;
		while (i < s.n && (s.p[i] != '"' || (i + 1 < s.n && s.p[i + 1] == '"')))
			i += s.p[i] == '"' ? 2 : 1;
		*ret_cell = str_of(s.p + blanks + 1, i - blanks - 1);
		*ret_quoted = true;
		end = i + str_find_byte(str_from(s, i), sep);
	} else {
		end = str_find_byte(s, sep);
		*ret_cell = str_head(s, end);
	}
	*rest = end < s.n ? str_from(s, end + 1) : STR_NULL;
	return true;
}

void
csv_unescape(struct str raw, struct buf *out)
{
	while (raw.n) {
		size_t quote = str_find_byte(raw, '"');
		buf_add(out, str_head(raw, quote + 1));
		bool doubled = quote + 1 < raw.n && raw.p[quote + 1] == '"';
		raw = str_from(raw, quote + 1 + doubled);
	}
}

bool
columns_header(struct str line, struct columns *ret)
{
	struct str rest, name;
	bool zeek = str_starts(line, STR("#fields\t"));
	if (!zeek && !str_starts(line, STR("#Fields:")))
		return false;
	rest = str_trim(str_from(line, 8));
	ret->tabs = zeek;
	ret->count = 0;
	while (ret->count < COLUMNS_MAX && str_word(&rest, &name))
		ret->names[ret->count++] = name;
	return true;
}

bool
columns_next(const struct columns *c, struct str *rest, struct str *ret_cell)
{
	bool quoted;
	if (c->tabs)
		return csv_next(rest, '\t', ret_cell, &quoted);
	while (rest->n && (*rest->p == ' ' || *rest->p == '\t'))
		*rest = str_from(*rest, 1);
	if (!rest->n)
		return false;
	if (*rest->p == '"')
		return csv_next(rest, ' ', ret_cell, &quoted);
	return str_word(rest, ret_cell);
}
