/*
 * fuzz: what the targets share: the entry point, a claim that stops the run, and cutting an input
 * in pieces.
 */
#ifndef GUARITA_FUZZ_H
#define GUARITA_FUZZ_H

#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

#define CLAIM(truth)                                                                               \
	do {                                                                                       \
		if (!(truth)) {                                                                    \
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #truth); \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

static inline struct str
fuzz_input(const uint8_t *data, size_t size)
{
	return str_of((const char *)data, size);
}

/* True when `inside` lies within `whole`. */
static inline bool
fuzz_within(struct str whole, struct str inside)
{
	uintptr_t from = (uintptr_t)whole.p, p = (uintptr_t)inside.p;

	if (inside.n == 0)
		return true;
	return p >= from && p - from <= whole.n && inside.n <= whole.n - (p - from);
}

#endif
