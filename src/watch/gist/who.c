/*
 * who: whose the addresses of a text are, and which account it speaks of. An address may be named when a word binds
 * it or when there is no other; with two that could be meant nobody is.
 */
#include "watch/gist/who.h"

#include "base/text.h"

#define LOOK_BACK 5u                   /* so many words before an address may say whose it is */
#define USER_MAX 128u

static const struct piece *
last_word(const struct pieces *p, uint32_t i)
{
	return i > 0 && p->v[i - 1].type == PIECE_WORD ? &p->v[i - 1] : NULL;
}

/* Text quoted as somebody's name: whatever it holds, he wrote it. */
static bool
in_a_name(const struct pieces *p, uint32_t i)
{
	uint8_t quote = p->v[i].quote;

	if (!quote)
		return false;
	while (i > 0 && p->v[i - 1].quote == quote)
		i--;
	const struct piece *w = last_word(p, i);
	if (!w || (p->json && !w->quote))
		return false;
	return w->is & (USER | USERKEY) || (w->is & FOR && !(w->before & BY_JOIN));
}

/* Between "src" and an address may stand "ip", "address", "is"; what else stands there ends the search. */
static enum whose
whose_by_words(const struct pieces *p, uint32_t i)
{
	enum whose found = WHOSE_OPEN;
	uint8_t before = p->v[i].before;

	for (uint32_t k = 0; k < LOOK_BACK && i > 0; k++, i--) {
		const struct piece *w = last_word(p, i);

		if (!w || (before & BY_CLAUSE && !(before & BY_JOIN)))
			break;
		if (w->is & VERSION && !(w->is & DST))
			return WHOSE_NONE;
		/* "the client at 192.0.2.1" */
		if (w->is & DST && w->is & FILLER && i > 1 && p->v[i - 2].is & (SRC | USER))
			return WHOSE_SRC;
		if (w->is & DST)
			return w->is & SRC ? WHOSE_SRC : WHOSE_DST;
		if (w->is & SRC)
			return WHOSE_SRC;
		if (!(w->is & (PLAIN | FILLER)))
			break;
		if (w->is & PLAIN)
			found = (w->is & HOST) && (before & BY_BIND) && p->json ? WHOSE_NONE : WHOSE_PLAIN;
		before = w->before;
	}
	return found;
}

static bool
points_on(const struct pieces *p, uint32_t i)
{
	for (uint32_t k = i + 1; k < p->n && k <= i + 2; k++) {
		if (p->v[k].type == PIECE_ADDR)
			return p->v[k].before & BY_ARROW;
		if (p->v[k].type == PIECE_WORD)
			return false;
	}
	return false;
}

static enum whose
whose(const struct pieces *p, uint32_t i)
{
	const struct piece *a = &p->v[i];

	if (in_a_name(p, i))
		return WHOSE_NONE;
	if (a->before & BY_URL || a->before & BY_ARROW)
		return WHOSE_DST;
	if (points_on(p, i))
		return WHOSE_SRC;
	if (a->before & BY_AT)
		return WHOSE_PLAIN;
	return whose_by_words(p, i);
}

struct str
gist_text(const struct pieces *p, const struct piece *a)
{
	return str_of(p->text.p + a->off, a->len);
}

static bool
same_addr(const struct pieces *p, uint32_t i, uint32_t k)
{
	struct addr a, b;

	return addr_parse(gist_text(p, &p->v[i]), &a) == 0 && addr_parse(gist_text(p, &p->v[k]), &b) == 0 &&
	    memcmp(&a, &b, sizeof(a)) == 0;
}

/* The one address whose claim is at least so good; NOBODY when there is none, or another one beside it. */
static uint32_t
only_one(const struct pieces *p, const struct gist_addrs *all, enum whose least, bool whole)
{
	uint32_t found = NOBODY;

	for (uint32_t i = 0; i < all->n; i++) {
		if (all->whose[i] < least || (whole && !p->v[all->at[i]].whole))
			continue;
		if (found != NOBODY && !same_addr(p, found, all->at[i]))
			return NOBODY;
		if (found == NOBODY)
			found = all->at[i];
	}
	return found;
}

/*
 * Prose: one address and no other, for who writes a name may write "from 192.0.2.1" into it. JSON keeps apart what
 * belongs to different keys, so there a key that says it is enough.
 */
static uint32_t
find_src(const struct pieces *p, const struct gist_addrs *all)
{
	uint32_t found = NOBODY;

	if (p->json) {
		found = only_one(p, all, WHOSE_SRC, true);
		if (found == NOBODY)
			found = only_one(p, all, WHOSE_PLAIN, true);
	}
	return found == NOBODY ? only_one(p, all, WHOSE_OPEN, false) : found;
}

/* Firewalls write source and destination in this order where they do not name them. */
static void
find_pair(const struct pieces *p, struct gist_addrs *all)
{
	if (all->n != 2 || all->whose[0] < WHOSE_OPEN || all->whose[1] != WHOSE_OPEN || same_addr(p, all->at[0], all->at[1]))
		return;
	all->whose[1] = WHOSE_DST;
	all->paired = true;
}

void
gist_addrs_find(const struct pieces *p, bool packets, struct gist_addrs *ret)
{
	*ret = (struct gist_addrs){ .src = NOBODY, .dst = NOBODY };
	for (uint32_t i = 0; i < p->n && ret->n < GIST_ADDRS_MAX; i++) {
		if (p->v[i].type != PIECE_ADDR)
			continue;
		ret->at[ret->n] = i;
		ret->whose[ret->n++] = whose(p, i);
	}
	if (packets)
		find_pair(p, ret);
	for (uint32_t i = 0; i < ret->n && ret->dst == NOBODY; i++)
		if (ret->whose[i] == WHOSE_DST)
			ret->dst = ret->at[i];
	ret->src = find_src(p, ret);
	for (uint32_t i = 0; i < ret->n; i++) {
		ret->open += ret->whose[i] >= WHOSE_OPEN;
		if (ret->at[i] == ret->src)
			ret->claim = ret->whose[i];
	}
}

/* "port 4000" behind the address, or under a key of its own. */
struct str
gist_port(const struct pieces *p, uint32_t addr, uint32_t side)
{
	const struct piece *a = &p->v[addr];

	if (a->port_len)
		return str_of(p->text.p + a->port_off, a->port_len);
	if (addr + 2 < p->n && p->v[addr + 1].is & PORT && !(p->v[addr + 1].is & (SRC | DST)) &&
	    p->v[addr + 2].type == PIECE_NUMBER)
		return gist_text(p, &p->v[addr + 2]);
	for (uint32_t i = 1; i + 1 < p->n; i++) {
		const struct piece *w = &p->v[i];

		if (p->v[i + 1].type != PIECE_NUMBER || !(w->is & PORT))
			continue;
		if (w->is & side || (p->v[i - 1].is & side && !(w->is & (SRC | DST))))
			return gist_text(p, &p->v[i + 1]);
	}
	return STR_NULL;
}

/* Who. */

static bool
ends_name(char c, char mark)
{
	return mark ? c == mark : memchr(" \t,;)]>}\"'`|", c, 12) != NULL;
}

/* The text behind a word that says a name follows: quoted, or up to what cannot be part of it. */
static struct str
name_behind(const struct pieces *p, const struct piece *w, bool *ret_bound)
{
	size_t at = (size_t)w->off + w->len, n = 0;
	char mark = '\0';

	*ret_bound = false;
	for (; at < p->text.n && memchr(" \t=:\"'`[(<{", p->text.p[at], 11); at++) {
		char c = p->text.p[at];

		*ret_bound |= c != ' ' && c != '\t';
		if (c == '"' || c == '\'' || c == '`')
			mark = p->v[0].quote && w->quote && at == (size_t)w->off + w->len ? '\0' : c;
		else if (mark && (c == ':' || c == '='))
			mark = '\0';                       /* the quote ended the key */
		else if (mark)
			break;
	}
	while (at + n < p->text.n && n <= USER_MAX && !ends_name(p->text.p[at + n], mark))
		n++;
	while (n && !mark && memchr(".:@", p->text.p[at + n - 1], 3))
		n--;
	return n > USER_MAX ? STR_NULL : str_of(p->text.p + at, n);
}

static bool
is_number(struct str s)
{
	uint64_t v;

	return text_u64(s, &v) == 0;
}

/* "operator@203.0.113.10": the name is what stands before. */
static struct str
without_address(struct str name)
{
	struct addr a;
	size_t at = str_rfind(name, STR("@"));

	if (at < name.n && addr_parse(str_from(name, at + 1), &a) == 0)
		return str_head(name, at);
	return name;
}

/* May this be a name? Words that log lines are made of are none, unless a sign binds them. */
static bool
may_be_name(const struct gist_words *w, struct str name, bool bound)
{
	struct addr a;
	uint32_t is = gist_word(w, name);

	if (name.n == 0 || addr_parse(name, &a) == 0 || str_eq(name, STR("-")) || str_eq(name, STR("null")))
		return false;
	return bound ? !(is & (USER | AUTH | FAIL) && is & ~USERKEY) : is == 0 && !is_number(name);
}

/* user_agent, account-count: the word is part of another name. */
static bool
part_of_another(const struct pieces *p, uint32_t i)
{
	return i + 1 < p->n && p->v[i + 1].before & BY_JOIN && !(p->v[i + 1].before & (BY_BIND | BY_BLANK)) &&
	    !(p->v[i + 1].is & USERKEY);
}

/* "user":{"name":, user.name=, user name: the last of the words that say it. */
static uint32_t
to_the_key(const struct pieces *p, uint32_t i)
{
	while (i + 1 < p->n && p->v[i + 1].is & (USERKEY | USER) && p->v[i + 1].type == PIECE_WORD &&
	    p->v[i + 1].before & (BY_JOIN | BY_BIND | BY_BLANK | BY_OPEN) &&
	    (size_t)p->v[i + 1].off + p->v[i + 1].len < p->text.n &&
	    memchr("=:\"'_.", p->text.p[p->v[i + 1].off + p->v[i + 1].len], 6))
		i++;
	return i;
}

static struct str
user_at(const struct gist_words *w, const struct pieces *p, uint32_t i)
{
	bool bound;
	struct str name = without_address(name_behind(p, &p->v[i], &bound));

	/* "uid=0", "user id 5": a number is no name. */
	return may_be_name(w, name, bound) && !is_number(name) ? name : STR_NULL;
}

static struct str
user_by_key(const struct gist_words *w, const struct pieces *p, uint32_t kinds)
{
	for (uint32_t i = 0; i < p->n; i++) {
		uint32_t key = i;

		if (p->v[i].type != PIECE_WORD || !(p->v[i].is & kinds))
			continue;
		/* "login=joe" names somebody, "login failed" does not. */
		if (p->v[i].is & USERKEY && !(i + 1 < p->n && p->v[i + 1].before & BY_BIND && !(p->v[i + 1].before & BY_BLANK)))
			continue;
		if (p->v[i].is & USER)
			key = to_the_key(p, i);
		if (part_of_another(p, key))
			continue;
		struct str name = user_at(w, p, key);
		if (name.n)
			return name;
	}
	return STR_NULL;
}

/* An abbreviation is the name of a thing. */
static bool
has_small(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] >= 'a' && s.p[i] <= 'z')
			return true;
	return false;
}

/* "authenticated", "logged in", "failed to log in" */
static bool
does_login(const struct pieces *p, uint32_t i)
{
	if (p->v[i].is & FAIL && !(p->v[i].is & AUTH))
		i += i + 1 < p->n && p->v[i + 1].is & DST ? 2 : 1;
	return i < p->n && p->v[i].is & (AUTH | LOG) && !(p->v[i].is & NOT);
}

/* "eve authenticated", "guest failed login", "tom's login": who begins a clause and does what logins are made of. */
static struct str
user_by_place(const struct gist_words *w, const struct pieces *p)
{
	for (uint32_t i = 0; i + 1 < p->n; i++) {
		const struct piece *v = &p->v[i], *next = &p->v[i + 1];
		bool owns = next->len == 1 && p->text.p[next->off] == 's' && p->text.p[next->off - 1] == '\'';

		if (v->type != PIECE_WORD || v->is || !(i == 0 || v->before & (BY_CLAUSE | BY_BIND)))
			continue;
		if (owns ? i + 2 == p->n || !(p->v[i + 2].is & AUTH)
		         : next->before != BY_BLANK || !does_login(p, i + 1))
			continue;
		if (v->quote == next->quote && has_small(gist_text(p, v)) && may_be_name(w, gist_text(p, v), false))
			return gist_text(p, v);
	}
	return STR_NULL;
}

/* The characters of a name, back from `end`. */
static struct str
name_before(const struct pieces *p, size_t end)
{
	size_t at = end;

	while (at > 0 && end - at < USER_MAX && !memchr(" \t,;()[]<>{}\"'`|=:/", p->text.p[at - 1], 19))
		at--;
	return str_of(p->text.p + at, end - at);
}

/* "192.0.2.1 - joe - " */
static struct str
name_after(const struct pieces *p, uint32_t src)
{
	const struct piece *v = src + 2 < p->n ? &p->v[src + 1] : NULL;

	if (!v || v->type != PIECE_WORD || v->before != (BY_BLANK | BY_CLAUSE) || v[1].before != v->before)
		return STR_NULL;
	return gist_text(p, v);
}

/* "joe@192.0.2.1", "joe (192.0.2.1)", "|joe|192.0.2.1", ";joe;192.0.2.1". */
static struct str
user_by_address(const struct gist_words *w, const struct pieces *p, uint32_t src)
{
	size_t at = p->v[src].off;
	bool tied = at > 0 && memchr(",;", p->text.p[at - 1], 2);

	at -= tied;
	for (; at > 0 && memchr(" ([|@/", p->text.p[at - 1], 6); at--)
		tied |= p->text.p[at - 1] != ' ' && p->text.p[at - 1] != '[';
	struct str name = tied ? name_before(p, at) : name_after(p, src);
	return name.n && !(p->v[src].before & BY_URL) && may_be_name(w, name, p->v[src].before & BY_AT) ? name : STR_NULL;
}

struct str
gist_user(const struct gist_words *w, const struct pieces *p, uint32_t src)
{
	struct str name = user_by_key(w, p, USER);

	if (name.n == 0 && (p->json || src != NOBODY))
		name = user_by_key(w, p, USERKEY);
	if (name.n == 0 && src != NOBODY)
		name = user_by_address(w, p, src);
	if (name.n == 0 && !p->json)
		name = user_by_key(w, p, FOR);
	if (name.n == 0 && !p->json)
		name = user_by_place(w, p);
	return name;
}
