/*
 * select: which sealed lines go on to a syslog host or into a file: by facility and severity, program, host, and by what a line
 * means, for which the rules' decoders read it. Must never open anything: the rules' texts were read while that was allowed.
 */
#include "role/ship/select.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "console/meaning.h"
#include "role/rules.h"
#include "role/ship/shipd.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/memory.h"

struct ship_rules {
	struct arena texts;
	struct rules_text *v;
	size_t n;
	struct ruleset *rules;
};

/* Of one relay, whose worker is a thread of its own: what decoding one line leaves behind. */
struct ship_kinds {
	struct decode_work *work;
	struct meaning *meaning;
	bool *wanted;                          /* by kind */
};

static bool
any_kinds(const struct config *c)
{
	for (uint32_t i = 0; i < c->nrelays; i++)
		if (c->relays[i].kinds.n)
			return true;
	return false;
}

int
ship_rules_read(struct role *r, struct ship_rules **ret)
{
	struct buf why = BUF_INIT(4096);
	struct ship_rules *s;
	int e = 0;

	*ret = NULL;
	if (!any_kinds(r->config))
		return 0;
	s = calloc(1, sizeof(*s));
	if (s) {
		s->texts.max = SIZE_MAX;
		e = rules_read(&s->texts, &r->config->rules_dirs, &s->v, &s->n, &why);
	}
	if (!s || e < 0)
		log_say(&r->log, LOG_LEVEL_ERROR, "cannot read the rules: %s", s ? buf_cstr(&why) : strerror(ENOMEM));
	buf_free(&why);
	*ret = s;
	return s ? e : -ENOMEM;
}

int
ship_rules_load(struct ship_rules *s, const char *vault)
{
	char path[PATH_MAX];

	if (!s)
		return 0;
	/* Where packd keeps it; it is only read. */
	int r = file_path(path, sizeof(path), vault, "seg/patterns.db");
	if (r == 0)
		r = rules_load(s->v, s->n, path, false, &s->rules);
	arena_free(&s->texts);
	memory_trim();
	return r;
}

void
ship_rules_free(struct ship_rules *s)
{
	if (!s)
		return;
	ruleset_free(s->rules);
	arena_free(&s->texts);
	free(s);
}

static unsigned
want(bool *wanted, const struct kinds *k, struct str pattern)
{
	unsigned n = 0;

	for (uint16_t i = 0; i < kinds_count(k); i++)
		if (kinds_covers(k, pattern, i)) {
			wanted[i] = true;
			n++;
		}
	return n;
}

int
ship_kinds_open(struct ship *s, const struct ship_rules *rules)
{
	const struct conf_strs *names = &s->relay->kinds;
	struct ship_kinds *k;

	if (!names->n)
		return 0;
	s->kinds = k = calloc(1, sizeof(*k));
	if (!k)
		return -ENOMEM;
	k->work = decode_work_new(rules->rules);
	k->meaning = k->work ? meaning_new(rules->rules, k->work, random_u64()) : NULL;
	k->wanted = calloc(kinds_count(rules->rules->kinds), sizeof(*k->wanted));
	if (!k->meaning || !k->wanted)
		return -ENOMEM;
	for (uint32_t i = 0; i < names->n; i++)
		if (want(k->wanted, rules->rules->kinds, names->v[i]) == 0) {
			log_say(&s->role->log, LOG_LEVEL_ERROR, "%s: no kind is called \"%.*s\"; guarita-rules(5) lists them", s->label,
			    STR_FMT(names->v[i]));
			return -EINVAL;
		}
	return 0;
}

bool
ship_kinds_want(struct ship *s, const struct vault_entry *e)
{
	return !s->kinds || s->kinds->wanted[meaning_kind(s->kinds->meaning, e)];
}

void
ship_kinds_close(struct ship *s)
{
	if (!s->kinds)
		return;
	meaning_free(s->kinds->meaning);
	decode_work_free(s->kinds->work);
	free(s->kinds->wanted);
	free(s->kinds);
	s->kinds = NULL;
}
