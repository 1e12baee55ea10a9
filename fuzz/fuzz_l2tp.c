/* L2TP datagrams: slices stay inside, hidden values inside the message; what was read is written and read the same. */
#include "fuzz.h"
#include "wire/l2tp.h"

static bool
in_message(struct str whole, const struct l2tp_message *m, struct str s)
{
	return fuzz_within(whole, s) || fuzz_within(str_of((const char *)m->plain, sizeof(m->plain)), s);
}

static void
check_message(struct str payload, struct str secret)
{
	static struct l2tp_message m, again;
	uint8_t room[65536];
	struct enc e = enc_of(room, sizeof(room));

	int r = l2tp_message_read(payload, secret, &m);
	CLAIM((r < 0) == (m.result != 0));
	l2tp_begin(&e, m.type ? (enum l2tp_message_type)m.type : L2TP_HELLO, 1, 2);
	for (unsigned t = 1; t < L2TP_AVPS; t++) {
		if (!l2tp_has(&m, t))
			continue;
		CLAIM(l2tp_avp_row(t) && in_message(payload, &m, m.bytes[t]));
		CLAIM(m.bytes[t].n >= l2tp_avp_row(t)->size);
		if (l2tp_avp_row(t)->kind == L2TP_NUMBER)
			l2tp_put(&e, t, m.number[t]);
		else
			l2tp_put_bytes(&e, t, m.bytes[t]);
	}
	CLAIM(l2tp_end(&e) > 0);
	CLAIM(l2tp_message_read(str_of((char *)room + 12, e.n - 12), STR_NULL, &again) == 0);
	CLAIM((again.has & ~1ull) == (m.has & ~1ull));
	for (unsigned t = 1; t < L2TP_AVPS; t++)
		if (l2tp_has(&m, t))
			CLAIM(m.number[t] == again.number[t] && (m.number[t] || str_eq(m.bytes[t], again.bytes[t]) ||
			    l2tp_avp_row(t)->kind == L2TP_NUMBER));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = fuzz_input(data, size);
	struct l2tp_head h;

	check_message(in, STR_NULL);
	if (l2tp_head_read(in, &h) < 0)
		return 0;
	CLAIM(fuzz_within(in, h.payload));
	check_message(h.payload, STR("segredo"));
	return 0;
}
