/*
 * status: `guarita vault status`. What is known is gathered once, then shown in one of two forms. Must never call signed what
 * was not checked.
 */
#include "console/vault/status.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/text.h"
#include "base/when.h"
#include "console/i18n.h"
#include "console/term.h"
#include "console/vault/keep.h"
#include "sys/file.h"

/* Where the key lies that opens all others. */
enum where { KEY_NONE, KEY_HERE, KEY_AWAY };

struct stand {
	bool is_signed;
	struct verdict checkpoint;
	struct note_key keys[OPTION_WITNESSES_MAX];
	size_t nwitnesses;
	bool has_cosigned, cosigned_holds;
	struct verdict cosigned;
	enum where key;
	struct buf key_path;
	bool auditor;
};

static bool
exists(const struct vault_dir *d, const char *name)
{
	char path[PATH_MAX];

	return file_path(path, sizeof(path), d->path, name) == 0 && access(path, F_OK) == 0;
}

/* "SITE KEY" a line; the keys, as far as there is room. */
static size_t
read_witnesses(struct str text, struct note_key *keys, size_t size)
{
	struct str line;
	size_t n = 0;

	while (n < size && str_split(&text, '\n', &line))
		n += note_key_read(str_from(line, str_find_byte(line, ' ') + 1), &keys[n]) == 0;
	return n;
}

/* Who else signed what this vault holds. */
static void
ask_witnesses(struct vault_dir *d, struct stand *s)
{
	struct buf known = BUF_INIT(1u << 20), note = BUF_INIT(NOTE_BYTES_MAX);
	struct trust trust = { .identity = &d->identity, .witnesses = s->keys };

	if (exists(d, "witnesses") && vault_dir_read(d, "witnesses", &known) == 0)
		s->nwitnesses = read_witnesses(buf_str(&known), s->keys, ARRAY_LEN(s->keys));
	trust.nwitnesses = s->nwitnesses;
	s->has_cosigned = s->nwitnesses && exists(d, "cosigned") && vault_dir_read(d, "cosigned", &note) == 0;
	s->cosigned_holds = s->has_cosigned && prove_note(buf_str(&note), &trust, &s->cosigned) == 0;
	buf_free(&known);
	buf_free(&note);
}

static void
ask_keys(struct vault_dir *d, struct stand *s)
{
	s->auditor = exists(d, "keys/auditor");
	if (exists(d, KEYRING_AWAY)) {
		s->key = KEY_AWAY;
		(void)!vault_dir_read(d, KEYRING_WHERE, &s->key_path);
	} else if (exists(d, KEYRING_MASTER)) {
		s->key = KEY_HERE;
		buf_addf(&s->key_path, "%s/%s", d->path, KEYRING_MASTER);
	}
}

/* 0, or -errno with d->why. */
static int
gather(struct vault_dir *d, struct stand *s)
{
	struct buf note = BUF_INIT(NOTE_BYTES_MAX);
	struct trust trust = { .identity = &d->identity };
	int r = vault_dir_read(d, "checkpoint", &note);

	if (r == 0) {
		r = prove_note(buf_str(&note), &trust, &s->checkpoint);
		if (r < 0)
			snprintf(d->why, sizeof(d->why), "the checkpoint does not hold: %s",
			    s->checkpoint.why[0] ? s->checkpoint.why : strerror(-r));
		s->is_signed = r == 0;
	}
	buf_free(&note);
	if (r == 0)
		ask_witnesses(d, s);
	ask_keys(d, s);
	return r == -ENOENT ? 0 : r;
}

/* For people. */

void
vault_show_fingerprint(const struct digest *d)
{
	for (unsigned i = 0; i < DIGEST_BYTES; i += 2)
		printf("%s%02x%02x", i ? " " : "", d->b[i], d->b[i + 1]);
	printf("\n");
}

static const char *
show_time(int64_t us, char dst[40])
{
	dst[when_show(us, 0, dst)] = '\0';
	return dst;
}

static int64_t
ago(int64_t now_us, uint64_t then_s)
{
	int64_t s = now_us / WHEN_SECOND - (int64_t)then_s;

	return s > 0 ? s : 0;
}

static void
show_witnesses(const struct vault_dir *d, const struct stand *s, int64_t now_us)
{
	char span[40];

	if (s->cosigned_holds)
		printf(_("witnesses  cosigned by %u of %zu, %s ago, over %llu lines\n"), s->cosigned.cosigned, s->nwitnesses,
		    text_show_duration(ago(now_us, s->cosigned.cosigned_s) * WHEN_SECOND, span, sizeof(span)),
		    (unsigned long long)s->cosigned.checkpoint.size);
	else if (s->has_cosigned)
		printf(_("witnesses  %s/cosigned does not hold (%s); the next round writes it anew\n"), d->path, s->cosigned.why);
	else if (s->nwitnesses)
		printf(_("witnesses  cosigned by 0 of %zu: nobody signed it yet\n"), s->nwitnesses);
}

static void
show_keys(const struct vault_dir *d, const struct stand *s)
{
	struct str path = str_trim(buf_str(&s->key_path));

	if (s->key == KEY_AWAY)
		printf(_("key        the master key is wrapped under %.*s\n"), STR_FMT(path));
	else if (s->key == KEY_HERE)
		printf(_("key        the master key lies in the vault: whoever has the whole disk reads it (`guarita explain vault.key`)\n"));
	if (s->auditor)
		printf(_("auditor    %s/keys/auditor is still here: take it away and keep it elsewhere\n"), d->path);
}

static void
show(const struct options *o, struct vault_dir *d, const struct stand *s)
{
	const struct verdict *v = &s->checkpoint;
	char at[40], lines[32];

	printf(_("vault      %s\norigin     %.*s\nmade       %s\nidentity   "), d->path, STR_FMT(d->identity.origin),
	    show_time(d->identity.made_s * WHEN_SECOND, at));
	vault_show_fingerprint(&d->identity.epochs.identity);
	if (s->is_signed) {
		printf(_("lines      %s signed\n"), term_count(v->checkpoint.size, lines));
		printf(_("epoch      %u\nsigned     %s, %lld s ago\n"), v->mark.epoch,
		    show_time((int64_t)v->mark.time_s * WHEN_SECOND, at), (long long)ago(o->now_us, v->mark.time_s));
	} else {
		printf(_("signed     nothing yet: the vault was made just now\n"));
	}
	show_witnesses(d, s, o->now_us);
	vault_keep_show(d, d->retention, o->now_us);
	show_keys(d, s);
}

/* For programs. */

static void
add_signed(const struct stand *s, struct buf *out)
{
	const struct verdict *v = &s->checkpoint;

	buf_addf(out, ",\"signed\":{\"lines\":%llu,\"epoch\":%u,\"time\":%llu}", (unsigned long long)v->checkpoint.size,
	    v->mark.epoch, (unsigned long long)v->mark.time_s);
}

static void
add_witnesses(const struct stand *s, struct buf *out)
{
	buf_addf(out, ",\"witnesses\":{\"known\":%zu,\"cosigned\":%u", s->nwitnesses, s->cosigned_holds ? s->cosigned.cosigned : 0);
	if (s->cosigned_holds)
		buf_addf(out, ",\"time\":%llu,\"lines\":%llu", (unsigned long long)s->cosigned.cosigned_s,
		    (unsigned long long)s->cosigned.checkpoint.size);
	buf_add_byte(out, '}');
}

static void
add_kept(struct vault_dir *d, struct buf *out)
{
	struct vault_kept k;

	vault_keep_count(d, &k);
	buf_addf(out, ",\"disk\":{\"segments\":%zu,\"packed_bytes\":%llu,\"log_files\":%zu,\"log_bytes\":%llu,\"encrypted\":%s}",
	    d->nsegments, (unsigned long long)k.packed_bytes, d->nfiles, (unsigned long long)k.log_bytes,
	    d->encrypted ? "true" : "false");
	buf_addf(out, ",\"gone\":{\"lines\":%llu,\"segments\":%zu,\"to_erase\":%llu}", (unsigned long long)k.gone_lines, d->gone.n,
	    (unsigned long long)k.to_erase);
}

static int
print_json(struct vault_dir *d, const struct stand *s)
{
	static const char *const wheres[] = { [KEY_NONE] = "none", [KEY_HERE] = "vault", [KEY_AWAY] = "elsewhere" };
	struct buf out = BUF_INIT(1u << 20);

	buf_add(&out, STR("{\"vault\":"));
	buf_add_json(&out, str_z(d->path));
	buf_add(&out, STR(",\"origin\":"));
	buf_add_json(&out, d->identity.origin);
	buf_addf(&out, ",\"made\":%lld,\"identity\":\"", (long long)d->identity.made_s);
	for (unsigned i = 0; i < DIGEST_BYTES; i++)
		buf_addf(&out, "%02x", d->identity.epochs.identity.b[i]);
	buf_add_byte(&out, '"');
	if (s->is_signed)
		add_signed(s, &out);
	add_witnesses(s, &out);
	add_kept(d, &out);
	buf_addf(&out, ",\"key\":{\"lies\":\"%s\"", wheres[s->key]);
	if (s->key != KEY_NONE) {
		buf_add(&out, STR(",\"path\":"));
		buf_add_json(&out, str_trim(buf_str(&s->key_path)));
	}
	buf_addf(&out, "},\"auditor_key_here\":%s}\n", s->auditor ? "true" : "false");
	int r = buf_ok(&out) ? 0 : -ENOMEM;
	if (r == 0)
		printf("%.*s", STR_FMT(buf_str(&out)));
	buf_free(&out);
	return r;
}

int
vault_status(const struct options *o, struct vault_dir *d)
{
	struct stand s = { .checkpoint.why = "", .cosigned.why = "", .key_path = BUF_INIT(PATH_MAX + 100) };
	int r = gather(d, &s);

	if (r == 0 && o->json)
		r = print_json(d, &s);
	else if (r == 0)
		show(o, d, &s);
	buf_free(&s.key_path);
	return r;
}
