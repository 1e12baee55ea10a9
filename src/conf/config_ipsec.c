/* config_ipsec: the rows of IPsec around the tunnels, and the faults that no row can see. */
#include "conf/config_in.h"

static const char *const mode_names[] = { "prefer", "require", NULL };
static const char *const ike_names[] = { "any", "v1", "v2", NULL };

static const struct schema_row ipsec_rows[] = {
	WHERE_ROW(struct conf_ipsec, where),
	ENUM_ROW(struct conf_ipsec, mode, .required = true, .names = mode_names, .arg = "MODE", .reload = SCHEMA_RESTART,
	    .help = "prefer it, or require it: then no tunnel is answered or dialled in plain text",
	    .text = "With require the kernel itself passes nothing to or from the VPN's port that is not protected; where it "
	        "has no ESP, the VPN does not come up at all.",
	    .example = "ipsec require { secret \"long and strange\"; }"),
	STRING_ROW(struct conf_ipsec, secret, .keyword = "secret", .max = 255, .secret = true, .reload = SCHEMA_RESTART,
	    .help = "the key that all who dial share",
	    .example = "secret \"long and strange\";"),
	PATH_ROW(struct conf_ipsec, certificate, .keyword = "certificate", .reload = SCHEMA_RESTART,
	    .help = "this site's certificate, instead of a shared key; strongSwan reads it",
	    .example = "certificate \"/etc/guarita/site.pem\";"),
	PATH_ROW(struct conf_ipsec, key, .keyword = "key", .reload = SCHEMA_RESTART,
	    .help = "its private key",
	    .example = "key \"/etc/guarita/site.key\";"),
	PATH_ROW(struct conf_ipsec, authority, .keyword = "authority", .reload = SCHEMA_RESTART,
	    .help = "who must have signed the other side's certificate",
	    .example = "authority \"/etc/guarita/authority.pem\";"),
	ENUM_ROW(struct conf_ipsec, ike, .keyword = "ike", .names = ike_names, .def = "any", .reload = SCHEMA_RESTART,
	    .help = "the key exchange: v1 for Windows, RouterOS and others of old; we dial with v2 unless v1 is said",
	    .example = "ike v1;"),
	PATH_ROW(struct conf_ipsec, daemon, .keyword = "daemon", .def = "/run/charon.vici", .reload = SCHEMA_RESTART,
	    .help = "strongSwan's control socket",
	    .example = "daemon \"/run/charon.vici\";"),
};
const struct schema ipsec_schema = SCHEMA_OF("ipsec", struct conf_ipsec, ipsec_rows);

void
config_check_ipsec(const struct config *c, struct diags *d)
{
	const struct conf_ipsec *i = c->vpn.ipsec;

	if (!i)
		return;
	const struct conf_stmt *s = config_stmt_at(c->tree, i->where);
	const struct conf_word *w = s ? &s->words[0] : NULL;
	struct conf_pos at = w ? w->pos : i->where;
	unsigned span = w ? w->span : 1;
	bool pair = i->certificate.n > 0 || i->key.n > 0 || i->authority.n > 0;

	if (i->secret.n == 0 && !pair)
		diag_error(d, at, span, "example: secret \"long and strange\";", "by what is the other side known?");
	else if (pair && (i->certificate.n == 0 || i->key.n == 0 || i->authority.n == 0))
		diag_error(d, at, span, "say certificate, key and authority", "certificates need all three files");
	else if (pair && i->secret.n > 0)
		diag_error(d, at, span, "leave one of them out", "a shared key and certificates exclude each other");
	if (!c->vpn.server && c->vpn.nheadquarters == 0)
		diag_warn(d, at, span, "say `l2tp server` or `headquarters`", "there is no tunnel for IPsec to protect");
}
