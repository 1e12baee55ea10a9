/* seal: see seal.h. */
#include "console/accounts/seal.h"

#include <errno.h>
#include <inttypes.h>

#include "base/text.h"
#include "wire/json.h"

#define CHUNK 64u                      /* records hashed at once: hashing each alone costs twice as much */
#define CHUNK_BYTES_MAX (CHUNK * 1024)

static const struct str kinds[] = { STR_INIT("records"), STR_INIT("entry"), STR_INIT("memory") };

void
account_chain_begin(struct account_chain *c)
{
	struct buf part = c->part;

	part.max = CHUNK_BYTES_MAX;
	buf_reset(&part);
	*c = (struct account_chain){ .part = part };
}

void
account_chain_free(struct account_chain *c)
{
	buf_free(&c->part);
	*c = (struct account_chain){ .records = 0 };
}

struct digest
account_chain_digest(const struct account_chain *c)
{
	struct str pieces[] = { digest_str(&c->whole), buf_str(&c->part) };

	return c->in_part ? digest_of(pieces, ARRAY_LEN(pieces)) : c->whole;
}

int
account_chain_add(struct account_chain *c, struct str record)
{
	buf_add(&c->part, record);
	if (!buf_ok(&c->part))
		return -ENOMEM;
	c->records++;
	if (++c->in_part < CHUNK)
		return 0;
	c->whole = account_chain_digest(c);
	c->in_part = 0;
	buf_reset(&c->part);
	return 0;
}

void
account_seal_write(const struct account_seal *s, struct str path, struct buf *out)
{
	buf_addf(out, "\"type\":\"" ACCOUNT_SEAL_WORD "\",\"what\":\"%s\",\"file\":", kinds[s->kind].p);
	buf_add_json(out, path);
	buf_addf(out, ",\"dev\":%" PRIu64 ",\"ino\":%" PRIu64 ",\"size\":%" PRIu64 ",\"first\":%" PRIu64 ",\"count\":%" PRIu64
	    ",\"last\":%" PRId64 ",\"sha256\":\"", s->dev, s->ino, s->record_size, s->first, s->count, s->last_us);
	for (size_t i = 0; i < DIGEST_BYTES; i++)
		buf_addf(out, "%02x", s->digest.b[i]);
	buf_add(out, STR("\"}"));
}

struct reading {
	struct account_seal s;
	struct buf *path;
	bool type, what, file, digest, bad;
};

static int
nibble(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
read_digest(struct str hex, struct digest *ret)
{
	if (hex.n != 2 * (size_t)DIGEST_BYTES)
		return false;
	for (size_t i = 0; i < DIGEST_BYTES; i++) {
		int high = nibble(hex.p[2 * i]), low = nibble(hex.p[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		ret->b[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static bool
read_what(struct reading *r, struct str value)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (!str_eq(value, kinds[i]))
			continue;
		r->s.kind = (enum account_seal_kind)i;
		return true;
	}
	return false;
}

static bool
on_text(struct reading *r, const struct json_item *i)
{
	if (str_eq(i->key, STR("type")))
		return r->type = str_eq(i->value, STR(ACCOUNT_SEAL_WORD));
	if (str_eq(i->key, STR("what")))
		return r->what = read_what(r, i->value);
	if (str_eq(i->key, STR("sha256")))
		return r->digest = read_digest(i->value, &r->s.digest);
	if (str_eq(i->key, STR("file")) && !r->file) {
		json_unescape(i->value, r->path);
		return r->file = buf_ok(r->path);
	}
	return true;
}

static bool
on_number(struct reading *r, const struct json_item *i)
{
	const struct { struct str name; uint64_t *number; } numbers[] = {
		{ STR("dev"), &r->s.dev }, { STR("ino"), &r->s.ino }, { STR("size"), &r->s.record_size },
		{ STR("first"), &r->s.first }, { STR("count"), &r->s.count },
	};

	if (str_eq(i->key, STR("last")))
		return text_i64(i->value, &r->s.last_us) == 0;
	for (size_t k = 0; k < ARRAY_LEN(numbers); k++)
		if (str_eq(i->key, numbers[k].name))
			return text_u64(i->value, numbers[k].number) == 0;
	return true;
}

static bool
on_item(void *ctx, const struct json_item *i)
{
	struct reading *r = ctx;

	if (i->depth == 1 && i->type == JSON_STRING)
		r->bad |= !on_text(r, i);
	else if (i->depth == 1 && i->type == JSON_NUMBER)
		r->bad |= !on_number(r, i);
	return !r->bad;
}

int
account_seal_read(struct str line, struct account_seal *ret, struct buf *ret_path)
{
	struct reading r = { .path = ret_path };

	if (json_walk(line, on_item, &r, NULL) < 0 || r.bad || !r.type || !r.what || !r.file || !r.digest)
		return -EBADMSG;
	if (r.s.kind == ACCOUNT_SEAL_RECORDS && (r.s.first == 0 || r.s.count == 0 || r.s.record_size == 0 ||
	    r.s.first > UINT64_MAX - r.s.count))
		return -EBADMSG;
	*ret = r.s;
	return 0;
}
