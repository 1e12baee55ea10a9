/*
 * gist: what is said. Each thing that may be said is a row with what it needs; the first whose needs are met is it. A
 * word that denies takes back what stands behind it.
 */
#include "watch/gist/gist.h"

#include "watch/gist/pieces.h"
#include "watch/gist/who.h"

#define NEAR 7u                        /* words that belong to one statement are no further apart */
#define DENIES 3u                      /* so far a "no" reaches */

struct saying {
	struct pieces *p;
	struct gist_addrs addrs;
	uint32_t all;                  /* what all words together are */
	bool keyed;                    /* key=value pairs or JSON: what belongs together may stand far apart */
};

static bool
denied(const struct pieces *p, uint32_t i)
{
	for (uint32_t k = i; k > 0 && i - k < DENIES; k--) {
		if (p->v[k - 1].is & NOT)
			return true;
		if (p->v[k].before & BY_CLAUSE || p->v[k].before == (BY_BIND | BY_BLANK))
			return false;
	}
	return false;
}

/* failed=0, success: false. */
static bool
taken_back(const struct pieces *p, uint32_t i)
{
	const struct piece *next = i + 1 < p->n ? &p->v[i + 1] : NULL;

	return next && next->before & BY_BIND && next->is & NOT;
}

/* "logged in" is done, "log in" is only wanted. */
static uint32_t
going_in(const struct pieces *p, const struct piece *log)
{
	return p->text.p[log->off + log->len - 1] == 'd' ? AUTH | OK : AUTH;
}

static bool
is_text(const struct pieces *p, const struct piece *v, const char *text)
{
	return str_eq_nocase(gist_text(p, v), str_z(text));
}

static bool
after_dot(const struct pieces *p, uint32_t i)
{
	return i > 0 && i < p->n && p->v[i].before == BY_JOIN && p->text.p[p->v[i].off - 1] == '.';
}

/* auth.example.com, org.example.auth.Filter: parts of a name say nothing. */
static bool
part_of_a_name(const struct pieces *p, uint32_t i)
{
	uint32_t first = i, last = i;

	while (after_dot(p, first))
		first--;
	while (after_dot(p, last + 1))
		last++;
	return last - first >= 2;
}

/* "logged in" is one word in two; so are "API key", "no such user", "unknown user" and "not allowed". */
static void
join_words(const struct pieces *p, struct piece *v, const struct piece *prev, bool no)
{
	if (v->is & (IN | OUT) && prev && prev->is & LOG && !(v->before & (BY_CLAUSE | BY_BIND)))
		v->is |= v->is & OUT ? LEFT : going_in(p, prev);
	if (prev && is_text(p, v, "key") && is_text(p, prev, "api"))
		v->is |= AUTH;
	if (prev && is_text(p, v, "token") && prev->is & FAIL && v->before == BY_BLANK)
		v->is |= AUTH;
	if (v->is & USER && prev && prev->is & (SUCH | FAIL) && !(v->before & (BY_CLAUSE | BY_BIND)))
		v->is |= AUTH | (prev->is & SUCH ? FAIL : 0);
	if (v->is & ENTRY && prev && prev->is & UNASKED && prev->is & FAIL)
		v->is |= AUTH;
	if (v->is & ALLOWED && no)
		v->is = FAIL | DENY | (v->is & ALLOW ? 0 : AUTH);
}

/* "Wrong data received: ..." repeats what a stranger wrote: it is of a kind, but nobody is named in it. */
static void
hush_echo(struct pieces *p)
{
	bool echo = false;

	for (uint32_t i = 0; i < p->n && !p->json; i++) {
		struct piece *v = &p->v[i];

		echo |= i > 0 && p->v[i - 1].is & ECHO && v->before == (BY_BIND | BY_BLANK);
		if (echo && v->type == PIECE_ADDR)
			v->type = PIECE_NUMBER;
		if (echo)
			v->is = (v->is & (AUTH | FAIL | OK | NOT)) | SERVICE;
	}
}

/* What is denied is turned round, or is not so. */
static void
deny_words(struct pieces *p)
{
	for (uint32_t i = 0; i < p->n; i++) {
		struct piece *v = &p->v[i];
		bool no = denied(p, i), back = taken_back(p, i);

		if (v->type != PIECE_WORD)
			continue;
		if (!p->json && part_of_a_name(p, i))
			v->is &= ~(uint32_t)AUTH;
		join_words(p, v, i ? &p->v[i - 1] : NULL, no);
		if (v->is & OK && (no || back))
			v->is = (v->is & ~(uint32_t)OK) | FAIL;
		else if (v->is & FAIL && (back || (no && !(v->is & DENY))))
			v->is &= ~(uint32_t)FAIL;
		if (no || back)
			v->is &= ~(uint32_t)(ATTACK | MALWARE | BAN);
	}
}

/* The least distance of two words of these sorts; NEAR is beyond what counts. */
static uint32_t
distance(const struct saying *s, uint32_t one, uint32_t other)
{
	uint32_t best = GIST_PIECES_MAX, last_one = GIST_PIECES_MAX, last_other = GIST_PIECES_MAX;

	for (uint32_t i = 0; i < s->p->n; i++) {
		last_one = s->p->v[i].is & one ? i : last_one;
		last_other = s->p->v[i].is & other ? i : last_other;
		if (last_one == GIST_PIECES_MAX || last_other == GIST_PIECES_MAX)
			continue;
		uint32_t d = last_one > last_other ? last_one - last_other : last_other - last_one;
		best = d < best ? d : best;
	}
	return best;
}

static bool
near(const struct saying *s, uint32_t one, uint32_t other)
{
	return distance(s, one, other) < (s->keyed ? GIST_PIECES_MAX : NEAR);
}

/* "authentication error", "error de autenticación": a weak word, so the other must stand beside it. */
static bool
error_beside(const struct pieces *p)
{
	for (uint32_t i = 0; i < p->n; i++) {
		if (!(p->v[i].is & NEARLY_FAIL))
			continue;
		if (i > 0 && p->v[i - 1].is & AUTH && p->v[i].before == BY_BLANK)
			return true;
		for (uint32_t k = i + 1; k < p->n && k <= i + 2 && p->v[k].before == BY_BLANK; k++)
			if (p->v[k].is & AUTH)
				return true;
	}
	return false;
}

static bool
login_failed(const struct saying *s)
{
	if (!(s->all & AUTH))
		return false;
	bool failed = (s->all & FAIL && near(s, AUTH, FAIL)) || error_beside(s->p);
	return failed && (!(s->all & OK) || distance(s, AUTH, FAIL) <= distance(s, AUTH, OK));
}

static bool
login_succeeded(const struct saying *s)
{
	return s->all & AUTH && s->all & OK && near(s, AUTH, OK) && !(s->all & NEARLY_FAIL);
}

static bool
has_ended(const struct saying *s)
{
	return s->all & LEFT;
}

/* Two ends, and that it was packets that went from one to the other. */
static bool
is_packet(const struct saying *s)
{
	const struct gist_addrs *a = &s->addrs;

	return a->src != NOBODY && a->dst != NOBODY && !(s->all & AUTH) &&
	    (s->all & PROTO || gist_port(s->p, a->dst, DST).n > 0);
}

static bool
packet_denied(const struct saying *s)
{
	return s->all & DENY && is_packet(s);
}

static bool
packet_passed(const struct saying *s)
{
	return s->all & ALLOW && !(s->all & (DENY | FAIL)) && is_packet(s);
}

/* A scan is an attack when somebody noticed it; that a scanner found something is no news of an attack. */
static bool
was_noticed(const struct saying *s)
{
	uint32_t attacks = 0;

	for (uint32_t i = 0; i < s->p->n; i++) {
		attacks += (s->p->v[i].is & ATTACK) != 0;
		if (s->p->v[i].is & SEEN && s->p->v[i].is & FILLER)
			return false;
	}
	return attacks > 1 || distance(s, ATTACK, SEEN | BAN | DENY) <= 4 || (s->keyed && s->all & (SEEN | DENY));
}

static bool
attack_seen(const struct saying *s)
{
	return s->all & ATTACK && s->addrs.src != NOBODY && !s->addrs.paired && !(s->all & (OK | AUTH)) &&
	    was_noticed(s);
}

static bool
flood_seen(const struct saying *s)
{
	for (uint32_t i = 0; i < s->p->n; i++)
		if (str_starts_nocase(gist_text(s->p, &s->p->v[i]), STR("flood")) || is_text(s->p, &s->p->v[i], "ddos"))
			return attack_seen(s);
	return false;
}

static bool
malware_seen(const struct saying *s)
{
	return s->all & MALWARE && distance(s, MALWARE, SEEN | DENY) <= 3;
}

static bool
was_banned(const struct saying *s)
{
	return s->all & BAN && s->addrs.src != NOBODY && s->addrs.dst == NOBODY && !(s->all & CONN);
}

static bool
was_unbanned(const struct saying *s)
{
	return s->all & UNBAN && s->addrs.src != NOBODY && s->addrs.dst == NOBODY;
}

static bool
names_server_of_ours(const struct pieces *p)
{
	for (uint32_t i = 0; i < p->n; i++)
		if (p->v[i].is & DST && p->v[i].is & BEHIND)
			return true;
	return false;
}

/* "Rejecting 192.0.2.1": what is refused stands behind the word. */
static bool
refused_itself(const struct saying *s)
{
	const struct pieces *p = s->p;
	uint32_t src = s->addrs.src;

	return src > 0 && p->v[src - 1].is & DENY && !(p->v[src].before & BY_CLAUSE);
}

/* "192.0.2.1: connection refused" is said by who wanted something of that address: it must be bound. */
static bool
was_refused(const struct saying *s)
{
	return s->all & DENY && s->addrs.src != NOBODY && s->addrs.dst == NOBODY &&
	    ((s->addrs.claim >= WHOSE_PLAIN && s->all & (CONN | DENY)) || refused_itself(s)) && !names_server_of_ours(s->p);
}

static const struct {
	enum gist_said said;
	bool (*meant)(const struct saying *s);
} sayings[] = {
	{ GIST_UNBANNED, was_unbanned },
	{ GIST_AUTH_FAIL, login_failed },
	{ GIST_LEFT, has_ended },
	{ GIST_AUTH_OK, login_succeeded },
	{ GIST_DENIED, packet_denied },
	{ GIST_PASSED, packet_passed },
	{ GIST_MALWARE, malware_seen },
	{ GIST_FLOOD, flood_seen },
	{ GIST_ATTACK, attack_seen },
	{ GIST_BANNED, was_banned },
	{ GIST_REFUSED, was_refused },
};

struct str
gist_said_name(enum gist_said said)
{
	static const struct str names[] = {
		[GIST_NOTHING] = STR_INIT(""), [GIST_AUTH_FAIL] = STR_INIT("auth_fail"),
		[GIST_AUTH_OK] = STR_INIT("auth_ok"), [GIST_LEFT] = STR_INIT("left"),
		[GIST_REFUSED] = STR_INIT("refused"), [GIST_DENIED] = STR_INIT("denied"),
		[GIST_PASSED] = STR_INIT("passed"), [GIST_ATTACK] = STR_INIT("attack"), [GIST_FLOOD] = STR_INIT("flood"),
		[GIST_MALWARE] = STR_INIT("malware"), [GIST_BANNED] = STR_INIT("banned"),
		[GIST_UNBANNED] = STR_INIT("unbanned"),
	};

	return names[said];
}

static void
look_over(struct saying *s)
{
	uint32_t bound = 0;

	for (uint32_t i = 0; i < s->p->n; i++) {
		s->all |= s->p->v[i].is;
		bound += (s->p->v[i].before & BY_BIND) && !(s->p->v[i].before & BY_BLANK);
	}
	s->keyed = s->p->json || bound >= 3;
}

static void
fill(const struct gist_words *w, const struct saying *s, struct gist *ret)
{
	const struct gist_addrs *a = &s->addrs;
	bool packet = ret->said == GIST_DENIED || ret->said == GIST_PASSED || ret->said == GIST_ATTACK ||
	    ret->said == GIST_FLOOD;

	if (a->src != NOBODY) {
		ret->src = gist_text(s->p, &s->p->v[a->src]);
		ret->src_port = gist_port(s->p, a->src, SRC);
	}
	if (a->dst != NOBODY) {
		ret->dst = gist_text(s->p, &s->p->v[a->dst]);
		ret->dst_port = gist_port(s->p, a->dst, DST);
	}
	/* Where two addresses may be meant, whose name it is cannot be known either. */
	if (!packet && (a->src != NOBODY || a->open == 0))
		ret->user = gist_user(w, s->p, a->src);
}

/* Could it say anything? Most lines hold no word of a verdict. */
#define VERDICTS (FAIL | NEARLY_FAIL | OK | DENY | ALLOW | ALLOWED | LEFT | LOG | BAN | UNBAN | ATTACK | MALWARE | SUCH)

bool
gist_read(const struct gist_words *w, struct str text, struct gist *ret)
{
	struct pieces p;
	struct saying s = { .p = &p };

	gist_pieces(w, text, &p);
	look_over(&s);
	if (!(s.all & VERDICTS))
		return false;
	s.all = 0;
	hush_echo(&p);
	deny_words(&p);
	look_over(&s);
	gist_addrs_find(&p, (s.all & (DENY | ALLOW)) && !(s.all & AUTH), &s.addrs);
	for (size_t i = 0; i < ARRAY_LEN(sayings); i++) {
		if (!sayings[i].meant(&s))
			continue;
		*ret = (struct gist){ .said = sayings[i].said };
		fill(w, &s, ret);
		return true;
	}
	return false;
}
