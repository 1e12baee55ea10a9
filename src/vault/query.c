/*
 * query: reading. Recursive descent with a depth that is bounded; every fault says where and what to do. The text is
 * typed by people and sent by programs: foreign like any other.
 */
#include "vault/query.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "vault/token.h"

#define NEEDS_MAX 8u
#define REGEXES_MAX 32u
#define TOP_DEFAULT 10u

enum lexeme_kind { LEX_END, LEX_WORD, LEX_PHRASE, LEX_REGEX, LEX_OPEN, LEX_CLOSE, LEX_MINUS, LEX_PIPE };

struct lexeme {
	enum lexeme_kind kind;
	size_t at;
	struct str text;                /* without quotes or slashes */
	bool minds_case;
};

struct parser {
	struct query *q;
	struct str text;
	size_t pos;
	struct lexeme now;
	unsigned depth, nodes;
};

__attribute__((format(printf, 3, 4))) static int
fault(struct parser *p, size_t at, const char *fmt, ...)
{
	va_list ap;

	p->q->fault_at = at;
	va_start(ap, fmt);
	vsnprintf(p->q->fault, sizeof(p->q->fault), fmt, ap);
	va_end(ap);
	return -EINVAL;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* What stands between two `end` bytes, from p->pos (behind the first); a backslash keeps the next one. */
static int
lex_quoted(struct parser *p, char end)
{
	size_t from = p->pos, n = 0;
	char *text = arena_alloc(&p->q->arena, p->text.n + 1);

	if (!text)
		return -ENOMEM;
	for (; p->pos < p->text.n && p->text.p[p->pos] != end; p->pos++) {
		bool escaped = p->text.p[p->pos] == '\\' && p->pos + 1 < p->text.n;

		/* In a regular expression a backslash has its own meaning, but before a slash. */
		if (escaped && (end == '"' || p->text.p[p->pos + 1] == '/'))
			p->pos++;
		else if (escaped)
			text[n++] = p->text.p[p->pos++];
		text[n++] = p->text.p[p->pos];
	}
	if (p->pos == p->text.n)
		return fault(p, from - 1, "this %c has no partner; end it with another %c", end, end);
	p->pos++;
	p->now.text = str_of(text, n);
	return 0;
}

static int
lex_word(struct parser *p)
{
	size_t from = p->pos;

	for (; p->pos < p->text.n && !is_blank(p->text.p[p->pos]); p->pos++) {
		char c = p->text.p[p->pos];

		if (c == '(' || c == ')' || c == '"' || c == '|')
			break;
		if (c == '/' && p->pos > from && p->text.p[p->pos - 1] == '~')
			break;
	}
	p->now.kind = LEX_WORD;
	p->now.text = str_head(str_from(p->text, from), p->pos - from);
	return 0;
}

static int
next(struct parser *p)
{
	char c;
	int rc;

	while (p->pos < p->text.n && is_blank(p->text.p[p->pos]))
		p->pos++;
	p->now = (struct lexeme){ .at = p->pos };
	if (p->pos == p->text.n)
		return 0;
	c = p->text.p[p->pos];
	if (c == '(' || c == ')' || c == '|' || (c == '-' && p->pos + 1 < p->text.n && !is_blank(p->text.p[p->pos + 1]))) {
		p->now.kind = c == '(' ? LEX_OPEN : c == ')' ? LEX_CLOSE : c == '|' ? LEX_PIPE : LEX_MINUS;
		p->pos++;
		return 0;
	}
	if (c != '"' && c != '/')
		return lex_word(p);
	p->now.kind = c == '"' ? LEX_PHRASE : LEX_REGEX;
	p->pos++;
	rc = lex_quoted(p, c);
	if (rc == 0 && c == '/' && p->pos < p->text.n && p->text.p[p->pos] == 's') {
		p->now.minds_case = true;
		p->pos++;
	}
	return rc;
}

static bool
is_word(const struct parser *p, struct str word)
{
	return p->now.kind == LEX_WORD && str_eq(p->now.text, word);
}

static struct query_node *
new_node(struct parser *p, enum query_kind kind)
{
	struct query_node *n = p->nodes < QUERY_NODES_MAX ? ARENA_NEW(&p->q->arena, struct query_node) : NULL;

	if (n) {
		p->nodes++;
		n->kind = kind;
	}
	return n;
}

static struct str
folded(struct parser *p, struct str s)
{
	char *low = arena_strdup(&p->q->arena, s);

	for (size_t i = 0; low && i < s.n; i++)
		low[i] = ascii_lower(low[i]);
	return str_of(low, low ? s.n : 0);
}

static int
set_regex(struct parser *p, const struct lexeme *l, struct query_node *n)
{
	struct query *q = p->q;
	struct str why = STR_NULL;
	int rc;

	if (!q->regexes)
		q->regexes = ARENA_ARRAY(&q->arena, struct query_regex, REGEXES_MAX);
	n->needs = ARENA_ARRAY(&q->arena, struct str, NEEDS_MAX);
	if (!q->regexes || !n->needs)
		return -ENOMEM;
	if (q->nregexes == REGEXES_MAX)
		return fault(p, l->at, "more than %u regular expressions; join some with |", REGEXES_MAX);
	rc = query_regex_compile(&q->regexes[q->nregexes], l->text, l->minds_case, &why, &q->arena);
	if (rc == -EINVAL)
		return fault(p, l->at, "this regular expression cannot be used: %.*s", STR_FMT(str_head(why, 100)));
	if (rc < 0)
		return rc;
	q->regexes[q->nregexes].number = q->nregexes;
	n->regex = &q->regexes[q->nregexes++];
	n->pattern = l->text;
	n->nneeds = query_regex_needs(l->text, &q->arena, n->needs, NEEDS_MAX);
	return 0;
}

/* "10.0.0.1", "10.0.0.0/8", of IPv4: the form that lines are searched for by value. */
static bool
network(struct str text, struct cidr *ret)
{
	struct addr a;

	if (text.n == 0 || text.p[0] < '0' || text.p[0] > '9')
		return false;
	if (cidr_parse(text, ret) == 0)
		return ret->bits >= 96 && addr_is_v4(&ret->net);
	if (addr_parse(text, &a) < 0 || !addr_is_v4(&a))
		return false;
	*ret = (struct cidr){ .net = a, .bits = 128 };
	return true;
}

static int
parse_text(struct parser *p, bool quoted, struct query_node **ret)
{
	struct str text = p->now.text, run;
	size_t at = p->now.at, pos = 0;
	struct query_node *n = new_node(p, QUERY_TEXT);

	if (!n)
		return p->nodes >= QUERY_NODES_MAX ? fault(p, at, "this query has too many parts") : -ENOMEM;
	if (!quoted && str_eq(text, STR("*"))) {
		n->kind = QUERY_ALL;
	} else if (!quoted && network(text, &n->net)) {
		n->kind = QUERY_ADDRESS;
	} else {
		struct cidr bad;

		if (!quoted && str_find_byte(text, '/') < text.n && cidr_parse(text, &bad) == -EDOM)
			return fault(p, at, "this network has bits set behind its length; write its first address");
		if (!quoted && text.n > 1 && text.p[text.n - 1] == '*') {
			n->prefix = true;
			text.n--;
		}
		if (!token_run(text, &pos, &run))
			return fault(p, at, "there is no word in this to look for; quote it inside a /regular expression/");
		n->text = folded(p, text);
		if (n->text.n != text.n)
			return -ENOMEM;
	}
	*ret = n;
	return next(p);
}

/* An address or hardware address has colons, but is no field. */
static bool
has_own_colons(struct str word)
{
	struct addr a;
	struct token t;
	size_t at = 0;

	return addr_parse(word, &a) == 0 || (token_value_next(word, &at, &t) && t.off == 0 && t.len == word.n);
}

/* The place of the sign of a field test in a word, or its length: "http://" is none. */
static size_t
find_sign(struct str word)
{
	if (word.n == 0 || word.p[0] < 'a' || word.p[0] > 'z' || has_own_colons(word))
		return word.n;
	for (size_t i = 1; i < word.n; i++) {
		char c = word.p[i];

		if (c == ':' && str_starts(str_from(word, i), STR("://")))
			return word.n;
		if (c == ':' || c == '>' || c == '<' || c == '~')
			return i;
		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-'))
			return word.n;
	}
	return word.n;
}

static int
parse_range(struct parser *p, struct str value, size_t at, struct query_node *n)
{
	size_t dots = str_find(value, STR(".."));
	struct str low = str_head(value, dots), high = str_from(value, dots + 2);

	n->test = QUERY_BETWEEN;
	n->low = 0;
	n->high = UINT64_MAX;
	if ((low.n > 0 && text_size(low, &n->low) < 0) || (high.n > 0 && text_size(high, &n->high) < 0))
		return fault(p, at, "a range is written 1..1023, 1.. or ..1023");
	return n->low <= n->high ? 0 : fault(p, at, "this range ends before it begins");
}

static int
parse_bound(struct parser *p, struct str value, size_t at, char sign, struct query_node *n)
{
	bool equal = value.n > 0 && value.p[0] == '=';
	uint64_t v;

	if (text_size(str_from(value, equal), &v) < 0)
		return fault(p, at, "%c compares with a number, such as 1000 or 64K", sign);
	n->test = QUERY_BETWEEN;
	n->low = 0;
	n->high = UINT64_MAX;
	if (sign == '>') {
		n->low = v + !equal;
		if (n->low < v)
			return fault(p, at, "no number is larger than this one");
	} else {
		if (v == 0 && !equal)
			return fault(p, at, "no number is smaller than 0");
		n->high = v - !equal;
	}
	return 0;
}

static int
parse_value(struct parser *p, struct str value, bool quoted, size_t at, struct query_node *n)
{
	struct addr a;

	if (!quoted && str_find(value, STR("..")) < value.n && str_find_byte(value, '/') == value.n)
		return parse_range(p, value, at, n);
	n->test = QUERY_IN;
	if (!quoted && cidr_parse(value, &n->net) == 0)
		return 0;
	if (!quoted && addr_parse(value, &a) == 0) {
		n->net = (struct cidr){ .net = a, .bits = 128 };
		return 0;
	}
	n->test = QUERY_IS;
	if (!quoted && value.n > 0 && value.p[value.n - 1] == '*') {
		n->prefix = true;
		value.n--;
	}
	n->text = folded(p, value);
	return n->text.n == value.n ? 0 : -ENOMEM;
}

static int
parse_field(struct parser *p, size_t sign, struct query_node **ret)
{
	struct lexeme word = p->now;
	char c = word.text.p[sign];
	struct str value = str_from(word.text, sign + 1);
	size_t at = word.at + sign + 1;
	struct query_node *n = new_node(p, QUERY_FIELD);
	int rc;

	if (!n)
		return p->nodes >= QUERY_NODES_MAX ? fault(p, word.at, "this query has too many parts") : -ENOMEM;
	n->name = arena_str(&p->q->arena, str_head(word.text, sign));
	n->field = str_eq(n->name, STR("source")) ? QUERY_SOURCE : QUERY_DECODED;
	n->joint = str_eq(n->name, STR("kind")) ? '.' : n->field == QUERY_SOURCE ? ' ' : '\0';
	p->q->wants_facts = p->q->wants_facts || n->field == QUERY_DECODED;
	p->q->wants_source = p->q->wants_source || n->field == QUERY_SOURCE;
	rc = next(p);
	if (rc < 0)
		return rc;
	if (c == '>' || c == '<') {
		rc = parse_bound(p, value, at, c, n);
	} else if (c == '~' && (value.n > 0 || p->now.at != at || p->now.kind != LEX_REGEX)) {
		return fault(p, at, "behind ~ stands a /regular expression/");
	} else if (value.n > 0) {
		rc = parse_value(p, value, false, at, n);
	} else if (c == '~') {
		n->test = QUERY_MATCHES;
		rc = set_regex(p, &p->now, n);
		if (rc == 0)
			rc = next(p);
	} else if (p->now.at == at && p->now.kind == LEX_PHRASE) {
		rc = parse_value(p, p->now.text, true, at, n);
		if (rc == 0)
			rc = next(p);
	} else {
		return fault(p, at, "a value is missing behind %.*s%c; quote the word to look for it as it is", STR_FMT(str_head(n->name, 40)), c);
	}
	*ret = n;
	return rc;
}

static int parse_or(struct parser *p, struct query_node **ret);

static int
parse_primary(struct parser *p, struct query_node **ret)
{
	int rc;

	switch (p->now.kind) {
	case LEX_OPEN:
		rc = next(p);
		if (rc == 0)
			rc = parse_or(p, ret);
		if (rc == 0 && p->now.kind != LEX_CLOSE)
			return fault(p, p->now.at, "a ) is missing here");
		return rc < 0 ? rc : next(p);
	case LEX_PHRASE:
		return parse_text(p, true, ret);
	case LEX_REGEX:
		*ret = new_node(p, QUERY_REGEX);
		if (!*ret)
			return -ENOMEM;
		rc = set_regex(p, &p->now, *ret);
		return rc < 0 ? rc : next(p);
	case LEX_WORD:
		if (is_word(p, STR("AND")) || is_word(p, STR("OR")) || is_word(p, STR("NOT")))
			return fault(p, p->now.at, "%.*s needs something on its right and, but for NOT, on its left; quote it to look for the word",
			    STR_FMT(p->now.text));
		if (find_sign(p->now.text) < p->now.text.n)
			return parse_field(p, find_sign(p->now.text), ret);
		return parse_text(p, false, ret);
	case LEX_CLOSE:
		return fault(p, p->now.at, "this ) closes nothing");
	case LEX_MINUS:
	case LEX_PIPE:
	case LEX_END:
		break;
	}
	return fault(p, p->now.at, "a word, a field or a /regular expression/ was expected here");
}

static int
parse_not(struct parser *p, struct query_node **ret)
{
	struct query_node *n = NULL;
	int rc;

	if (!is_word(p, STR("NOT")) && p->now.kind != LEX_MINUS)
		return parse_primary(p, ret);
	if (++p->depth > QUERY_DEPTH_MAX)
		return fault(p, p->now.at, "this query is nested too deeply");
	n = new_node(p, QUERY_NOT);
	rc = n ? next(p) : -ENOMEM;
	if (rc == 0)
		rc = parse_not(p, &n->left);
	p->depth--;
	*ret = n;
	return rc;
}

static int
join(struct parser *p, enum query_kind kind, struct query_node *right, struct query_node **left)
{
	struct query_node *n = new_node(p, kind);

	if (!n)
		return p->nodes >= QUERY_NODES_MAX ? fault(p, p->now.at, "this query has too many parts") : -ENOMEM;
	n->left = *left;
	n->right = right;
	*left = n;
	return 0;
}

static bool
ends_and(const struct parser *p)
{
	return p->now.kind == LEX_END || p->now.kind == LEX_CLOSE || p->now.kind == LEX_PIPE || is_word(p, STR("OR"));
}

static int
parse_and(struct parser *p, struct query_node **ret)
{
	struct query_node *right = NULL;
	int rc = parse_not(p, ret);

	while (rc == 0 && !ends_and(p)) {
		if (is_word(p, STR("AND")))
			rc = next(p);
		if (rc == 0)
			rc = parse_not(p, &right);
		if (rc == 0)
			rc = join(p, QUERY_AND, right, ret);
	}
	return rc;
}

static int
parse_or(struct parser *p, struct query_node **ret)
{
	struct query_node *right = NULL;
	int rc;

	if (++p->depth > QUERY_DEPTH_MAX)
		return fault(p, p->now.at, "this query is nested too deeply");
	rc = parse_and(p, ret);
	while (rc == 0 && is_word(p, STR("OR"))) {
		rc = next(p);
		if (rc == 0)
			rc = parse_and(p, &right);
		if (rc == 0)
			rc = join(p, QUERY_OR, right, ret);
	}
	p->depth--;
	return rc;
}

static int
parse_by(struct parser *p)
{
	if (p->now.kind != LEX_WORD)
		return fault(p, p->now.at, "the name of a field was expected here, such as src or user");
	p->q->by = arena_str(&p->q->arena, p->now.text);
	p->q->wants_facts = true;
	return next(p);
}

static int
parse_then(struct parser *p)
{
	struct query *q = p->q;
	int rc = next(p);

	if (rc < 0)
		return rc;
	if (is_word(p, STR("count"))) {
		q->then = QUERY_COUNT;
		rc = next(p);
		if (rc < 0 || p->now.kind == LEX_END)
			return rc;
		if (!is_word(p, STR("by")))
			return fault(p, p->now.at, "count stands alone or as: count by FIELD");
		rc = next(p);
		return rc < 0 ? rc : parse_by(p);
	}
	if (is_word(p, STR("top"))) {
		q->then = QUERY_TOP;
		q->top = TOP_DEFAULT;
		rc = next(p);
		if (rc == 0 && p->now.kind == LEX_WORD && text_u64(p->now.text, &q->top) == 0)
			rc = next(p);
		return rc < 0 ? rc : parse_by(p);
	}
	if (is_word(p, STR("histogram"))) {
		q->then = QUERY_HISTOGRAM;
		rc = next(p);
		if (rc < 0 || p->now.kind == LEX_END)
			return rc;
		if (p->now.kind != LEX_WORD || text_duration(p->now.text, &q->bucket_us) < 0 || q->bucket_us <= 0)
			return fault(p, p->now.at, "histogram takes a length of time, such as 1h");
		return next(p);
	}
	return fault(p, p->now.at, "behind | stands: count, count by FIELD, top [N] FIELD, or histogram [TIME]");
}

int
query_parse(struct query *q, struct str text)
{
	struct parser p = { .q = q };
	int rc;

	*q = (struct query){ .arena.max = 1u << 20 };
	if (text.n > QUERY_TEXT_MAX)
		return fault(&p, QUERY_TEXT_MAX, "a query has at most %u bytes", QUERY_TEXT_MAX);
	p.text = arena_str(&q->arena, text);
	if (text.n > 0 && !p.text.p)
		return -ENOMEM;
	rc = next(&p);
	if (rc == 0 && (p.now.kind == LEX_END || p.now.kind == LEX_PIPE)) {
		q->root = new_node(&p, QUERY_ALL);
		rc = q->root ? 0 : -ENOMEM;
	} else if (rc == 0) {
		rc = parse_or(&p, &q->root);
	}
	if (rc == 0 && p.now.kind == LEX_PIPE)
		rc = parse_then(&p);
	if (rc == 0 && p.now.kind != LEX_END)
		rc = fault(&p, p.now.at, p.now.kind == LEX_CLOSE ? "this ) closes nothing" : "nothing more was expected here");
	return rc;
}

void
query_free(struct query *q)
{
	for (uint32_t i = 0; i < q->nregexes; i++)
		query_regex_free(&q->regexes[i]);
	arena_free(&q->arena);
	*q = (struct query){ 0 };
}
