/* masked: words of the text, looked up among the passwords of the configuration. Without memory for that it shows nothing. */
#include "console/masked.h"

#include <unistd.h>

#include "base/hash.h"

static bool
add(struct strmap *known, struct str password)
{
	return password.n == 0 || strmap_get(known, password) != STRMAP_NONE || strmap_put(known, password, 1) == 0;
}

/* False: there is no memory for all of them. */
static bool
collect(const struct config *c, struct strmap *known)
{
	const struct conf_vpn *v = &c->vpn;
	bool all = add(known, v->server ? v->server->tunnel_secret : STR_NULL) && add(known, v->ipsec ? v->ipsec->secret : STR_NULL);

	/* Those that branches imply are among the secrets. */
	for (uint32_t i = 0; i < v->nsecrets && all; i++)
		all = add(known, v->secrets[i].password);
	for (uint32_t i = 0; i < v->nradius && all; i++)
		all = add(known, v->radius[i].secret);
	for (uint32_t i = 0; i < v->nheadquarters && all; i++)
		all = add(known, v->headquarters[i].password) && add(known, v->headquarters[i].tunnel_secret);
	for (uint32_t i = 0; c->vault && i < c->vault->nships && all; i++)
		all = add(known, c->vault->ships[i].password);
	return all;
}

/* As it stands, or inside quotes, where a quotation mark and a backslash stand behind a backslash. */
static bool
is_password(const struct strmap *known, struct str says)
{
	struct buf plain = BUF_INIT(1u << 17);

	if (says.n == 0 || strmap_get(known, says) != STRMAP_NONE)
		return says.n > 0;
	if (str_find_byte(says, '\\') == says.n)
		return false;
	for (size_t i = 0; i < says.n; i++) {
		i += says.p[i] == '\\' && i + 1 < says.n;
		buf_add_byte(&plain, says.p[i]);
	}
	bool is = !buf_ok(&plain) || strmap_get(known, buf_str(&plain)) != STRMAP_NONE;
	buf_free(&plain);
	return is;
}

static bool
ends_word(char ch)
{
	return ch == ' ' || ch == '\t' || ch == '\n' || ch == '\r' || ch == ';' || ch == '{' || ch == '}' || ch == ',' || ch == '#';
}

/* The length of the word or remark at the head of s, and of what it says. One that is not a word has length 1. */
static size_t
word_at(struct str s, struct str *ret_says)
{
	size_t n = 1;

	*ret_says = STR_NULL;
	if (s.p[0] == '#')
		return str_find_byte(s, '\n');
	if (s.p[0] == '"' || s.p[0] == '\'' || s.p[0] == '`') {
		while (n < s.n && s.p[n] != s.p[0])
			n += s.p[0] == '"' && s.p[n] == '\\' && n + 1 < s.n ? 2 : 1;
		*ret_says = str_head(str_from(s, 1), n - 1);
		return n < s.n ? n + 1 : s.n;
	}
	if (ends_word(s.p[0]))
		return 1;
	while (n < s.n && !ends_word(s.p[n]) && s.p[n] != '"' && s.p[n] != '\'' && s.p[n] != '`')
		n++;
	*ret_says = str_head(s, n);
	return n;
}

void
masked_text(const struct config *c, struct str text, struct buf *out)
{
	/* Not to be guessed from what is shown, and the same for both sides of a comparison. */
	uint64_t seed = ((uint64_t)getpid() << 32 | 1) * UINT64_C(0x9e3779b97f4a7c15);
	struct strmap known = { .seed = seed };
	struct str says;

	bool all = collect(c, &known);
	for (size_t n; all && text.n > 0; text = str_from(text, n)) {
		n = word_at(text, &says);
		if (is_password(&known, says))
			buf_addf(out, "(secret %03x)", (unsigned)(hash_bytes(says, seed) >> 52));
		else
			buf_add(out, str_head(text, n));
	}
	strmap_free(&known);
}
