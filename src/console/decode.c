/*
 * decode: `guarita decode`: one JSON object (or line of text) per record, in the order of the input. What a line means
 * may depend on others, so the input is read twice: first in time order through correlation, then as it stands.
 */
#include <errno.h>
#include <stdio.h>

#include "console/command.h"
#include "console/found.h"
#include "console/i18n.h"
#include "console/replay.h"
#include "console/term.h"

#define OUT_FLUSH (64u << 10)

static int
first_pass(struct engine *e, const struct path_list *paths, const struct options *o, struct found *f)
{
	struct correlate_calls calls;
	struct correlate_opts opts = { .lateness_us = 60 * WHEN_SECOND };
	struct correlator *c = NULL;
	struct replay replay;
	struct record *r;
	int rc;

	found_calls(f, &calls);
	rc = correlator_new(e->rules, &opts, &calls, &c);
	if (rc < 0)
		return rc;
	rc = replay_open(&replay, e, paths, false, o->now_us);
	while (rc == 0 && (r = replay_next(&replay))) {
		correlate(c, r);
		found_joined(f, r);
		if (r->time_us != WHEN_NONE)
			correlate_advance(c, r->time_us);
	}
	correlate_finish(c);
	replay_close(&replay);
	correlator_free(c);
	return rc;
}

/* Lays what correlation found over the record. */
static void
overlay(const struct found *f, struct record *r)
{
	const struct found_mark *m = found_mark(f, r->ref);

	if (!m)
		return;
	r->hostile |= m->hostile;
	if (m->kind != KIND_NONE)
		r->kind = m->kind;
	for (uint16_t i = 0; i < m->njoined; i++) {
		if (!record_field(r, m->joined[i].key))
			(void)record_set_text(r, m->joined[i].key, m->joined[i].text, FIELD_JOINED);
	}
}

static void
show_plain(const struct engine *e, const struct replay *replay, const struct record *r, struct buf *out)
{
	const struct kind_row *kind = kinds_row(e->rules->kinds, r->kind);
	uint64_t line;
	struct str path = replay_place(replay, r->ref, &line);
	char when[40] = "-";

	if (r->time_us != WHEN_NONE)
		when_show(r->time_us, 0, when);
	buf_add_escaped(out, path);
	buf_addf(out, ":%llu %s %s%.*s", (unsigned long long)line, when, r->hostile ? "!" : "", STR_FMT(kind->name));
	for (uint16_t i = 0; i < r->nfields; i++) {
		buf_add_byte(out, ' ');
		buf_add(out, fields_name(e->rules->fields, r->fields[i].key));
		buf_add_byte(out, '=');
		buf_add_escaped(out, record_text(r, r->fields[i].at));
	}
	buf_add_byte(out, '\n');
}

static int
second_pass(struct engine *e, const struct path_list *paths, const struct options *o, const struct found *f)
{
	struct buf out = BUF_INIT(64u << 20);
	struct replay replay;
	struct record *r;
	uint64_t line;
	int rc = replay_open(&replay, e, paths, true, o->now_us);

	while (rc == 0 && (r = replay_next(&replay))) {
		overlay(f, r);
		if (o->json) {
			record_json(r, e->rules->fields, e->rules->kinds, replay_place(&replay, r->ref, &line),
			    decoder_name(e->rules, r->decoder), &out);
			buf_add_byte(&out, '\n');
		} else {
			show_plain(e, &replay, r, &out);
		}
		if (out.n >= OUT_FLUSH || !buf_ok(&out)) {
			if (!out_write(stdout, buf_str(&out)))
				rc = -EPIPE;
			buf_reset(&out);
		}
	}
	(void)out_write(stdout, buf_str(&out));
	if (rc == 0 && replay.nproblems > 0) {
		complain("%.*s", STR_FMT(buf_str(&replay.problems)));
		rc = replay.nlanes ? 0 : -ENODATA;
	}
	buf_free(&out);
	replay_close(&replay);
	return rc;
}

int
command_decode(const struct options *o)
{
	struct found f = { .keep_marks = true };
	struct path_list paths = { 0 };
	struct engine e;
	int rc = 0;

	if (command_engine(&e, o) < 0)
		return EXIT_FAILED;
	engine_settle(&e);
	for (int i = 0; rc == 0 && i < o->nargs; i++)
		rc = path_list_add(&paths, o->args[i]);
	if (rc == 0)
		rc = first_pass(&e, &paths, o, &f);
	if (rc == 0)
		rc = second_pass(&e, &paths, o, &f);
	if (rc < 0)
		complain(_("guarita: decode: %s\n"), rc == -ENODATA ? _("nothing could be read") : strerror(-rc));
	path_list_free(&paths);
	found_free(&f);
	engine_close(&e);
	return rc == 0 ? EXIT_CLEAN : EXIT_FAILED;
}
