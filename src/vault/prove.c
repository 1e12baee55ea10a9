/* prove: proofs written, read and judged. Must never call a proof good of which any part was not checked. */
#include "vault/prove.h"

#include <errno.h>

#include "base/base64.h"
#include "base/text.h"

static const struct str line_magic = STR_INIT("c2sp.org/tlog-proof@v1");
static const struct str range_magic = STR_INIT("guarita-range@v1");

static void
add_hashes(struct buf *out, struct str word, const struct tree_path *p)
{
	for (unsigned i = 0; i < p->n; i++) {
		buf_add(out, word);
		base64_add(out, digest_str(&p->path[i]));
		buf_add_byte(out, '\n');
	}
}

void
line_proof_show(const struct line_proof *p, struct buf *out)
{
	buf_addf(out, "%.*s\nextra ", STR_FMT(line_magic));
	base64_add(out, p->line);
	buf_addf(out, "\nindex %llu\n", (unsigned long long)p->index);
	add_hashes(out, STR(""), &p->path);
	buf_add_byte(out, '\n');
	buf_add(out, p->note);
}

/* The next line begins with this word: the rest of it. */
static bool
take(struct str *text, struct str word, struct str *ret)
{
	struct str rest = *text, line;

	if (!str_split(&rest, '\n', &line) || !str_starts(line, word))
		return false;
	*text = rest;
	*ret = str_from(line, word.n);
	return true;
}

static bool
take_number(struct str *text, struct str word, uint64_t *ret)
{
	struct str number;

	return take(text, word, &number) && text_u64(number, ret) == 0 && (number.n == 1 || number.p[0] != '0');
}

/* Lines of base64 digests, each behind the word, as long as there are such. */
static int
take_hashes(struct str *text, struct str word, struct tree_path *p)
{
	struct str rest = *text, hash;

	while (take(&rest, word, &hash) && hash.n) {
		if (p->n == ARRAY_LEN(p->path) || base64_read_exact(hash, p->path[p->n].b, DIGEST_BYTES) < 0)
			return -EBADMSG;
		p->n++;
		*text = rest;
	}
	return 0;
}

/* Appends what the text stands for; the count of bytes in *ret_n. */
static int
decode(struct str text, struct buf *out, size_t *ret_n)
{
	if (text.n > PROVE_LINE_BYTES * 4 / 3 + 4 || !buf_reserve(out, PROVE_LINE_BYTES) ||
	    base64_read(text, out->p + out->n, PROVE_LINE_BYTES, ret_n) < 0 || *ret_n < VAULT_NONCE_BYTES)
		return -EBADMSG;
	out->n += *ret_n;
	return 0;
}

int
line_proof_read(struct str text, struct buf *decoded, struct line_proof *ret)
{
	struct line_proof p = { .index = 0 };
	struct str magic, extra, empty;
	size_t n;

	if (!take(&text, line_magic, &magic) || magic.n || !take(&text, STR("extra "), &extra) ||
	    decode(extra, decoded, &n) < 0 || !take_number(&text, STR("index "), &p.index) ||
	    take_hashes(&text, STR(""), &p.path) < 0 || !take(&text, STR(""), &empty) || empty.n)
		return -EBADMSG;
	p.line = buf_str(decoded);
	p.note = text;
	*ret = p;
	return 0;
}

void
range_proof_show(const struct range_proof *p, struct buf *out)
{
	struct cur lines = cur_of(p->lines);

	buf_addf(out, "%.*s\nfirst %llu\n", STR_FMT(range_magic), (unsigned long long)p->first);
	while (lines.n) {
		struct str line = cur_bytes(&lines, cur_u16(&lines));
		buf_add(out, STR("line "));
		base64_add(out, line);
		buf_add_byte(out, '\n');
	}
	add_hashes(out, STR("before "), &p->before);
	add_hashes(out, STR("behind "), &p->behind);
	buf_add_byte(out, '\n');
	buf_add(out, p->note);
}

int
range_proof_read(struct str text, struct buf *decoded, struct range_proof *ret)
{
	struct range_proof p = { .first = 0 };
	struct str magic, line, empty;
	size_t n;

	if (!take(&text, range_magic, &magic) || magic.n || !take_number(&text, STR("first "), &p.first))
		return -EBADMSG;
	while (take(&text, STR("line "), &line)) {
		size_t at = decoded->n;
		buf_add(decoded, STR("\0\0"));
		if (decode(line, decoded, &n) < 0)
			return -EBADMSG;
		decoded->p[at] = (char)(n >> 8);
		decoded->p[at + 1] = (char)n;
		p.count++;
	}
	if (take_hashes(&text, STR("before "), &p.before) < 0 || take_hashes(&text, STR("behind "), &p.behind) < 0 ||
	    !take(&text, STR(""), &empty) || empty.n || !buf_ok(decoded))
		return -EBADMSG;
	p.lines = buf_str(decoded);
	p.note = text;
	*ret = p;
	return 0;
}

int
range_line(struct cur *lines, struct str *ret_line, struct vault_entry *ret, uint64_t index)
{
	if (lines->n == 0)
		return lines->failed ? -EBADMSG : 0;
	struct str line = cur_bytes(lines, cur_u16(lines));
	if (!cur_ok(lines) || vault_entry_decode(str_from(line, VAULT_NONCE_BYTES), index, ret) < 0)
		return -EBADMSG;
	*ret_line = line;
	return 1;
}

static int
no(struct verdict *v, const char *why)
{
	v->why = why;
	return -EBADMSG;
}

static int
count_witnesses(const struct note *n, const struct trust *t, struct verdict *v)
{
	for (size_t i = 0; i < t->nwitnesses; i++) {
		uint64_t time_s = 0;
		int r = note_check(n, &t->witnesses[i], &time_s);
		if (r == -EBADMSG)
			return no(v, "a witness's signature under it is false");
		v->cosigned += r == 0;
		if (r == 0 && time_s > v->cosigned_s)
			v->cosigned_s = time_s;
	}
	return v->cosigned < t->quorum ? no(v, "a witness who was named did not sign it") : 0;
}

int
prove_note(struct str bytes, const struct trust *t, struct verdict *ret)
{
	struct verdict v = { .why = NULL };
	struct note n;
	int r;

	if (note_read(bytes, &n) < 0 || checkpoint_read(n.text, &v.checkpoint) < 0)
		return no(ret, "its checkpoint is not a signed note");
	if (t->identity) {
		if (!str_eq(v.checkpoint.origin, t->identity->origin))
			return no(ret, "it is of another log");
		if (note_check(&n, &t->identity->key, NULL) < 0)
			return no(ret, "the log's signature is missing or false");
		v.epochs = t->identity->epochs;
		r = epoch_check(&n, &v.epochs, &v.mark);
	} else {
		r = epoch_find(&n, v.checkpoint.origin, &v.epochs, &v.mark);
	}
	if (r < 0)
		return no(ret, "the epoch's signature is missing or false");
	v.known = t->identity != NULL;
	r = count_witnesses(&n, t, &v);
	*ret = v;
	return r;
}

static struct digest
leaf_of(struct str line)
{
	const struct str pieces[] = { str_of("", 1), line };

	return digest_of(pieces, ARRAY_LEN(pieces));
}

int
line_proof_check(const struct line_proof *p, const struct trust *t, struct verdict *ret)
{
	struct vault_entry e;

	if (vault_entry_decode(str_from(p->line, VAULT_NONCE_BYTES), p->index, &e) < 0)
		return no(ret, "its line is not a record");
	if (prove_note(p->note, t, ret) < 0)
		return -EBADMSG;
	struct digest leaf = leaf_of(p->line);
	if (tree_check_inclusion(&leaf, p->index, ret->checkpoint.size, &p->path, &ret->checkpoint.root) < 0)
		return no(ret, "the line, its place or its path was changed");
	return 0;
}

int
range_proof_check(const struct range_proof *p, const struct trust *t, struct verdict *ret)
{
	struct cur lines = cur_of(p->lines);
	struct vault_entry e;
	struct tree tree;
	struct str line;
	int r;

	if (prove_note(p->note, t, ret) < 0)
		return -EBADMSG;
	if (tree_open_range(&tree, p->first, &p->before) < 0)
		return no(ret, "what stands before the first line is not complete");
	while ((r = range_line(&lines, &line, &e, tree.size)) == 1) {
		struct digest leaf = leaf_of(line);
		tree_add(&tree, &leaf);
	}
	if (r < 0)
		return no(ret, "one of its lines is not a record");
	if (tree.size > ret->checkpoint.size ||
	    tree_close_range(&tree, ret->checkpoint.size, &p->behind, &ret->checkpoint.root) < 0)
		return no(ret, "lines are missing, were added or were changed");
	return 0;
}
