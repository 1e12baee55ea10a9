/*
 * engine: loads the real rules once for the targets that decode. Never looks at anything but rules.
 */
#include "engine.h"

#include <dirent.h>

#define RULES_MAX 256
#define RULES_TEXT_MAX (4u << 20)
/*
 * 2024-01-01: what the lens takes for now, so that a line without a year means the same every time.
 */
#define ENGINE_NOW_US (INT64_C(1704067200) * WHEN_SECOND)

static int
is_rules(const struct dirent *d)
{
	return str_ends(str_z(d->d_name), STR(".rules"));
}

/* Names and texts live as long as the program: rule sets point into them. */
static struct arena texts_arena;

static struct str
read_whole(const char *folder, const char *name)
{
	static char bytes[RULES_TEXT_MAX];
	char path[4096];
	struct str text;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "rb");
	CLAIM(f);
	text = arena_str(&texts_arena, str_of(bytes, fread(bytes, 1, sizeof(bytes), f)));
	CLAIM(text.p && text.n < sizeof(bytes));
	fclose(f);
	return text;
}

const struct ruleset *
engine_rules(const char *folder)
{
	struct rules_text texts[RULES_MAX];
	struct dirent **names;
	struct diags *d = diags_new();
	struct buf shown = BUF_INIT(1 << 20);
	struct ruleset *rules = NULL;
	int n = scandir(folder, &names, is_rules, alphasort);

	CLAIM(d && n > 0 && n <= RULES_MAX);
	for (int i = 0; i < n; i++) {
		texts[i].name = arena_str(&texts_arena, str_z(names[i]->d_name));
		texts[i].text = read_whole(folder, names[i]->d_name);
		free(names[i]);
	}
	free(names);
	if (ruleset_load(texts, (size_t)n, NULL, d, &rules) < 0) {
		diags_show(d, &shown);
		fprintf(stderr, "%s\n", buf_cstr(&shown));
		abort();
	}
	buf_free(&shown);
	diags_free(d);
	return rules;
}

void
engine_open(struct engine *e, const struct ruleset *rules)
{
	*e = (struct engine){
		.rules = rules,
		.work = decode_work_new(rules),
		.extra = BUF_INIT(RECORD_EXTRA_MAX),
	};
	CLAIM(e->work);
}

static void
forget_source(struct engine *e)
{
	lens_free(e->lens);
	zone_book_free(e->zones);
	e->lens = NULL;
	e->zones = NULL;
}

void
engine_source(struct engine *e, const char *place, bool envelope)
{
	struct lens_opts opts = {
		.place = str_z(place),
		.anchor_us = ENGINE_NOW_US,
		.envelope = envelope,
	};

	forget_source(e);
	e->zones = zone_book_new(0);
	CLAIM(e->zones);
	e->lens = lens_new(e->zones, &opts);
	CLAIM(e->lens);
}

void
engine_close(struct engine *e)
{
	forget_source(e);
	decode_work_free(e->work);
	buf_free(&e->extra);
}

static void
check_slot(const struct record *r, struct slot at)
{
	struct str text = record_text(r, at);

	CLAIM(fuzz_within(r->raw, text) || fuzz_within(buf_str(r->extra), text));
}

/*
 * An address that is blamed must have been written by someone: it stands in the line, byte for
 * byte.
 */
static void
check_source(const struct record *r)
{
	const struct field *src = record_field(r, FIELD_src);
	struct str text;

	if (!src)
		return;
	text = record_text(r, src->at);
	CLAIM(text.n > 0 && !(src->flags & FIELD_CONST));
	CLAIM(str_find(r->raw, text) < r->raw.n || str_find_byte(r->raw, '\\') < r->raw.n);
}

static void
check_record(const struct ruleset *rules, const struct record *r)
{
	check_slot(r, r->host);
	check_slot(r, r->program);
	check_slot(r, r->message);
	check_slot(r, r->data);
	CLAIM(kinds_row(rules->kinds, r->kind));
	CLAIM(r->nfields <= RECORD_FIELDS_MAX && r->repeat >= 1 && r->pid >= -1);
	CLAIM(r->decoder == UINT32_MAX || decoder_name(rules, r->decoder));
	for (size_t i = 0; i < r->nfields; i++) {
		check_slot(r, r->fields[i].at);
		CLAIM(fields_name(rules->fields, r->fields[i].key).n);
		for (size_t j = 0; j < i; j++)
			CLAIM(r->fields[i].key != r->fields[j].key);
	}
	check_source(r);
}

void
engine_line(struct engine *e, struct str line)
{
	record_begin(&e->record, line, &e->extra, ENGINE_NOW_US);
	lens_read(e->lens, &e->record);
	decode(e->rules, e->work, &e->record);
	check_record(e->rules, &e->record);
}
