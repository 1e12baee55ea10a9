/* A chain tells how many bytes a text shares with it, wherever they part, and never looks beyond either. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "watch/pattern/chain.h"

#define CHAINS 200

/* Chain k: as many bytes as its number asks for, to states that tell chain and place. */
static void
draft(struct chain_draft *d, uint32_t k)
{
	d->n = 1 + k * 7 % CHAIN_MAX;
	for (uint32_t i = 0; i < d->n; i++) {
		d->bytes[i] = (char)('a' + (k + i * i) % 26);
		d->states[i] = (uint16_t)(k * 131 + i);
	}
}

/* The text is a copy of its own, as long as it is, so that a checker sees every look beyond its end. */
static void
follow(const struct chains *c, uint32_t place, const struct chain_draft *d, size_t same, size_t n)
{
	char *text = malloc(n + (n == 0));
	uint16_t state = 9;

	assert_non_null(text);
	for (size_t i = 0; i < n; i++)
		text[i] = i < same ? d->bytes[i] : '!';
	assert_int_equal(chain_follow(c, place, str_of(text, n), &state), same);
	assert_int_equal(state, same ? d->states[same - 1] : 9);
	free(text);
}

static void
parts_where_the_text_does(void **unused)
{
	struct chains c = { 0 };
	uint32_t places[CHAINS];
	struct chain_draft d;

	for (uint32_t k = 0; k < CHAINS; k++) {
		draft(&d, k);
		places[k] = chain_keep(&c, &d);
		assert_int_not_equal(places[k], 0);
	}
	for (uint32_t k = 0; k < CHAINS; k++) {
		draft(&d, k);
		for (size_t same = 0; same <= d.n; same++) {
			follow(&c, places[k], &d, same, same);
			follow(&c, places[k], &d, same, same + 11);
		}
	}
	chains_free(&c);
}

static void
begins_anew_when_emptied(void **unused)
{
	struct chains c = { 0 };
	struct chain_draft d;
	uint32_t first;

	draft(&d, 3);
	first = chain_keep(&c, &d);
	chains_empty(&c);
	draft(&d, 8);
	assert_int_equal(chain_keep(&c, &d), first);
	follow(&c, first, &d, d.n, d.n);
	chains_free(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_where_the_text_does),
		cmocka_unit_test(begins_anew_when_emptied),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
