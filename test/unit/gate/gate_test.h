/* gate_test: a policy from a text, for the tests of the gate. */
#ifndef GUARITA_TEST_GATE_TEST_H
#define GUARITA_TEST_GATE_TEST_H

#include "../base/cmocka_std.h"
#include "gate/nft/text.h"
#include "gate/policy/policy.h"

struct gate {
	struct arena arena;
	struct diags *d;
	struct config *config;
	struct policy *policy;         /* NULL when it was refused */
	struct buf out;
};

static inline void
gate_open(struct gate *g, const char *text)
{
	*g = (struct gate){ .d = diags_new(), .out = BUF_INIT(64 << 20) };
	assert_non_null(g->d);
	if (config_load(&g->arena, g->d, STR("t.conf"), str_z(text), NULL, &g->config) < 0)
		return;
	int r = policy_build(&g->arena, g->config, g->d, &g->policy);
	assert_int_equal(r == 0, diags_errors(g->d) == 0);
}

static inline void
gate_close(struct gate *g)
{
	buf_free(&g->out);
	diags_free(g->d);
	arena_free(&g->arena);
}

static inline const char *
gate_faults(struct gate *g)
{
	buf_reset(&g->out);
	diags_show(g->d, &g->out);
	return buf_cstr(&g->out);
}

/* The written rules of a hook in words, a line each: "allow: in lan, tcp 22: allow". */
static inline const char *
gate_rules(struct gate *g, enum policy_hook hook, const char *word)
{
	buf_reset(&g->out);
	if (!g->policy)
		fail_msg("refused: %s", gate_faults(g));
	for (uint32_t i = g->policy->first[hook]; i < g->policy->first[hook + 1]; i++) {
		const struct policy_rule *r = &g->policy->rules[i];
		if (word && strcmp(r->word, word) != 0)
			continue;
		policy_say(g->policy, r, &g->out);
		buf_add_byte(&g->out, '\n');
	}
	return buf_cstr(&g->out);
}

#endif
