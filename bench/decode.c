/*
 * bench/decode: nanoseconds per line for decoding with a rule set, over the lines of the files named: the head alone,
 * then head and decoders, and their difference (CPU time of this thread). Usage: decode RULES-DIR FILE...
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "event/lens.h"
#include "watch/decoder.h"

#define LINES_WANTED 1000000u
#define RULES_MAX_FILES 1000

static double
now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct str
slurp(const char *path)
{
	struct buf out = BUF_INIT(1u << 30);
	char chunk[65536];
	FILE *f = fopen(path, "rb");

	if (!f)
		return STR_NULL;
	for (size_t n; (n = fread(chunk, 1, sizeof(chunk), f)) > 0;)
		buf_add(&out, str_of(chunk, n));
	fclose(f);
	return buf_str(&out);
}

static struct ruleset *
load(const char *dir)
{
	static struct rules_text texts[RULES_MAX_FILES];
	struct dirent **names = NULL;
	int found = scandir(dir, &names, NULL, alphasort);
	struct diags *d = diags_new();
	struct ruleset *rs = NULL;
	struct buf shown = BUF_INIT(1u << 24);
	size_t n = 0;
	double start;

	for (int i = 0; i < found && n < RULES_MAX_FILES; i++) {
		struct buf path = BUF_INIT(4096);

		if (!str_ends(str_z(names[i]->d_name), STR(".rules")))
			continue;
		buf_addf(&path, "%s/%s", dir, names[i]->d_name);
		texts[n].name = str_z(names[i]->d_name);
		texts[n++].text = slurp(buf_cstr(&path));
		buf_free(&path);
	}
	start = now();
	if (ruleset_load(texts, n, NULL, d, &rs) < 0) {
		diags_show(d, &shown);
		fprintf(stderr, "%s", buf_cstr(&shown));
		exit(1);
	}
	printf("%zu files of rules, %zu decoders, loaded in %.0f ms\n", n, decoder_count(rs), (now() - start) * 1e3);
	return rs;
}

struct bench {
	const struct ruleset *rs;
	struct decode_work *w;
	struct decode_route route;
	struct buf extra;
	struct record r;
	size_t lines, bytes, unknown;
};

static double
pass(struct bench *b, const char *path, struct str text, bool decoding)
{
	struct zone_book *zones = zone_book_new(0);
	struct lens *lens = lens_new(zones, &(struct lens_opts){ .place = str_z(path), .anchor_us = WHEN_NONE });
	double start;

	b->lines = b->bytes = b->unknown = 0;
	lens_sniff(lens, str_head(text, str_find_byte(text, '\n')));
	start = now();
	while (b->lines < LINES_WANTED && text.n) {
		struct str rest = text, line;

		while (str_split(&rest, '\n', &line)) {
			record_begin(&b->r, line, &b->extra, INT64_C(1700000000000000));
			lens_read(lens, &b->r);
			if (decoding)
				decode_routed(b->rs, b->w, &b->route, &b->r);
			b->unknown += b->r.kind == KIND_unknown;
			b->lines++;
			b->bytes += line.n;
		}
	}
	start = now() - start;
	lens_free(lens);
	zone_book_free(zones);
	return start * 1e9 / (double)b->lines;
}

int
main(int argc, char **argv)
{
	struct bench b = { .extra = BUF_INIT(RECORD_EXTRA_MAX) };

	if (argc < 3)
		return 2;
	b.rs = load(argv[1]);
	b.w = decode_work_new(b.rs);
	for (int i = 2; i < argc; i++) {
		struct str text = slurp(argv[i]);
		double head, both;

		decode_route(b.rs, str_z(argv[i]), &b.route);
		if (!text.n)
			continue;
		head = pass(&b, argv[i], text, false);
		both = pass(&b, argv[i], text, true);
		printf("%-44.44s head %6.1f  decode %7.1f ns/line  %4.0f B/line  unknown %.1f %%\n", argv[i], head, both - head,
		    (double)b.bytes / (double)b.lines, 100.0 * (double)b.unknown / (double)b.lines);
	}
	return 0;
}
