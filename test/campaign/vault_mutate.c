/*
 * vault_mutate: changes a vault in all the ways we know, one at a time, and asks `guarita vault verify` each time.
 *
 *   vault_mutate COUNT [SEED [FROM]]       a folder in /dev/shm is made and removed
 *
 * Changes have numbers, and each is drawn from the seed and its number alone: COUNT of them from FROM on are the same ones
 * whether they are made in one run or in many.
 * A change is unseen when the vault is called whole and the lines in it are not those that were sealed. Exit code 1 when
 * there was one. Changes that hurt nothing (a torn slot of the key file, whose other slot stands for it) are counted.
 */
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/text.h"
#include "console/vault/verify.h"
#include "vault/segment.h"
#include "vault_image.h"

#include "../unit/base/prng.h"

struct run {
	struct vault_image v;
	uint64_t rnd;
	struct buf now[IMAGE_PARTS];   /* as changed */
	bool changed[IMAGE_PARTS], removed[IMAGE_PARTS];
	uint64_t cuts;                 /* before this one: every offset in turn */
	bool auditor;                  /* this change is for his eyes: he is asked */
};

static uint64_t
pick(struct run *r, uint64_t below)
{
	return below ? prng_below(&r->rnd, below) : 0;
}

static struct str
original(struct run *r, enum image_part p)
{
	return buf_str(&vault_image_now(&r->v)->part[p]);
}

static void
become(struct run *r, enum image_part p, struct str bytes)
{
	buf_reset(&r->now[p]);
	buf_add(&r->now[p], bytes);
	r->changed[p] = true;
}

/* One of those that are there. */
static enum image_part
any_part(struct run *r)
{
	unsigned p;

	do
		p = (unsigned)pick(r, IMAGE_PARTS);
	while (!vault_image_now(&r->v)->has[p]);
	return (enum image_part)p;
}

static void
vanish(struct run *r, enum image_part p)
{
	r->changed[p] = r->removed[p] = true;
}

static const struct image_frame *
any_frame(struct run *r)
{
	return &r->v.frames[pick(r, r->v.nframes)];
}

/* A part without `n` bytes at `at`, with others in their place. */
static void
splice(struct run *r, enum image_part p, size_t at, size_t n, struct str in_place)
{
	struct str o = original(r, p);

	buf_reset(&r->now[p]);
	buf_add(&r->now[p], str_head(o, at));
	buf_add(&r->now[p], in_place);
	buf_add(&r->now[p], str_from(o, at + n));
	r->changed[p] = true;
}

static void
flip_bit(struct run *r)
{
	enum image_part p = any_part(r);
	struct str o = original(r, p);
	uint64_t bit = pick(r, o.n * 8);

	become(r, p, o);
	if (o.n)
		r->now[p].p[bit / 8] ^= (char)(1 << bit % 8);
}

static void
change_byte(struct run *r)
{
	const struct image_frame *f = any_frame(r);
	size_t at = f->at + pick(r, f->bytes);
	char c = (char)pick(r, 256);

	splice(r, f->file, at, 1, str_of(&c, 1));
}

/* Every part at every offset, one after the other. */
static void
cut(struct run *r)
{
	uint64_t all = 0, at;
	unsigned p = 0;

	for (unsigned i = 0; i < IMAGE_PARTS; i++)
		all += original(r, (enum image_part)i).n;
	for (at = r->cuts % all; at >= original(r, (enum image_part)p).n; p++)
		at -= original(r, (enum image_part)p).n;
	become(r, (enum image_part)p, str_head(original(r, (enum image_part)p), at));
}

static void
remove_file(struct run *r)
{
	enum image_part p = any_part(r);

	if (pick(r, 2))
		vanish(r, p);
	else
		become(r, p, STR(""));
}

/* Where record k of the frame lies in its file. */
static size_t
record_at(const struct image_frame *f, uint64_t k, size_t *ret_bytes)
{
	struct cur c = cur_of(f->frame.lines);
	size_t at = f->at + FRAME_HEAD;

	for (uint64_t i = 0; i <= k; i++) {
		uint16_t n = cur_u16(&c);
		*ret_bytes = 2u + n;
		if (i < k)
			at += *ret_bytes;
		(void)cur_bytes(&c, n);
	}
	return at;
}

static const struct image_frame *
any_lines(struct run *r)
{
	const struct image_frame *f;

	do
		f = any_frame(r);
	while (f->frame.count == 0);
	return f;
}

static void
delete_line(struct run *r)
{
	const struct image_frame *f = any_lines(r);
	size_t n, at = record_at(f, pick(r, f->frame.count), &n);

	splice(r, f->file, at, n, STR(""));
}

static void
double_line(struct run *r)
{
	const struct image_frame *f = any_lines(r);
	size_t n, at = record_at(f, pick(r, f->frame.count), &n);

	splice(r, f->file, at, 0, str_head(str_from(original(r, f->file), at), n));
}

static void
swap_lines(struct run *r)
{
	const struct image_frame *f = any_lines(r);
	uint64_t k = pick(r, f->frame.count - 1);
	size_t n, m, at = record_at(f, k, &n), next = record_at(f, k + 1, &m);
	struct buf b = BUF_INIT(4096);

	buf_add(&b, str_head(str_from(original(r, f->file), next), m));
	buf_add(&b, str_head(str_from(original(r, f->file), at), n));
	splice(r, f->file, at, n + m, buf_str(&b));
	buf_free(&b);
}

static void
delete_frame(struct run *r)
{
	const struct image_frame *f = any_frame(r);

	splice(r, f->file, f->at, f->bytes, STR(""));
}

static void
double_frame(struct run *r)
{
	const struct image_frame *f = any_frame(r), *to = any_frame(r);

	splice(r, to->file, to->at, 0, str_head(str_from(original(r, f->file), f->at), f->bytes));
}

static void
swap_frames(struct run *r)
{
	uint64_t k = pick(r, r->v.nframes - 1);
	const struct image_frame *a = &r->v.frames[k], *b = a + 1;
	struct buf both = BUF_INIT(1 << 16);

	if (a->file != b->file)
		return;
	buf_add(&both, str_head(str_from(original(r, a->file), b->at), b->bytes));
	buf_add(&both, str_head(str_from(original(r, a->file), a->at), a->bytes));
	splice(r, a->file, a->at, a->bytes + b->bytes, buf_str(&both));
	buf_free(&both);
}

/*
 * Some parts as they were once. All at once, keys included, is for the witnesses: nothing on this machine can know it.
 * At the end of the last closed epoch that is so without its closing note too, for it was written at that moment.
 */
static void
rewind_parts(struct run *r)
{
	uint64_t stage = pick(r, IMAGE_STAGES - 1), which = 1 + pick(r, (1u << IMAGE_PARTS) - 1);
	const struct image *then = &r->v.stage[stage];

	which &= ~(stage == IMAGE_STAGES - 2 || pick(r, 2) ? 1u << PART_KEYS : 1u << PART_EPOCHS);
	for (unsigned p = 0; p < IMAGE_PARTS; p++)
		if (which >> p & 1 && then->has[p])
			become(r, (enum image_part)p, buf_str(&then->part[p]));
		else if (which >> p & 1 && vault_image_now(&r->v)->has[p])
			vanish(r, (enum image_part)p);
}

/* The live keys forge everything behind frame `from`: heads, seals, keys, checkpoint. */
struct forgery {
	struct run *r;
	struct sealer s;
	uint64_t index;
	uint64_t victim;               /* the entry that is altered */
};

static int
live_seed(void *ctx, uint64_t block, uint8_t ret[VAULT_NONCE_BYTES])
{
	return vault_disk_seed(&((struct run *)ctx)->v.disk, block, ret);
}

static void
forge_lines(struct forgery *g, const struct frame *f)
{
	struct cur c = cur_of(f->lines);
	struct vault_entry e;
	struct str record;
	char text[512];

	while (frame_record(&c, &record) == 1) {
		if (vault_entry_decode(record, g->index, &e) < 0 || e.raw.n > sizeof(text))
			abort();
		memcpy(text, e.raw.p, e.raw.n);
		if (g->index == g->victim)
			text[pick(g->r, e.raw.n)] ^= 1;
		e.raw.p = text;
		if (sealer_add(&g->s, &e) < 0)
			abort();
		g->index++;
	}
}

static void
forge_frame(struct forgery *g, const struct image_frame *at)
{
	const struct frame *f = &at->frame;
	struct cur side = cur_of(f->side);
	struct tree skip;
	struct buf bytes = { 0 };

	sealer_begin(&g->s, f->kind);
	forge_lines(g, f);
	g->s.keys.epoch = f->epoch;
	if (f->kind == FRAME_START && tree_unpack(&side, &skip) < 0)
		abort();
	if (sealer_finish(&g->s, str_of((const char *)side.p, side.n), f->wall_us, f->boot_us, &bytes) < 0)
		abort();
	if (!g->r->changed[at->file])
		become(g->r, at->file, str_head(original(g->r, at->file), at->at));
	buf_add(&g->r->now[at->file], buf_str(&bytes));
	buf_free(&bytes);
}

static void
steal_and_rewrite(struct run *r)
{
	struct forgery g = { .r = r };
	struct sealer_opts o = { .ctx = r, .seed = live_seed, .boot = "a boot of a test" };
	const struct image_frame *from = any_lines(r);
	struct keys k = r->v.keys;
	uint8_t slot[KEYS_SLOT_BYTES], file[KEYS_FILE_BYTES] = { 0 };
	struct buf note = BUF_INIT(NOTE_BYTES_MAX);

	g.index = from->frame.first;
	g.victim = g.index + pick(r, from->frame.count);
	k.frame = from->frame.number;
	k.last = from->frame.before;
	sealer_open(&g.s, &o, &from->before, &k);
	for (const struct image_frame *f = from; f < r->v.frames + r->v.nframes; f++)
		forge_frame(&g, f);
	g.s.keys.epoch = r->v.keys.epoch;
	keys_pack(&g.s.keys, slot);
	memcpy(file + keys_slot_offset(&g.s.keys), slot, sizeof(slot));
	become(r, PART_KEYS, str_of((const char *)file, sizeof(file)));
	if (vault_image_note(&r->v, &g.s.keys, &note) < 0)
		abort();
	become(r, PART_CHECKPOINT, buf_str(&note));
	buf_free(&note);
	sealer_close(&g.s);
	/* In an epoch that is over the signed notes give it away; in the one that runs, the seals do. */
	r->auditor = from->frame.epoch == r->v.keys.epoch;
}

/* How a segment is made anew, in good order and with good hashes, so that only the log can know better. */
enum anew { ANEW_LINE_ALTERED, ANEW_LINE_LEFT_OUT, ANEW_LINES_SWAPPED, ANEW_LINE_DOUBLED, ANEW_FACT, ANEW_FACTS_GONE, ANEW_SALT, ANEW_WAYS };

struct anew_line {
	struct vault_entry entry;
	char text[128];
	struct fact fact;
};

static size_t
read_lines(struct run *r, enum image_part p, struct anew_line *ret)
{
	struct segment s;
	struct str bytes = original(r, p);
	struct extents extents;
	size_t n = 0;
	struct view *view;

	if (segment_open(&s, bytes, NULL) < 0 || segment_view(&s, 0, &view) < 0)
		abort();
	for (; n < s.rows; n++) {
		struct buf line = BUF_INIT(4096);
		struct vault_entry *e = &ret[n].entry;

		if (view_entry(view, s.first_index + n, (uint32_t)n, &line, e, &extents) < 0 || e->raw.n > sizeof(ret[n].text))
			abort();
		memcpy(ret[n].text, e->raw.p, e->raw.n);
		e->raw.p = ret[n].text;
		e->source = STR("udp 192.0.2.1");
		ret[n].fact = (struct fact){ .value = str_head(e->raw, 4) };
		buf_free(&line);
	}
	segment_close(&s);
	return n;
}

static void
write_lines(struct run *r, enum image_part p, const struct anew_line *lines, size_t n, bool facts, uint64_t salt)
{
	static const struct str names[] = { STR_INIT("frame") };
	struct segment_opts o = { .salt = salt, .names = names, .nnames = 1 };
	struct segment_writer *w = segment_writer_new(&o);
	struct digest digest;
	uint64_t first = p == PART_SEG0 ? 0 : IMAGE_EPOCH_LINES;

	buf_reset(&r->now[p]);
	for (size_t i = 0; i < n; i++) {
		struct vault_entry e = lines[i].entry;

		e.index = first + i;
		if (segment_add(w, &e, &lines[i].fact, facts, &r->now[p]) < 0)
			abort();
	}
	if (segment_finish(w, 0, &r->now[p], &digest) < 0)
		abort();
	segment_writer_free(w);
	r->changed[p] = true;
}

static void
remake_segment(struct run *r)
{
	enum image_part p = pick(r, 2) ? PART_SEG0 : PART_SEG1;
	enum anew how = (enum anew)pick(r, ANEW_WAYS);
	struct anew_line lines[IMAGE_EPOCH_LINES + 1];
	size_t n = read_lines(r, p, lines), at = pick(r, n - 1);
	struct anew_line other = lines[at];
	uint64_t salt = p == PART_SEG0 ? 1 : IMAGE_EPOCH_LINES + 1;

	if (how == ANEW_LINE_ALTERED)
		lines[at].text[pick(r, lines[at].entry.raw.n)] ^= 1;
	if (how == ANEW_LINE_LEFT_OUT)
		n--;
	for (size_t i = at; how == ANEW_LINE_LEFT_OUT && i < n; i++) {
		lines[i] = lines[i + 1];
		lines[i].entry.raw.p = lines[i].text;
	}
	if (how == ANEW_LINES_SWAPPED || how == ANEW_LINE_DOUBLED) {
		lines[at] = lines[at + 1];
		lines[at].entry.raw.p = lines[at].text;
	}
	if (how == ANEW_LINES_SWAPPED) {
		lines[at + 1] = other;
		lines[at + 1].entry.raw.p = lines[at + 1].text;
	}
	if (how == ANEW_FACT)
		lines[at].fact.value = STR("hide");
	write_lines(r, p, lines, n, how != ANEW_FACTS_GONE, how == ANEW_SALT ? salt + 1 + pick(r, 1000) : salt);
}

static void
swap_segments(struct run *r)
{
	unsigned how = (unsigned)pick(r, 3);

	if (how != 1)
		become(r, PART_SEG0, original(r, PART_SEG1));
	if (how != 0)
		become(r, PART_SEG1, original(r, PART_SEG0));
}

static void
change_segment_byte(struct run *r)
{
	enum image_part p = pick(r, 2) ? PART_SEG0 : PART_SEG1;
	size_t at = pick(r, original(r, p).n), n = 1 + pick(r, 8);
	char bytes[8];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)pick(r, 256);
	/* As many bytes in their place, none, or more. */
	splice(r, p, at, pick(r, 3) ? n : 0, str_of(bytes, pick(r, 3) ? n : 0));
}

/* Closing notes left out, doubled, or made with the live key. */
static void
meddle_with_epochs(struct run *r)
{
	struct str rest = original(r, PART_EPOCHS), note;
	uint64_t victim = pick(r, IMAGE_STAGES - 1), how = pick(r, 3);
	struct buf out = BUF_INIT(1 << 16), forged = BUF_INIT(NOTE_BYTES_MAX);

	for (uint64_t e = 0, shown = 0; epoch_closing(&rest, e, &note); e++) {
		if (e == victim && how == 0)
			continue;
		if (e == victim && how == 2) {
			struct keys k = r->v.keys;
			if (vault_image_note(&r->v, &k, &forged) < 0)
				abort();
			note = buf_str(&forged);
		}
		for (unsigned n = 0; n < (e == victim && how == 1 ? 2u : 1u); n++, shown++) {
			buf_addf(&out, "epoch %llu %zu\n", (unsigned long long)shown, note.n);
			buf_add(&out, note);
		}
	}
	become(r, PART_EPOCHS, buf_str(&out));
	buf_free(&out);
	buf_free(&forged);
}

static const struct { const char *name; void (*change)(struct run *r); } kinds[] = {
	{ "one bit anywhere", flip_bit }, { "one byte of the log", change_byte }, { "cut anywhere", cut },
	{ "a file emptied", remove_file }, { "a line deleted", delete_line }, { "a line doubled", double_line },
	{ "two lines swapped", swap_lines }, { "a frame deleted", delete_frame }, { "a frame doubled", double_frame },
	{ "two frames swapped", swap_frames }, { "parts rewound", rewind_parts },
	{ "live keys stolen, history rewritten", steal_and_rewrite }, { "closing notes meddled with", meddle_with_epochs }, { "bytes of a segment", change_segment_byte },
	{ "segments exchanged", swap_segments }, { "a segment made anew: lines, words, index", remake_segment },
};

/* Are the lines still those that were sealed? Read in the plain way, without a look at any seal. */
static bool
lines_are_whole(const struct run *r, struct vault_dir *d)
{
	uint8_t nonce[VAULT_NONCE_BYTES];
	struct tree t = { .size = 0 };
	struct str record;

	while (vault_dir_record(d, t.size, &record) == 0) {
		if (vault_dir_nonce(d, t.size, nonce) < 0)
			return false;
		struct digest leaf = vault_leaf(nonce, record);
		tree_add(&t, &leaf);
	}
	struct digest root = tree_root(&t);
	return t.size == r->v.size && digest_eq(&root, &r->v.root);
}

/*
 * An index that hides lines from searches is an attack, though every line is there. A segment that is not there hides
 * nothing where the log's own file is back in its place.
 */
static bool
segments_differ(struct run *r)
{
	for (enum image_part p = PART_SEG0; p <= PART_SEG1; p++)
		if (r->changed[p] && !r->removed[p] && !str_eq(buf_str(&r->now[p]), original(r, p)))
			return true;
	return false;
}

enum seen { SEEN, HARMLESS, UNSEEN };

static enum seen
judge(struct run *r)
{
	struct vault_report report = { .lines = 0 };
	struct vault_dir d;
	enum seen seen = SEEN;

	if (vault_dir_open(&d, r->v.dir) == 0 && vault_verify(&d, r->auditor ? &r->v.auditor : NULL, &report) == 0 &&
	    !report.fault[0])
		seen = lines_are_whole(r, &d) && !segments_differ(r) ? HARMLESS : UNSEEN;
	vault_dir_close(&d);
	return seen;
}

static int
put(struct run *r, enum image_part p, bool gone, struct str bytes)
{
	return gone ? vault_image_remove(&r->v, p) : vault_image_put(&r->v, p, bytes);
}

static int
one(struct run *r, size_t kind, enum seen *ret)
{
	int e = 0;

	memset(r->changed, 0, sizeof(r->changed));
	memset(r->removed, 0, sizeof(r->removed));
	r->auditor = false;
	kinds[kind].change(r);
	for (enum image_part p = 0; p < IMAGE_PARTS && e == 0; p++)
		if (r->changed[p])
			e = put(r, p, r->removed[p], buf_str(&r->now[p]));
	if (e == 0)
		*ret = judge(r);
	for (enum image_part p = 0; p < IMAGE_PARTS && e == 0; p++)
		if (r->changed[p])
			e = put(r, p, !vault_image_now(&r->v)->has[p], original(r, p));
	return e;
}

static void
tell(const struct run *r, uint64_t i)
{
	printf("change %llu, %s, was not seen; it touched", (unsigned long long)i, kinds[i % ARRAY_LEN(kinds)].name);
	for (unsigned p = 0; p < IMAGE_PARTS; p++)
		if (r->changed[p])
			printf(" %s (%zu bytes)", vault_image_name(&r->v, (enum image_part)p), r->now[p].n);
	printf("\n");
}

static int
drop(const char *path, const struct stat *st, int type, struct FTW *at)
{
	return remove(path);
}

int
main(int argc, char **argv)
{
	static struct run r;
	uint64_t counts[ARRAY_LEN(kinds)][3] = { { 0 } }, unseen = 0, n = 1000, seed = 1, from = 0;
	char dir[] = "/dev/shm/vault-mutate-XXXXXX";

	if ((argc > 1 && text_u64(str_z(argv[1]), &n) < 0) || (argc > 2 && text_u64(str_z(argv[2]), &seed) < 0) ||
	    (argc > 3 && text_u64(str_z(argv[3]), &from) < 0) || !mkdtemp(dir))
		return 2;
	for (unsigned p = 0; p < IMAGE_PARTS; p++)
		r.now[p] = BUF_INIT(1 << 22);
	int e = vault_image_make(&r.v, dir);
	enum seen whole = e == 0 ? judge(&r) : UNSEEN;
	if (e < 0 || whole != HARMLESS) {
		fprintf(stderr, "the vault could not be made, or is not called whole: %s\n", strerror(-e));
		return 1;
	}
	for (uint64_t i = from; i < from + n && e == 0; i++) {
		enum seen seen = SEEN;
		r.rnd = hash_mix(hash_mix(seed, i), i);
		r.cuts = i / ARRAY_LEN(kinds);
		e = one(&r, i % ARRAY_LEN(kinds), &seen);
		counts[i % ARRAY_LEN(kinds)][seen]++;
		if (seen == UNSEEN)
			tell(&r, i);
	}
	for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
		printf("%-40s %9llu seen %9llu harmless %9llu UNSEEN\n", kinds[k].name, (unsigned long long)counts[k][SEEN],
		    (unsigned long long)counts[k][HARMLESS], (unsigned long long)counts[k][UNSEEN]);
		unseen += counts[k][UNSEEN];
	}
	printf("%llu changes from %llu on, seed %llu: %llu unseen\n", (unsigned long long)n, (unsigned long long)from,
	    (unsigned long long)seed, (unsigned long long)unseen);
	vault_disk_close(&r.v.disk);
	if (nftw(dir, drop, 16, FTW_DEPTH | FTW_PHYS) < 0)
		fprintf(stderr, "%s was not removed\n", dir);
	return e < 0 || unseen ? 1 : 0;
}
