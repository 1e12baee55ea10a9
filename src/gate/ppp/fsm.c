/* fsm: runs the table: events to actions, packets to events, the restart counter. Must never send what the table does not say. */
#include "gate/ppp/fsm.h"

#include <assert.h>

#include "gate/ppp/link.h"

#define STOPPED INT64_MAX

void
ppp_fsm_init(struct ppp_fsm *f, const struct ppp_layer *layer)
{
	*f = (struct ppp_fsm){ .layer = layer, .due_us = STOPPED };
}

/* States in which an answer is waited for: section 4.6. */
static bool
timed(const struct ppp_fsm *f)
{
	return f->state >= PPP_CLOSING && f->state <= PPP_ACK_SENT;
}

static void
arm(struct ppp_fsm *f, const struct ppp_link *l)
{
	f->restarts--;
	f->due_us = l->now_us + f->wait_us;
	f->wait_us = f->wait_us * 2 > PPP_LAST_WAIT_US ? PPP_LAST_WAIT_US : f->wait_us * 2;
}

static void
begin_count(struct ppp_fsm *f, bool terminate)
{
	f->restarts = terminate ? PPP_MAX_TERMINATE : PPP_MAX_CONFIGURE;
	f->wait_us = terminate ? 1000000 : PPP_FIRST_WAIT_US;
}

static void
send_request(struct ppp_fsm *f, struct ppp_link *l)
{
	uint8_t room[PPP_PACKET_MAX];
	struct enc e = enc_of(room, sizeof(room));

	ppp_packet_begin(&e, f->layer->protocol, PPP_CONF_REQ, ++f->id);
	ppp_option_request(f, l, &e);
	f->answered = false;
	ppp_link_send(l, &e);
	arm(f, l);
}

static void
send_plain(struct ppp_fsm *f, struct ppp_link *l, uint8_t code, uint8_t id)
{
	uint8_t room[PPP_HEAD + PPP_PACKET_HEAD];
	struct enc e = enc_of(room, sizeof(room));

	ppp_packet_begin(&e, f->layer->protocol, code, id);
	ppp_link_send(l, &e);
}

static void
terminate(struct ppp_fsm *f, struct ppp_link *l)
{
	send_plain(f, l, PPP_TERM_REQ, ++f->id);
	arm(f, l);
}

/* What an event is about: the packet that caused it, and the answer that was made up for it. */
struct cause {
	const struct ppp_packet *packet;
	struct enc *answer;
};

/* tls needs nothing here: the layer below is up before we are told to open. */
static void
act(struct ppp_fsm *f, struct ppp_link *l, unsigned actions, const struct cause *why)
{
	uint8_t id = why->packet ? why->packet->id : f->id;

	if (actions & PPP_TLD && f->layer->down)
		f->layer->down(l);
	if (actions & PPP_IRC)
		begin_count(f, actions & PPP_STR);
	if (actions & PPP_ZRC) {
		f->restarts = 0;
		f->due_us = l->now_us + PPP_LAST_WAIT_US;
	}
	if (actions & PPP_SCR)
		send_request(f, l);
	if (actions & (PPP_SCA | PPP_SCN) && why->answer)
		ppp_link_send(l, why->answer);
	if (actions & PPP_STR)
		terminate(f, l);
	if (actions & PPP_STA)
		send_plain(f, l, PPP_TERM_ACK, id);
	if (actions & PPP_SCJ && why->answer)
		ppp_link_send(l, why->answer);
	if (actions & PPP_SER && f->layer->extra)
		(void)f->layer->extra(l, why->packet);
	if (actions & PPP_TLU && f->layer->up)
		f->layer->up(l);
	if (actions & PPP_TLF && f->layer->finished)
		f->layer->finished(l);
}

static void
happen(struct ppp_fsm *f, struct ppp_link *l, enum ppp_event event, const struct cause *why)
{
	const struct ppp_cell *cell = ppp_cell(event, f->state);

	if (cell->next < 0)
		return;
	/*
	 * A new negotiation begins: what was agreed before is void. tld comes first, while it still stands; the
	 * request that follows already asks anew.
	 */
	f->state = (uint8_t)cell->next;
	if (!timed(f))
		f->due_us = STOPPED;
	if (f->state == PPP_OPENED)
		f->failures = 0;
	if (cell->actions & PPP_IRC && event != PPP_RCA && event != PPP_RCN) {
		f->refused = 0;
		f->suggested_wanted = f->hurried = false;
	}
	act(f, l, cell->actions, why);
}

void
ppp_fsm_event(struct ppp_fsm *f, struct ppp_link *l, enum ppp_event event)
{
	struct cause why = { .packet = NULL };

	if ((event == PPP_UP || event == PPP_OPEN) && f->layer->reset && f->state <= PPP_STOPPED)
		f->layer->reset(l);
	happen(f, l, event, &why);
}

/*
 * Who asks is there now. Our own request may have gone out before anybody listened, as with a pppd that is started for the
 * call: it does not wait its seconds. Once in a negotiation, so that a peer cannot use up our tries.
 */
static void
hurry(struct ppp_fsm *f, const struct ppp_link *l)
{
	if (f->hurried || f->answered || f->state < PPP_REQ_SENT || !timed(f) || f->due_us <= l->now_us + PPP_FIRST_WAIT_US)
		return;
	f->hurried = true;
	f->due_us = l->now_us + PPP_HURRY_US;
}

static void
on_request(struct ppp_fsm *f, struct ppp_link *l, const struct ppp_packet *p)
{
	uint8_t room[PPP_PACKET_MAX];
	struct enc e = enc_of(room, sizeof(room));

	if (p->data.n + PPP_HEAD + PPP_PACKET_HEAD > sizeof(room))
		return;
	/* Opened and asked again: RFC 1661 section 3.4, and RouterOS and iOS do it. */
	if (f->state == PPP_OPENED && f->layer->reset)
		f->layer->reset(l);
	ppp_packet_begin(&e, f->layer->protocol, 0, p->id);
	uint8_t code = ppp_option_judge(f, l, p->data, &e);
	if (code == 0)
		return;
	room[PPP_HEAD] = code;
	struct cause why = { .packet = p, .answer = &e };
	happen(f, l, code == PPP_CONF_ACK ? PPP_RCR_GOOD : PPP_RCR_BAD, &why);
	hurry(f, l);
}

/*
 * An answer to another request than the last is not looked at: section 5.2. Nor is a second one to the same, which a path
 * that repeats packets brings: in Opened it would begin everything anew.
 */
static void
on_answer(struct ppp_fsm *f, struct ppp_link *l, const struct ppp_packet *p)
{
	struct cause why = { .packet = p };

	if (p->id != f->id || f->answered)
		return;
	f->answered = true;
	if (p->code == PPP_CONF_NAK)
		ppp_option_suggested(f, l, p->data);
	else if (p->code == PPP_CONF_REJ)
		ppp_option_refused(f, l, p->data);
	/* A naked request may have closed the link: then there is nothing to ask any more. */
	if (f->state == PPP_CLOSING || f->state == PPP_STOPPING)
		return;
	happen(f, l, p->code == PPP_CONF_ACK ? PPP_RCA : PPP_RCN, &why);
}

/* A code that cannot be done without was rejected: section 5.6. */
static void
on_code_rejected(struct ppp_fsm *f, struct ppp_link *l, const struct ppp_packet *p)
{
	struct cause why = { .packet = p };
	bool grave = p->data.n > 0 && (uint8_t)p->data.p[0] >= PPP_CONF_REQ && (uint8_t)p->data.p[0] <= PPP_CODE_REJ;

	happen(f, l, grave ? PPP_RXJ_BAD : PPP_RXJ_GOOD, &why);
}

static void
on_unknown(struct ppp_fsm *f, struct ppp_link *l, const struct ppp_packet *p, struct str payload)
{
	uint8_t room[PPP_PACKET_MAX];
	struct enc e = enc_of(room, sizeof(room));
	struct cause why = { .packet = p, .answer = &e };

	ppp_packet_begin(&e, f->layer->protocol, PPP_CODE_REJ, ++f->id);
	enc_bytes(&e, str_head(payload, 256));
	happen(f, l, PPP_RUC, &why);
}

void
ppp_fsm_receive(struct ppp_fsm *f, struct ppp_link *l, struct str payload)
{
	struct ppp_packet p;

	if (ppp_packet_read(payload, &p) < 0)
		return;
	struct cause why = { .packet = &p };
	switch (p.code) {
	case PPP_CONF_REQ:
		on_request(f, l, &p);
		break;
	case PPP_CONF_ACK: case PPP_CONF_NAK: case PPP_CONF_REJ:
		on_answer(f, l, &p);
		break;
	case PPP_TERM_REQ:
		happen(f, l, PPP_RTR, &why);
		break;
	case PPP_TERM_ACK:
		happen(f, l, PPP_RTA, &why);
		break;
	case PPP_CODE_REJ:
		on_code_rejected(f, l, &p);
		break;
	case PPP_ECHO_REQ: case PPP_ECHO_REP: case PPP_DISCARD:
		if (f->layer->protocol == PPP_LCP) {
			happen(f, l, PPP_RXR, &why);
			break;
		}
		on_unknown(f, l, &p, payload);
		break;
	default:
		if (!f->layer->extra || !f->layer->extra(l, &p))
			on_unknown(f, l, &p, payload);
	}
}

void
ppp_fsm_tick(struct ppp_fsm *f, struct ppp_link *l)
{
	struct cause why = { .packet = NULL };

	if (f->due_us > l->now_us)
		return;
	f->due_us = STOPPED;
	happen(f, l, f->restarts > 0 ? PPP_TIMEOUT : PPP_GIVE_UP, &why);
}
