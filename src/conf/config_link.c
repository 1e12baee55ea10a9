/* config_link: the rows about other sites, and the faults that no row can see. */
#include "base/base64.h"
#include "conf/config_in.h"

static const char *const lines_names[] = { "auto", "yes", "no", NULL };

static const struct schema_row link_rows[] = {
	WHERE_ROW(struct conf_link, where),
	ENDPOINT_ROW(struct conf_link, listen, .required = true, .inet = true, .reload = SCHEMA_RESTART,
	    .help = "address and port at which other sites dial us",
	    .text = "Only sites named by a `peer` statement get in, by their keys. 6515 is what others try "
	        "when they are told no port.",
	    .example = "link :6515;"),
};
const struct schema link_schema = SCHEMA_OF("link", struct conf_link, link_rows);

static const struct schema_row peer_rows[] = {
	WHERE_ROW(struct conf_peer, where),
	WORD_ROW(struct conf_peer, name, .required = true, .max = 64, .reload = SCHEMA_RESTART,
	    .help = "our name for the other site",
	    .example = "peer filial30 \"7J0DhN2CbCWBkRdgGvTJtvHAv3oDtu3c5BUlbZ1QmTo=\";"),
	STRING_ROW(struct conf_peer, key, .required = true, .max = 44, .arg = "KEY", .reload = SCHEMA_RESTART,
	    .help = "its public key, as `guarita site key` shows it there",
	    .text = "It is all that counts: whoever holds the secret half is that site, from whatever "
	        "address it comes.",
	    .example = "peer matriz \"7J0DhN2CbCWBkRdgGvTJtvHAv3oDtu3c5BUlbZ1QmTo=\" { at vpn.example.com; }"),
	STRING_ROW(struct conf_peer, at, .keyword = "at", .max = 255, .arg = "HOST[:PORT]",
	    .reload = SCHEMA_RESTART,
	    .derived = "it dials us",
	    .help = "where it is dialled, for ever again while it is not reached",
	    .example = "at 10.9.0.1;"),
	ENUM_ROW(struct conf_peer, send_lines, .keyword = "send-lines", .names = lines_names, .def = "auto",
	    .reload = SCHEMA_RESTART,
	    .help = "it gets a copy of each line we seal; auto: where we have a headquarters, and it is no branch",
	    .text = "What it has not acknowledged waits in our vault's log, up to ship-backlog, and is sent again: nothing is "
	        "lost or doubled, whatever breaks. Lines that came from another site are not sent on.",
	    .example = "send-lines yes;"),
	ENUM_ROW(struct conf_peer, take_lines, .keyword = "take-lines", .names = lines_names, .def = "auto",
	    .reload = SCHEMA_RESTART,
	    .help = "its lines are sealed in our vault, and watched; auto: where a branch of ours has its name",
	    .text = "They are found under its name: source:\"site filial30\".",
	    .example = "take-lines yes;"),
	BOOL_ROW(struct conf_peer, witness, .keyword = "witness", .def = "yes", .reload = SCHEMA_RESTART,
	    .help = "each of us signs what the other's vault holds, every ten seconds",
	    .text = "A vault that was set back or written anew contradicts what its witness has seen: that is an incident at "
	        "the witness.",
	    .example = "witness no;"),
	BOOL_ROW(struct conf_peer, share_bans, .keyword = "share-bans", .def = "yes", .reload = SCHEMA_RESTART,
	    .help = "whom one of us keeps out, the other keeps out too",
	    .text = "The receiving site decides: its own networks and never-ban come first. A ban that it "
	        "heard from one peer it passes on to the others.",
	    .example = "share-bans no;"),
};
const struct schema peer_schema = SCHEMA_OF("peer", struct conf_peer, peer_rows);

static const struct conf_word *
word_of(const struct config *c, struct conf_pos where, unsigned i)
{
	static const struct conf_word none = { .span = 1, .pos = { .line = 1, .col = 1 } };
	const struct conf_stmt *s = config_stmt_at(c->tree, where);

	return s && s->nwords > i ? &s->words[i] : &none;
}

/* Of `peer NAME "KEY"`; or of `key` inside the branch or the headquarters that implies the peer. */
static const struct conf_word *
key_of(const struct config *c, const struct conf_peer *p)
{
	const struct conf_stmt *s = config_stmt_at(c->tree, p->where);
	const struct conf_stmt *key = s ? config_stmt(s->child, "key") : NULL;

	return key && key->nwords > 1 ? &key->words[1] : word_of(c, p->where, 2);
}

static bool
is_branch(const struct config *c, struct str name)
{
	for (uint32_t i = 0; i < c->gate.nbranches - c->gate.nimplied; i++)
		if (str_eq(c->gate.branches[i].name, name))
			return true;
	return false;
}

bool
config_peer_sends(const struct config *c, const struct conf_peer *p)
{
	bool implied = c->vpn.nheadquarters > 0 && !is_branch(c, p->name);

	return c->vault && (p->send_lines == CONF_LINES_YES || (p->send_lines == CONF_LINES_AUTO && implied));
}

bool
config_peer_takes(const struct config *c, const struct conf_peer *p)
{
	return c->vault && (p->take_lines == CONF_LINES_YES || (p->take_lines == CONF_LINES_AUTO && is_branch(c, p->name)));
}

static void
check_peer(const struct config *c, uint32_t i, struct diags *d)
{
	const struct conf_peer *p = &c->sites.peers[i];
	const struct conf_word *name = word_of(c, p->where, 1), *key = key_of(c, p);
	uint8_t bytes[CONF_SITE_KEY_BYTES];

	if (p->key.n && base64_read_exact(p->key, bytes, sizeof(bytes)) < 0)
		diag_error(d, key->pos, key->span, "take the line that `guarita site key` shows at that site",
		    "this is not a site's public key");
	for (uint32_t k = 0; k < i; k++) {
		const struct conf_peer *o = &c->sites.peers[k];
		if (p->name.n && str_eq(p->name, o->name))
			diag_error(d, name->pos, name->span, NULL, "the peer in line %u has the same name", o->where.line);
		if (p->key.n && str_eq(p->key, o->key))
			diag_error(d, key->pos, key->span, NULL, "the peer in line %u has the same key", o->where.line);
	}
	if ((p->send_lines == CONF_LINES_YES || p->take_lines == CONF_LINES_YES) && !c->vault)
		diag_error(d, name->pos, name->span, "add `vault \"/var/lib/guarita/vault\";`",
		    "lines travel from vault to vault, and there is none here");
	if (!p->at.n && !c->sites.link)
		diag_warn(d, name->pos, name->span, "say `at HOST;`, or `link :6515;` so that it can dial us",
		    "nobody will ever reach %.*s", STR_FMT(str_head(p->name, 64)));
}

void
config_check_link(const struct config *c, struct diags *d)
{
	for (uint32_t i = 0; i < c->sites.npeers; i++)
		check_peer(c, i, d);
}
