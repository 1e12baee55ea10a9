/* bundle: see bundle.h. Must never touch a byte of a file's text: what was checked is what is kept. */
#include "conf/bundle.h"

#include <errno.h>

static const struct str magic = STR_INIT("#%guarita-bundle 1\n");

int
bundle_begin(struct bundle *b, struct arena *a, struct str name, struct str text)
{
	struct bundle_file *files = ARENA_ARRAY(a, struct bundle_file, BUNDLE_FILES_MAX);
	struct bundle_include *includes = ARENA_ARRAY(a, struct bundle_include, BUNDLE_INCLUDES_MAX);

	if (!files || !includes)
		return -ENOMEM;
	*b = (struct bundle){ .arena = a, .files = files, .includes = includes, .nfiles = 1 };
	files[0] = (struct bundle_file){ .name = name, .text = text };
	return 0;
}

bool
bundle_is(struct str bytes)
{
	return str_starts(bytes, magic);
}

void
bundle_write(const struct bundle *b, struct buf *out)
{
	buf_add(out, magic);
	for (uint32_t i = 0; i < b->nincludes; i++) {
		const struct bundle_include *inc = &b->includes[i];

		buf_addf(out, "include %zu %zu\n%.*s\n%.*s\n", inc->from.n, inc->spec.n, STR_FMT(inc->from),
		    STR_FMT(inc->spec));
	}
	for (uint32_t i = 0; i < b->nfiles; i++) {
		const struct bundle_file *f = &b->files[i];

		buf_addf(out, "file %u %zu %zu\n%.*s\n", f->include, f->name.n, f->text.n, STR_FMT(f->name));
		buf_add(out, f->text);
		buf_add_byte(out, '\n');
	}
}

/* Reading it back: a line of numbers, then pieces of so many bytes, each with a newline behind. */

struct reading {
	struct str rest;
	bool failed;
};

static uint64_t
take_number(struct str *line)
{
	struct str word;
	uint64_t n = UINT64_MAX;

	if (!str_word(line, &word) || text_u64(word, &n) < 0)
		return UINT64_MAX;
	return n;
}

static struct str
take_piece(struct reading *r, uint64_t n)
{
	struct str piece;

	if (r->failed || n >= r->rest.n || r->rest.p[n] != '\n') {
		r->failed = true;
		return STR_NULL;
	}
	piece = str_head(r->rest, n);
	r->rest = str_from(r->rest, n + 1);
	return piece;
}

static void
take_include(struct bundle *b, struct reading *r, struct str numbers)
{
	uint64_t from = take_number(&numbers), spec = take_number(&numbers);
	struct bundle_include inc = { .from = take_piece(r, from) };

	inc.spec = take_piece(r, spec);
	if (b->nincludes == BUNDLE_INCLUDES_MAX || str_trim(numbers).n > 0)
		r->failed = true;
	else
		b->includes[b->nincludes++] = inc;
}

static void
take_file(struct bundle *b, struct reading *r, struct str numbers)
{
	uint64_t include = take_number(&numbers), name = take_number(&numbers), text = take_number(&numbers);
	struct bundle_file f = { .name = take_piece(r, name) };

	f.text = take_piece(r, text);
	f.include = (uint32_t)include;
	if (b->nfiles == BUNDLE_FILES_MAX || str_trim(numbers).n > 0 ||
	    include >= (b->nincludes ? b->nincludes : 1))
		r->failed = true;
	else
		b->files[b->nfiles++] = f;
}

int
bundle_parse(struct bundle *b, struct arena *a, struct str bytes)
{
	struct reading r = { .rest = str_from(bytes, magic.n) };
	int e = bundle_is(bytes) ? bundle_begin(b, a, STR_NULL, STR_NULL) : -EBADMSG;

	if (e < 0)
		return e;
	b->nfiles = 0;
	while (r.rest.n > 0 && !r.failed) {
		struct str line = str_head(r.rest, str_find_byte(r.rest, '\n')), word;

		r.rest = str_from(r.rest, line.n + 1);
		if (!str_word(&line, &word))
			r.failed = true;
		else if (str_eq(word, STR("include")) && b->nfiles == 0)
			take_include(b, &r, line);
		else if (str_eq(word, STR("file")))
			take_file(b, &r, line);
		else
			r.failed = true;
	}
	return r.failed || b->nfiles == 0 ? -EBADMSG : 0;
}

/* Readers. */

struct adding {
	struct bundle *b;
	uint32_t include;
	void (*add)(void *add_ctx, struct str name, struct str text);
	void *add_ctx;
	int error;
};

/* The loader may ask for further files before it comes back: the file is noted first. */
static void
note_and_add(void *ctx, struct str name, struct str text)
{
	struct adding *w = ctx;
	struct bundle *b = w->b;

	if (b->nfiles == BUNDLE_FILES_MAX) {
		w->error = -E2BIG;
		return;
	}
	b->files[b->nfiles++] = (struct bundle_file){ .name = name, .text = text, .include = w->include };
	w->add(w->add_ctx, name, text);
}

int
bundle_record(void *ctx, struct str from, struct str spec,
    void (*add)(void *add_ctx, struct str name, struct str text), void *add_ctx)
{
	struct bundle_recorder *r = ctx;
	struct bundle *b = r->b;
	struct adding w = { .b = b, .include = b->nincludes, .add = add, .add_ctx = add_ctx };
	int e;

	if (b->nincludes == BUNDLE_INCLUDES_MAX)
		return -E2BIG;
	b->includes[b->nincludes++] = (struct bundle_include){
		.from = arena_str(b->arena, from), .spec = arena_str(b->arena, spec)
	};
	e = r->under.read(r->under.ctx, from, spec, note_and_add, &w);
	return e < 0 ? e : w.error;
}

int
bundle_replay(void *ctx, struct str from, struct str spec,
    void (*add)(void *add_ctx, struct str name, struct str text), void *add_ctx)
{
	const struct bundle *b = ctx;

	for (uint32_t i = 0; i < b->nincludes; i++) {
		if (!str_eq(b->includes[i].from, from) || !str_eq(b->includes[i].spec, spec))
			continue;
		for (uint32_t k = 1; k < b->nfiles; k++) {
			if (b->files[k].include == i)
				add(add_ctx, b->files[k].name, b->files[k].text);
		}
		return 0;
	}
	return -ENOENT;
}
