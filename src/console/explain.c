/*
 * explain: `guarita explain LINE`: the way of one line: head, decoder, fields, kind, the rules it counts for, and what
 * nearly took it. An argument that names an option of the configuration is explained as such instead.
 */
#include <errno.h>
#include <stdio.h>

#include "console/command.h"
#include "console/engine.h"
#include "console/i18n.h"
#include "console/term.h"
#include "event/lens.h"

#define NEAR_SHOWN 5

#define WANTED_MAX 80

struct near {                        /* a candidate that failed, the farthest ones kept */
	struct decode_try t;
	char wanted[WANTED_MAX];     /* t.wanted is good only while it is told */
	size_t matched;              /* bytes of the message that it took */
};

struct explaining {
	const struct engine *engine;
	const struct term *term;
	struct buf *out;
	size_t message_size;
	struct near near[NEAR_SHOWN];
	size_t nnear, tried, rules;
	struct decode_try won;
	bool any;
};

static const char *
dialect_name(enum dialect d)
{
	static const char *const names[] = {
		[DIALECT_NONE] = N_("none understood"), [DIALECT_STAMP] = N_("a time stamp"),
		[DIALECT_RFC3164] = N_("BSD syslog (RFC 3164)"), [DIALECT_RFC5424] = N_("syslog (RFC 5424)"),
		[DIALECT_JOURNAL] = N_("systemd journal"), [DIALECT_JSON] = N_("JSON"),
		[DIALECT_CISCO] = N_("Cisco"), [DIALECT_ROUTEROS] = N_("MikroTik RouterOS"),
	};

	return _(names[d]);
}

static void
row(struct explaining *x, const char *name, struct str value)
{
	if (value.n == 0)
		return;
	buf_addf(x->out, "  %-12s ", name);
	term_text(x->term, x->out, value, x->term->columns - 17);
	buf_add_byte(x->out, '\n');
}

static void
on_try(void *ctx, const struct decode_try *t)
{
	struct explaining *x = ctx;
	struct near n = { .t = *t, .matched = x->message_size - t->stopped_at.n };
	size_t at = x->nnear;

	x->tried++;
	if (t->matched) {
		x->won = *t;
		x->any = true;
		return;
	}
	while (at > 0 && x->near[at - 1].matched < n.matched)
		at--;
	if (at == NEAR_SHOWN)
		return;
	if (x->nnear < NEAR_SHOWN)
		x->nnear++;
	n.t.wanted = str_head(t->wanted, WANTED_MAX);
	if (n.t.wanted.n)
		memcpy(n.wanted, n.t.wanted.p, n.t.wanted.n);
	memmove(&x->near[at + 1], &x->near[at], (x->nnear - 1 - at) * sizeof(n));
	x->near[at] = n;
}

static void
show_where(struct explaining *x, const struct decode_try *t)
{
	buf_addf(x->out, "%s (%.*s:%u)", decoder_name(x->engine->rules, t->decoder),
	    STR_FMT(diags_file_name(x->engine->diags, t->where.file)), t->where.line);
}

static void
show_near(struct explaining *x)
{
	for (size_t i = 0; i < x->nnear; i++) {
		const struct near *n = &x->near[i];

		buf_add(x->out, STR("  "));
		show_where(x, &n->t);
		buf_add(x->out, STR("\n      "));
		term_text(x->term, x->out, n->t.pattern, x->term->columns - 8);
		buf_add(x->out, STR("\n      "));
		buf_add(x->out, str_z(_("wanted ")));
		term_text(x->term, x->out, str_of(n->wanted, n->t.wanted.n), 40);
		buf_add(x->out, str_z(_(" but found ")));
		if (n->t.stopped_at.n == 0)
			buf_add(x->out, str_z(_("the end of the line")));
		else
			term_text(x->term, x->out, n->t.stopped_at, 48);
		buf_add_byte(x->out, '\n');
	}
}

static void
on_rule(void *ctx, uint32_t rule, uint64_t have, uint64_t need, const char *why_not)
{
	struct explaining *x = ctx;

	x->rules++;
	buf_addf(x->out, "  %-28s ", rule_name(x->engine->rules, rule));
	if (why_not)
		buf_addf(x->out, _("not counted: %s\n"), why_not);
	else
		buf_addf(x->out, _("%llu of %llu\n"), (unsigned long long)have, (unsigned long long)need);
}

static void
show_record(struct explaining *x, const struct record *r)
{
	const struct kind_row *kind = kinds_row(x->engine->rules->kinds, r->kind);
	char text[64];

	term_ink(x->term, x->out, INK_BOLD, "%s\n", _("Head"));
	row(x, _("written as"), str_z(dialect_name(r->dialect)));
	if (r->time_us != WHEN_NONE) {
		when_show(r->time_us, 0, text);
		row(x, _("time"), str_z(text));
		if (r->time_guessed)
			row(x, "", str_z(_("(year or zone taken from the surroundings)")));
	}
	row(x, _("host"), record_text(r, r->host));
	row(x, _("program"), record_text(r, r->program));
	if (r->pid >= 0) {
		snprintf(text, sizeof(text), "%lld", (long long)r->pid);
		row(x, _("pid"), str_z(text));
	}
	row(x, _("message"), record_text(r, r->message));
	term_ink(x->term, x->out, INK_BOLD, "%s\n", _("Meaning"));
	row(x, _("kind"), kind->name);
	row(x, "", str_z(kind->help));
	row(x, _("hostile"), str_z(r->hostile ? _("yes") : _("no")));
	if (!r->sure)
		row(x, _("sure"), str_z(_("no: read by a general pattern, a guess")));
	if (x->any) {
		buf_addf(x->out, "  %-12s ", _("decoder"));
		show_where(x, &x->won);
		buf_add_byte(x->out, '\n');
		row(x, _("pattern"), x->won.pattern);
	}
	for (uint16_t i = 0; i < r->nfields; i++) {
		struct str name = fields_name(x->engine->rules->fields, r->fields[i].key);

		snprintf(text, sizeof(text), "%.*s", STR_FMT(name));
		row(x, text, record_text(r, r->fields[i].at));
	}
}

static int
explain_line(const struct engine *e, const struct options *o, struct str line, struct term *t)
{
	struct buf extra = BUF_INIT(RECORD_EXTRA_MAX), out = BUF_INIT(1u << 20);
	struct explaining x = { .engine = e, .term = t, .out = &out };
	struct lens_opts lo = { .place = STR("-"), .anchor_us = o->now_us };
	struct zone_book *zones = zone_book_new(0);
	struct lens *lens = zones ? lens_new(zones, &lo) : NULL;
	struct correlate_calls calls = { 0 };
	struct correlate_opts co = { .lateness_us = 60 * WHEN_SECOND, .keys_max = 1024 };
	struct correlator *c = NULL;
	struct record r;
	int rc = lens ? correlator_new(e->rules, &co, &calls, &c) : -ENOMEM;

	if (rc == 0) {
		record_begin(&r, line, &extra, o->now_us);
		lens_read(lens, &r);
		x.message_size = r.message.len;
		decode_explain(e->rules, e->work, &r, on_try, &x);
		lens_time(lens, &r);
		show_record(&x, &r);
		term_ink(t, &out, INK_BOLD, "%s\n", _("Rules it counts for"));
		correlate(c, &r);
		correlate_explain(c, &r, on_rule, &x);
		if (x.rules == 0)
			buf_addf(&out, "  %s\n", _("none"));
		if (x.nnear > 0 && (!x.any || o->all)) {
			term_ink(t, &out, INK_BOLD, _("Nearly (%zu patterns tried)\n"), x.tried);
			show_near(&x);
		}
		term_flush(t, &out);
	}
	correlator_free(c);
	lens_free(lens);
	zone_book_free(zones);
	buf_free(&extra);
	buf_free(&out);
	return rc;
}

int
command_explain(const struct options *o)
{
	struct buf line = BUF_INIT(RECORD_RAW_MAX);
	struct engine e;
	struct term t;
	int rc = 0;

	if (o->nargs == 1 && (explain_gate(o, str_z(o->args[0])) || explain_option(o, str_z(o->args[0]))))
		return EXIT_CLEAN;
	if (command_engine(&e, o) < 0)
		return EXIT_FAILED;
	term_init(&t, stdout, o->plain);
	if (o->nargs == 1 && strcmp(o->args[0], "-") == 0) {
		struct source in;
		struct str one;

		rc = source_open(&in, "-", false);
		while (rc == 0 && source_next(&in, &one))
			rc = explain_line(&e, o, one, &t);
		source_close(&in);
	} else {
		for (int i = 0; i < o->nargs; i++) {
			buf_add(&line, i ? STR(" ") : STR(""));
			buf_add(&line, str_z(o->args[i]));
		}
		rc = explain_line(&e, o, buf_str(&line), &t);
	}
	if (rc < 0)
		complain(_("guarita: explain: %s\n"), strerror(-rc));
	buf_free(&line);
	engine_close(&e);
	return rc < 0 ? EXIT_FAILED : EXIT_CLEAN;
}
