/* due: see due.h. */
#include "watch/correlate/due.h"

#include <stdlib.h>

void
dues_free(struct dues *d)
{
	free(d->heap);
	*d = (struct dues){ 0 };
}

bool
dues_put(struct dues *d, const struct due *e)
{
	uint32_t at = d->n;

	if (d->n == d->size) {
		uint32_t size = d->size ? d->size * 2 : 64;
		struct due *heap = realloc(d->heap, size * sizeof(*heap));

		if (!heap)
			return false;
		d->heap = heap;
		d->size = size;
	}
	d->n++;
	while (at > 0 && d->heap[(at - 1) / 2].at_us > e->at_us) {
		d->heap[at] = d->heap[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	d->heap[at] = *e;
	return true;
}

bool
dues_pop(struct dues *d, int64_t until_us, struct due *ret)
{
	struct due last;
	uint32_t at = 0;

	if (d->n == 0 || d->heap[0].at_us >= until_us)
		return false;
	*ret = d->heap[0];
	last = d->heap[--d->n];
	for (;;) {
		uint32_t child = 2 * at + 1;

		if (child >= d->n)
			break;
		if (child + 1 < d->n && d->heap[child + 1].at_us < d->heap[child].at_us)
			child++;
		if (d->heap[child].at_us >= last.at_us)
			break;
		d->heap[at] = d->heap[child];
		at = child;
	}
	if (d->n > 0)
		d->heap[at] = last;
	return true;
}
