/*
 * search_eval: words, addresses and regular expressions, answered from columns. A word of the query is compared with
 * what each type of value can hold; only where the column cannot tell are rows left to be read.
 */
#include <errno.h>

#include "vault/search_private.h"
#include "vault/token_filter.h"

int
eval_alloc(struct eval *e, struct rows *ret)
{
	ret->may = ARENA_ARRAY(&e->s->work, uint64_t, e->nwords);
	ret->sure = ARENA_ARRAY(&e->s->work, uint64_t, e->nwords);
	return ret->may && ret->sure ? 0 : -ENOMEM;
}

int
eval_begin(struct search *s, struct segment *segment, struct view *v, struct eval *ret)
{
	struct eval e = { .s = s, .view = v, .salt = segment->salt };

	arena_reset(&s->work);
	e.base = ARENA_ARRAY(&s->work, uint32_t, v->ngroups);
	if (!e.base)
		return -ENOMEM;
	for (uint32_t i = 0; i < v->ngroups; i++) {
		e.base[i] = e.nwords;
		e.nwords += (v->groups[i].set.rows + 63) / 64;
	}
	e.valid = ARENA_ARRAY(&s->work, uint64_t, e.nwords);
	if (!e.valid)
		return -ENOMEM;
	for (uint32_t i = 0; i < v->ngroups; i++) {
		uint32_t rows = v->groups[i].set.rows, words = (rows + 63) / 64;

		memset(e.valid + e.base[i], 0xff, words * sizeof(*e.valid));
		if (rows % 64)
			e.valid[e.base[i] + words - 1] = (UINT64_C(1) << rows % 64) - 1;
	}
	*ret = e;
	return 0;
}

void
eval_set_group(const struct eval *e, uint64_t *set, const struct view_group *g)
{
	uint32_t words = (g->set.rows + 63) / 64;

	memcpy(set + e->base[g->number], e->valid + e->base[g->number], words * sizeof(*set));
}

/* The word that byte `at` of all words belongs to. */
static uint32_t
word_at(const struct view *v, size_t at)
{
	uint32_t low = 0, high = v->nwords;

	while (low + 1 < high) {
		uint32_t mid = (low + high) / 2;

		if (v->word_at[mid] <= at)
			low = mid;
		else
			high = mid;
	}
	return low;
}

static bool
has_letter(struct str text)
{
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] >= 'a' && text.p[i] <= 'z')
			return true;
	}
	return false;
}

int
eval_words(struct eval *e, struct str text, bool whole, bool prefix, struct word_set *ret)
{
	struct view *v = e->view;
	struct word_set set = { .low = UINT32_MAX };
	struct str all;
	int rc = view_words(v);

	all = v->word_text;
	/* What has no letters is found in the words as they are. */
	if (rc == 0 && has_letter(text))
		rc = view_folded(v, &all);
	set.bits = ARENA_ARRAY(&e->s->work, uint64_t, v->nwords / 64 + 1u);
	if (rc < 0 || !set.bits)
		return rc < 0 ? rc : -ENOMEM;
	for (size_t at = 0; at + text.n <= all.n;) {
		const char *hit = memmem(all.p + at, all.n - at, text.p, text.n);
		uint32_t id, from, to;

		if (!hit)
			break;
		at = (size_t)(hit - all.p);
		id = word_at(v, at);
		from = v->word_at[id];
		to = v->word_at[id + 1];
		if (at + text.n > to || (whole && at > from && token_byte(all.p[at - 1])) ||
		    (whole && !prefix && at + text.n < to && token_byte(all.p[at + text.n]))) {
			at++;
			continue;
		}
		set.bits[id / 64] |= UINT64_C(1) << id % 64;
		set.n++;
		set.low = id < set.low ? id : set.low;
		set.high = id;
		at = to;
	}
	*ret = set;
	return 0;
}

static inline bool
in_set(const struct word_set *s, uint64_t id)
{
	return s->bits[id / 64] >> id % 64 & 1;
}

/* A run of the query, and everything it may be the text of. */
struct run {
	struct str text;
	bool prefix;
	bool number, fits;              /* decimal; canonical: no leading zero, at most 18 digits */
	uint64_t value;
	bool hex;
	uint64_t hex_value;
	bool timely, month;             /* may be a piece of a date or time */
	struct word_set words;          /* dictionary entries with this run */
	struct str letters;             /* "eth" of "eth0" */
	uint64_t behind;                /* 0 */
	struct word_set heads;          /* entries that are the letters */
};

static bool
is_digit(char c)
{
	return (unsigned)(c - '0') < 10;
}

static void
judge(struct run *r)
{
	size_t n = r->text.n, letters = 0;
	bool time_only = true;

	r->number = r->hex = true;
	for (size_t i = 0; i < n; i++) {
		char c = r->text.p[i];
		unsigned nibble = is_digit(c) ? (unsigned)(c - '0') : (unsigned)(c - 'a') + 10;

		r->number = r->number && is_digit(c);
		r->hex = r->hex && (is_digit(c) || (c >= 'a' && c <= 'f'));
		time_only = time_only && (is_digit(c) || c == 't' || c == 'z');
		if (r->number && i < 18)
			r->value = r->value * 10 + nibble;
		if (r->hex && i < 16)
			r->hex_value = r->hex_value << 4 | nibble;
	}
	r->fits = r->number && n <= 18 && (n == 1 || r->text.p[0] != '0');
	r->timely = is_digit(r->text.p[0]) && time_only;
	r->month = n == 3 && str_find(STR("jan feb mar apr may jun jul aug sep oct nov dec"), r->text) < 47;
	while (letters < n && !is_digit(r->text.p[letters]))
		letters++;
	if (letters == 0 || letters == n || n - letters > 18 || (r->text.p[letters] == '0' && n - letters > 1))
		return;
	for (size_t i = letters; i < n; i++) {
		if (!is_digit(r->text.p[i]))
			return;
		r->behind = r->behind * 10 + (uint64_t)(r->text.p[i] - '0');
	}
	r->letters = str_head(r->text, letters);
}

static bool
any_octet(uint64_t v, unsigned bytes, uint64_t wanted)
{
	for (unsigned i = 0; i < bytes; i++) {
		if ((v >> 8 * i & 255) == wanted)
			return true;
	}
	return false;
}

/* Whether a time can be written with the run: two digits below 60, a year, a fraction, "21T10", "00Z", a month. */
static bool
in_time(const struct run *r, const struct part *p)
{
	unsigned digits = p->type == TOKEN_ISO ? p->param & TOKEN_ISO_DIGITS : 0;

	if (r->prefix)
		return r->timely || !r->number;
	if (!r->number)
		return r->timely || r->month;
	return (r->text.n <= 2 && r->value < 60) || (r->text.n == 4 && r->value >= 1970 && r->value < 2200) || r->text.n == digits;
}

/* Whether a value of a type can be, or contain, the run; YES only when its text as a whole run is that. */
static enum answer
compare(const struct run *r, const struct part *p, bool lone, uint64_t v)
{
	switch (p->type) {
	case TOKEN_INT:
		if (r->prefix)
			return r->number ? PERHAPS : NO;
		return r->fits && v == r->value ? (lone ? YES : PERHAPS) : NO;
	case TOKEN_FIXED:
		if (r->prefix)
			return r->number ? PERHAPS : NO;
		return r->number && r->text.n == p->param && v == r->value ? (lone ? YES : PERHAPS) : NO;
	case TOKEN_HEX:
	case TOKEN_HEX_UPPER:
		if (r->prefix)
			return r->hex ? PERHAPS : NO;
		if (r->text.n > 16)
			return r->hex && !lone && v == r->hex_value ? PERHAPS : NO;
		return r->hex && lone && r->text.n == p->param && v == r->hex_value ? YES : NO;
	case TOKEN_PAIRS:
	case TOKEN_PAIRS_UPPER:
		if (r->prefix)
			return r->hex ? PERHAPS : NO;
		return r->hex && r->text.n == 2 && any_octet(v, p->param, r->hex_value) ? YES : NO;
	case TOKEN_IPV4:
		if (r->prefix)
			return r->number ? PERHAPS : NO;
		return r->fits && r->value < 256 && any_octet(v, 4, r->value) ? YES : NO;
	default:
		return in_time(r, p) ? PERHAPS : NO;
	}
}

/* No value of the column can be the run: the zone map says so, or the type does. */
static bool
ruled_out(const struct run *r, const struct part *p, const struct column *c)
{
	switch (p->type) {
	case TOKEN_INT:
	case TOKEN_FIXED:
		return !r->number || (!r->prefix && (r->text.n > 18 || r->value < c->min || r->value > c->max));
	case TOKEN_HEX:
	case TOKEN_HEX_UPPER:
		return !r->hex || (!r->prefix && r->text.n <= 16 && (r->text.n != p->param || r->hex_value < c->min || r->hex_value > c->max));
	case TOKEN_PAIRS:
	case TOKEN_PAIRS_UPPER:
		return !r->hex || (!r->prefix && r->text.n != 2);
	case TOKEN_IPV4:
		return !r->number || (!r->prefix && (!r->fits || r->value > 255));
	default:
		return false;
	}
}

static int
find_in_values(struct eval *e, struct view_group *g, uint32_t part, const struct run *r, struct rows *rows)
{
	const struct part *p = &g->template.parts[part];
	bool lone = !template_attached(&g->template, part + 1);
	const uint64_t *v;
	int rc;

	/* The end of a longer run is no run. */
	if (template_attached(&g->template, part))
		return 0;
	if (part == g->template.stamp || p->type == TOKEN_CLOCK || p->type == TOKEN_DATE || token_is_stamp(p->type)) {
		if (compare(r, p, lone, 0) == PERHAPS)
			eval_set_group(e, rows->may, g);
		return 0;
	}
	if (ruled_out(r, p, &g->set.columns[part]))
		return 0;
	if (p->type == TOKEN_INT && !r->prefix && !view_may_hold(e->view, &g->set, part, r->value))
		return 0;
	rc = view_column(e->view, &g->set, part, &v);
	for (uint32_t i = 0; rc == 0 && i < g->set.rows; i++) {
		enum answer a = compare(r, p, lone, v[i]);

		if (a == NO)
			continue;
		rows_set(rows->may, e, g, i);
		if (a == YES)
			rows_set(rows->sure, e, g, i);
	}
	return rc;
}

/* Rows whose word is in the set; behind: and whose next value is that number (the run goes on there). */
int
eval_in_words(struct eval *e, struct view_group *g, uint32_t part, const struct word_set *set, const uint64_t *behind,
    bool sure, struct rows *rows)
{
	const struct column *c = &g->set.columns[part];
	const uint64_t *v, *next = NULL;
	int rc;

	if (set->n == 0 || set->high < c->min || set->low > c->max)
		return 0;
	if (c->max >= e->view->nwords)
		return -EBADMSG;
	if (c->mode == COLUMN_SAME && !behind) {
		if (in_set(set, c->base)) {
			eval_set_group(e, rows->may, g);
			if (sure)
				eval_set_group(e, rows->sure, g);
		}
		return 0;
	}
	rc = view_column(e->view, &g->set, part, &v);
	if (rc == 0 && behind)
		rc = view_column(e->view, &g->set, part + 1, &next);
	for (uint32_t i = 0; rc == 0 && i < g->set.rows; i++) {
		if (!in_set(set, v[i]) || (behind && next[i] != *behind))
			continue;
		rows_set(rows->may, e, g, i);
		if (sure)
			rows_set(rows->sure, e, g, i);
	}
	return rc;
}

static int
find_run(struct eval *e, struct view_group *g, const struct run *r, struct rows *rows)
{
	const struct template *t = &g->template;
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < t->n; i++) {
		bool goes_on = template_attached(t, i + 1) && t->parts[i].type == TOKEN_WORD;

		if (!token_is_name(t->parts[i].type)) {
			rc = find_in_values(e, g, i, r, rows);
			continue;
		}
		/* A word with a number behind it is a longer run: only its letters stand here. */
		if (!goes_on || r->prefix)
			rc = eval_in_words(e, g, i, &r->words, NULL, !template_attached(t, i), rows);
		if (rc == 0 && goes_on && r->letters.n > 0 && t->parts[i + 1].type == TOKEN_INT)
			rc = eval_in_words(e, g, i, &r->heads, r->prefix ? NULL : &r->behind, !r->prefix, rows);
	}
	return rc;
}

static int
add_run(struct eval *e, struct str text, bool prefix, struct rows *ret)
{
	struct run r = { .text = text, .prefix = prefix };
	int rc = eval_alloc(e, ret);

	judge(&r);
	if (rc == 0)
		rc = eval_words(e, text, true, prefix, &r.words);
	if (rc == 0 && r.letters.n > 0)
		rc = eval_words(e, r.letters, true, false, &r.heads);
	for (uint32_t i = 0; rc == 0 && i < e->view->ngroups; i++)
		rc = find_run(e, &e->view->groups[i], &r, ret);
	return rc;
}

static int
eval_text(struct eval *e, const struct query_node *n, struct rows *ret)
{
	struct str run;
	struct rows one;
	size_t at = 0;
	bool first = true, whole = true;
	int rc = 0;

	while (rc == 0 && token_run(n->text, &at, &run)) {
		rc = add_run(e, run, n->prefix && at == n->text.n, &one);
		if (rc < 0)
			return rc;
		if (first)
			*ret = one;
		else
			rows_and(e, ret, &one);
		whole = run.n == n->text.n;
		first = false;
	}
	/* A phrase: its words are there, whether side by side only the line can tell. */
	if (!whole)
		memset(ret->sure, 0, e->nwords * sizeof(*ret->sure));
	return rc;
}

/* The first and last address of a network, as numbers. */
static void
bounds(const struct cidr *net, uint64_t *ret_low, uint64_t *ret_high)
{
	unsigned bits = net->bits > 96 ? net->bits - 96u : 0;
	uint64_t base = (uint64_t)net->net.b[12] << 24 | (uint64_t)net->net.b[13] << 16 | (uint64_t)net->net.b[14] << 8 | net->net.b[15];

	*ret_low = base;
	*ret_high = base | ((UINT64_C(1) << (32 - bits)) - 1);
}

static int
find_address(struct eval *e, struct view_group *g, const struct cidr *net, struct rows *rows)
{
	uint64_t low, high;
	const uint64_t *v;
	int rc = 0;

	bounds(net, &low, &high);
	for (uint32_t i = 0; rc == 0 && i < g->template.n; i++) {
		const struct column *c = &g->set.columns[i];

		if (g->template.parts[i].type != TOKEN_IPV4 || high < c->min || low > c->max)
			continue;
		if (low == high && !view_may_hold(e->view, &g->set, i, low))
			continue;
		rc = view_column(e->view, &g->set, i, &v);
		for (uint32_t r = 0; rc == 0 && r < g->set.rows; r++) {
			if (v[r] - low <= high - low) {
				rows_set(rows->may, e, g, r);
				rows_set(rows->sure, e, g, r);
			}
		}
	}
	return rc;
}

/* A group of one text part: lines that were not cut. */
static bool
uncut(const struct view_group *g)
{
	return g->template.n == 1 && g->template.parts[0].type == TOKEN_TEXT && g->template.bytes.n == 6;
}

/* Lines that were not cut may hold any address of a network; a single one is looked for as it is written. */
static int
find_in_uncut(struct eval *e, struct view_group *g, const struct cidr *net, struct rows *rows)
{
	char text[46];
	struct word_set set;
	int rc;

	if (net->bits != 128) {
		eval_set_group(e, rows->may, g);
		return 0;
	}
	rc = eval_words(e, str_of(text, addr_show(&net->net, text)), true, false, &set);
	return rc < 0 ? rc : eval_in_words(e, g, 0, &set, NULL, false, rows);
}

static int
eval_address(struct eval *e, const struct query_node *n, struct rows *ret)
{
	int rc = eval_alloc(e, ret);

	for (uint32_t i = 0; rc == 0 && i < e->view->ngroups; i++) {
		struct view_group *g = &e->view->groups[i];

		rc = find_address(e, g, &n->net, ret);
		if (rc == 0 && uncut(g))
			rc = find_in_uncut(e, g, &n->net, ret);
	}
	return rc;
}

static int
eval_pair(struct eval *e, const struct query_node *n, struct rows *ret)
{
	struct rows right;
	int rc = eval_node(e, n->left, ret);

	if (rc == 0)
		rc = eval_node(e, n->right, &right);
	if (rc < 0)
		return rc;
	if (n->kind == QUERY_AND) {
		rows_and(e, ret, &right);
		return 0;
	}
	for (uint32_t i = 0; i < e->nwords; i++) {
		ret->may[i] |= right.may[i];
		ret->sure[i] |= right.sure[i];
	}
	return 0;
}

int
eval_node(struct eval *e, const struct query_node *n, struct rows *ret)
{
	int rc;

	switch (n->kind) {
	case QUERY_ALL:
		rc = eval_alloc(e, ret);
		if (rc == 0) {
			memcpy(ret->may, e->valid, e->nwords * sizeof(*ret->may));
			memcpy(ret->sure, e->valid, e->nwords * sizeof(*ret->sure));
		}
		return rc;
	case QUERY_TEXT:
		return eval_text(e, n, ret);
	case QUERY_ADDRESS:
		return eval_address(e, n, ret);
	case QUERY_REGEX:
		return eval_regex(e, n, ret);
	case QUERY_FIELD:
		rc = eval_alloc(e, ret);
		return rc < 0 ? rc : eval_field(e, n, ret);
	case QUERY_AND:
	case QUERY_OR:
		return eval_pair(e, n, ret);
	case QUERY_NOT:
		rc = eval_node(e, n->left, ret);
		for (uint32_t i = 0; rc == 0 && i < e->nwords; i++) {
			uint64_t may = ret->may[i];

			ret->may[i] = e->valid[i] & ~ret->sure[i];
			ret->sure[i] = e->valid[i] & ~may;
		}
		return rc;
	}
	return -EINVAL;
}

static bool
filter_text(struct str text, bool prefix, struct str filter, uint64_t salt)
{
	struct str run, stem;
	size_t at = 0;

	while (token_run(text, &at, &run)) {
		if (prefix && at == text.n)
			break;
		stem = token_stem(run);
		if (stem.n > 0 && !token_filter_has(filter, token_key(stem, salt)))
			return false;
	}
	return true;
}

static bool
filter_address(const struct cidr *net, struct str filter, uint64_t salt)
{
	uint64_t v = (uint64_t)net->net.b[12] << 24 | (uint64_t)net->net.b[13] << 16 | (uint64_t)net->net.b[14] << 8 | net->net.b[15];

	return net->bits != 128 || !addr_is_v4(&net->net) || token_filter_has(filter, token_key_value(TOKEN_IPV4, v, salt));
}

bool
eval_filter(const struct query_node *n, struct str filter, uint64_t salt)
{
	switch (n->kind) {
	case QUERY_TEXT:
		return filter_text(n->text, n->prefix, filter, salt);
	case QUERY_ADDRESS:
		return filter_address(&n->net, filter, salt);
	case QUERY_FIELD:
		if (n->field == QUERY_DECODED && n->test == QUERY_IS)
			return filter_text(n->text, n->prefix, filter, salt);
		return n->field != QUERY_DECODED || n->test != QUERY_IN || filter_address(&n->net, filter, salt);
	case QUERY_AND:
		return eval_filter(n->left, filter, salt) && eval_filter(n->right, filter, salt);
	case QUERY_OR:
		return eval_filter(n->left, filter, salt) || eval_filter(n->right, filter, salt);
	case QUERY_ALL:
	case QUERY_REGEX:
	case QUERY_NOT:
		break;
	}
	return true;
}
