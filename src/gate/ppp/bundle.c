/* bundle: a ring of pieces by their numbers. Must never make a packet of pieces that are not next to each other. */
#include "gate/ppp/bundle.h"

static uint32_t
behind(const struct ppp_bundle *b, uint32_t number)
{
	return (b->newest - number) & PPP_FRAGMENT_NUMBERS;
}

/* The piece of that number, while it is one of the newest. */
static struct ppp_piece *
piece_of(struct ppp_bundle *b, uint32_t number)
{
	struct ppp_piece *p = &b->pieces[number % BUNDLE_PIECES];

	number &= PPP_FRAGMENT_NUMBERS;
	return p->held && p->number == number && behind(b, number) < BUNDLE_PIECES ? p : NULL;
}

/* Half of the numbers are before the newest, half after it: section 4.1. */
static bool
is_newer(const struct ppp_bundle *b, uint32_t number)
{
	return !b->any || behind(b, number) > PPP_FRAGMENT_NUMBERS / 2;
}

static bool
keep(struct ppp_bundle *b, const struct ppp_fragment *f)
{
	struct ppp_piece *p = &b->pieces[f->number % BUNDLE_PIECES];

	if (is_newer(b, f->number)) {
		b->newest = f->number;
		b->any = true;
	}
	if (behind(b, f->number) >= BUNDLE_PIECES || piece_of(b, f->number)) {
		b->late++;
		return false;
	}
	b->lost += p->held;
	p->held = f->data.n <= sizeof(p->bytes);
	if (!p->held) {
		b->lost++;
		return false;
	}
	p->first = f->first;
	p->last = f->last;
	p->number = f->number;
	p->n = (uint16_t)f->data.n;
	if (f->data.n > 0)
		memcpy(p->bytes, f->data.p, f->data.n);
	return true;
}

/* The first piece of the packet that `number` belongs to; false: it is not there. */
static bool
find_first(struct ppp_bundle *b, uint32_t number, uint32_t *ret)
{
	for (unsigned i = 0; i < BUNDLE_PIECES; i++, number--) {
		const struct ppp_piece *p = piece_of(b, number);
		if (p == NULL)
			return false;
		if (p->first) {
			*ret = number;
			return true;
		}
	}
	return false;
}

/* How many pieces the packet that begins there has, and bytes; 0: it is not whole. A second beginning ends the search. */
static unsigned
measure(struct ppp_bundle *b, uint32_t first, size_t *ret_n)
{
	size_t n = 0;

	for (unsigned i = 0; i < BUNDLE_PIECES; i++) {
		const struct ppp_piece *p = piece_of(b, first + i);
		if (p == NULL || (i > 0 && p->first))
			return 0;
		n += p->n;
		if (p->last) {
			*ret_n = n;
			return i + 1;
		}
	}
	return 0;
}

int
ppp_bundle_take(struct ppp_bundle *b, const struct ppp_fragment *f, size_t most, struct str *ret_packet)
{
	uint32_t first;
	size_t n, at = 0;

	if (!keep(b, f) || !find_first(b, f->number, &first))
		return 0;
	unsigned pieces = measure(b, first, &n);
	if (pieces == 0)
		return 0;
	bool fits = n <= most && n <= sizeof(b->packet);
	for (unsigned i = 0; i < pieces; i++) {
		struct ppp_piece *p = piece_of(b, first + i);
		if (fits)
			memcpy(b->packet + at, p->bytes, p->n);
		at += p->n;
		p->held = false;
	}
	b->whole += fits;
	b->lost += fits ? 0 : pieces;
	if (fits)
		*ret_packet = str_of((const char *)b->packet, n);
	return fits;
}
