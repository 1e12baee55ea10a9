/*
 * config_check: faults that no single row can see: two listeners on one port, networks inside each
 * other, a source that would read what Guarita writes. Each is told at the word that causes it.
 */
#include "conf/config_in.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>

const struct str conf_placeholders[] = {
	STR_INIT("kind"), STR_INIT("severity"), STR_INIT("src"), STR_INIT("user"),
	STR_INIT("host"), STR_INIT("program"), STR_INIT("service"), STR_INIT("dst"),
	STR_INIT("dst_port"), STR_INIT("first"), STR_INIT("last"), STR_INIT("count"),
	STR_INIT("rule"), STR_INIT("why"), STR_INIT("attack"), STR_INIT("id"), STR_INIT("site"),
};
const size_t conf_nplaceholders = ARRAY_LEN(conf_placeholders);

/* The word to put the caret under: word i of the statement at `where`, or its keyword. */
static const struct conf_word *
word_at(const struct config *c, struct conf_pos where, uint32_t i)
{
	static const struct conf_word none = { .span = 1, .pos = { .line = 1, .col = 1 } };
	const struct conf_stmt *s = config_stmt_at(c->tree, where);

	if (s == NULL)
		return &none;
	return &s->words[i < s->nwords ? i : 0];
}

/* Word i of a statement inside the block at `where`. */
static const struct conf_word *
word_of(const struct config *c, struct conf_pos where, const char *keyword, uint32_t i)
{
	const struct conf_stmt *s = config_stmt_at(c->tree, where);
	const struct conf_stmt *sub = s ? config_stmt(s->child, keyword) : NULL;

	return sub ? &sub->words[sub->nwords > i ? i : 0] : word_at(c, where, 0);
}

static const struct conf_word *
word_in(const struct config *c, struct conf_pos where, const char *keyword)
{
	return word_of(c, where, keyword, 1);
}

static void
check_sources(const struct config *c, struct diags *d)
{
	if (c->nsources > 0 || conf_has_gate(&c->gate) || diags_errors(d) > 0)      /* a faulty one is told already */
		return;
	const struct conf_word *w = word_at(c, (struct conf_pos){ 0 }, 0);
	if (c->tree)
		w = &c->tree->words[0];
	diag_warn(d, w->pos, w->span, "example: files \"/var/log/*.log\";",
	    "no source is named: nothing would be read");
}

static bool
same_endpoint(const struct conf_endpoint *a, const struct conf_endpoint *b)
{
	if (a->path.n > 0 || b->path.n > 0)
		return str_eq(a->path, b->path);
	if (a->port != b->port || a->port == 0)
		return false;
	return a->any || b->any || memcmp(&a->addr, &b->addr, sizeof(a->addr)) == 0;
}

/* Two sources that cannot both be opened. Files may be named twice. */
static bool
sources_clash(const struct conf_source *a, const struct conf_source *b)
{
	bool sockets_a = a->listen.path.n > 0, sockets_b = b->listen.path.n > 0;

	if (sockets_a && sockets_b)
		return same_endpoint(&a->listen, &b->listen);
	bool tcp_a = a->type == CONF_SOURCE_TCP || a->type == CONF_SOURCE_TLS;
	bool tcp_b = b->type == CONF_SOURCE_TCP || b->type == CONF_SOURCE_TLS;
	if (tcp_a && tcp_b)
		return same_endpoint(&a->listen, &b->listen);
	if (a->type != b->type)
		return false;
	switch (a->type) {
	case CONF_SOURCE_UDP: case CONF_SOURCE_TCP: case CONF_SOURCE_TLS: case CONF_SOURCE_UNIX:
		return same_endpoint(&a->listen, &b->listen);
	case CONF_SOURCE_JOURNAL:
		if (a->paths.n == 0 || b->paths.n == 0)
			return a->paths.n == b->paths.n;
		return str_eq(a->paths.v[0], b->paths.v[0]);
	case CONF_SOURCE_STDIN: case CONF_SOURCE_GATE: case CONF_SOURCE_ACCOUNTS:
		return true;
	case CONF_SOURCE_FILES:
		return false;
	}
	return false;
}

static void
check_clashes(const struct config *c, struct diags *d)
{
	for (uint32_t i = 0; i < c->nsources; i++) {
		for (uint32_t j = 0; j < i; j++) {
			if (!sources_clash(&c->sources[i], &c->sources[j]))
				continue;
			const struct conf_word *w = word_at(c, c->sources[i].where, 1);
			diag_error(d, w->pos, w->span, "remove one of them",
			    "this is already received by the source in line %u",
			    c->sources[j].where.line);
			break;
		}
		const struct conf_source *s = &c->sources[i];
		if (s->listen.path.n > 0 && str_eq(s->listen.path, c->control.path)) {
			const struct conf_word *w = word_at(c, s->where, 1);
			diag_error(d, w->pos, w->span, NULL,
			    "this is the control socket: it cannot receive lines too");
		}
	}
}

/* A network with the word that says it. */
struct net_word {
	struct cidr net;
	const struct conf_word *word;
};

static int
net_word_cmp(const void *va, const void *vb)
{
	const struct net_word *a = va, *b = vb;
	int r = memcmp(&a->net.net, &b->net.net, sizeof(a->net.net));

	if (r != 0)
		return r;
	if (a->net.bits != b->net.bits)
		return a->net.bits < b->net.bits ? -1 : 1;
	return a->word < b->word ? -1 : a->word > b->word;
}

/*
 * Collects the words of all statements of a network list; *ret_n of them. NULL: none, or no memory.
 */
static struct net_word *
net_words(const struct config *c, const char *keyword, size_t max, size_t *ret_n)
{
	struct net_word *v = max ? calloc(max, sizeof(*v)) : NULL;
	size_t n = 0;

	for (const struct conf_stmt *s = c->tree; v && s; s = s->next) {
		if (!str_eq(s->words[0].text, str_z(keyword)))
			continue;
		for (uint32_t i = 1; i < s->nwords && n < max; i++) {
			v[n].word = &s->words[i];
			n += cidr_parse(s->words[i].text, &v[n].net) == 0;
		}
	}
	*ret_n = n;
	return v;
}

static bool
is_everything(const struct cidr *c)
{
	return c->bits == 0 || (c->bits == 96 && addr_is_v4(&c->net));
}

/* Sorted by address, a network comes right after those that hold it. */
static void
check_nets(const struct config *c, const char *keyword, size_t max, const char *everything,
    struct diags *d)
{
	size_t n = 0;
	struct net_word *v = net_words(c, keyword, max, &n), *outer = NULL;

	if (v)
		qsort(v, n, sizeof(*v), net_word_cmp);
	for (size_t i = 0; i < n; i++) {
		const struct conf_word *w = v[i].word;
		if (is_everything(&v[i].net)) {
			diag_error(d, w->pos, w->span, "name only your own networks",
			    "`%s` holds every address: %s", keyword, everything);
		} else if (outer && outer->net.bits <= v[i].net.bits &&
		    cidr_has(&outer->net, &v[i].net.net)) {
			diag_warn(d, w->pos, w->span, "one of them is enough",
			    "%.*s is already inside %.*s in line %u", STR_FMT(w->text),
			    STR_FMT(outer->word->text), outer->word->pos.line);
		} else {
			outer = &v[i];
		}
	}
	free(v);
}

static bool
is_zone_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	    strchr("_+-/", c);
}

/* "-03:00" */
static bool
is_offset(struct str s)
{
	uint64_t hour, minute;

	return s.n == 6 && (s.p[0] == '+' || s.p[0] == '-') && s.p[3] == ':' &&
	    text_u64(str_of(s.p + 1, 2), &hour) == 0 &&
	    text_u64(str_of(s.p + 4, 2), &minute) == 0 && hour <= 15 && minute <= 59;
}

static bool
is_zone_name(struct str s)
{
	if (s.n == 0 || !((s.p[0] >= 'A' && s.p[0] <= 'Z') || (s.p[0] >= 'a' && s.p[0] <= 'z')))
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '\0' || !is_zone_byte(s.p[i]))
			return false;
	return true;
}

static void
check_zone(const struct conf_word *w, struct str zone, struct diags *d)
{
	if (is_offset(zone) || is_zone_name(zone))
		return;
	diag_error(d, w->pos, w->span,
	    "expected: local, a name such as America/Sao_Paulo, or an offset such as -03:00",
	    "`%.*s` is no time zone", STR_FMT(zone));
}

static const struct conf_word *
word_of_zone(const struct config *c, uint32_t i)
{
	const struct conf_stmt *s = config_stmt(c->tree, "timezone");

	if (i > 0)
		return word_in(c, c->sources[i - 1].where, "timezone");
	return s ? &s->words[s->nwords > 1 ? 1 : 0] : word_at(c, (struct conf_pos){ 0 }, 0);
}

bool
config_zone(const struct config *c, uint32_t i, struct str *ret, struct conf_pos *ret_where)
{
	if (i > c->nsources)
		return false;
	*ret = i == 0 ? c->timezone : c->sources[i - 1].timezone;
	*ret_where = word_of_zone(c, i)->pos;
	return true;
}

static void
check_timezones(const struct config *c, struct diags *d)
{
	struct conf_pos where;
	struct str zone;

	for (uint32_t i = 0; config_zone(c, i, &zone, &where); i++)
		if (zone.n)
			check_zone(word_of_zone(c, i), zone, d);
}

/* The directory that a path or a glob looks into; written to dst. */
static bool
dir_of(struct str path, char *dst, size_t size)
{
	size_t slash = str_rfind(path, STR("/"));

	if (slash == path.n || slash >= size)
		return false;
	memcpy(dst, path.p, slash);
	dst[slash] = '\0';
	return true;
}

/* Whether files that match a glob may be `file`, or in it when it is a directory. */
static bool
would_read(struct str glob, struct str file, bool is_dir)
{
	char dir[4096];

	if (fnmatch(glob.p, file.p, FNM_PATHNAME) == 0)
		return true;
	if (is_dir)
		return dir_of(glob, dir, sizeof(dir)) &&
		    (fnmatch(dir, file.p, FNM_PATHNAME) == 0 ||
		    (str_starts(str_z(dir), file) && dir[file.n] == '/'));
	return dir_of(file, dir, sizeof(dir)) && fnmatch(glob.p, dir, FNM_PATHNAME) == 0;
}

static void
check_own_output(const struct config *c, const struct conf_source *s, struct diags *d)
{
	for (uint32_t i = 0; i < s->paths.n; i++) {
		const struct conf_word *w = word_at(c, s->where, i + 1);
		struct str glob = s->paths.v[i];
		if (glob.p == NULL)
			continue;
		if (c->archive && c->archive->path.n > 0 &&
		    would_read(glob, c->archive->path, true))
			diag_error(d, w->pos, w->span,
			    "archive to a directory that no source reads",
			    "Guarita would read its own archive (line %u)",
			    c->archive->where.line);
		for (uint32_t j = 0; j < c->nresponds; j++)
			if (c->responds[j].file.n > 0 &&
			    would_read(glob, c->responds[j].file, false))
				diag_error(d, w->pos, w->span, "write it where no source reads",
				    "Guarita would read what its response `%.*s` writes",
				    STR_FMT(c->responds[j].name));
	}
}

/*
 * Names in arguments such as {src}: braces about anything but small letters and _ are left as they
 * are.
 */
static void
check_placeholders(const struct conf_word *w, struct diags *d)
{
	for (struct str rest = w->text; rest.n > 0; ) {
		size_t open = str_find_byte(rest, '{'), n = 0;
		rest = str_from(rest, open + 1);
		while (n < rest.n && ((rest.p[n] >= 'a' && rest.p[n] <= 'z') || rest.p[n] == '_'))
			n++;
		struct str word = str_head(rest, n);
		bool known = n == 0 || n == rest.n || rest.p[n] != '}';
		for (size_t i = 0; i < conf_nplaceholders; i++)
			known |= str_eq(word, conf_placeholders[i]);
		if (known)
			continue;
		struct str near = text_nearest(str_head(word, 64), conf_placeholders,
		    conf_nplaceholders);
		char hint[128] = "known are kind, severity, src, user, host, program, why ...";
		if (near.n > 0)
			snprintf(hint, sizeof(hint), "did you mean {%.*s}?", STR_FMT(near));
		diag_error(d, w->pos, w->span, hint, "nothing is known as {%.*s}",
		    STR_FMT(str_head(word, 64)));
	}
}

static void
check_command(const struct conf_stmt *respond, const struct conf_command *cmd, struct diags *d)
{
	const struct conf_stmt *s = respond ? config_stmt(respond->child, "command") : NULL;

	if (s == NULL || cmd->argv.n == 0)
		return;
	if (cmd->argv.v[0].n > 0 && cmd->argv.v[0].p[0] != '/')
		diag_error(d, s->words[1].pos, s->words[1].span, "no shell and no PATH is used",
		    "the program's path does not begin with /");
	for (uint32_t i = 1; i < s->nwords; i++)
		check_placeholders(&s->words[i], d);
}

static void
check_ban(const struct config *c, const struct conf_respond *r, struct diags *d)
{
	const struct conf_word *w = word_in(c, r->where, "ban");

	if (c->own.n == 0 && c->never_ban.n == 0)
		diag_warn(d, w->pos, w->span,
		    "name your own networks with `own`, and yourself with `never-ban`",
		    "nobody is safe from this ban");
	if (r->ban->escalate.factor > 1 && r->ban->duration_us > r->ban->escalate.max_us)
		diag_error(d, w->pos, w->span, NULL,
		    "the ban is longer than the most that `escalate` allows");
}

static void
check_respond(const struct config *c, const struct conf_respond *r, struct diags *d)
{
	const struct conf_stmt *s = config_stmt_at(c->tree, r->where);

	if (!r->print && r->file.n == 0 && r->command == NULL && r->ban == NULL) {
		const struct conf_word *w = word_at(c, r->where, 1);
		diag_warn(d, w->pos, w->span, "add print, file, command or ban",
		    "this response does nothing");
	}
	if (r->command)
		check_command(s, r->command, d);
	if (r->ban)
		check_ban(c, r, d);
}

static void
check_names(const struct config *c, struct diags *d)
{
	for (uint32_t i = 0; i < c->nresponds; i++) {
		for (uint32_t j = 0; j < i; j++) {
			if (c->responds[i].name.n == 0 ||
			    !str_eq(c->responds[i].name, c->responds[j].name))
				continue;
			const struct conf_word *w = word_at(c, c->responds[i].where, 1);
			diag_error(d, w->pos, w->span, "give it another name",
			    "a response `%.*s` is already in line %u", STR_FMT(w->text),
			    c->responds[j].where.line);
			break;
		}
	}
	for (uint32_t i = 0; i < c->nroles; i++) {
		for (uint32_t j = 0; j < i; j++) {
			if (c->roles[i].name.n == 0 || !str_eq(c->roles[i].name, c->roles[j].name))
				continue;
			const struct conf_word *w = word_at(c, c->roles[i].where, 1);
			diag_error(d, w->pos, w->span, "write both in one block",
			    "role `%.*s` is already in line %u", STR_FMT(w->text),
			    c->roles[j].where.line);
			break;
		}
	}
}

static void
check_control(const struct config *c, struct diags *d)
{
	const struct conf_stmt *s = config_stmt(c->tree, "control");

	if (s && (c->control.mode & 07) != 0)
		diag_warn(d, s->words[0].pos, s->words[0].span,
		    "0660 lets only the owner and the group in",
		    "with mode %04llo every user of this machine may command Guarita",
		    (unsigned long long)c->control.mode);
}

/* A relative path would lead elsewhere for each who reads it, and a credential is a name in one folder. */
static void
check_vault_key(const struct config *c, struct diags *d)
{
	const struct conf_vault_key *k = c->vault ? c->vault->key : NULL;

	if (!k || k->name.n == 0)      /* a faulty one is told already */
		return;
	const struct conf_word *w = word_of(c, c->vault->where, "key", 2);
	bool slash = str_find_byte(k->name, '/') < k->name.n;
	if (k->kind == CONF_KEY_FILE && !str_starts(k->name, STR("/")))
		diag_error(d, w->pos, w->span, "write the whole path, from / on", "`%.*s` is no whole path", STR_FMT(k->name));
	if (k->kind == CONF_KEY_CREDENTIAL && slash)
		diag_error(d, w->pos, w->span, "LoadCredential=NAME:PATH in the service's unit says where it lies",
		    "`%.*s` is not the name of a credential", STR_FMT(k->name));
	if (k->kind == CONF_KEY_FILE && str_starts(k->name, c->vault->path) && str_starts(str_from(k->name, c->vault->path.n), STR("/")))
		diag_error(d, w->pos, w->span, "put it where a copy of the vault does not take it along",
		    "`%.*s` lies in the vault that it is to lock", STR_FMT(k->name));
}

void
config_check(const struct config *c, struct diags *d)
{
	check_sources(c, d);
	check_clashes(c, d);
	check_nets(c, "own", c->own.n, "nobody would be an outsider", d);
	check_nets(c, "never-ban", c->never_ban.n, "nobody would ever be banned", d);
	check_timezones(c, d);
	for (uint32_t i = 0; i < c->nsources; i++) {
		check_own_output(c, &c->sources[i], d);
		config_check_tls(c, &c->sources[i], d);
	}
	for (uint32_t i = 0; i < c->nresponds; i++)
		check_respond(c, &c->responds[i], d);
	check_names(c, d);
	check_control(c, d);
	check_vault_key(c, d);
	config_check_vpn(c, d);
	config_check_link(c, d);
	config_check_relay(c, d);
	config_check_ipsec(c, d);
}

void
config_check_roles(const struct config *c, const struct str *known, size_t n, struct diags *d)
{
	for (uint32_t i = 0; i < c->nroles; i++) {
		bool found = false;
		for (size_t j = 0; j < n; j++)
			found |= str_eq(c->roles[i].name, known[j]);
		if (found)
			continue;
		struct str near = text_nearest(c->roles[i].name, known, n);
		const struct conf_word *w = word_at(c, c->roles[i].where, 1);
		char hint[128];
		snprintf(hint, sizeof(hint), "did you mean `%.*s`?", STR_FMT(near));
		diag_error(d, w->pos, w->span, near.n ? hint : NULL, "there is no role `%.*s`",
		    STR_FMT(str_head(w->text, 64)));
	}
}
