/*
 * explain: `guarita explain filial30`: what follows from a name of the gate: every statement
 * that says it, the rules and routes made of that, and each rule as the kernel has it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "console/gate/candidate.h"
#include "console/config_file.h"
#include "console/i18n.h"
#include "console/term.h"
#include "gate/nft/text.h"

struct telling {
	const struct options *o;
	struct str name;
	const struct policy *policy;
	const struct diags *diags;
	struct term term;
	struct buf *out;
	size_t statements;
};

static bool
says(const struct conf_stmt *s, struct str name)
{
	for (uint32_t i = 1; i < s->nwords; i++)
		if (str_eq(s->words[i].text, name))
			return true;
	for (const struct conf_stmt *sub = s->child; sub; sub = sub->next)
		if (says(sub, name))
			return true;
	return false;
}

static bool
same_place(struct conf_pos a, struct conf_pos b)
{
	return a.file == b.file && a.line == b.line && a.col == b.col;
}

static void
tell_rule(struct telling *t, const struct policy_rule *r)
{
	struct buf text = BUF_INIT(1u << 16);

	buf_addf(t->out, "    %-10s ", policy_hook_name(r->hook));
	policy_say(t->policy, r, &text);
	term_text(&t->term, t->out, buf_str(&text), t->term.columns > 60 ? t->term.columns - 17 : 44);
	buf_add_byte(t->out, '\n');
	if (r->why)
		buf_addf(t->out, "               %s\n", r->why);
	if (t->o->all) {
		buf_reset(&text);
		nft_text_body(t->policy, r, &text);
		buf_addf(t->out, "               nft: %s\n", buf_cstr(&text));
	}
	buf_free(&text);
}

static void
tell_routes(struct telling *t, struct conf_pos where)
{
	for (uint32_t i = 0; i < t->policy->nroutes; i++) {
		const struct policy_route *r = &t->policy->routes[i];
		static const struct addr none;
		char to[46], via[46];
		if (!same_place(r->where, where))
			continue;
		buf_addf(t->out, "    %-10s to %.*s/%u", _("route"), (int)addr_show(&r->to.net, to), to,
		    addr_is_v4(&r->to.net) ? r->to.bits - 96u : r->to.bits);
		if (memcmp(&r->via, &none, sizeof(none)) != 0)
			buf_addf(t->out, " via %.*s", (int)addr_show(&r->via, via), via);
		if (r->interface.n)
			buf_addf(t->out, " through %.*s", STR_FMT(r->interface));
		buf_add_byte(t->out, '\n');
	}
}

static void
tell_statement(struct telling *t, const struct conf_stmt *s)
{
	struct conf_pos where = s->words[0].pos;
	struct str file = diags_file_name(t->diags, where.file);

	t->statements++;
	term_ink(&t->term, t->out, INK_BOLD, "%.*s:%u ", STR_FMT(file), where.line);
	for (uint32_t i = 0; i < s->nwords; i++) {
		term_text(&t->term, t->out, s->words[i].text, 60);
		buf_add(t->out, s->words[i].comma ? STR(", ") : i + 1 < s->nwords ? STR(" ") : STR(""));
	}
	buf_add(t->out, s->block ? STR(" { ... }\n") : STR(";\n"));
	for (uint32_t i = 0; i < t->policy->nrules; i++)
		if (same_place(t->policy->rules[i].where, where))
			tell_rule(t, &t->policy->rules[i]);
	tell_routes(t, where);
}

/* What goes without saying for a zone of that name. */
static void
tell_built_in(struct telling *t)
{
	bool any = false;

	for (uint32_t i = 0; i < t->policy->nrules; i++) {
		const struct policy_rule *r = &t->policy->rules[i];
		if (r->where.line || !str_eq(r->name, t->name))
			continue;
		if (!any)
			term_ink(&t->term, t->out, INK_BOLD, "%s\n", _("built in"));
		any = true;
		tell_rule(t, r);
	}
}

static bool
tell(struct telling *t, const struct config *c)
{
	const struct policy_zone *z = NULL;

	for (uint32_t i = 0; i < t->policy->nzones; i++)
		if (str_eq(t->policy->zones[i].name, t->name))
			z = &t->policy->zones[i];
	if (z) {
		term_ink(&t->term, t->out, INK_BOLD, "%s %.*s%s:", _("zone"), STR_FMT(z->name),
		    z->outside ? _(" (strangers are there)") : "");
		for (uint32_t i = 0; i < z->interfaces.n; i++)
			buf_addf(t->out, " %.*s", STR_FMT(z->interfaces.v[i]));
		buf_add_byte(t->out, '\n');
	}
	for (const struct conf_stmt *s = c->tree; s; s = s->next)
		if (says(s, t->name))
			tell_statement(t, s);
	tell_built_in(t);
	return t->statements > 0 || z;
}

bool
explain_gate(const struct options *o, struct str name)
{
	struct loaded l = { .diags = diags_new() };
	struct buf out = BUF_INIT(16u << 20);
	struct policy *policy;
	const char *path = o->config ? o->config : CONFIG_DEFAULT;
	bool known = false;

	/* No configuration: then it is no name of one. Its faults are for `check` to tell. */
	if (l.diags && (o->config || access(path, R_OK) == 0) &&
	    config_file_load(&l.arena, l.diags, path, &l.config) == 0 && conf_has_gate(&l.config->gate) &&
	    policy_build(&l.arena, l.config, l.diags, &policy) == 0) {
		struct telling t = { .o = o, .name = name, .policy = policy, .diags = l.diags, .out = &out };
		term_init(&t.term, stdout, o->plain);
		known = tell(&t, l.config);
	}
	if (known)
		(void)out_write(stdout, buf_str(&out));
	buf_free(&out);
	loaded_free(&l);
	return known;
}
