/* record: slots, fields and the JSON form of a record. Never changes a raw byte. */
#include "event/record.h"

#include <assert.h>

_Static_assert(RECORD_FIELDS_MAX <= UINT8_MAX, "a hint is a byte");

/* Offset of `inside` within `whole`, or SIZE_MAX when it does not lie there. */
static size_t
offset_in(struct str whole, struct str inside)
{
	uintptr_t from = (uintptr_t)whole.p, p = (uintptr_t)inside.p;

	if (!whole.p || p < from || p - from > whole.n || inside.n > whole.n - (p - from))
		return SIZE_MAX;
	return p - from;
}

static bool
slot_of(const struct record *r, struct str inside, struct slot *ret)
{
	size_t at = offset_in(r->raw, inside);

	if (at == SIZE_MAX && r->extra) {
		at = offset_in(buf_str(r->extra), inside);
		if (at != SIZE_MAX)
			at += r->raw.n;
	}
	if (at > UINT32_MAX || inside.n > UINT32_MAX)
		return false;
	*ret = (struct slot){ .off = (uint32_t)at, .len = (uint32_t)inside.n };
	return true;
}

struct slot
record_slot(const struct record *r, struct str inside)
{
	struct slot at = { 0 };
	bool found = slot_of(r, inside, &at);

	assert(found);
	return at;
}

void
record_begin(struct record *r, struct str raw, struct buf *extra, int64_t received_us)
{
	static const struct record blank = {
		.time_us = WHEN_NONE,
		.repeat = 1,
		.facility = -1,
		.severity = -1,
		.pid = -1,
		.kind = KIND_unknown,
		.sure = true,
		.decoder = UINT32_MAX,
	};

	/*
	 * The fields beyond nfields are never read: copying only the head spares three quarters of
	 * the work.
	 */
	memcpy(r, &blank, offsetof(struct record, fields));
	r->raw = str_head(raw, RECORD_RAW_MAX);
	r->extra = extra;
	r->received_us = received_us;
	if (extra)
		buf_reset(extra);
}

bool
record_set(struct record *r, uint16_t key, struct slot at, uint16_t flags)
{
	const struct field *old = record_field(r, key);
	size_t i = old ? (size_t)(old - r->fields) : r->nfields;

	if (i == RECORD_FIELDS_MAX)
		return false;
	r->fields[i] = (struct field){ .key = key, .flags = flags, .at = at };
	r->nfields += !old;
	r->keys_seen |= UINT64_C(1) << (key % 64);
	r->hint[key % 64] = (uint8_t)i;
	return true;
}

bool
record_set_text(struct record *r, uint16_t key, struct str text, uint16_t flags)
{
	struct slot at;

	if (text.n && slot_of(r, text, &at))
		return record_set(r, key, at, flags);
	if (!r->extra || r->extra->n > RECORD_EXTRA_MAX || text.n > RECORD_EXTRA_MAX - r->extra->n)
		return false;
	at = (struct slot){ .off = (uint32_t)(r->raw.n + r->extra->n), .len = (uint32_t)text.n };
	/*
	 * Asked before it is written: the error of a full buffer would stick to the texts that
	 * still fit.
	 */
	if (r->extra->n + text.n > r->extra->max)
		return false;
	buf_add(r->extra, text);
	return buf_ok(r->extra) && record_set(r, key, at, flags);
}

void
record_set_site(struct record *r, struct str source, struct str own)
{
	struct str rest = str_from(source, sizeof("site ") - 1);
	struct str site = str_starts(source, STR("site ")) ? str_head(rest, str_find_byte(rest, ' ')) : own;

	/* One field too many is no reason to lose a line: it is then of no known site. */
	if (site.n)
		(void)!record_set_text(r, FIELD_site, site, 0);
}

void
record_drop(struct record *r, uint16_t key)
{
	const struct field *old = record_field(r, key);
	size_t i;

	if (!old)
		return;
	i = (size_t)(old - r->fields);
	memmove(&r->fields[i], &r->fields[i + 1], (r->nfields - i - 1) * sizeof(r->fields[0]));
	r->nfields--;
}

/* Writes `"name":`, after a comma unless an object has just been opened. */
static void
json_name(struct buf *out, struct str name)
{
	if (out->n && out->p[out->n - 1] != '{')
		buf_add_byte(out, ',');
	buf_add_json(out, name);
	buf_add_byte(out, ':');
}

static void
json_text(struct buf *out, struct str name, struct str text)
{
	json_name(out, name);
	buf_add_json(out, text);
}

static void
json_number(struct buf *out, struct str name, int64_t value)
{
	json_name(out, name);
	buf_addf(out, "%lld", (long long)value);
}

static void
json_bool(struct buf *out, struct str name, bool value)
{
	json_name(out, name);
	buf_add(out, value ? STR("true") : STR("false"));
}

/*
 * By the type of the field: numbers as numbers, addresses in one form; anything that does not fit,
 * as it stands.
 */
static void
json_value(struct buf *out, struct str name, const char *type, struct str text)
{
	struct addr a;
	char shown[46];
	int64_t number;

	if (strcmp(type, "int") == 0 || strcmp(type, "port") == 0) {
		if (text_i64(text, &number) == 0) {
			json_number(out, name, number);
			return;
		}
	} else if (strcmp(type, "addr") == 0 && addr_parse(text, &a) == 0) {
		text = str_of(shown, addr_show(&a, shown));
	}
	json_text(out, name, text);
}

/* Fields that stand beside the head, in this order; all others go under "fields". */
static const uint16_t top_fields[] = {
	FIELD_src,
	FIELD_src_host,
	FIELD_src_port,
	FIELD_dst,
	FIELD_dst_host,
	FIELD_dst_port,
	FIELD_user,
};

static bool
is_top(uint16_t key)
{
	for (size_t i = 0; i < ARRAY_LEN(top_fields); i++)
		if (top_fields[i] == key)
			return true;
	return false;
}

static void
json_slot(struct buf *out, const struct record *r, struct str name, struct slot at)
{
	if (at.len)
		json_text(out, name, record_text(r, at));
}

static void
json_head(struct buf *out, const struct record *r, struct str file)
{
	char time[40];

	if (file.n)
		json_text(out, STR("file"), file);
	if (r->line)
		json_number(out, STR("line"), (int64_t)r->line);
	if (r->time_us != WHEN_NONE)
		json_text(out, STR("time"), str_of(time, when_show(r->time_us, 0, time)));
	json_slot(out, r, STR("host"), r->host);
	json_slot(out, r, STR("program"), r->program);
	if (r->pid >= 0)
		json_number(out, STR("pid"), r->pid);
}

static void
json_joined(struct buf *out, const struct record *r, const struct fields *f)
{
	bool any = false;

	for (size_t i = 0; i < r->nfields; i++) {
		if (!(r->fields[i].flags & FIELD_JOINED))
			continue;
		if (any) {
			buf_add_byte(out, ',');
		} else {
			json_name(out, STR("joined"));
			buf_add_byte(out, '[');
		}
		buf_add_json(out, fields_name(f, r->fields[i].key));
		any = true;
	}
	if (any)
		buf_add_byte(out, ']');
}

static void
json_fields(struct buf *out, const struct record *r, const struct fields *f)
{
	bool any = false;

	for (size_t i = 0; i < r->nfields; i++) {
		uint16_t key = r->fields[i].key;
		if (is_top(key))
			continue;
		if (!any) {
			json_name(out, STR("fields"));
			buf_add_byte(out, '{');
		}
		json_value(
		    out, fields_name(f, key), fields_type(key), record_text(r, r->fields[i].at));
		any = true;
	}
	if (any)
		buf_add_byte(out, '}');
}

void
record_json(const struct record *r, const struct fields *f, const struct kinds *k, struct str file,
    const char *decoder, struct buf *out)
{
	const struct kind_row *kind = kinds_row(k, r->kind);

	buf_add_byte(out, '{');
	json_head(out, r, file);
	json_text(out, STR("kind"), kind ? kind->name : STR("unknown"));
	json_bool(out, STR("hostile"), r->hostile);
	for (size_t i = 0; i < ARRAY_LEN(top_fields); i++) {
		const struct field *field = record_field(r, top_fields[i]);
		if (field)
			json_value(out, fields_name(f, field->key), fields_type(field->key),
			    record_text(r, field->at));
	}
	if (decoder)
		json_text(out, STR("decoder"), str_z(decoder));
	if (!r->sure)
		json_bool(out, STR("sure"), false);
	json_joined(out, r, f);
	json_fields(out, r, f);
	buf_add_byte(out, '}');
}
