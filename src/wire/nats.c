/* nats: see nats.h. Must never trust a length it read. */
#include "wire/nats.h"

#include <errno.h>

#include "base/text.h"

static const struct str crlf = STR_INIT("\r\n");

static int
word(struct str *rest, struct str *ret)
{
	return str_word(rest, ret) ? 0 : -EBADMSG;
}

static int
length(struct str text, size_t *ret)
{
	uint64_t n;

	if (text_u64(text, &n) < 0 || n > NATS_PAYLOAD_MAX)
		return -EBADMSG;
	*ret = n;
	return 0;
}

/* "subject sid [reply] [headers] bytes": the words between are known by their count. */
static int
message(struct str line, struct str rest, struct nats_op *op, size_t *ret_used)
{
	struct str words[5];
	size_t n = 0, fixed = op->kind == NATS_HMSG ? 4 : 3, whole = 0, head = 0;

	while (n < ARRAY_LEN(words) && word(&line, &words[n]) == 0)
		n++;
	if (n < fixed || n > fixed + 1 || length(words[n - 1], &whole) < 0)
		return -EBADMSG;
	if (op->kind == NATS_HMSG && (length(words[n - 2], &head) < 0 || head > whole))
		return -EBADMSG;
	if (rest.n < whole + crlf.n)
		return 0;
	if (!str_starts(str_from(rest, whole), crlf))
		return -EBADMSG;
	op->subject = words[0];
	op->reply = n > fixed ? words[2] : STR_NULL;
	op->header = str_head(rest, head);
	op->payload = str_head(str_from(rest, head), whole - head);
	*ret_used += whole + crlf.n;
	return 1;
}

static bool
is(struct str line, struct str name, struct str *ret_rest)
{
	if (!str_starts_nocase(line, name) || (line.n > name.n && line.p[name.n] != ' ' && line.p[name.n] != '\t'))
		return false;
	*ret_rest = str_trim(str_from(line, name.n));
	return true;
}

int
nats_next(struct str bytes, size_t *ret_used, struct nats_op *ret)
{
	static const struct { struct str name; enum nats_kind kind; } names[] = {
		{ STR_INIT("INFO"), NATS_INFO }, { STR_INIT("MSG"), NATS_MSG }, { STR_INIT("HMSG"), NATS_HMSG },
		{ STR_INIT("PING"), NATS_PING }, { STR_INIT("PONG"), NATS_PONG }, { STR_INIT("+OK"), NATS_OK },
		{ STR_INIT("-ERR"), NATS_ERR },
	};
	size_t end = str_find(str_head(bytes, NATS_LINE_MAX), crlf);
	struct str line = str_head(bytes, end), rest;
	struct nats_op op = { .kind = NATS_OK };
	size_t used = end + crlf.n;

	if (end >= str_head(bytes, NATS_LINE_MAX).n)
		return bytes.n >= NATS_LINE_MAX ? -EMSGSIZE : 0;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (!is(line, names[i].name, &rest))
			continue;
		op.kind = names[i].kind;
		op.text = rest;
		int r = op.kind == NATS_MSG || op.kind == NATS_HMSG ? message(rest, str_from(bytes, used), &op, &used) : 1;
		if (op.kind == NATS_ERR && op.text.n >= 2 && op.text.p[0] == '\'')
			op.text = str_of(op.text.p + 1, op.text.n - 2);
		if (r == 1) {
			*ret = op;
			*ret_used = used;
		}
		return r;
	}
	return -EBADMSG;
}

bool
nats_token_valid(struct str token)
{
	for (size_t i = 0; i < token.n; i++) {
		char c = token.p[i];
		if (!(c >= '0' && c <= '9') && !(ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') && c != '-' && c != '_')
			return false;
	}
	return token.n > 0;
}

void
nats_connect(struct buf *out, struct str user, struct str password)
{
	buf_add(out, STR("CONNECT {\"verbose\":false,\"pedantic\":false,\"headers\":true,\"no_responders\":true,\"lang\":\"c\","
	    "\"version\":\"1\",\"protocol\":1,\"name\":\"guarita\""));
	if (user.n) {
		buf_add(out, STR(",\"user\":"));
		buf_add_json(out, user);
		buf_add(out, STR(",\"pass\":"));
		buf_add_json(out, password);
	}
	buf_add(out, STR("}\r\nPING\r\n"));
}

void
nats_subscribe(struct buf *out, struct str subject, unsigned id)
{
	buf_addf(out, "SUB %.*s %u\r\n", STR_FMT(subject), id);
}

void
nats_publish(struct buf *out, struct str subject, struct str reply, struct str headers, struct str payload)
{
	static const struct str version = STR_INIT("NATS/1.0\r\n");
	size_t head = headers.n ? version.n + headers.n + crlf.n : 0;

	buf_addf(out, "%s %.*s %.*s%s", head ? "HPUB" : "PUB", STR_FMT(subject), STR_FMT(reply), reply.n ? " " : "");
	if (head)
		buf_addf(out, "%zu ", head);
	buf_addf(out, "%zu\r\n", head + payload.n);
	if (head) {
		buf_add(out, version);
		buf_add(out, headers);
		buf_add(out, crlf);
	}
	buf_add(out, payload);
	buf_add(out, crlf);
}
