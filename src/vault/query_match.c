/* query_match: the meaning of a query for one line. A search may take any short cut that gives the same. */
#include "vault/query.h"
#include "vault/token.h"

bool
query_contains(struct str s, struct str text, bool prefix)
{
	bool starts = text.n > 0 && token_byte(text.p[0]), ends = text.n > 0 && token_byte(text.p[text.n - 1]) && !prefix;

	for (size_t at = 0; at + text.n <= s.n; at++) {
		at += str_find_nocase(str_from(s, at), text);
		if (at + text.n > s.n)
			return false;
		if ((!starts || at == 0 || !token_byte(s.p[at - 1])) &&
		    (!ends || at + text.n == s.n || !token_byte(s.p[at + text.n])))
			return true;
	}
	return false;
}

static struct addr
v4(uint64_t address)
{
	struct addr a = { { [10] = 0xff, [11] = 0xff } };

	for (int i = 0; i < 4; i++)
		a.b[12 + i] = (uint8_t)(address >> 8 * (3 - i));
	return a;
}

/* By the tokens of the line; a line that cannot be cut is searched as text. */
bool
query_has_address(struct str line, const struct cidr *net)
{
	struct tokens t;
	struct token found;
	struct addr a;
	size_t at = 0;

	tokens_cut(line, &t);
	for (uint32_t i = 0; i < t.n; i++) {
		a = v4(t.at[i].value);
		if (t.at[i].type == TOKEN_IPV4 && cidr_has(net, &a))
			return true;
	}
	while (t.n == 1 && t.at[0].type == TOKEN_TEXT && token_value_next(line, &at, &found)) {
		a = v4(found.value);
		if (found.type == TOKEN_IPV4 && cidr_has(net, &a))
			return true;
	}
	return false;
}

bool
query_test_value(const struct query_node *n, struct query_scratch *s, struct str value)
{
	struct addr a;
	uint64_t number;

	switch (n->test) {
	case QUERY_IS:
		if (n->prefix)
			return str_starts_nocase(value, n->text);
		if (n->joint && value.n > n->text.n && value.p[n->text.n] == n->joint)
			return str_starts_nocase(value, n->text);
		return str_eq_nocase(value, n->text);
	case QUERY_IN:
		return addr_parse(value, &a) == 0 && cidr_has(&n->net, &a);
	case QUERY_BETWEEN:
		return text_u64(value, &number) == 0 && number >= n->low && number <= n->high;
	case QUERY_MATCHES:
		return query_test_regex(n->regex, s, value);
	}
	return false;
}

static bool
test_field(const struct query_node *n, struct query_scratch *s, const struct query_line *l)
{
	if (n->field == QUERY_SOURCE)
		return query_test_value(n, s, l->source);
	for (size_t i = 0; i < l->nfacts; i++) {
		if (str_eq(l->facts[i].name, n->name) && query_test_value(n, s, l->facts[i].value))
			return true;
	}
	return false;
}

static bool
match(const struct query_node *n, struct query_scratch *s, const struct query_line *l)
{
	switch (n->kind) {
	case QUERY_ALL:
		return true;
	case QUERY_TEXT:
		return query_contains(l->raw, n->text, n->prefix);
	case QUERY_ADDRESS:
		return query_has_address(l->raw, &n->net);
	case QUERY_REGEX:
		return query_test_regex(n->regex, s, l->raw);
	case QUERY_FIELD:
		return test_field(n, s, l);
	case QUERY_AND:
		return match(n->left, s, l) && match(n->right, s, l);
	case QUERY_OR:
		return match(n->left, s, l) || match(n->right, s, l);
	case QUERY_NOT:
		return !match(n->left, s, l);
	}
	return false;
}

bool
query_match(const struct query *q, struct query_scratch *s, const struct query_line *l)
{
	return match(q->root, s, l);
}

static void
add_hit(struct query_hit *ret, size_t *n, size_t max, size_t from, size_t to)
{
	size_t at = *n;

	if (*n == max)
		return;
	for (; at > 0 && ret[at - 1].from > from; at--)
		ret[at] = ret[at - 1];
	ret[at] = (struct query_hit){ .from = from, .to = to };
	++*n;
}

static void
hits_of_text(const struct query_node *n, struct str line, struct query_hit *ret, size_t *count, size_t max)
{
	for (size_t at = 0; at + n->text.n <= line.n && *count < max; at++) {
		at += str_find_nocase(str_from(line, at), n->text);
		if (at + n->text.n > line.n)
			return;
		if (query_contains(str_head(str_from(line, at), n->text.n), n->text, n->prefix)) {
			add_hit(ret, count, max, at, at + n->text.n);
			at += n->text.n - 1;
		}
	}
}

static void
hits_of_address(const struct query_node *n, struct str line, struct query_hit *ret, size_t *count, size_t max)
{
	struct token t;
	size_t at = 0;

	while (token_value_next(line, &at, &t)) {
		struct addr a = v4(t.value);

		if (t.type == TOKEN_IPV4 && cidr_has(&n->net, &a))
			add_hit(ret, count, max, t.off, t.off + t.len);
	}
}

static void
hits(const struct query_node *n, struct str line, struct query_hit *ret, size_t *count, size_t max)
{
	if (n->kind == QUERY_TEXT || (n->kind == QUERY_FIELD && n->test == QUERY_IS && n->text.n > 0))
		hits_of_text(n, line, ret, count, max);
	else if (n->kind == QUERY_ADDRESS || (n->kind == QUERY_FIELD && n->test == QUERY_IN))
		hits_of_address(n, line, ret, count, max);
	else if (n->kind == QUERY_AND || n->kind == QUERY_OR) {
		hits(n->left, line, ret, count, max);
		hits(n->right, line, ret, count, max);
	}
}

size_t
query_hits(const struct query *q, struct str line, struct query_hit *ret, size_t max)
{
	size_t n = 0;

	hits(q->root, line, ret, &n, max);
	return n;
}
