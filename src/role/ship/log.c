/* ship_log: signed lines of the vault, in order. Must never hand on a line that no checkpoint covers yet. */
#include <errno.h>
#include <stdio.h>

#include "role/ship/shipd.h"
#include "sys/file.h"
#include "vault/checkpoint.h"

#define ROWS_MAX 65536u

/* Lines under the newest checkpoint; 0 without one. */
static int
signed_size(struct vault_dir *d, uint64_t *ret)
{
	struct buf text = BUF_INIT(NOTE_BYTES_MAX);
	struct checkpoint c = { .size = 0 };
	struct note n;
	int r = vault_dir_read(d, "ship/checkpoint", &text);

	if (r == 0)
		r = note_read(buf_str(&text), &n) < 0 || checkpoint_read(n.text, &c) < 0 ? -EBADMSG : 0;
	buf_free(&text);
	*ret = c.size;
	return r == -ENOENT ? 0 : r;
}

static int
add_line(struct ship *s, struct vault_dir *d, uint64_t index, struct ship_batch *b)
{
	uint8_t nonce[VAULT_NONCE_BYTES];
	struct str record;
	int r = vault_dir_record(d, index, &record);

	if (r == 0)
		r = vault_dir_nonce(d, index, nonce);
	if (r < 0)
		return r;
	size_t n = VAULT_NONCE_BYTES + record.n;
	buf_add_byte(&b->lines, (char)(n >> 8));
	buf_add_byte(&b->lines, (char)n);
	buf_add(&b->lines, str_of((const char *)nonce, sizeof(nonce)));
	buf_add(&b->lines, record);
	b->count++;
	return buf_ok(&b->lines) ? 0 : -ENOMEM;
}

/* The log let go of lines that the engine did not take in time: they are in the vault, and not there. */
static void
skip(struct ship *s, const struct vault_dir *d)
{
	if (!d->nfiles || s->at >= d->files[0])
		return;
	s->skipped += d->files[0] - s->at;
	s->at = d->files[0];
}

int
ship_read(struct ship *s, struct ship_batch *b)
{
	struct vault_dir d;
	int r = vault_dir_open(&d, s->vault);

	d.ring = &s->ring;

	buf_reset(&b->lines);
	b->count = 0;
	if (r == 0 && !s->origin.n) {
		buf_add(&s->origin_text, d.identity.origin);
		s->origin = buf_str(&s->origin_text);
	}
	if (r == 0)
		r = signed_size(&d, &s->size);
	if (r == 0)
		skip(s, &d);
	b->first = s->at;
	while (r == 0 && s->at + b->count < s->size && b->count < ROWS_MAX && b->lines.n < s->engine->bytes)
		r = add_line(s, &d, s->at + b->count, b);
	if (r < 0)
		ship_fault(s, r, "the vault cannot be read: %s", d.why[0] ? d.why : strerror(-r));
	s->vault_gone = r < 0;
	vault_dir_close(&d);
	return r == -ENOENT ? -EACCES : r;
}

int
ship_note(const struct ship *s)
{
	struct buf text = BUF_INIT(32);
	char dir[PATH_MAX], path[PATH_MAX];
	int r = file_path(dir, sizeof(dir), s->vault, "ship");

	buf_addf(&text, "%llu\n", (unsigned long long)s->at);
	if (r == 0)
		r = file_path(path, sizeof(path), dir, s->name);
	if (r == 0)
		r = file_replace(path, buf_str(&text), 0640, false);
	buf_free(&text);
	return r;
}
