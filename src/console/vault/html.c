/* html: see html.h. The page and its program are edited in page/, and built in. */
#include "console/vault/html.h"

#include "vault_page.h"
#include "vault_script.h"

static const struct str proof_mark = STR_INIT("<pre id=\"proof\">\n");
static const struct str identity_mark = STR_INIT("\nIDENTITY\n");

/* Text inside an element. */
static void
add_text(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if (c == '<')
			buf_add(out, STR("&lt;"));
		else if (c == '&')
			buf_add(out, STR("&amp;"));
		else
			buf_add_byte(out, c);
	}
}

/* The page up to a mark goes out; what is behind it is left. */
static void
add_until(struct buf *out, struct str *page, struct str mark)
{
	size_t at = str_find(*page, mark);

	buf_add(out, str_head(*page, at));
	*page = str_from(*page, at + mark.n);
}

/* Of the identity the lines that are checked: origin, key, epochs. */
static struct str
checked_lines(struct str identity)
{
	struct str line, rest = identity;

	(void)!str_split(&rest, '\n', &line);
	return str_head(rest, str_find(rest, STR("\nid ")) + 1);
}

void
vault_html(struct str proof, struct str identity, struct buf *out)
{
	struct str page = str_of(vault_page, sizeof(vault_page));

	add_until(out, &page, STR("@SCRIPT@"));
	buf_add(out, str_of(vault_script, sizeof(vault_script)));
	add_until(out, &page, STR("@PROOF@"));
	add_text(out, proof);
	buf_add(out, identity_mark);
	add_text(out, checked_lines(identity));
	buf_add(out, page);
}

struct str
vault_html_proof(struct str text)
{
	size_t at = str_find(text, proof_mark);

	if (at == text.n)
		return text;
	struct str rest = str_from(text, at + proof_mark.n);
	return str_head(rest, str_find(rest, identity_mark));
}
