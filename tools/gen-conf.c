/*
 * gen-conf: what follows from the rows of guarita.conf, as files. Run at build time and by `ninja
 * conf-docs`; it is not installed. Reads and writes only the files named on its command line.
 *
 *   gen-conf words|sample|json FILE     writes the completion words, the reference sample, the JSON schema
 *   gen-conf update PAGE                rewrites the option part of a manual page, between its two marks
 *   gen-conf check PAGE                 fails when that part is not what the rows say
 */
#include <stdio.h>
#include <stdlib.h>

#include "conf/config.h"
#include "conf/schema_doc.h"

#define PAGE_MAX ((size_t)4 << 20)
#define MARK_BEGIN ".\\\" BEGIN OPTIONS: written by gen-conf from src/conf/config.c\n"
#define MARK_END ".\\\" END OPTIONS\n"

static int
fail(const char *what, const char *path)
{
	fprintf(stderr, "gen-conf: %s %s\n", what, path);
	return 1;
}

static int
read_page(const char *path, struct buf *b)
{
	FILE *f = fopen(path, "re");

	if (f == NULL)
		return -1;
	while (buf_reserve(b, 65536)) {
		size_t n = fread(b->p + b->n, 1, 65536, f);
		b->n += n;
		if (n == 0)
			break;
	}
	int r = ferror(f) || !buf_ok(b) ? -1 : 0;
	fclose(f);
	return r;
}

static int
write_file(const char *path, struct str s)
{
	FILE *f = fopen(path, "we");

	if (f == NULL)
		return fail("cannot write", path);
	bool ok = fwrite(s.p, 1, s.n, f) == s.n;
	return fclose(f) == 0 && ok ? 0 : fail("cannot write", path);
}

/* The page with its option part as the rows have it now. */
static int
make_page(const char *path, struct str page, struct buf *out)
{
	size_t begin = str_find(page, STR(MARK_BEGIN)), end = str_find(page, STR(MARK_END));

	if (begin == page.n || end == page.n || end < begin)
		return fail("no marks for the option part in", path);
	buf_add(out, str_head(page, begin + strlen(MARK_BEGIN)));
	schema_man(&config_schema, out);
	buf_add(out, str_from(page, end));
	return 0;
}

static int
do_page(const char *path, bool update)
{
	struct buf old = BUF_INIT(PAGE_MAX), new = BUF_INIT(PAGE_MAX);
	int r = read_page(path, &old) < 0 ? fail("cannot read", path) :
					    make_page(path, buf_str(&old), &new);

	if (r == 0 && !str_eq(buf_str(&old), buf_str(&new)))
		r = update ? write_file(path, buf_str(&new)) :
			     fail("run `ninja conf-docs`; out of date:", path);
	buf_free(&old);
	buf_free(&new);
	return r;
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*write)(const struct schema *s, struct buf *out);
	} outputs[] = { { "words", schema_words }, { "sample", schema_sample },
		{ "json", schema_json } };
	struct buf out = BUF_INIT(PAGE_MAX);

	if (argc != 3)
		return fail("usage:", "gen-conf words|sample|json|update|check FILE");
	if (strcmp(argv[1], "update") == 0 || strcmp(argv[1], "check") == 0)
		return do_page(argv[2], argv[1][0] == 'u');
	for (size_t i = 0; i < ARRAY_LEN(outputs); i++) {
		if (strcmp(argv[1], outputs[i].name) != 0)
			continue;
		outputs[i].write(&config_schema, &out);
		int r = buf_ok(&out) ? write_file(argv[2], buf_str(&out)) :
				       fail("too much for", argv[2]);
		buf_free(&out);
		return r;
	}
	return fail("unknown output", argv[1]);
}
