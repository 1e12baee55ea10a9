/* option: walks the options of a packet over the rows of a layer. Must never acknowledge an option without a row. */
#include "gate/ppp/fsm.h"

#include "gate/ppp/link.h"

static int
row_of(const struct ppp_layer *y, uint8_t type)
{
	for (size_t i = 0; i < y->nrows; i++)
		if (y->rows[i].type == type)
			return (int)i;
	return -1;
}

void
ppp_option_request(struct ppp_fsm *f, struct ppp_link *l, struct enc *e)
{
	for (size_t i = 0; i < f->layer->nrows; i++)
		if (f->layer->rows[i].ask && !(f->refused >> i & 1))
			(void)f->layer->rows[i].ask(l, e);
}

static enum ppp_verdict
judge_one(const struct ppp_layer *y, struct ppp_link *l, const struct ppp_option *o, struct enc *suggestion)
{
	int i = row_of(y, o->type);

	if (i < 0 || o->value.n < y->rows[i].size)
		return PPP_REFUSE;
	return y->rows[i].judge ? y->rows[i].judge(l, o->value, suggestion) : PPP_GOOD;
}

/* The options that the peer should have named and did not are suggested, once: a peer may know why it is silent. */
static void
suggest_missing(struct ppp_fsm *f, struct ppp_link *l, uint16_t seen, struct enc *suggestions)
{
	static const char nothing[PPP_VALUE_MAX];

	if (f->suggested_wanted)
		return;
	for (size_t i = 0; i < f->layer->nrows; i++) {
		const struct ppp_option_row *row = &f->layer->rows[i];
		if (!row->wanted || seen >> i & 1 || !row->judge)
			continue;
		f->suggested_wanted = true;
		(void)row->judge(l, str_of(nothing, row->size), suggestions);
	}
}

/*
 * Section 4.6, Max-Failure. An address or encryption that the peer must have is suggested longer: to reject it ends the
 * link, and on a lossy path five suggestions are soon lost.
 */
static bool
patient(const struct ppp_fsm *f, int row)
{
	return f->failures < PPP_MAX_FAILURE * (row >= 0 && f->layer->rows[row].wanted ? 5 : 1);
}

/* Section 5.3 and 5.4: what cannot be negotiated is rejected first; then values are suggested; at last all is good. */
uint8_t
ppp_option_judge(struct ppp_fsm *f, struct ppp_link *l, struct str options, struct enc *e)
{
	uint8_t refused[PPP_PACKET_MAX], suggested[PPP_PACKET_MAX];
	struct enc no = enc_of(refused, sizeof(refused)), other = enc_of(suggested, sizeof(suggested));
	struct cur c = cur_of(options);
	struct ppp_option o;
	uint16_t seen = 0;
	int r;

	while ((r = ppp_option_next(&c, &o)) > 0) {
		int row = row_of(f->layer, o.type);
		enum ppp_verdict v = judge_one(f->layer, l, &o, &other);
		if (row >= 0)
			seen |= (uint16_t)(1u << row);
		if (v == PPP_REFUSE || (v == PPP_SUGGEST && !patient(f, row)))
			enc_bytes(&no, o.whole);
	}
	if (r < 0)
		return 0;
	if (no.n == 0 && f->failures < PPP_MAX_FAILURE)
		suggest_missing(f, l, seen, &other);
	if (no.n > 0) {
		enc_bytes(e, str_of((char *)refused, no.n));
		return PPP_CONF_REJ;
	}
	if (other.n > 0) {
		f->failures++;
		enc_bytes(e, str_of((char *)suggested, other.n));
		return PPP_CONF_NAK;
	}
	enc_bytes(e, options);
	return PPP_CONF_ACK;
}

void
ppp_option_suggested(struct ppp_fsm *f, struct ppp_link *l, struct str options)
{
	struct cur c = cur_of(options);
	struct ppp_option o;

	while (ppp_option_next(&c, &o) > 0) {
		int i = row_of(f->layer, o.type);
		if (i >= 0 && f->layer->rows[i].suggested && o.value.n >= f->layer->rows[i].size)
			f->layer->rows[i].suggested(l, o.value);
	}
}

void
ppp_option_refused(struct ppp_fsm *f, struct ppp_link *l, struct str options)
{
	struct cur c = cur_of(options);
	struct ppp_option o;

	while (ppp_option_next(&c, &o) > 0) {
		int i = row_of(f->layer, o.type);
		if (i < 0)
			continue;
		f->refused |= (uint16_t)(1u << i);
		if (f->layer->rows[i].refused)
			f->layer->rows[i].refused(l);
	}
}
