/*
 * config_relay: what guarita.conf says of lines that go on: to plain syslog hosts, and into files as syslogd kept them.
 */
#ifndef GUARITA_CONF_CONFIG_RELAY_H
#define GUARITA_CONF_CONFIG_RELAY_H

#include "conf/diag.h"
#include "conf/value.h"

#define CONF_RELAYS_MAX 64
#define CONF_RELAY_NAME 32           /* with its NUL */

enum conf_relay_way { CONF_RELAY_UDP, CONF_RELAY_TCP, CONF_RELAY_TLS, CONF_RELAY_FILE };
enum conf_relay_format { CONF_FORMAT_RFC5424, CONF_FORMAT_RFC3164 };
enum conf_relay_framing { CONF_RELAY_BY_LINE, CONF_RELAY_BY_OCTETS };

struct conf_relay {
	struct conf_pos where;
	enum conf_relay_way way;
	struct str to;                 /* HOST or HOST:PORT; of a file its path */
	struct conf_strs select;       /* as in syslog.conf; none: every line */
	struct conf_strs programs, hosts;      /* none: any; with * at the end, all that begin so */
	struct conf_strs kinds;        /* what lines mean, as rules name it; none: anything */
	enum conf_relay_format format;
	enum conf_relay_framing framing;
	struct str certificate, key, authority;        /* PEM files, of TLS */
	bool sync;                     /* a file: on the disk before the next batch */
	int64_t mode;
};

struct config;
void config_check_relay(const struct config *c, struct diags *d);
/* Of the file in the vault that says how far it is: another target, or other lines, is another name. */
void config_relay_name(const struct conf_relay *f, char dst[CONF_RELAY_NAME]);

#endif
