/* identity: the public face of a vault. Must never hold a secret. */
#include "vault/identity.h"

#include <errno.h>

#include "base/text.h"

void
identity_show(const struct identity *i, struct buf *out)
{
	buf_addf(out, "guarita-vault 1\norigin %.*s\nkey ", STR_FMT(i->origin));
	note_key_show(&i->key, out);
	buf_add(out, STR("\nepochs "));
	epoch_key_show(&i->epochs, out);
	buf_addf(out, "\nid %016llx\nmade %lld\n", (unsigned long long)i->id, (long long)i->made_s);
}

/* The value of the next line, which must begin with this word. */
static bool
take(struct str *text, struct str word, struct str *ret)
{
	struct str line;

	if (!str_split(text, '\n', &line) || !str_starts(line, word))
		return false;
	*ret = str_from(line, word.n);
	return true;
}

static bool
read_hex(struct str s, uint64_t *ret)
{
	uint64_t v = 0;

	for (size_t k = 0; k < s.n; k++) {
		char c = s.p[k];
		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
			return false;
		v = v << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	*ret = v;
	return s.n == 16;
}

int
identity_read(struct str text, struct identity *ret)
{
	struct identity i;
	struct str version, key, epochs, id, made;
	bool ended = str_ends(text, STR("\n"));

	if (!take(&text, STR("guarita-vault "), &version) || !take(&text, STR("origin "), &i.origin) ||
	    !take(&text, STR("key "), &key) || !take(&text, STR("epochs "), &epochs) ||
	    !take(&text, STR("id "), &id) || !take(&text, STR("made "), &made))
		return -EBADMSG;
	if (text.n || !ended || !str_eq(version, STR("1")) || note_key_read(key, &i.key) < 0 ||
	    epoch_key_read(epochs, &i.epochs) < 0 || !read_hex(id, &i.id) || text_i64(made, &i.made_s) < 0)
		return -EBADMSG;
	if (!str_eq(i.key.name, i.origin) || !str_eq(i.epochs.name, i.origin) || i.key.type != NOTE_ED25519)
		return -EBADMSG;
	*ret = i;
	return 0;
}
