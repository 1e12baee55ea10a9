/*
 * vault_kill: kills vaultd at random instants, thousands of times, and looks what its vault is then.
 *
 *   vault_kill KILLS [SEED] [VAULTD]       a folder in /dev/shm is made and removed
 *
 * We are its supervisor and its intaked: lines go in as it gives credit, what it acknowledges is noted, then comes SIGKILL: while
 * it starts, recovers, makes a vault, or works. Every second time the power goes with it: what it wrote and did not yet say to be
 * safe is torn as a disk may tear it (model: any prefix of the last frame, zeros or rubbish behind; a rubbish slot of the key
 * file). Where it had said so of everything, the moment before is taken: the last frame torn, the keys as they stood before it,
 * and its acknowledgement not heard. Then it must call the start a crash, have every acknowledged line, and in the end each line once, in order, and
 * the vault whole. Exit code 1 when anything was otherwise.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "console/vault/keyring.h"
#include "console/vault/verify.h"
#include "role/intake/batch.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/sock.h"
#include "vault/checkpoint.h"
#include "vault/frame.h"

#include "../unit/base/prng.h"

#define LIVES 150                              /* of one vault: its file is read at each start */
#define LIFE_MAX_US 30000                      /* until the kill */
#define LINES_MAX 40                           /* of a batch */
#define START_TEXT 16

enum tear { TEAR_NONE, TEAR_CUT, TEAR_ZEROS, TEAR_RUBBISH, TEAR_KEYS, TEARS };

struct campaign {
	const char *vaultd;
	char dir[64], config[128], vault[128];
	struct loop *loop;
	struct timer *tick;
	uint64_t rnd;
	/* This life. */
	pid_t pid;
	struct chan *control, *feed;
	struct batch *batch;
	struct feed_source source;
	uint32_t credit;
	uint64_t next;                         /* number of the line that is sent next */
	char start[START_TEXT];                /* what it called its start; empty: not asked yet */
	/* This vault. */
	uint64_t acked, made;                  /* acknowledged; highest number ever sent */
	unsigned lives;
	/* All. */
	uint64_t kills, early, judged, crashes, fresh, alarms, lost, wrong, tears[TEARS], lines, vaults;
};

static void
fail(struct campaign *c, const char *what, uint64_t a, uint64_t b)
{
	printf("kill %llu, life %u: %s (%llu, %llu)\n", (unsigned long long)c->kills, c->lives, what, (unsigned long long)a,
	    (unsigned long long)b);
	c->wrong++;
}

/* Lines. */

static size_t
line_of(uint64_t number, char dst[1024])
{
	int n = snprintf(dst, 128, "<13>Nov 22 10:00:00 gate test: line=%llu ", (unsigned long long)number);
	size_t more = (number * 2654435761u) % 700;

	memset(dst + n, 'a' + (char)(number % 26), more);
	return (size_t)n + more;
}

static void
pump(struct campaign *c)
{
	char text[1024];

	while (c->feed && c->credit) {
		uint64_t until = c->next + 1 + prng_below(&c->rnd, LINES_MAX);

		batch_reset(c->batch);
		batch_declare(c->batch, &c->source, 1);
		uint64_t number = c->next;
		for (; number < until; number++) {
			struct entry e = { .source = c->source.id, .seq = number, .received_us = clock_wall_us(), .flags = ENTRY_SPOOLED };
			e.bytes = str_of(text, line_of(number, text));
			batch_pack(c->batch, &e);
		}
		if (chan_try(c->feed, MSG_records, batch_records(c->batch)) < 0) {
			c->source.declared = 0;
			return;
		}
		c->next = number;
		c->made = number - 1 > c->made ? number - 1 : c->made;
		c->credit--;
	}
}

/* What it says. */

static void
on_feed(void *ctx, struct chan *ch, struct msg *m)
{
	struct campaign *c = ctx;

	(void)ch;
	if (m->type == MSG_saved && m->saved.spooled > c->acked)
		c->acked = m->saved.spooled;
	if (m->type == MSG_resume) {
		if (m->resume.spooled < c->acked) {
			c->lost += c->acked - m->resume.spooled;
			fail(c, "acknowledged lines are lost: it has, it said", m->resume.spooled, c->acked);
		}
		if (m->resume.spooled > c->made)
			fail(c, "it has more than there is", m->resume.spooled, c->made);
		c->next = m->resume.spooled + 1;
		c->credit = m->resume.credit;
	}
	if (m->type == MSG_credit)
		c->credit += m->credit.batches;
	pump(c);
}

static void
on_feed_end(void *ctx, struct chan *ch, int error)
{
	struct campaign *c = ctx;

	(void)error;
	chan_close(ch);
	c->feed = NULL;
}

static void
on_room(void *ctx, struct chan *ch)
{
	(void)ch;
	pump(ctx);
}

static void
link_feed(struct campaign *c)
{
	struct chan_calls calls = { .ctx = c, .on_msg = on_feed, .on_end = on_feed_end, .on_room = on_room };
	struct msg link = { .type = MSG_link, .link.peer = MSG_INTAKED }, ask = { .type = MSG_ask, .fd = -1, .ask.id = 1 };
	int pair[2];

	if (sock_pair(SOCK_SEQPACKET, pair) < 0 || chan_open(c->loop, pair[0], MSG_INTAKED, MSG_VAULTD, &calls, &c->feed) < 0)
		abort();
	link.fd = pair[1];
	/* It may be gone already. */
	if (chan_send(c->control, &link) == 0)
		(void)!chan_send(c->control, &ask);
	close(pair[1]);
}

static void
take_status(struct campaign *c, struct str json)
{
	struct str rest = str_from(json, str_find(json, STR("\"start\":\"")) + 9);

	snprintf(c->start, sizeof(c->start), "%.*s", STR_FMT(str_head(str_head(rest, str_find_byte(rest, '"')), START_TEXT - 1)));
	c->judged++;
	c->crashes += strcmp(c->start, "crash") == 0;
	/* Killed before the vault was there, it begins with a new one: nothing can have been acknowledged. */
	bool fresh = strcmp(c->start, "new") == 0 && c->acked == 0;
	c->fresh += fresh;
	if (strcmp(c->start, "crash") != 0 && !fresh) {
		c->alarms++;
		fail(c, c->start, c->acked, c->made);
	}
}

static void
on_control(void *ctx, struct chan *ch, struct msg *m)
{
	struct campaign *c = ctx;

	(void)ch;
	if (m->type == MSG_ready)
		link_feed(c);
	else if (m->type == MSG_status)
		take_status(c, m->status.json);
}

static void
on_control_end(void *ctx, struct chan *ch, int error)
{
	struct campaign *c = ctx;

	(void)error;
	chan_close(ch);
	c->control = NULL;
}

static void
on_tick(void *ctx)
{
	(void)ctx;
}

/* A life. */

static void
begin_life(struct campaign *c)
{
	struct chan_calls calls = { .ctx = c, .on_msg = on_control, .on_end = on_control_end };
	int pair[2];

	c->start[0] = '\0';
	c->credit = 0;
	c->source.declared = 0;
	if (sock_pair(SOCK_SEQPACKET, pair) < 0)
		abort();
	c->pid = fork();
	if (c->pid == 0) {
		if (dup2(pair[1], 3) < 0 || fcntl(3, F_SETFD, 0) < 0)
			_exit(126);
		execl(c->vaultd, "vaultd", "--config", c->config, "--control", "3", (char *)NULL);
		_exit(127);
	}
	close(pair[1]);
	if (c->pid < 0 || chan_open(c->loop, pair[0], MSG_SUPERVISOR, MSG_VAULTD, &calls, &c->control) < 0)
		abort();
	c->lives++;
}

/* What it had said before it died is heard still. */
static void
end_life(struct campaign *c)
{
	int status;

	if (waitpid(c->pid, &status, 0) < 0)
		abort();
	while (c->control || c->feed)
		loop_run_once(c->loop, true);
	if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
		fail(c, "it ended by itself", (uint64_t)WEXITSTATUS(status), 0);
}

static void
live_and_die(struct campaign *c)
{
	int64_t end = clock_mono_us() + (int64_t)prng_below(&c->rnd, LIFE_MAX_US);

	begin_life(c);
	/* Half of them are let work for a while first: on a busy machine the start alone takes longer than a life. */
	uint64_t wanted = prng_below(&c->rnd, 2) ? c->acked + 1 + prng_below(&c->rnd, 400) : 0;
	while (c->control && (clock_mono_us() < end || c->acked < wanted))
		loop_run_once(c->loop, true);
	c->early += c->feed == NULL;
	kill(c->pid, SIGKILL);
	end_life(c);
	c->kills++;
}

static void
live_to_the_end(struct campaign *c)
{
	struct msg stop = { .type = MSG_stop, .fd = -1, .stop.grace_ms = 10000 };

	begin_life(c);
	while (c->control && !c->start[0])
		loop_run_once(c->loop, true);
	if (c->control && chan_send(c->control, &stop) < 0)
		abort();
	end_life(c);
}

/* The power. */

static int
read_part(const struct campaign *c, const char *name, char path[PATH_MAX], struct buf *out)
{
	int r = file_path(path, PATH_MAX, c->vault, name);

	return r < 0 ? r : file_read(path, out);
}

/* A frame in the newest file of the log. */
struct end_frame {
	enum frame_kind kind;                  /* 0: there is none */
	uint64_t number, first;
	uint64_t until;                        /* number up to which it holds intaked's lines: its side begins with it */
};

/* The end of that file: its last whole frame, behind which bytes are torn already, and the one before. */
struct tail {
	char path[PATH_MAX];
	struct buf bytes;
	struct end_frame last, before;
	size_t at, end;                        /* of the last */
};

static struct end_frame
end_of(const struct frame *f)
{
	struct cur side = cur_of(f->side);

	return (struct end_frame){ .kind = f->kind, .number = f->number, .first = f->first, .until = cur_u64(&side) };
}

static int
read_log(const struct campaign *c, struct tail *t)
{
	struct frame_cipher *cipher = NULL;
	uint64_t *files = NULL;
	size_t n = 0;
	char name[64];
	int r = file_path(t->path, PATH_MAX, c->vault, "wal");

	if (r == 0)
		r = file_numbers(t->path, STR(".wal"), &files, &n);
	if (r < 0 || n == 0) {
		free(files);
		return -ENOENT;
	}
	uint64_t first = files[n - 1];
	free(files);
	snprintf(name, sizeof(name), "wal/%020llu.wal", (unsigned long long)first);
	r = read_part(c, name, t->path, &t->bytes);
	if (r == 0)
		r = keyring_cipher(NULL, c->vault, first, &cipher);
	for (struct frame f; r == 0 && frame_read(str_from(buf_str(&t->bytes), t->end), cipher, &f) == 1; t->end += frame_bytes(&f)) {
		t->before = t->last;
		t->last = end_of(&f);
		t->at = t->end;
	}
	frame_cipher_free(cipher);
	return r < 0 ? r : t->last.kind ? 0 : -ENOENT;
}

/* The checkpoint is made of what is safe: the moment before a frame that it covers is gone. */
static bool
is_signed(const struct campaign *c, const struct end_frame *f)
{
	struct buf text = BUF_INIT(NOTE_BYTES_MAX);
	struct checkpoint seen = { .size = 0 };
	char path[PATH_MAX];
	struct note n;
	bool known = read_part(c, "checkpoint", path, &text) < 0 ||
	    (note_read(buf_str(&text), &n) == 0 && checkpoint_read(n.text, &seen) == 0);

	buf_free(&text);
	return !known || seen.size > f->first;
}

static enum tear
tear_log(struct campaign *c, struct tail *t)
{
	enum tear how = (enum tear)(TEAR_CUT + prng_below(&c->rnd, 3));
	size_t from = t->at + prng_below(&c->rnd, t->end - t->at);

	for (size_t i = from; i < t->end && how != TEAR_CUT; i++)
		t->bytes.p[i] = how == TEAR_ZEROS ? '\0' : (char)prng_next(&c->rnd);
	return file_replace(t->path, str_head(buf_str(&t->bytes), how == TEAR_CUT ? from : t->bytes.n), 0640, false) < 0 ? TEAR_NONE : how;
}

/* The slot that was written last is rubbish: the other one stands, which is of the frame before. */
static enum tear
tear_keys(struct campaign *c, const char *path, struct buf *bytes, const struct keys *k)
{
	struct keys other;

	for (size_t i = 0; i < KEYS_SLOT_BYTES; i++)
		bytes->p[keys_slot_offset(k) + i] = (char)prng_next(&c->rnd);
	if (keys_load(buf_str(bytes), &other) < 0 || other.frame + 1 != k->frame)
		return TEAR_NONE;
	return file_replace(path, buf_str(bytes), 0600, false) < 0 ? TEAR_NONE : TEAR_KEYS;
}

/*
 * What was not told as safe may lack on the disk: the last frame while the keys do not stand behind it, the slot of the keys once
 * they do. What was told is on it.
 */
static enum tear
tear(struct campaign *c, struct tail *t, const char *keys_path, struct buf *keys, const struct keys *k)
{
	/* The beginning of a frame stands there: all before it is safe, keys too, for one follows the other. */
	if (t->bytes.n > t->end) {
		t->at = t->end;
		t->end = t->bytes.n;
		return tear_log(c, t);
	}
	bool acked = t->last.kind != FRAME_LINES || t->last.until <= c->acked;

	if (!acked && t->last.number == k->frame)
		return tear_log(c, t);
	if (t->last.number + 1 != k->frame || t->last.kind != FRAME_LINES)
		return TEAR_NONE;
	if (!acked && prng_below(&c->rnd, 2))
		return tear_keys(c, keys_path, keys, k);
	/* The moment before. */
	if (t->before.kind != FRAME_LINES || is_signed(c, &t->last) || tear_keys(c, keys_path, keys, k) == TEAR_NONE)
		return TEAR_NONE;
	c->acked = t->before.until;
	return prng_below(&c->rnd, 4) ? tear_log(c, t) : TEAR_KEYS;
}

static void
power_cut(struct campaign *c)
{
	struct tail t = { .bytes = BUF_INIT(80u << 20) };
	struct buf keys = BUF_INIT(4096);
	char path[PATH_MAX];
	enum tear how = TEAR_NONE;
	struct keys k;

	if (read_part(c, "keys/seal", path, &keys) == 0 && keys.n == KEYS_FILE_BYTES && keys_load(buf_str(&keys), &k) == 0 &&
	    read_log(c, &t) == 0)
		how = tear(c, &t, path, &keys, &k);
	c->tears[how]++;
	buf_free(&t.bytes);
	buf_free(&keys);
}

/* A vault. */

static int
make_place(struct campaign *c)
{
	struct buf text = BUF_INIT(4096);
	int r;

	snprintf(c->dir, sizeof(c->dir), "/dev/shm/vault-kill-XXXXXX");
	if (!mkdtemp(c->dir))
		return -errno;
	snprintf(c->config, sizeof(c->config), "%s/guarita.conf", c->dir);
	snprintf(c->vault, sizeof(c->vault), "%s/vault", c->dir);
	buf_addf(&text, "site campaign;\nstate-dir \"%s/state\";\nrun-dir \"%s/run\";\nudp 127.0.0.1:9;\nvault \"%s\" { epochs 16; }\n", c->dir,
	    c->dir, c->vault);
	r = file_replace(c->config, buf_str(&text), 0644, false);
	buf_free(&text);
	c->acked = c->made = 0;
	c->lives = 0;
	c->vaults++;
	return r;
}

static int
drop(const char *path, const struct stat *st, int type, struct FTW *at)
{
	return remove(path);
}

/* Every line once and in order, up to the last that was acknowledged at least; and the seals hold. */
static void
look_into(struct campaign *c)
{
	struct vault_report report = { .lines = 0 };
	struct vault_dir d;
	struct vault_entry e;
	struct str record;
	uint64_t number = 0;
	char text[1024];
	int r = vault_dir_open(&d, c->vault);

	for (uint64_t i = 0; r == 0 && vault_dir_record(&d, i, &record) == 0; i++) {
		r = vault_entry_decode(record, i, &e);
		if (r == 0 && e.transport == VAULT_UDP && !str_eq(e.raw, str_of(text, line_of(++number, text)))) {
			fail(c, "another line than the next stands at", i, number);
			break;
		}
	}
	if (r == 0)
		r = vault_verify(&d, NULL, &report);
	if (r < 0 || report.fault[0]) {
		fail(c, "the vault does not hold", report.fault_index, (uint64_t)-r);
		printf("%s\n", r < 0 ? d.why : report.fault);
	}
	if (number < c->acked || number > c->made)
		fail(c, "lines there are, acknowledged were", number, c->acked);
	c->lines += number;
	vault_dir_close(&d);
}

static int
one_vault(struct campaign *c, uint64_t kills)
{
	int r = make_place(c);

	if (r < 0)
		return r;
	for (unsigned i = 0; i < LIVES && c->kills < kills && c->wrong < 10; i++) {
		live_and_die(c);
		if (prng_below(&c->rnd, 2))
			power_cut(c);
	}
	live_to_the_end(c);
	look_into(c);
	if (c->wrong == 0 && nftw(c->dir, drop, 16, FTW_DEPTH | FTW_PHYS) < 0)
		fprintf(stderr, "%s was not removed\n", c->dir);
	else if (c->wrong)
		printf("it is left in %s\n", c->dir);
	return 0;
}

static void
tell(const struct campaign *c)
{
	printf("%llu kills in %llu vaults, %llu before it was ready; the power with it %llu times: frame cut %llu, zeros %llu, rubbish %llu, "
	    "keys %llu, nothing to tear %llu\n", (unsigned long long)c->kills, (unsigned long long)c->vaults, (unsigned long long)c->early,
	    (unsigned long long)(c->tears[TEAR_CUT] + c->tears[TEAR_ZEROS] + c->tears[TEAR_RUBBISH] + c->tears[TEAR_KEYS]),
	    (unsigned long long)c->tears[TEAR_CUT], (unsigned long long)c->tears[TEAR_ZEROS], (unsigned long long)c->tears[TEAR_RUBBISH],
	    (unsigned long long)c->tears[TEAR_KEYS], (unsigned long long)c->tears[TEAR_NONE]);
	printf("%llu starts judged: %llu called a crash, %llu new, %llu false alarms; %llu lines, %llu acknowledged ones lost; %llu faults\n",
	    (unsigned long long)c->judged, (unsigned long long)c->crashes, (unsigned long long)c->fresh, (unsigned long long)c->alarms,
	    (unsigned long long)c->lines, (unsigned long long)c->lost, (unsigned long long)c->wrong);
}

int
main(int argc, char **argv)
{
	struct campaign c = { .vaultd = argc > 3 ? argv[3] : VAULTD, .source.id = 1 };
	uint64_t kills = 100;
	int r;

	c.rnd = 1;
	c.source.decl = (struct entry_source){ .kind = ENTRY_KIND_NET, .name = STR("udp 192.0.2.1"), .envelope = true, .anchor_us = WHEN_NONE };
	if ((argc > 1 && text_u64(str_z(argv[1]), &kills) < 0) || (argc > 2 && text_u64(str_z(argv[2]), &c.rnd) < 0))
		return 2;
	c.batch = batch_new();
	r = c.batch ? loop_new(&c.loop) : -ENOMEM;
	if (r == 0)
		r = timer_open(c.loop, on_tick, NULL, &c.tick);
	if (r == 0)
		timer_start(c.tick, 1, 1);
	while (r == 0 && c.kills < kills && c.wrong < 10)
		r = one_vault(&c, kills);
	if (r < 0)
		fprintf(stderr, "%s\n", strerror(-r));
	tell(&c);
	timer_close(c.tick);
	loop_free(c.loop);
	free(c.batch);
	return r < 0 || c.wrong ? 1 : 0;
}
