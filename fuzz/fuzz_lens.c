/* The lens over many lines of one source: heads lie in the line, time never goes wild. */
#include "event/lens.h"
#include "fuzz.h"

#define NOW_US (INT64_C(1704067200) * WHEN_SECOND)

static void
check_head(const struct record *r)
{
	const struct slot slots[] = { r->host, r->program, r->message, r->data };

	for (size_t i = 0; i < ARRAY_LEN(slots); i++) {
		struct str text = record_text(r, slots[i]);
		CLAIM(fuzz_within(r->raw, text) || fuzz_within(buf_str(r->extra), text));
	}
	CLAIM(r->facility >= -1 && r->facility <= 23 && r->severity >= -1 && r->severity <= 7);
	CLAIM(r->pid >= -1 && r->dialect <= DIALECT_ROUTEROS && r->repeat >= 1);
	CLAIM(r->nfields <= RECORD_FIELDS_MAX);
}

static void
read_all(struct str in, bool envelope)
{
	struct zone_book *zones = zone_book_new(-180);
	struct lens_opts opts = {
		.place = STR("/var/log/messages"), .anchor_us = NOW_US, .envelope = envelope
	};
	struct lens *lens = lens_new(zones, &opts);
	struct buf extra = BUF_INIT(RECORD_EXTRA_MAX);
	struct str rest = in, line;
	struct record r;

	CLAIM(zones && lens);
	while (str_split(&rest, '\n', &line))
		lens_sniff(lens, line);
	rest = in;
	while (str_split(&rest, '\n', &line)) {
		record_begin(&r, line, &extra, NOW_US);
		lens_read(lens, &r);
		check_head(&r);
	}
	lens_free(lens);
	zone_book_free(zones);
	buf_free(&extra);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	read_all(fuzz_input(data, size), false);
	read_all(fuzz_input(data, size), true);
	return 0;
}
