/*
 * witness: sites sign each other's checkpoints (C2SP tlog-witness, over our own connection). As a log we ask every ten
 * seconds; as a witness we remember one checkpoint of each log, on the disk before the answer goes out, and sign nothing that
 * does not continue it. Must never sign two roots of one size, or go backwards, whatever was killed.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "role/link/linkd.h"
#include "sys/clock.h"
#include "sys/file.h"

#define LOGS_MAX 1024                  /* remembered: who shows a new vault every day is not worth more */
#define ALARM_US WHEN_HOUR             /* the same is said again so often at most */

struct link_memory {
	struct buf site, key;          /* whose log, in hexadecimal digits of its key; and the log's key */
	struct witness_seen seen;
};

/* The memory. */

static struct str
site_of(const struct link_peer *p, char dst[2 * TLS_KEY_BYTES + 1])
{
	for (unsigned i = 0; i < TLS_KEY_BYTES; i++)
		snprintf(dst + 2 * i, 3, "%02x", p->key[i]);
	return str_z(dst);
}

static int
memory_path(const struct linking *l, struct str key, char path[PATH_MAX])
{
	struct digest d = digest_of(&key, 1);
	char name[64];

	snprintf(name, sizeof(name), "link/witness/%02x%02x%02x%02x%02x%02x%02x%02x", d.b[0], d.b[1], d.b[2], d.b[3], d.b[4], d.b[5],
	    d.b[6], d.b[7]);
	return file_path(path, PATH_MAX, l->role->config->state_dir.p, name);
}

static int
add_memory(struct linking *l, const struct witness_memory *m)
{
	struct link_memory *p = l->nmemories < LOGS_MAX ? reallocarray(l->memories, l->nmemories + 1, sizeof(*p)) : NULL;

	if (!p)
		return -ENOMEM;
	l->memories = p;
	p += l->nmemories++;
	*p = (struct link_memory){ .site = BUF_INIT(256), .key = BUF_INIT(1024), .seen = m->seen };
	buf_add(&p->site, m->site);
	buf_add(&p->key, m->key);
	return buf_ok(&p->site) && buf_ok(&p->key) ? 0 : -ENOMEM;
}

/* What cannot be read may be of any log: then nothing is signed at all. */
static void
load_one(struct linking *l, const char *dir, const char *name)
{
	struct buf text = BUF_INIT(8192);
	struct witness_memory m;
	char path[PATH_MAX];
	int r = file_path(path, sizeof(path), dir, name);

	if (r == 0)
		r = file_read(path, &text);
	if (r == 0)
		r = witness_memory_read(buf_str(&text), &m);
	if (r == 0)
		r = add_memory(l, &m);
	if (r < 0) {
		log_say(&l->role->log, LOG_LEVEL_ERROR, "%s, what was seen of another site's vault, cannot be read: %s; nothing is signed "
		    "for anybody. Remove it to trust that vault anew", path, r == -EBADMSG ? "it is damaged" : strerror(-r));
		buf_reset(&l->witness);
	}
	buf_free(&text);
}

int
link_witness_load(struct linking *l)
{
	char dir[PATH_MAX];
	struct dirent *e;
	int r = file_path(dir, sizeof(dir), l->role->config->state_dir.p, "link/witness");
	DIR *d = r == 0 ? opendir(dir) : NULL;

	if (r == 0 && !d)
		return -errno;
	if (r < 0)
		return r;
	while ((e = readdir(d)))
		if (e->d_name[0] != '.' && !str_ends(str_z(e->d_name), STR(".new")))
			load_one(l, dir, e->d_name);
	closedir(d);
	return 0;
}

void
link_witness_close(struct linking *l)
{
	for (size_t i = 0; i < l->nmemories; i++) {
		buf_free(&l->memories[i].site);
		buf_free(&l->memories[i].key);
	}
	free(l->memories);
	for (uint32_t i = 0; i < l->npeers; i++)
		buf_free(&l->peers[i].shown);
	buf_free(&l->witness);
	explicit_bzero(l->witness_seed, sizeof(l->witness_seed));
}

int
link_witness_open(struct linking *l, const uint8_t site_seed[TLS_KEY_BYTES])
{
	char name[128];
	struct note_key k;

	snprintf(name, sizeof(name), "guarita/%.*s/witness", STR_FMT(str_head(l->role->config->site, 100)));
	witness_seed(site_seed, l->witness_seed);
	int r = witness_key(l->witness_seed, str_z(name), &k);
	if (r == 0)
		note_key_show(&k, &l->witness);
	return r == -EINVAL ? 0 : r;
}

static struct link_memory *
memory_of(struct linking *l, struct str key)
{
	for (size_t i = 0; i < l->nmemories; i++)
		if (str_eq(buf_str(&l->memories[i].key), key))
			return &l->memories[i];
	return NULL;
}

static const struct link_memory *
other_log(const struct linking *l, struct str site, struct str key)
{
	for (size_t i = 0; i < l->nmemories; i++)
		if (str_eq(buf_str(&l->memories[i].site), site) && !str_eq(buf_str(&l->memories[i].key), key))
			return &l->memories[i];
	return NULL;
}

/* On the disk when it returns 0. */
static int
remember(struct linking *l, const struct witness_memory *m)
{
	struct buf text = BUF_INIT(8192);
	struct link_memory *known = memory_of(l, m->key);
	char path[PATH_MAX];
	int r = memory_path(l, m->key, path);

	witness_memory_show(m, &text);
	if (r == 0)
		r = buf_ok(&text) ? file_replace(path, buf_str(&text), 0600, true) : -ENOMEM;
	if (r == 0 && known)
		known->seen = m->seen;
	else if (r == 0)
		r = add_memory(l, m);
	buf_free(&text);
	return r;
}

/* As a witness. */

/* A record, which the watch makes an incident of. */
static void
alarm_of(struct link_peer *p, const char *what, uint64_t at, const char *why)
{
	struct linking *l = p->owner;
	struct buf line = BUF_INIT(8192);
	int64_t now = clock_mono_us();
	char stamp[40], host[256];

	if (p->alarmed == what && now - p->alarmed_us < ALARM_US)
		return;
	p->alarmed = what;
	p->alarmed_us = now;
	log_say(&l->role->log, LOG_LEVEL_ERROR, "THE VAULT OF SITE %.*s IS NOT WHAT IT WAS: %s", STR_FMT(p->conf->name), why);
	buf_addf(&line, "<43>1 %.*s %s guarita %d - - log.tampered file=\"vault %.*s of site %.*s\" what=%s surety=certain record=%llu "
	    "say=\"%s\"", (int)when_show(clock_wall_us(), 0, stamp), stamp, host_name(host), (int)getpid(), STR_FMT(str_z(p->origin)),
	    STR_FMT(p->conf->name), what, (unsigned long long)at, why);
	struct msg m = { .type = MSG_seal, .fd = -1, .seal.line = buf_str(&line) };
	if (!buf_ok(&line) || !l->vault || chan_state(l->vault) != MSG_OPEN || chan_send(l->vault, &m) < 0)
		log_say(&l->role->log, LOG_LEVEL_ERROR, "there is no vault here to keep that in: no incident is made of it");
	buf_free(&line);
}

static int
cosign(const struct linking *l, struct str text, struct buf *out)
{
	struct note_key k;

	if (note_key_read(buf_str(&l->witness), &k) < 0)
		return -EINVAL;
	return note_sign(out, text, &k, l->witness_seed, (uint64_t)(clock_wall_us() / WHEN_SECOND));
}

static void
answer(struct link_peer *p, unsigned status, uint64_t size, struct str lines)
{
	struct site_frame f = { .type = SITE_cosigned, .cosigned = { .status = (uint16_t)status, .size = size, .lines = lines } };

	(void)!link_send(p, &f);
}

static void
good(struct link_peer *p, struct str key, const struct witness_verdict *v)
{
	struct linking *l = p->owner;
	char site[2 * TLS_KEY_BYTES + 1];
	struct witness_memory m = { .site = site_of(p, site), .key = key,
		.seen = { .size = v->checkpoint.size, .root = v->checkpoint.root } };
	const struct link_memory *before = memory_of(l, key), *other = before ? NULL : other_log(l, m.site, key);
	struct buf lines = BUF_INIT(4096);
	bool same = before && before->seen.size == m.seen.size;

	if (other)
		alarm_of(p, "replaced", other->seen.size, "it shows another vault than the one that was seen before, with other keys");
	int r = same ? 0 : remember(l, &m);
	if (r == 0)
		r = cosign(l, v->note.text, &lines);
	if (r < 0)
		log_say(&l->role->log, LOG_LEVEL_ERROR, "a checkpoint of site %.*s is not signed: %s", STR_FMT(p->conf->name), strerror(-r));
	else
		answer(p, WITNESS_COSIGNED, m.seen.size, buf_str(&lines));
	p->seen_size = m.seen.size;
	p->seen_s = clock_wall_us() / WHEN_SECOND;
	buf_free(&lines);
}

bool
link_witness_shown(struct link_peer *p, const struct site_checkpoint *f)
{
	struct linking *l = p->owner;
	struct str key = str_z(p->identity);
	const struct link_memory *m = memory_of(l, key);
	struct witness_seen nothing = { .size = 0 };
	const struct witness_request r = { .old = f->old, .path = f->path, .note = f->note };
	struct witness_verdict v;
	struct epoch_key log;

	if (!p->conf->witness || !l->witness.n || epoch_key_read(key, &log) < 0) {
		answer(p, WITNESS_UNKNOWN, 0, STR_NULL);
		return true;
	}
	witness_judge(m ? &m->seen : &nothing, &log, &r, &v);
	if (v.alarm)
		alarm_of(p, v.what, v.checkpoint.size, v.alarm);
	if (v.status == WITNESS_COSIGNED)
		good(p, key, &v);
	else
		answer(p, v.status, m ? m->seen.size : 0, STR_NULL);
	return true;
}

/* As a log. */

static void
ask(struct link_peer *p)
{
	struct linking *l = p->owner;
	struct msg m = { .type = MSG_attest, .fd = -1, .attest = { .site = p->conf->name, .old = p->attested } };

	if (l->vault && chan_state(l->vault) == MSG_OPEN && chan_send(l->vault, &m) < 0)
		log_say(&l->role->log, LOG_LEVEL_ERROR, "vaultd does not take what is asked of it");
}

void
link_witness_tend(struct link_peer *p, int64_t now_us)
{
	const struct linking *l = p->owner;

	if (!link_is_up(p) || !p->witness[0] || now_us < p->attest_us || !l->vault || chan_state(l->vault) != MSG_OPEN)
		return;
	p->attest_us = now_us + WITNESS_EVERY_S * WHEN_SECOND;
	p->asked_again = false;
	ask(p);
}

static void
tell_key(struct link_peer *p)
{
	struct linking *l = p->owner;
	struct msg m = { .type = MSG_witness, .fd = -1, .witness = { .site = p->conf->name, .key = str_z(p->witness) } };

	if (p->witness[0] && l->vault && chan_state(l->vault) == MSG_OPEN)
		(void)!chan_send(l->vault, &m);
}

void
link_witness_greet(struct link_peer *p)
{
	tell_key(p);
	p->attest_us = 0;
}

void
link_witness_hello(struct link_peer *p, struct str key)
{
	struct note_key k;

	p->witness[0] = '\0';
	if (p->conf->witness && key.n < sizeof(p->witness) && note_key_read(key, &k) == 0 && k.type == NOTE_COSIGNATURE)
		snprintf(p->witness, sizeof(p->witness), "%.*s", STR_FMT(key));
}

void
link_witness_attested(struct link_peer *p, const struct msg_attested *m)
{
	struct site_frame f = { .type = SITE_checkpoint, .checkpoint = { .old = m->old, .path = m->path, .note = m->note } };

	buf_free(&p->shown);
	p->shown = BUF_INIT(NOTE_BYTES_MAX);
	buf_add(&p->shown, m->note);
	p->shown_size = m->size;
	if (link_is_up(p))
		(void)!link_send(p, &f);
}

static bool
take_lines(struct link_peer *p, struct str lines)
{
	struct linking *l = p->owner;
	struct note mine, theirs;
	struct note_key k;
	struct buf whole = BUF_INIT(NOTE_BYTES_MAX);
	uint64_t time_s = 0;
	bool ok = note_read(buf_str(&p->shown), &mine) == 0 && note_key_read(str_z(p->witness), &k) == 0;

	if (ok)
		note_begin(&whole, mine.text);
	buf_add(&whole, lines);
	ok = ok && buf_ok(&whole) && note_read(buf_str(&whole), &theirs) == 0 && note_check(&theirs, &k, &time_s) == 0;
	struct msg m = { .type = MSG_cosigned, .fd = -1, .cosigned = { .site = p->conf->name, .text = ok ? mine.text : STR_NULL,
		.lines = lines } };
	if (ok && l->vault && chan_state(l->vault) == MSG_OPEN)
		(void)!chan_send(l->vault, &m);
	if (ok)
		p->cosigned_s = (int64_t)time_s;
	buf_free(&whole);
	return ok;
}

bool
link_witness_answered(struct link_peer *p, const struct site_cosigned *f)
{
	struct linking *l = p->owner;

	p->answer = f->status;
	if (f->status == WITNESS_COSIGNED) {
		p->attested = p->shown_size;
		return take_lines(p, f->lines);
	}
	if (f->status == WITNESS_CONFLICT && f->size != p->attested && !p->asked_again) {
		/* It remembers more than we, or less: from there then. */
		p->attested = f->size;
		p->asked_again = true;
		ask(p);
	} else if (!p->refusal_told) {
		p->refusal_told = true;
		log_say(&l->role->log, LOG_LEVEL_ERROR, "site %.*s does not sign this vault's checkpoint (%u)%s", STR_FMT(p->conf->name), f->status,
		    f->status == WITNESS_UNPROVED || f->status == WITNESS_CONFLICT ? ": it has seen another history of it" : "");
	}
	return true;
}

void
link_witness_show(const struct link_peer *p, struct buf *json)
{
	if (p->answer)
		buf_addf(json, ",\"witness\":%u,\"cosigned\":%lld", p->answer, (long long)p->cosigned_s);
	if (p->seen_s)
		buf_addf(json, ",\"seen\":%lld,\"seen_size\":%llu", (long long)p->seen_s, (unsigned long long)p->seen_size);
	if (p->alarmed) {
		buf_add(json, STR(",\"vault_alarm\":"));
		buf_add_json(json, str_z(p->alarmed));
	}
}
