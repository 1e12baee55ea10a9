/*
 * Packets of strongSwan: every slice lies in the input, every walk ends; what was read whole is written again and gives the
 * same bytes.
 */
#include "fuzz.h"
#include "wire/vici.h"

/* A name with a byte 0 in it has no form as a C string: such a message is not written again. */
static bool
name_of(struct str name, char room[256])
{
	memcpy(room, name.p, name.n);
	room[name.n] = '\0';
	return strlen(room) == name.n;
}

static void
again(struct buf *out, enum vici_token t, const char *name, struct str value)
{
	switch (t) {
	case VICI_SECTION: vici_section(out, name); break;
	case VICI_SECTION_END: vici_section_end(out); break;
	case VICI_VALUE: vici_value(out, name, value); break;
	case VICI_LIST: vici_list(out, name); break;
	case VICI_ITEM: vici_item(out, value); break;
	case VICI_LIST_END: vici_list_end(out); break;
	case VICI_END: case VICI_BAD: break;
	}
}

static void
check_packet(struct str packet)
{
	struct buf out = BUF_INIT(VICI_PACKET_MAX + VICI_HEAD);
	struct str name, value = { .n = 0 };
	struct vici_reader r;
	enum vici_type type;
	enum vici_token t;
	char room[256] = "";
	bool same = true;

	if (vici_open(packet, &type, &name, &r) < 0)
		return;
	CLAIM(fuzz_within(packet, name));
	size_t start = vici_begin(&out, type, name);
	for (size_t steps = 0; (t = vici_next(&r, &name, &value)) > VICI_END; steps++) {
		CLAIM(steps <= packet.n && fuzz_within(packet, name) && fuzz_within(packet, value));
		if (t == VICI_SECTION || t == VICI_VALUE || t == VICI_LIST)
			same &= name_of(name, room);
		if (same)
			again(&out, t, room, value);
	}
	vici_end(&out, start);
	if (same && t == VICI_END)
		CLAIM(buf_ok(&out) && str_eq(str_of(out.p + VICI_HEAD, out.n - VICI_HEAD), packet));
	buf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str stream = fuzz_input(data, size), packet;
	size_t used;

	check_packet(stream);
	while (vici_cut(stream, &packet, &used) == 0) {
		CLAIM(fuzz_within(stream, packet) && used <= stream.n);
		check_packet(packet);
		stream = str_from(stream, used);
	}
	return 0;
}
