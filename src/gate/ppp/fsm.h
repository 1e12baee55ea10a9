/*
 * fsm: the automaton of RFC 1661 section 4, which LCP and every network control protocol run. Its table is the one of
 * the RFC, cell by cell; options are rows of the protocol that uses it. Time is handed in; what is sent goes through the
 * link.
 */
#ifndef GUARITA_GATE_PPP_FSM_H
#define GUARITA_GATE_PPP_FSM_H

#include "wire/ppp.h"

/* Section 4.2, numbered as there. */
enum ppp_state {
	PPP_INITIAL, PPP_STARTING, PPP_CLOSED, PPP_STOPPED, PPP_CLOSING, PPP_STOPPING, PPP_REQ_SENT, PPP_ACK_RCVD,
	PPP_ACK_SENT, PPP_OPENED,
	PPP_STATES,
};

/* Section 4.3. */
enum ppp_event {
	PPP_UP, PPP_DOWN, PPP_OPEN, PPP_CLOSE, PPP_TIMEOUT, PPP_GIVE_UP,   /* TO+ and TO- */
	PPP_RCR_GOOD, PPP_RCR_BAD, PPP_RCA, PPP_RCN, PPP_RTR, PPP_RTA, PPP_RUC, PPP_RXJ_GOOD, PPP_RXJ_BAD, PPP_RXR,
	PPP_EVENTS,
};

/* Section 4.4: what is to be done, as bits. They are done in this order. */
enum ppp_action {
	PPP_TLD = 1 << 0, PPP_IRC = 1 << 1, PPP_ZRC = 1 << 2, PPP_SCR = 1 << 3, PPP_SCA = 1 << 4, PPP_SCN = 1 << 5,
	PPP_STR = 1 << 6, PPP_STA = 1 << 7, PPP_SCJ = 1 << 8, PPP_SER = 1 << 9, PPP_TLU = 1 << 10, PPP_TLF = 1 << 11,
	PPP_TLS = 1 << 12,
};

struct ppp_cell {
	uint16_t actions;
	int8_t next;                   /* -1: cannot happen in this state */
};

const struct ppp_cell *ppp_cell(enum ppp_event event, enum ppp_state state);
const char *ppp_state_name(enum ppp_state s);
const char *ppp_event_name(enum ppp_event e);

struct ppp_link;

enum ppp_verdict { PPP_GOOD, PPP_SUGGEST, PPP_REFUSE };        /* acknowledged, naked with another value, rejected */

/* One option of a protocol. Its functions may be NULL: never asked for, always good, of no consequence. */
struct ppp_option_row {
	uint8_t type;
	uint8_t size;                  /* of the value; the least, for AUTH */
	bool wanted;                   /* of the peer: where it is missing from its request, it is suggested once */
	bool (*ask)(struct ppp_link *l, struct enc *e);        /* puts the option; false: not this time */
	enum ppp_verdict (*judge)(struct ppp_link *l, struct str value, struct enc *suggestion);
	void (*suggested)(struct ppp_link *l, struct str value);      /* the peer naked ours */
	void (*refused)(struct ppp_link *l);                   /* the peer rejected ours */
};

struct ppp_layer {
	uint16_t protocol;
	const char *name;
	const struct ppp_option_row *rows;
	size_t nrows;                  /* at most 16 */
	void (*reset)(struct ppp_link *l);     /* before a new negotiation: what the peer had said is forgotten */
	void (*up)(struct ppp_link *l);
	void (*down)(struct ppp_link *l);
	void (*finished)(struct ppp_link *l);
	/* Codes beyond those of the automaton; false: unknown to this protocol. */
	bool (*extra)(struct ppp_link *l, const struct ppp_packet *p);
};

struct ppp_fsm {
	const struct ppp_layer *layer;
	int64_t due_us;                /* of the restart timer; INT64_MAX: stopped */
	int64_t wait_us;               /* the next one is twice as long */
	uint8_t state;                 /* enum ppp_state */
	uint8_t id;                    /* of our last request */
	int8_t restarts;
	uint8_t failures;              /* Configure-Naks sent without an end */
	uint16_t refused;              /* rows that the peer rejected: bit per row */
	bool answered;                 /* our last request was: a repeated answer is no new one */
	bool hurried;                  /* our request was repeated early, because the peer was heard */
	bool suggested_wanted;         /* a missing option was already suggested */
};

void ppp_fsm_init(struct ppp_fsm *f, const struct ppp_layer *layer);
void ppp_fsm_event(struct ppp_fsm *f, struct ppp_link *l, enum ppp_event event);
/* A packet of the layer's protocol. */
void ppp_fsm_receive(struct ppp_fsm *f, struct ppp_link *l, struct str payload);
/* When its time has come. */
void ppp_fsm_tick(struct ppp_fsm *f, struct ppp_link *l);

/* RFC 1661 section 4.6, and how soon we ask again: a peer's pppd may not listen yet, so the first wait is short. */
#define PPP_MAX_TERMINATE 2
#define PPP_MAX_CONFIGURE 10
#define PPP_MAX_FAILURE 5
#define PPP_FIRST_WAIT_US 250000
#define PPP_LAST_WAIT_US 3000000
#define PPP_HURRY_US 20000             /* the peer was heard: an answer that is on its way has so long */

/* option.c */
void ppp_option_request(struct ppp_fsm *f, struct ppp_link *l, struct enc *e);
/* Judges a Configure-Request: the code to answer with; the options of the answer go to e. 0: unreadable. */
uint8_t ppp_option_judge(struct ppp_fsm *f, struct ppp_link *l, struct str options, struct enc *e);
void ppp_option_suggested(struct ppp_fsm *f, struct ppp_link *l, struct str options);
void ppp_option_refused(struct ppp_fsm *f, struct ppp_link *l, struct str options);

#endif
