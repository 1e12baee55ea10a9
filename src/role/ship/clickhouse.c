/*
 * clickhouse: lines as rows of a table. A batch is one block, which the engine takes wholly or not at all; the highest
 * number in the table says how far it has come. Must never take a row as kept before the server said so.
 */
#include <errno.h>

#include "base/text.h"
#include "role/ship/shipd.h"
#include "wire/clickhouse.h"

#define BATCH_BYTES (8u << 20)
#define NS INT64_C(1000000000)

/* One statement, one connection. The answer's text lives in s->in. */
static int
ask(struct ship *s, struct str statement, struct str body, struct str *ret)
{
	struct clickhouse_login who = { .host = str_z(s->address), .user = s->conf->user, .password = s->conf->password };
	unsigned status = 0;
	int n, r = ship_connect(s);

	if (r < 0)
		return r;
	clickhouse_request(&s->out, &who, statement, body);
	r = ship_flush(s);
	do
		n = r < 0 ? r : ship_more(s);
	while (n > 0);
	if (n < 0)
		return n;
	if (clickhouse_answer(buf_str(&s->in), &status, ret) < 0)
		return ship_fault(s, -EBADMSG, "%s does not speak HTTP", s->address);
	if (status == 200)
		return 0;
	struct str line = str_head(*ret, str_find_byte(*ret, '\n'));
	return ship_fault(s, -EIO, "%s says: %.*s", s->address, STR_FMT(str_head(line, 160)));
}

static int
open_table(struct ship *s, uint64_t *ret_at)
{
	struct buf q = BUF_INIT(16384);
	struct str answer = STR_NULL, word;
	uint64_t last = 0, count = 0;

	buf_addf(&q, "CREATE TABLE IF NOT EXISTS %.*s (log String, entry UInt64, received DateTime, received_ns Int64, "
	    "source String, transport UInt8, flags UInt8, raw String, nonce FixedString(16)) "
	    "ENGINE = ReplacingMergeTree() PARTITION BY log ORDER BY (log, entry)", STR_FMT(s->conf->table));
	int r = ask(s, buf_str(&q), STR_NULL, &answer);
	buf_reset(&q);
	buf_addf(&q, "SELECT max(entry), count() FROM %.*s WHERE log = ", STR_FMT(s->conf->table));
	clickhouse_quote(&q, s->origin);
	if (r == 0)
		r = ask(s, buf_str(&q), STR_NULL, &answer);
	buf_free(&q);
	if (r < 0)
		return r;
	answer = str_trim(answer);
	if (!str_word(&answer, &word) || text_u64(word, &last) < 0 || !str_word(&answer, &word) || text_u64(word, &count) < 0)
		return ship_fault(s, -EBADMSG, "%s does not say what it has", s->address);
	if (count)
		*ret_at = last + 1;
	return 0;
}

static void
add_row(struct buf *out, struct str origin, const struct vault_entry *e, struct str nonce)
{
	clickhouse_value(out, origin);
	buf_addf(out, "\t%llu\t%lld\t%lld\t", (unsigned long long)e->index, (long long)(e->recv_ns / NS), (long long)e->recv_ns);
	clickhouse_value(out, e->source);
	buf_addf(out, "\t%u\t%u\t", e->transport, e->flags);
	clickhouse_value(out, e->raw);
	buf_add_byte(out, '\t');
	clickhouse_value(out, nonce);
	buf_add_byte(out, '\n');
}

static int
send_rows(struct ship *s, const struct ship_batch *b)
{
	struct buf rows = BUF_INIT(8 * BATCH_BYTES), q = BUF_INIT(1024);
	struct cur c = cur_of(buf_str(&b->lines));
	struct str answer;
	int r = 0;

	for (uint64_t i = 0; i < b->count && r == 0; i++) {
		struct str line = cur_bytes(&c, cur_u16(&c));
		struct vault_entry e;
		r = vault_entry_decode(str_from(line, VAULT_NONCE_BYTES), b->first + i, &e);
		if (r == 0)
			add_row(&rows, s->origin, &e, str_head(line, VAULT_NONCE_BYTES));
	}
	buf_addf(&q, "INSERT INTO %.*s FORMAT TabSeparated", STR_FMT(s->conf->table));
	if (r == 0)
		r = buf_ok(&rows) ? ask(s, buf_str(&q), buf_str(&rows), &answer) : -ENOMEM;
	buf_free(&rows);
	buf_free(&q);
	return r;
}

const struct ship_engine ship_clickhouse = {
	.name = "clickhouse", .bytes = BATCH_BYTES, .open = open_table, .send = send_rows,
};
