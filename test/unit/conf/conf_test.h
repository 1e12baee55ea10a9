/*
 * conf_test: what the tests of src/conf share: a text, its arena and its diagnostics, and how they
 * are compared.
 */
#ifndef GUARITA_TEST_CONF_H
#define GUARITA_TEST_CONF_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "conf/tree.h"

struct fixture {
	struct arena arena;
	struct diags *d;
	struct buf out;
};

static inline void
fixture_open(struct fixture *f)
{
	*f = (struct fixture){ .d = diags_new(), .out = BUF_INIT((size_t)64 << 20) };
	assert_non_null(f->d);
}

static inline void
fixture_close(struct fixture *f)
{
	diags_free(f->d);
	arena_free(&f->arena);
	buf_free(&f->out);
}

/* "line:col-width message" of every diagnostic, in the order of the text, separated by " | ". */
static inline const char *
faults(struct fixture *f)
{
	buf_reset(&f->out);
	for (size_t i = 0; i < diags_count(f->d); i++) {
		const struct diag *g = diags_at(f->d, i);
		buf_addf(&f->out, "%s%u:%u-%u %s%.*s", i ? " | " : "", g->pos.line, g->pos.col,
		    g->span,
		    g->level == DIAG_WARNING ? "warning: " : "", STR_FMT(g->message));
	}
	return buf_cstr(&f->out);
}

/* Small and repeatable: hostile texts must be the same in every run. */
static inline uint32_t
dice(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return (uint32_t)(*state >> 32);
}

#endif
