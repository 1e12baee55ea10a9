/*
 * bench/head: nanoseconds per line for the head of a line, over the lines of the files named: the syslog codec alone
 * (CPU time of this thread). Usage: head FILE... (each file is read into memory first and parsed many times).
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/buf.h"
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

static void
run(const char *path, struct str text)
{
	size_t lines = 0, forms[8] = { 0 }, bytes = 0;
	double start = now();
	while (lines < LINES_WANTED && text.n) {
		struct str rest = text, line;
		while (str_split(&rest, '\n', &line)) {
			struct syslog_head h;
			syslog_parse(line, 0, &h);
			forms[h.form]++;
			lines++;
			bytes += line.n;
		}
	}
	double ns = (now() - start) * 1e9;
	printf("%-40.40s %6.1f ns/line %5.0f B/line  bare %zu stamped %zu bsd %zu 5424 %zu cisco %zu routeros %zu\n", path,
	    ns / (double)lines, (double)bytes / (double)lines, forms[0], forms[1], forms[2], forms[3], forms[4], forms[5]);
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
