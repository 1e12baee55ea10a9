/*
 * write: the configuration that was made of an export, and behind it the lists of what was not. Must never show
 * a password.
 */
#include "gate/routeros/in.h"

#define LINE_MAX_SHOWN 400

static void
write_interface(const struct ros_interface *f, struct buf *out)
{
	if (f->branch) {
		buf_add(out, STR("branch "));
		ros_name(f->peer, out);
		buf_addf(out, " %.*s { ", STR_FMT(buf_str(&f->networks)));
		if (f->tunnel.n > 0)
			buf_addf(out, "tunnel %.*s; ", STR_FMT(buf_str(&f->tunnel)));
		buf_addf(out, "interface %s; }\n", f->name);
		return;
	}
	buf_addf(out, "interface %s {", f->name);
	if (f->wan)
		buf_add(out, STR(" zone internet;"));
	if (f->addresses.n > 0)
		buf_addf(out, " address %.*s;", STR_FMT(buf_str(&f->addresses)));
	if (f->gateways.n > 0)
		buf_addf(out, " %.*s", STR_FMT(str_trim(buf_str(&f->gateways))));
	buf_addf(out, "%s }", f->off ? " off;" : "");
	if (!str_eq(f->theirs, str_z(f->name))) {
		buf_add(out, STR("  # there: "));
		buf_add_escaped(out, f->theirs);
	}
	buf_add_byte(out, '\n');
}

/* Passwords end at the next blank outside quotes; nothing of them is shown. */
static void
write_without_secrets(struct str text, struct buf *out)
{
	static const struct str keys[] = { STR_INIT("password="), STR_INIT("secret="), STR_INIT("-key="), STR_INIT("passphrase=") };

	while (text.n > 0) {
		size_t at = text.n, key_n = 0;

		for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
			size_t hit = str_find(text, keys[i]);

			if (hit < at) {
				at = hit;
				key_n = keys[i].n;
			}
		}
		buf_add_escaped(out, str_head(text, at + key_n));
		text = str_from(text, at + key_n);
		if (key_n == 0)
			break;
		buf_add(out, STR("..."));
		bool quoted = text.n > 0 && text.p[0] == '"';
		size_t i = quoted ? 1 : 0;
		while (i < text.n && (quoted ? text.p[i] != '"' : text.p[i] != ' '))
			i += text.p[i] == '\\' && i + 1 < text.n ? 2 : 1;
		text = str_from(text, i + (quoted ? 1 : 0));
	}
}

static void
write_list(const struct routeros *r, enum routeros_fate fate, const char *title, struct buf *out)
{
	bool any = false;

	for (uint32_t i = 0; i < r->n; i++) {
		const struct routeros_statement *s = &r->v[i];
		struct buf line = BUF_INIT(ROUTEROS_TEXT_MAX);

		if (s->fate != fate)
			continue;
		if (!any)
			buf_addf(out, "\n# %s\n", title);
		any = true;
		if (s->text.n > 0 && s->text.p[0] != '/')
			buf_addf(&line, "%.*s ", STR_FMT(s->menu));
		write_without_secrets(s->text, &line);
		buf_addf(out, "#   line %u: %s\n#     %.*s%s\n", s->line, s->why ? s->why : "no word for it here",
		    STR_FMT(str_head(buf_str(&line), LINE_MAX_SHOWN)), line.n > LINE_MAX_SHOWN ? " ..." : "");
		buf_free(&line);
	}
}

void
ros_write(struct conversion *c, struct buf *out)
{
	buf_add(out, STR("# Made from an export of RouterOS. Read it before you use it: what no rule speaks of is refused here,\n"
			 "# and let pass there. Answers, invalid packets and bans are dealt with without being said.\n"));
	buf_add(out, buf_str(&c->head));
	buf_add_byte(out, '\n');
	for (uint32_t i = 0; i < c->ninterfaces; i++)
		write_interface(&c->interfaces[i], out);
	buf_add(out, buf_str(&c->routes));
	buf_add(out, buf_str(&c->lists));
	ros_write_vpn(c, out);
	buf_add_byte(out, '\n');
	buf_add(out, buf_str(&c->rules));
	ros_write_open_ends(c, out);
	write_list(c->r, ROUTEROS_NEEDLESS, "Not needed here:", out);
	write_list(c->r, ROUTEROS_NOT, "Not converted, to be looked at:", out);
	if (c->r->skipped)
		buf_addf(out, "\n# %u further statements were not read: there are too many.\n", c->r->skipped);
	c->full |= !buf_ok(&c->head) || !buf_ok(&c->routes) || !buf_ok(&c->lists) || !buf_ok(&c->rules);
}
