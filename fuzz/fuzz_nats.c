/* What engines answer: operations of NATS one after the other, and an answer of ClickHouse. Slices lie in the input. */
#include "fuzz.h"
#include "wire/clickhouse.h"
#include "wire/nats.h"

static void
check_operations(struct str in)
{
	struct nats_op op;
	size_t used = 0;

	while (nats_next(in, &used, &op) == 1) {
		CLAIM(used > 0 && used <= in.n);
		CLAIM(fuzz_within(in, op.text) && fuzz_within(in, op.subject) && fuzz_within(in, op.reply));
		CLAIM(fuzz_within(in, op.header) && fuzz_within(in, op.payload));
		CLAIM(op.header.n + op.payload.n < used);
		in = str_from(in, used);
	}
}

/* What we send is one operation, whatever is in it. */
static void
check_publish(struct str in)
{
	struct buf out = BUF_INIT(1u << 22);
	struct nats_op op;
	size_t used = 0;

	nats_publish(&out, STR("a.b"), STR("r"), STR("X: y\r\n"), in);
	out.p[0] = 'H', out.p[1] = 'M', out.p[2] = 'S', out.p[3] = 'G';
	/* Published "HPUB subject reply header whole" reads as "HMSG subject sid header whole". */
	CLAIM(nats_next(buf_str(&out), &used, &op) == 1 && used == out.n);
	CLAIM(str_eq(op.payload, in) && str_ends(op.header, STR("X: y\r\n\r\n")));
	buf_free(&out);
}

static void
check_answer(struct str in)
{
	struct buf row = BUF_INIT(1u << 22);
	unsigned status = 0;
	struct str body;

	if (clickhouse_answer(in, &status, &body) == 0)
		CLAIM(status >= 100 && status <= 599 && fuzz_within(in, body));
	clickhouse_value(&row, in);
	CLAIM(str_find_byte(buf_str(&row), '\t') == row.n && str_find_byte(buf_str(&row), '\n') == row.n);
	buf_free(&row);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = fuzz_input(data, size);

	check_operations(in);
	check_publish(in);
	check_answer(in);
	return 0;
}
