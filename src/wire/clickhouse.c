/* clickhouse: see clickhouse.h. Must never let a value end a row, a statement or a header. */
#include "wire/clickhouse.h"

#include <errno.h>

#include "base/text.h"

static void
add_url(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		bool plain = (c >= '0' && c <= '9') || (ascii_lower((char)c) >= 'a' && ascii_lower((char)c) <= 'z');
		if (plain)
			buf_add_byte(out, (char)c);
		else
			buf_addf(out, "%%%02X", c);
	}
}

/* Control bytes would end a header. */
static void
add_header(struct buf *out, const char *name, struct str value)
{
	buf_addf(out, "%s: ", name);
	for (size_t i = 0; i < value.n; i++)
		if ((unsigned char)value.p[i] >= ' ')
			buf_add_byte(out, value.p[i]);
	buf_add(out, STR("\r\n"));
}

void
clickhouse_request(struct buf *out, const struct clickhouse_login *who, struct str statement, struct str body)
{
	buf_add(out, STR("POST /?query="));
	add_url(out, statement);
	buf_add(out, STR(" HTTP/1.1\r\n"));
	add_header(out, "Host", who->host);
	if (who->user.n) {
		add_header(out, "X-ClickHouse-User", who->user);
		add_header(out, "X-ClickHouse-Key", who->password);
	}
	buf_addf(out, "Connection: close\r\nContent-Length: %zu\r\n\r\n", body.n);
	buf_add(out, body);
}

void
clickhouse_value(struct buf *out, struct str bytes)
{
	static const char from[] = "\\\t\n\r\0\b\f", to[] = "\\tnr0bf";
	size_t done = 0;

	for (size_t i = 0; i < bytes.n; i++) {
		const char *at = memchr(from, bytes.p[i], sizeof(from) - 1);
		if (!at)
			continue;
		buf_add(out, str_of(bytes.p + done, i - done));
		buf_add_byte(out, '\\');
		buf_add_byte(out, to[at - from]);
		done = i + 1;
	}
	buf_add(out, str_from(bytes, done));
}

void
clickhouse_quote(struct buf *out, struct str text)
{
	buf_add_byte(out, '\'');
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '\'' || text.p[i] == '\\')
			buf_add_byte(out, '\\');
		buf_add_byte(out, text.p[i]);
	}
	buf_add_byte(out, '\'');
}

/* RFC 9112 section 7.1. */
static int
first_chunk(struct str body, struct str *ret)
{
	size_t line = str_find(body, STR("\r\n"));
	uint64_t n = 0;

	for (size_t i = 0; i < line && i < 8; i++) {
		char c = ascii_lower(body.p[i]);
		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
			return -EBADMSG;
		n = n * 16 + (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	if (line == body.n || line == 0 || line > 8 || n > body.n - line - 2)
		return -EBADMSG;
	*ret = str_head(str_from(body, line + 2), n);
	return 0;
}

int
clickhouse_answer(struct str bytes, unsigned *ret_status, struct str *ret_body)
{
	size_t end = str_find(bytes, STR("\r\n\r\n"));
	struct str head = str_head(bytes, end), body = str_from(bytes, end + 4), rest = head, word;
	uint64_t status;

	if (end == bytes.n || !str_starts(head, STR("HTTP/1.")) || !str_word(&rest, &word) || !str_word(&rest, &word) ||
	    text_u64(word, &status) < 0 || status < 100 || status > 599)
		return -EBADMSG;
	/* What is asked for is a number or a sentence: the first chunk has it. */
	if (str_find_nocase(head, STR("\r\ntransfer-encoding: chunked")) < head.n && first_chunk(body, &body) < 0)
		return -EBADMSG;
	*ret_status = (unsigned)status;
	*ret_body = body;
	return 0;
}
