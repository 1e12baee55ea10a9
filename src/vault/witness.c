/* witness: see witness.h. Must never call a checkpoint good that does not continue the one that was seen. */
#include "vault/witness.h"

#include <errno.h>

#include "base/base64.h"
#include "base/text.h"

static bool
read_path(struct str bytes, struct tree_path *ret)
{
	if (bytes.n % DIGEST_BYTES || bytes.n > WITNESS_PATH_MAX * DIGEST_BYTES)
		return false;
	ret->n = (unsigned)(bytes.n / DIGEST_BYTES);
	if (bytes.n)
		memcpy(ret->path, bytes.p, bytes.n);
	return true;
}

int
witness_path(const struct tree_path *p, struct buf *out)
{
	if (p->n > WITNESS_PATH_MAX)
		return -EMSGSIZE;
	for (unsigned i = 0; i < p->n; i++)
		buf_add(out, digest_str(&p->path[i]));
	return buf_ok(out) ? 0 : -ENOMEM;
}

static enum witness_status
alarmed(struct witness_verdict *v, enum witness_status status, const char *what, const char *alarm)
{
	v->what = what;
	v->alarm = alarm;
	return status;
}

/*
 * A log signs what is on its disk and never less, so a smaller checkpoint under its key is one that was set back; as C2SP
 * has it, the answer is still only that the sizes differ.
 */
static enum witness_status
conflict(const struct witness_seen *seen, struct witness_verdict *v)
{
	const struct checkpoint *c = &v->checkpoint;

	if (c->size < seen->size)
		return alarmed(v, WITNESS_CONFLICT, "rewound", "it signs fewer lines than it did: it was set back to an earlier state");
	if (c->size == seen->size && !digest_eq(&c->root, &seen->root))
		return alarmed(v, WITNESS_CONFLICT, "forked", "it signs other lines under the same number: its history was written anew");
	return WITNESS_CONFLICT;
}

static enum witness_status
judge(const struct witness_seen *seen, const struct epoch_key *key, const struct witness_request *r, struct witness_verdict *v)
{
	struct checkpoint *c = &v->checkpoint;
	struct epoch_mark mark;
	struct tree_path path;

	if (!read_path(r->path, &path) || note_read(r->note, &v->note) < 0 || checkpoint_read(v->note.text, c) < 0)
		return WITNESS_MALFORMED;
	if (!str_eq(c->origin, key->name))
		return WITNESS_UNKNOWN;
	if (epoch_check(&v->note, key, &mark) < 0)
		return WITNESS_FORBIDDEN;
	if (r->old > c->size)
		return WITNESS_MALFORMED;
	if (r->old != seen->size || (r->old == c->size && seen->size && !digest_eq(&c->root, &seen->root)))
		return conflict(seen, v);
	if (seen->size == 0)
		return path.n == 0 ? WITNESS_COSIGNED : WITNESS_UNPROVED;
	if (tree_check_consistency(r->old, c->size, &seen->root, &c->root, &path) < 0)
		return alarmed(v, WITNESS_UNPROVED, "forked",
		    "what it signs does not continue what it signed before: its history was written anew");
	return WITNESS_COSIGNED;
}

void
witness_judge(const struct witness_seen *seen, const struct epoch_key *key, const struct witness_request *r,
    struct witness_verdict *ret)
{
	*ret = (struct witness_verdict){ .status = WITNESS_MALFORMED };
	ret->status = judge(seen, key, r, ret);
}

void
witness_seed(const uint8_t site[SIGN_SEED_BYTES], uint8_t ret[SIGN_SEED_BYTES])
{
	const struct str label = STR("guarita witness");
	struct digest d = digest_mac(str_of((const char *)site, SIGN_SEED_BYTES), &label, 1);

	memcpy(ret, d.b, SIGN_SEED_BYTES);
	explicit_bzero(&d, sizeof(d));
}

int
witness_key(const uint8_t seed[SIGN_SEED_BYTES], struct str name, struct note_key *ret)
{
	struct note_key k = { .name = name, .type = NOTE_COSIGNATURE };
	int r = note_name_valid(name) ? sign_public(seed, k.public) : -EINVAL;

	if (r == 0)
		*ret = k;
	return r;
}

/* The memory. */

void
witness_memory_show(const struct witness_memory *m, struct buf *out)
{
	buf_addf(out, "guarita-witness 1\nsite %.*s\nkey %.*s\nsize %llu\nroot ", STR_FMT(m->site), STR_FMT(m->key),
	    (unsigned long long)m->seen.size);
	base64_add(out, digest_str(&m->seen.root));
	buf_add_byte(out, '\n');
}

static bool
take_word(struct str *rest, struct str word, struct str *ret)
{
	struct str line;

	/* Texts with a NUL would not be written again as they were read. */
	if (!str_ends(*rest, STR("\n")) || !str_split(rest, '\n', &line) || !str_starts(line, word) ||
	    str_find_byte(line, '\0') < line.n)
		return false;
	*ret = str_from(line, word.n);
	return true;
}

int
witness_memory_read(struct str text, struct witness_memory *ret)
{
	struct witness_memory m = { .seen.size = 0 };
	struct str version, size, root;

	if (!take_word(&text, STR("guarita-witness "), &version) || !str_eq(version, STR("1")) ||
	    !take_word(&text, STR("site "), &m.site) || !take_word(&text, STR("key "), &m.key) ||
	    !take_word(&text, STR("size "), &size) || !take_word(&text, STR("root "), &root) || text.n)
		return -EBADMSG;
	if (text_u64(size, &m.seen.size) < 0 || base64_read_exact(root, m.seen.root.b, DIGEST_BYTES) < 0)
		return -EBADMSG;
	*ret = m;
	return 0;
}
