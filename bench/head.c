/*
 * bench/head: nanoseconds per line for the head of a line (CPU time of this thread), over the files
 * named: the stamp alone, the syslog codec with it, the whole lens. Each file is read into memory
 * first and gone through many times. Built from this file and all sources of src/wire, src/event
 * and src/base: cc -O3 -D_GNU_SOURCE -Isrc ...
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "event/lens.h"
#include "wire/syslog.h"

#define LINES_WANTED 2000000u

static double
now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool
slurp(const char *path, struct buf *out)
{
	FILE *f = fopen(path, "rb");
	if (!f)
		return false;
	char chunk[65536];
	for (size_t n; (n = fread(chunk, 1, sizeof(chunk), f)) > 0;)
		buf_add(out, str_of(chunk, n));
	fclose(f);
	return buf_ok(out);
}

struct lines {
	struct str *at;
	size_t n, bytes;
};

static struct lines
split(struct str text)
{
	struct lines l = { 0 };
	struct str line;
	size_t size = 0;
	while (str_split(&text, '\n', &line)) {
		if (l.n == size) {
			size = size ? 2 * size : 1024;
			l.at = realloc(l.at, size * sizeof(*l.at));
			if (!l.at)
				abort();
		}
		l.at[l.n++] = line;
		l.bytes += line.n;
	}
	return l;
}

static size_t
stamp_only(void *ctx, struct str line)
{
	struct stamp st;
	return stamp_parse(line, &st);
}

static size_t
syslog_only(void *ctx, struct str line)
{
	struct syslog_head h;
	syslog_parse(line, 0, &h);
	return h.message.n;
}

struct whole {
	struct lens *lens;
	struct buf extra;
};

static size_t
whole_lens(void *ctx, struct str line)
{
	struct whole *w = ctx;
	struct record r;
	record_begin(&r, line, &w->extra, WHEN_NONE);
	lens_read(w->lens, &r);
	return r.message.len;
}

static double
measure(const struct lines *l, size_t (*one)(void *, struct str), void *ctx)
{
	volatile size_t sink = 0;
	size_t done = 0;
	double start = now();
	while (done < LINES_WANTED) {
		for (size_t i = 0; i < l->n; i++)
			sink = sink + one(ctx, l->at[i]);
		done += l->n;
	}
	return (now() - start) * 1e9 / (double)done;
}

static void
run(const char *path, struct str text)
{
	struct lines l = split(text);
	struct zone_book *zones = zone_book_new(0);
	struct lens_opts o = { .place = str_z(path),
		.anchor_us = INT64_C(1790000000) * WHEN_SECOND };
	struct whole w = { .extra = BUF_INIT(RECORD_EXTRA_MAX) };
	w.lens = zones ? lens_new(zones, &o) : NULL;
	if (!w.lens)
		abort();
	if (l.n)
		printf(
		    "%-40s %5zu B/line: stamp %6.1f ns, head %6.1f ns, lens %6.1f ns\n",
		    path, l.bytes / l.n, measure(&l, stamp_only, NULL),
		    measure(&l, syslog_only, NULL), measure(&l, whole_lens, &w));
	lens_free(w.lens);
	zone_book_free(zones);
	buf_free(&w.extra);
	free(l.at);
}

int
main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		struct buf text = BUF_INIT(1u << 30);
		if (slurp(argv[i], &text))
			run(argv[i], buf_str(&text));
		else
			fprintf(stderr, "head: cannot read %s\n", argv[i]);
		buf_free(&text);
	}
	return 0;
}
