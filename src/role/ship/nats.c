/*
 * nats: lines into a stream of JetStream. A message holds a run of lines and has their first number in its id; the
 * newest message of the subject says how far the stream has come. Must never take a line as kept before the server said so.
 */
#include <errno.h>
#include <stdio.h>

#include "base/base64.h"
#include "base/text.h"
#include "role/ship/shipd.h"
#include "sys/clock.h"
#include "wire/json.h"
#include "wire/nats.h"

#define BATCH_BYTES (256u << 10)
#define ALREADY_THERE 10058            /* a stream of this name, with other options: the owner's choice */

struct answer {
	uint64_t code, err_code, seq;
	char why[160];
	struct buf headers;            /* of a stored message */
	bool stored;
};

static void
take_text(const struct json_item *item, char *dst, size_t size)
{
	struct buf b = BUF_INIT(4096);

	json_unescape(item->value, &b);
	snprintf(dst, size, "%s", buf_cstr(&b));
	buf_free(&b);
}

static bool
on_item(void *ctx, const struct json_item *item)
{
	struct answer *a = ctx;
	uint8_t bytes[8192];
	size_t n = 0;

	if (str_eq(item->key, STR("error.code")))
		(void)!text_u64(item->value, &a->code);
	else if (str_eq(item->key, STR("error.err_code")))
		(void)!text_u64(item->value, &a->err_code);
	else if (str_eq(item->key, STR("error.description")))
		take_text(item, a->why, sizeof(a->why));
	else if (str_eq(item->key, STR("seq")) || str_eq(item->key, STR("message.seq")))
		a->stored = text_u64(item->value, &a->seq) == 0;
	else if (str_eq(item->key, STR("message.hdrs")) && base64_read(item->value, bytes, sizeof(bytes), &n) == 0)
		buf_add(&a->headers, str_of((const char *)bytes, n));
	return true;
}

/* The next operation; what concerns nobody is answered or passed over. */
static int
next(struct ship *s, struct nats_op *op)
{
	size_t used = 0;

	for (;;) {
		int r = nats_next(str_from(buf_str(&s->in), s->taken), &used, op);
		if (r < 0)
			return ship_fault(s, r, "%s does not speak NATS", s->address);
		if (r == 0) {
			int n = ship_more(s);
			if (n <= 0)
				return n < 0 ? n : ship_fault(s, -EPIPE, "%s closed the connection", s->address);
			continue;
		}
		s->taken += used;
		if (op->kind == NATS_ERR)
			return ship_fault(s, -EACCES, "%s says: %.*s", s->address, STR_FMT(op->text));
		if (op->kind != NATS_PING)
			return 0;
		buf_add(&s->out, STR("PONG\r\n"));
		r = ship_flush(s);
		if (r < 0)
			return r;
	}
}

static int
wait_for(struct ship *s, enum nats_kind kind, struct nats_op *op)
{
	int r;

	do
		r = next(s, op);
	while (r == 0 && op->kind != kind);
	return r;
}

/* The reply of JetStream to what was published last. */
static int
reply(struct ship *s, struct answer *a)
{
	struct nats_op op;
	int r = ship_flush(s);

	*a = (struct answer){ .headers = BUF_INIT(8192) };
	do
		r = r < 0 ? r : next(s, &op);
	while (r == 0 && op.kind != NATS_MSG && op.kind != NATS_HMSG);
	if (r < 0)
		return r;
	if (str_find(op.header, STR("NATS/1.0 503")) < op.header.n)
		return ship_fault(s, -ENOTSUP, "%s has no JetStream: switch it on with jetstream {} in its configuration", s->address);
	return json_walk(op.payload, on_item, a, NULL) < 0 ? ship_fault(s, -EBADMSG, "%s answers what is no JSON", s->address) : 0;
}

static void
subject_of(const struct ship *s, struct buf *out)
{
	buf_addf(out, "%.*s.", STR_FMT(s->conf->stream));
	for (size_t i = 0; i < s->site.n; i++)
		buf_add_byte(out, nats_token_valid(str_of(s->site.p + i, 1)) ? s->site.p[i] : '_');
	buf_add(out, STR(".lines"));
}

static void
inbox_of(const struct ship *s, char dst[64])
{
	snprintf(dst, 64, "_INBOX.guarita.%p", (const void *)s);
}

static int
make_stream(struct ship *s, struct str subject)
{
	struct buf api = BUF_INIT(512), json = BUF_INIT(1024);
	struct answer a;
	char inbox[64];

	inbox_of(s, inbox);
	buf_addf(&api, "$JS.API.STREAM.CREATE.%.*s", STR_FMT(s->conf->stream));
	buf_addf(&json, "{\"name\":\"%.*s\",\"subjects\":[\"%.*s.*.lines\"],\"storage\":\"file\",\"retention\":\"limits\","
	    "\"max_consumers\":-1,\"max_msgs\":-1,\"max_bytes\":-1,\"num_replicas\":1}", STR_FMT(s->conf->stream),
	    STR_FMT(s->conf->stream));
	nats_publish(&s->out, buf_str(&api), str_z(inbox), STR_NULL, buf_str(&json));
	int r = reply(s, &a);
	if (r == 0 && a.code && a.err_code != ALREADY_THERE)
		r = ship_fault(s, -EACCES, "%s does not make the stream %.*s: %s", s->address, STR_FMT(s->conf->stream), a.why);
	buf_free(&a.headers);
	buf_free(&api);
	buf_free(&json);
	return r;
}

static uint64_t
header_number(struct str headers, struct str name)
{
	struct str rest = str_from(headers, str_find(headers, name) + name.n);
	uint64_t n;

	return text_u64(str_trim(str_head(rest, str_find(rest, STR("\r\n")))), &n) == 0 ? n : 0;
}

static int
ask_last(struct ship *s, struct str subject, uint64_t *ret_at)
{
	struct buf api = BUF_INIT(512), json = BUF_INIT(1024);
	struct answer a;
	char inbox[64];

	inbox_of(s, inbox);
	buf_addf(&api, "$JS.API.STREAM.MSG.GET.%.*s", STR_FMT(s->conf->stream));
	buf_addf(&json, "{\"last_by_subj\":\"%.*s\"}", STR_FMT(subject));
	nats_publish(&s->out, buf_str(&api), str_z(inbox), STR_NULL, buf_str(&json));
	int r = reply(s, &a);
	if (r == 0 && a.code && a.code != 404)
		r = ship_fault(s, -EACCES, "%s does not show the stream %.*s: %s", s->address, STR_FMT(s->conf->stream), a.why);
	struct str h = buf_str(&a.headers);
	if (r == 0 && !a.code && header_number(h, STR("\r\nGuarita-Count:")))
		*ret_at = header_number(h, STR("\r\nGuarita-First:")) + header_number(h, STR("\r\nGuarita-Count:"));
	buf_free(&a.headers);
	buf_free(&api);
	buf_free(&json);
	return r;
}

static int
open_stream(struct ship *s, uint64_t *ret_at)
{
	struct buf subject = BUF_INIT(512);
	struct nats_op op;
	char inbox[64];
	int r = ship_connect(s);

	inbox_of(s, inbox);
	subject_of(s, &subject);
	if (r == 0)
		r = wait_for(s, NATS_INFO, &op);
	nats_connect(&s->out, s->conf->user, s->conf->password);
	nats_subscribe(&s->out, str_z(inbox), 1);
	if (r == 0)
		r = ship_flush(s);
	if (r == 0)
		r = wait_for(s, NATS_PONG, &op);
	if (r == 0)
		r = make_stream(s, buf_str(&subject));
	if (r == 0)
		r = ask_last(s, buf_str(&subject), ret_at);
	buf_free(&subject);
	return r;
}

static int
send_batch(struct ship *s, const struct ship_batch *b)
{
	struct buf subject = BUF_INIT(512), headers = BUF_INIT(2048);
	unsigned long long first = b->first, count = b->count;
	struct answer a;
	char inbox[64];

	inbox_of(s, inbox);
	subject_of(s, &subject);
	buf_addf(&headers, "Nats-Msg-Id: %.*s/%llu\r\nGuarita-Origin: %.*s\r\nGuarita-First: %llu\r\nGuarita-Count: %llu\r\n",
	    STR_FMT(s->origin), first, STR_FMT(s->origin), first, count);
	nats_publish(&s->out, buf_str(&subject), str_z(inbox), buf_str(&headers), buf_str(&b->lines));
	int r = reply(s, &a);
	if (r == 0 && (a.code || !a.stored))
		r = ship_fault(s, -EIO, "%s does not keep lines: %s", s->address, a.why[0] ? a.why : "no reason given");
	buf_free(&a.headers);
	buf_free(&subject);
	buf_free(&headers);
	return r;
}

const struct ship_engine ship_nats = { .name = "nats", .bytes = BATCH_BYTES, .open = open_stream, .send = send_batch };
