/*
 * config_load: text to struct config: parse, include, read by the rows, check, derive. Reads no
 * file itself: that is the caller's callback.
 */
#include "conf/config_in.h"

#include <errno.h>
#include <stdio.h>

#include "base/base64.h"
#include "conf/schema.h"

#define SEALED "sealed:"
#define SEALED_LEAST 28                /* nonce and tag, of an empty one */

struct expanding {
	struct arena *arena;
	struct diags *d;
	const struct conf_reader *reader;
	struct str names[CONF_INCLUDE_DEPTH_MAX + 1];   /* the files that are open: to see loops */
	uint32_t depth;
	uint32_t files;
	const struct conf_stmt *at;                     /* the include statement at work */
	struct conf_stmt **tail;                        /* where its statements go */
	bool sealed;                                    /* a sealed word was left as it is */
};

static struct conf_stmt **expand_list(struct expanding *x, struct conf_stmt *first,
    struct conf_stmt **tail);

static void
include_fault(const struct expanding *x, const char *hint, const char *what, struct str name)
{
	const struct conf_word *w = &x->at->words[1];

	diag_error(x->d, w->pos, w->span, hint, "%s%.*s", what, STR_FMT(str_head(name, 256)));
}

/* Called by the reader for each file of one include statement. */
static void
include_add(void *ctx, struct str name, struct str text)
{
	struct expanding *x = ctx;

	for (uint32_t i = 0; i <= x->depth; i++) {
		if (str_eq(x->names[i], name)) {
			include_fault(x, "it is included from within itself",
			    "an endless include of ", name);
			return;
		}
	}
	if (x->depth == CONF_INCLUDE_DEPTH_MAX) {
		include_fault(x, NULL, "includes nest too deep at ", name);
		return;
	}
	if (++x->files > CONF_INCLUDE_FILES_MAX) {
		if (x->files == CONF_INCLUDE_FILES_MAX + 1)
			include_fault(x, NULL, "too many included files, from here on: ", name);
		return;
	}
	struct conf_stmt *first = conf_parse(x->arena, x->d, diags_file(x->d, name, text), text);
	const struct conf_stmt *at = x->at;
	x->names[++x->depth] = name;
	x->tail = expand_list(x, first, x->tail);
	x->depth--;
	x->at = at;
}

static void
include(struct expanding *x, const struct conf_stmt *s)
{
	x->at = s;
	if (s->nwords != 2 || s->block) {
		diag_error(x->d, s->words[0].pos, s->words[0].span,
		    "example: include \"conf.d/*.conf\";",
		    "`include` takes one file name or glob");
		return;
	}
	struct str spec = s->words[1].text;
	if (spec.n == 0 || str_find_byte(spec, '\0') < spec.n) {
		include_fault(x, NULL, "this is no file name", STR(""));
		return;
	}
	if (x->reader == NULL || x->reader->read == NULL) {
		include_fault(x, NULL, "no other file can be read here: ", spec);
		return;
	}
	int r = x->reader->read(x->reader->ctx, x->names[x->depth], spec, include_add, x);
	if (r < 0)
		include_fault(x, strerror(-r), "cannot read ", spec);
}

/* Without its key a sealed word is still looked at: what lost some of its letters in copying seldom has the right form. */
static void
unseal_word(struct expanding *x, struct conf_word *w)
{
	uint8_t bytes[512];
	struct str plain;
	size_t n;

	if (base64_read(str_from(w->text, sizeof(SEALED) - 1), bytes, sizeof(bytes), &n) < 0 || n < SEALED_LEAST) {
		diag_error(x->d, w->pos, w->span, "make one with `guarita vpn password`", "this is no sealed password, or not all of it");
		return;
	}
	if (x->reader == NULL || x->reader->unseal == NULL) {
		x->sealed = true;
		return;
	}
	int r = x->reader->unseal(x->reader->unseal_ctx, x->arena, w->text, &plain);
	if (r < 0)
		diag_error(x->d, w->pos, w->span, "seal it again on this machine: guarita vpn password",
		    "this password was sealed with another key, or changed since");
	else
		w->text = plain;
}

static void
unseal(struct expanding *x, struct conf_stmt *s)
{
	for (uint32_t i = 1; i < s->nwords; i++)
		if (str_starts(s->words[i].text, STR(SEALED)))
			unseal_word(x, &s->words[i]);
	for (struct conf_stmt *sub = s->child; sub; sub = sub->next)
		unseal(x, sub);
}

/* Appends the statements of a list at *tail, includes replaced; returns the new tail. */
static struct conf_stmt **
expand_list(struct expanding *x, struct conf_stmt *first, struct conf_stmt **tail)
{
	for (struct conf_stmt *s = first, *next; s; s = next) {
		next = s->next;
		s->next = NULL;
		if (str_eq(s->words[0].text, STR("include"))) {
			x->tail = tail;
			include(x, s);
			tail = x->tail;
		} else {
			unseal(x, s);
			*tail = s;
			tail = &s->next;
		}
	}
	return tail;
}

struct conf_stmt *
config_expand(struct arena *a, struct diags *d, const struct conf_reader *reader, struct str name,
    struct conf_stmt *first, bool *ret_sealed)
{
	struct expanding x = { .arena = a, .d = d, .reader = reader, .names[0] = name };
	struct conf_stmt *list = NULL;

	expand_list(&x, first, &list);
	*ret_sealed = x.sealed;
	return list;
}

const struct conf_stmt *
config_stmt(const struct conf_stmt *first, const char *keyword)
{
	while (first && !str_eq(first->words[0].text, str_z(keyword)))
		first = first->next;
	return first;
}

const struct conf_stmt *
config_stmt_at(const struct conf_stmt *first, struct conf_pos where)
{
	for (; first; first = first->next) {
		struct conf_pos p = first->words[0].pos;
		if (p.file == where.file && p.line == where.line && p.col == where.col)
			return first;
	}
	return NULL;
}

/* "udp :514": the keyword and head of the statement, as they stand in the text. */
static int
derive_name(struct arena *a, const struct conf_stmt *first, struct conf_source *src)
{
	const struct conf_stmt *s = config_stmt_at(first, src->where);
	struct buf b = BUF_INIT(4096);

	for (uint32_t i = 0; s && i < s->nwords; i++) {
		buf_addf(&b, "%s%.*s", i == 0 ? "" : s->words[i - 1].comma ? ", " : " ",
		    STR_FMT(str_head(s->words[i].text, 256)));
		if (!buf_ok(&b) || (b.n > 200 && i + 1 < s->nwords)) {
			buf_add(&b, STR(" ..."));
			break;
		}
	}
	src->name = arena_str(a, buf_str(&b));
	buf_free(&b);
	return src->name.p ? 0 : -ENOMEM;
}

static int
derive_control(struct arena *a, struct config *c)
{
	struct buf b = BUF_INIT(8192);

	if (c->control.path.n > 0)
		return 0;
	buf_addf(&b, "%.*s/control", STR_FMT(c->run_dir));
	c->control.path = arena_str(a, buf_str(&b));
	buf_free(&b);
	return c->control.path.p ? 0 : -ENOMEM;
}

static int
derive_rules(struct arena *a, struct config *c)
{
	if (c->rules_dirs.n > 0)
		return 0;
	c->rules_dirs.v = ARENA_NEW(a, struct str);
	if (c->rules_dirs.v == NULL)
		return -ENOMEM;
	c->rules_dirs.v[0] = STR(GUARITA_DATADIR "/rules");
	c->rules_dirs.n = 1;
	return 0;
}

static int
derive_accounts(struct arena *a, struct conf_source *s)
{
	static const struct str usual[] = { STR_INIT("/var/log/wtmp"), STR_INIT("/var/log/btmp"),
		STR_INIT("/var/log/lastlog"), STR_INIT("/var/log/account/pacct") };

	if (s->type != CONF_SOURCE_ACCOUNTS || s->paths.n > 0)
		return 0;
	s->paths.v = ARENA_ARRAY(a, struct str, ARRAY_LEN(usual));
	if (s->paths.v == NULL)
		return -ENOMEM;
	memcpy(s->paths.v, usual, sizeof(usual));
	s->paths.n = ARRAY_LEN(usual);
	return 0;
}

static int
derive_vault(struct arena *a, struct config *c)
{
	struct buf b = BUF_INIT(8192);

	if (!c->vault || c->vault->origin.n > 0)
		return 0;
	buf_addf(&b, "guarita/%.*s", STR_FMT(c->site));
	c->vault->origin = arena_str(a, buf_str(&b));
	buf_free(&b);
	return c->vault->origin.p ? 0 : -ENOMEM;
}

#define GATE_BUFFER (8u << 20)

/* A gate's refusals are read like any other source. */
static int
derive_gate(struct arena *a, struct config *c)
{
	struct conf_source *v;

	if (!conf_has_gate(&c->gate) || !c->gate.gateway.log)
		return 0;
	v = ARENA_ARRAY(a, struct conf_source, c->nsources + 1u);
	if (v == NULL)
		return -ENOMEM;
	if (c->nsources > 0)
		memcpy(v, c->sources, c->nsources * sizeof(*v));
	v[c->nsources++] = (struct conf_source){ .type = CONF_SOURCE_GATE, .name = STR("gate"),
		.buffer = GATE_BUFFER, .where = c->gate.interfaces[0].where };
	c->sources = v;
	return 0;
}

/* Fills what was not given and has no fixed default: the rows say `derived`. */
static int
derive(struct arena *a, struct config *c)
{
	int r = derive_control(a, c);

	if (r == 0)
		r = derive_rules(a, c);
	if (r == 0)
		r = derive_vault(a, c);
	for (uint32_t i = 0; r == 0 && i < c->nsources; i++) {
		if (c->sources[i].max_line == 0)
			c->sources[i].max_line = c->limits.max_line;
		r = derive_name(a, c->tree, &c->sources[i]);
		if (r == 0)
			r = derive_accounts(a, &c->sources[i]);
	}
	if (r == 0)
		r = derive_gate(a, c);
	for (uint32_t i = 0; i < c->nroles; i++)
		if (c->roles[i].memory == 0)
			c->roles[i].memory = c->limits.memory;
	return r;
}

int
config_load(struct arena *a, struct diags *d, struct str name, struct str text,
    const struct conf_reader *reader, struct config **ret)
{
	size_t before = diags_errors(d);
	uint16_t file = diags_file(d, name, text);
	struct config *c = ARENA_NEW(a, struct config);

	if (c == NULL)
		return -ENOMEM;
	struct conf_stmt *first = conf_parse(a, d, file, text);
	bool sealed;
	first = config_expand(a, d, reader, name, first, &sealed);
	schema_read(&config_schema, NULL, first, a, d, c);
	c->tree = first;
	c->sealed = sealed;
	int r = config_imply(a, c);
	if (r < 0)
		return r;
	config_check(c, d);
	if (diags_errors(d) != before)
		return -EINVAL;
	r = derive(a, c);
	if (r == 0)
		*ret = c;
	return r;
}
