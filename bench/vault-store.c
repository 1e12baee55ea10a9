/*
 * bench/vault-store: the store alone, on one core, in one process:
 *
 *     vault-store build LOG DIR [KEYED]      lines to segments: lines/s, bytes, ratio
 *     vault-store check LOG DIR              every line comes back byte for byte, every hash holds: lines/s
 *
 * Lines are read into memory first. Each block of 64 KiB has one time of arrival, as when it comes from a socket.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/when.h"
#include "sys/file.h"
#include "vault/segment.h"

#define BLOCK 65536u

static const uint8_t some_key[BLOB_KEY_BYTES] = { 1, 2, 3 };

static double
cpu(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
die(const char *what, int rc)
{
	fprintf(stderr, "vault-store: %s: %s\n", what, strerror(-rc));
	exit(1);
}

static int64_t
arrival(const struct str *log, struct str line)
{
	return INT64_C(1795251600000000000) + (int64_t)((size_t)(line.p - log->p) / BLOCK) * 3200000;
}

/* What a decoder would say of the head of these lines: host and program. */
static size_t
facts_of(struct str line, struct fact *ret)
{
	struct str rest = line, word;

	for (int i = 0; str_word(&rest, &word) && i < 3; i++) {
		if (i == 2)
			ret[0] = (struct fact){ .name = 0, .value = word };
	}
	ret[1] = (struct fact){ .name = 1, .value = word };
	return word.n > 0 ? 2 : 0;
}

static uint64_t
write_segment(const char *dir, uint64_t first, struct buf *out)
{
	char path[4096];
	uint64_t n = out->n;
	int rc;

	snprintf(path, sizeof(path), "%s/%020llu.seg", dir, (unsigned long long)first);
	rc = file_replace(path, buf_str(out), 0600, false);
	if (rc < 0)
		die(path, rc);
	buf_reset(out);
	return n;
}

static void
build(struct str log, const char *dir, bool keyed)
{
	static const struct str names[] = { STR_INIT("host"), STR_INIT("program") };
	struct segment_opts o = { .hash_seed = 7, .salt = 11, .key = keyed ? some_key : NULL, .names = names, .nnames = ARRAY_LEN(names) };
	struct segment_writer *w = segment_writer_new(&o);
	struct buf out = BUF_INIT(512u << 20);
	struct str rest = log, line;
	uint64_t n = 0, first = 0, stored = 0;
	double begin = cpu(), seconds;
	struct digest d;
	int rc = w ? file_make_dirs(dir, 0700) : -ENOMEM;

	while (rc == 0 && str_split(&rest, '\n', &line)) {
		struct vault_entry e = { .index = n, .recv_ns = arrival(&log, line), .source = STR("tcp 192.0.2.1"), .transport = VAULT_TCP,
			.raw = line };

		struct fact facts[2];

		rc = segment_add(w, &e, facts, facts_of(line, facts), &out);
		n++;
		if (rc == 0 && segment_rows(w) == SEGMENT_ROWS) {
			rc = segment_finish(w, n, &out, &d);
			if (rc == 0)
				stored += write_segment(dir, first, &out);
			first = n;
		}
	}
	if (rc == 0 && segment_rows(w) > 0) {
		rc = segment_finish(w, n, &out, &d);
		if (rc == 0)
			stored += write_segment(dir, first, &out);
	}
	if (rc < 0)
		die("build", rc);
	seconds = cpu() - begin;
	printf("build: %llu lines, %.1f MB to %.1f MB (%.2fx, %.2f bytes a line), %.2f CPU s, %.0f lines/s on one core\n", (unsigned long long)n,
	    (double)log.n / 1e6, (double)stored / 1e6, (double)log.n / (double)stored, (double)stored / (double)n, seconds, (double)n / seconds);
	segment_writer_free(w);
	buf_free(&out);
}

static void
check_segment(const char *dir, uint64_t first, struct str *rest, const struct str *log, uint64_t *n)
{
	struct segment s;
	struct buf line = BUF_INIT(1u << 20);
	struct str map, want;
	char path[4096];
	int rc;

	snprintf(path, sizeof(path), "%s/%020llu.seg", dir, (unsigned long long)first);
	rc = file_map(path, &map);
	if (rc < 0)
		die(path, rc);
	rc = segment_open(&s, map, some_key);
	for (uint32_t g = 0; rc == 0 && g < s.ngranules; g++) {
		struct view *v;

		rc = segment_view(&s, g, &v);
		for (uint32_t r = 0; rc == 0 && r < v->rows; r++) {
			struct vault_entry e;

			buf_reset(&line);
			rc = view_entry(v, *n, r, &line, &e, NULL);
			if (rc < 0 || !str_split(rest, '\n', &want) || !str_eq(want, e.raw) || e.recv_ns != arrival(log, want)) {
				fprintf(stderr, "line %llu differs: %d %s\n  %.*s\n  %.*s\n", (unsigned long long)*n, rc, v->fault, STR_FMT(want), STR_FMT(e.raw));
				exit(1);
			}
			++*n;
		}
		segment_drop_view(&s, g);
	}
	if (rc < 0)
		die(s.fault, rc);
	segment_close(&s);
	file_unmap(map);
	buf_free(&line);
}

int
main(int argc, char **argv)
{
	struct str log, rest;
	int rc;

	if (argc < 4) {
		fprintf(stderr, "usage: vault-store build|check LOG DIR [KEYED]\n");
		return 2;
	}
	rc = file_map(argv[2], &log);
	if (rc < 0)
		die(argv[2], rc);
	if (strcmp(argv[1], "build") == 0) {
		build(log, argv[3], argc > 4);
	} else {
		uint64_t n = 0;
		double begin = now();

		for (rest = log; rest.n > 0;)
			check_segment(argv[3], n, &rest, &log, &n);
		printf("check: %llu lines came back byte for byte, %.0f lines/s\n", (unsigned long long)n, (double)n / (now() - begin));
	}
	return 0;
}
