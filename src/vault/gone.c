/* gone: see gone.h. Must never believe a number it read, nor hand out a node that is not written there. */
#include "vault/gone.h"

#include <assert.h>
#include <errno.h>

#include "base/base64.h"
#include "base/text.h"

static const struct str heading = STR_INIT("guarita-gone@v1");
static const struct str work_magic = STR_INIT("GFO1");

void
gone_begin(struct gone_maker *m, struct gone *g, uint64_t first, uint64_t end, uint64_t record)
{
	assert(first < end);
	*g = (struct gone){ .first = first, .end = end, .record = record };
	*m = (struct gone_maker){ .first = first, .gone = g, .end = end, .level = tree_level_at(first, end) };
}

/* A subtree is a tree of its own until it is complete: its leaves stand aligned. */
void
gone_add(struct gone_maker *m, const struct digest *leaf)
{
	tree_add(&m->tree, leaf);
	if (m->tree.size < UINT64_C(1) << m->level)
		return;
	m->gone->node[m->gone->n++] = tree_root(&m->tree);
	m->first += m->tree.size;
	m->tree = (struct tree){ .size = 0 };
	if (m->first < m->end)
		m->level = tree_level_at(m->first, m->end);
}

void
gone_show(const struct gone *g, struct buf *out)
{
	buf_add(out, heading);
	buf_addf(out, "\nfirst %llu\nend %llu\nrecord %llu\n", (unsigned long long)g->first, (unsigned long long)g->end,
	    (unsigned long long)g->record);
	for (unsigned i = 0; i < g->n; i++) {
		buf_add(out, STR("node "));
		base64_add(out, digest_str(&g->node[i]));
		buf_add_byte(out, '\n');
	}
}

/* "word VALUE" on a line of its own. */
static bool
take(struct str *rest, struct str word, struct str *ret)
{
	struct str line;

	if (!str_split(rest, '\n', &line) || !str_starts(line, word) || line.n <= word.n || line.p[word.n] != ' ')
		return false;
	*ret = str_from(line, word.n + 1);
	return true;
}

static bool
take_number(struct str *rest, struct str word, uint64_t *ret)
{
	struct str value;

	return take(rest, word, &value) && text_u64(value, ret) == 0;
}

int
gone_read(struct str text, struct gone *ret)
{
	struct gone g = { .n = 0 };
	struct str line, value;

	if (!str_split(&text, '\n', &line) || !str_eq(line, heading) || !take_number(&text, STR("first"), &g.first) ||
	    !take_number(&text, STR("end"), &g.end) || !take_number(&text, STR("record"), &g.record) || g.first >= g.end)
		return -EBADMSG;
	for (uint64_t at = g.first; at < g.end; at += UINT64_C(1) << tree_level_at(at, g.end)) {
		if (g.n == GONE_NODES_MAX || !take(&text, STR("node"), &value) ||
		    base64_read_exact(value, g.node[g.n].b, DIGEST_BYTES) < 0)
			return -EBADMSG;
		g.n++;
	}
	if (text.n)
		return -EBADMSG;
	*ret = g;
	return 0;
}

int
gone_node(const struct gone *g, unsigned level, uint64_t index, struct digest *ret)
{
	uint64_t at = g->first;

	for (unsigned i = 0; i < g->n; i++) {
		unsigned l = tree_level_at(at, g->end);
		if (l == level && at >> l == index) {
			*ret = g->node[i];
			return 0;
		}
		at += UINT64_C(1) << l;
	}
	return -ENOENT;
}

void
gone_add_to(const struct gone *g, struct tree *t)
{
	assert(t->size == g->first);
	for (unsigned i = 0; i < g->n; i++)
		tree_add_subtree(t, tree_level_at(t->size, g->end), &g->node[i]);
}

int
gone_source(struct str source, uint64_t *ret_record)
{
	static const struct str word = STR_INIT("gone ");

	return str_starts(source, word) && text_u64(str_from(source, word.n), ret_record) == 0 ? 0 : -EINVAL;
}

/* The value behind ` name=`, up to the next blank, or to the closing quote when it has one. */
static bool
value_of(struct str line, struct str name, struct str *ret)
{
	struct str rest = str_from(line, str_find(line, name) + name.n);
	size_t n = 1;

	if (str_find(line, name) == line.n)
		return false;
	if (!str_starts(rest, STR("\""))) {
		*ret = str_head(rest, str_find_byte(rest, ' '));
		return true;
	}
	while (n < rest.n && rest.p[n] != '"')
		n += rest.p[n] == '\\' ? 2 : 1;
	*ret = str_of(rest.p + 1, (n < rest.n ? n : rest.n) - 1);
	return n < rest.n;
}

int
gone_order_read(struct str line, struct gone_order *ret)
{
	static const struct str erase = STR_INIT(" - - vault.erase index="), expire = STR_INIT(" - - vault.expire first=");
	struct gone_order o = { .by_rule = str_find(line, expire) < line.n };
	struct str first, end = STR_NULL, words;

	words = str_from(line, str_find(line, o.by_rule ? expire : erase) + STR(" - -").n);
	if (!value_of(words, o.by_rule ? STR(" vault.expire first=") : STR(" vault.erase index="), &first) ||
	    text_u64(first, &o.first) < 0 || !value_of(words, o.by_rule ? STR(" rule=") : STR(" reason="), &o.why))
		return -EINVAL;
	if (o.by_rule ? !value_of(words, STR(" end="), &end) || text_u64(end, &o.end) < 0 :
	    !value_of(words, STR(" by="), &o.who))
		return -EINVAL;
	if (!o.by_rule)
		o.end = o.first + 1;
	*ret = o;
	return 0;
}

void
gone_work_begin(const struct gone_work *w, struct buf *out)
{
	uint8_t head[GONE_WORK_HEAD];
	struct enc e = enc_of(head, sizeof(head));

	enc_bytes(&e, work_magic);
	enc_u64(&e, w->first);
	enc_u64(&e, w->record);
	enc_u8(&e, w->encrypted);
	enc_bytes(&e, str_of((const char *)w->key, sizeof(w->key)));
	enc_u32(&e, w->n);
	assert(enc_ok(&e) && e.n == sizeof(head));
	buf_add(out, str_of((const char *)head, sizeof(head)));
	explicit_bzero(head, sizeof(head));
}

void
gone_work_add(struct buf *out, uint32_t row, const struct digest *leaf)
{
	uint8_t bytes[4];
	struct enc e = enc_of(bytes, sizeof(bytes));

	enc_u32(&e, row);
	buf_add(out, str_of((const char *)bytes, sizeof(bytes)));
	buf_add(out, digest_str(leaf));
}

int
gone_work_read(struct str bytes, struct gone_work *ret)
{
	struct cur c = cur_of(bytes);
	struct str magic = cur_bytes(&c, work_magic.n), key;
	struct gone_work w = { .n = 0 };
	uint8_t encrypted;

	w.first = cur_u64(&c);
	w.record = cur_u64(&c);
	encrypted = cur_u8(&c);
	key = cur_bytes(&c, sizeof(w.key));
	w.n = cur_u32(&c);
	if (!cur_ok(&c) || !str_eq(magic, work_magic) || encrypted > 1 || c.n != (uint64_t)w.n * GONE_WORK_ROW)
		return -EBADMSG;
	w.encrypted = encrypted;
	memcpy(w.key, key.p, sizeof(w.key));
	w.rows = c;
	*ret = w;
	return 0;
}

int
gone_work_next(struct cur *rows, uint32_t *ret_row, struct digest *ret_leaf)
{
	if (rows->n == 0)
		return 0;
	*ret_row = cur_u32(rows);
	struct str leaf = cur_bytes(rows, DIGEST_BYTES);
	assert(cur_ok(rows));
	memcpy(ret_leaf->b, leaf.p, DIGEST_BYTES);
	return 1;
}
