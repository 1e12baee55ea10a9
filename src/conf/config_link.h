/*
 * config_link: what guarita.conf says of other sites: where we listen for them, who they are, what
 * they get. Durations are in microseconds, sizes in bytes.
 */
#ifndef GUARITA_CONF_CONFIG_LINK_H
#define GUARITA_CONF_CONFIG_LINK_H

#include "conf/diag.h"
#include "conf/value.h"

#define CONF_PEERS_MAX 256
#define CONF_LINK_PORT 6515
#define CONF_SITE_KEY_BYTES 32

struct conf_link {                     /* where other sites may dial us */
	struct conf_pos where;
	struct conf_endpoint listen;
};

enum conf_lines { CONF_LINES_AUTO, CONF_LINES_YES, CONF_LINES_NO };

struct conf_peer {                     /* another site of ours */
	struct conf_pos where;
	struct str name;
	struct str key;                /* its public key: 32 bytes in base64 */
	struct str at;                 /* HOST or HOST:PORT that we dial; empty: it dials us */
	enum conf_lines send_lines;    /* it gets a copy of everything that our vault seals */
	enum conf_lines take_lines;    /* its lines are sealed in our vault */
	bool witness;                  /* each cosigns the other's checkpoints */
	bool share_bans;               /* bans go there, and come from there */
};

struct conf_sites {
	struct str key;                /* file with our own secret key; empty: state-dir/site.key */
	struct conf_link *link;        /* NULL: nobody dials us */
	struct conf_peer *peers;
	uint32_t npeers;
};

struct config;
/* Do our lines go there, and do its lines come here? */
bool config_peer_sends(const struct config *c, const struct conf_peer *p);
bool config_peer_takes(const struct config *c, const struct conf_peer *p);
void config_check_link(const struct config *c, struct diags *d);

#endif
