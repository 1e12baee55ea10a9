/* table: the state transition table of RFC 1661 section 4.1, to be laid beside it. */
#include "gate/ppp/fsm.h"

#define TLU PPP_TLU |
#define TLD PPP_TLD |
#define TLS PPP_TLS |
#define TLF PPP_TLF |
#define IRC PPP_IRC |
#define ZRC PPP_ZRC |
#define SCR PPP_SCR |
#define SCA PPP_SCA |
#define SCN PPP_SCN |
#define STR_ PPP_STR |
#define STA PPP_STA |
#define SCJ PPP_SCJ |
#define SER PPP_SER |
#define _ { 0, -1 }
#define TO(actions, next) { actions 0, next }

/* The marks r, x and p of the RFC (restart, crossed connection, passive) are options we do not take, and errors it lives with. */
static const struct ppp_cell table[PPP_EVENTS][PPP_STATES] = {
	/*              0 Initial    1 Starting       2 Closed         3 Stopped             4 Closing     5 Stopping */
	[PPP_UP]       = { TO(, 2),  TO(IRC SCR, 6),  _,               _,                    _,            _,
	/*              6 Req-Sent          7 Ack-Rcvd          8 Ack-Sent         9 Opened */
	                   _,                _,                  _,                 _ },
	[PPP_DOWN]     = { _,        _,               TO(, 0),         TO(TLS, 1),           TO(, 0),      TO(, 1),
	                   TO(, 1),          TO(, 1),            TO(, 1),           TO(TLD, 1) },
	[PPP_OPEN]     = { TO(TLS, 1), TO(, 1),       TO(IRC SCR, 6),  TO(, 3),              TO(, 5),      TO(, 5),
	                   TO(, 6),          TO(, 7),            TO(, 8),           TO(, 9) },
	[PPP_CLOSE]    = { TO(, 0),  TO(TLF, 0),      TO(, 2),         TO(, 2),              TO(, 4),      TO(, 4),
	                   TO(IRC STR_, 4),  TO(IRC STR_, 4),    TO(IRC STR_, 4),   TO(TLD IRC STR_, 4) },
	[PPP_TIMEOUT]  = { _,        _,               _,               _,                    TO(STR_, 4),  TO(STR_, 5),
	                   TO(SCR, 6),       TO(SCR, 6),         TO(SCR, 8),        _ },
	[PPP_GIVE_UP]  = { _,        _,               _,               _,                    TO(TLF, 2),   TO(TLF, 3),
	                   TO(TLF, 3),       TO(TLF, 3),         TO(TLF, 3),        _ },
	[PPP_RCR_GOOD] = { _,        _,               TO(STA, 2),      TO(IRC SCR SCA, 8),   TO(, 4),      TO(, 5),
	                   TO(SCA, 8),       TO(SCA TLU, 9),     TO(SCA, 8),        TO(TLD SCR SCA, 8) },
	[PPP_RCR_BAD]  = { _,        _,               TO(STA, 2),      TO(IRC SCR SCN, 6),   TO(, 4),      TO(, 5),
	                   TO(SCN, 6),       TO(SCN, 7),         TO(SCN, 6),        TO(TLD SCR SCN, 6) },
	[PPP_RCA]      = { _,        _,               TO(STA, 2),      TO(STA, 3),           TO(, 4),      TO(, 5),
	                   TO(IRC, 7),       TO(SCR, 6),         TO(IRC TLU, 9),    TO(TLD SCR, 6) },
	[PPP_RCN]      = { _,        _,               TO(STA, 2),      TO(STA, 3),           TO(, 4),      TO(, 5),
	                   TO(IRC SCR, 6),   TO(SCR, 6),         TO(IRC SCR, 8),    TO(TLD SCR, 6) },
	[PPP_RTR]      = { _,        _,               TO(STA, 2),      TO(STA, 3),           TO(STA, 4),   TO(STA, 5),
	                   TO(STA, 6),       TO(STA, 6),         TO(STA, 6),        TO(TLD ZRC STA, 5) },
	[PPP_RTA]      = { _,        _,               TO(, 2),         TO(, 3),              TO(TLF, 2),   TO(TLF, 3),
	                   TO(, 6),          TO(, 6),            TO(, 8),           TO(TLD SCR, 6) },
	[PPP_RUC]      = { _,        _,               TO(SCJ, 2),      TO(SCJ, 3),           TO(SCJ, 4),   TO(SCJ, 5),
	                   TO(SCJ, 6),       TO(SCJ, 7),         TO(SCJ, 8),        TO(SCJ, 9) },
	[PPP_RXJ_GOOD] = { _,        _,               TO(, 2),         TO(, 3),              TO(, 4),      TO(, 5),
	                   TO(, 6),          TO(, 6),            TO(, 8),           TO(, 9) },
	[PPP_RXJ_BAD]  = { _,        _,               TO(TLF, 2),      TO(TLF, 3),           TO(TLF, 2),   TO(TLF, 3),
	                   TO(TLF, 3),       TO(TLF, 3),         TO(TLF, 3),        TO(TLD IRC STR_, 5) },
	[PPP_RXR]      = { _,        _,               TO(, 2),         TO(, 3),              TO(, 4),      TO(, 5),
	                   TO(, 6),          TO(, 7),            TO(, 8),           TO(SER, 9) },
};

const struct ppp_cell *
ppp_cell(enum ppp_event event, enum ppp_state state)
{
	return &table[event][state];
}

const char *
ppp_state_name(enum ppp_state s)
{
	static const char *const names[PPP_STATES] = {
		"Initial", "Starting", "Closed", "Stopped", "Closing", "Stopping", "Req-Sent", "Ack-Rcvd", "Ack-Sent", "Opened",
	};

	return names[s];
}

const char *
ppp_event_name(enum ppp_event e)
{
	static const char *const names[PPP_EVENTS] = {
		"Up", "Down", "Open", "Close", "TO+", "TO-", "RCR+", "RCR-", "RCA", "RCN", "RTR", "RTA", "RUC", "RXJ+",
		"RXJ-", "RXR",
	};

	return names[e];
}
