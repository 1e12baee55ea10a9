/*
 * lens_json: envelopes. The journal's JSON and export entries, Docker, Kubernetes, Beats, GELF,
 * Loki and syslog-as-JSON carry a line of text with its head beside it: they are opened. Any other
 * object is an application's own words and stays whole, for the decoders of form `json`; only its
 * time is read.
 */
#include "event/lens_private.h"
#include "wire/journal.h"
#include "wire/json.h"

enum role {
	ROLE_MESSAGE, ROLE_LOG, ROLE_LINE, ROLE_SHORT, ROLE_JOURNAL,      /* texts */
	ROLE_PROGRAM, ROLE_PROGRAM_WEAK, ROLE_PID, ROLE_HOST, ROLE_PRIORITY, ROLE_FACILITY,
	ROLE_TIME, ROLE_TIME_WEAK, ROLE_REALTIME,
	ROLE_SHIPPER,            /* proves Beats, Fluent Bit and the like */
	ROLE_STREAM, ROLE_GELF, ROLE_LABELS,
	ROLE_ORIGINAL,           /* the line as it came, beside what others made of it */
	ROLE_LEVEL,              /* an application's own word */
	ROLES,
};

static const struct key_row {
	const char *key;
	uint8_t n, role;
} keys[] = {
#define KEY(text, role) { text, sizeof(text) - 1, role }
	/* sorted by their first byte */
	KEY("@timestamp", ROLE_TIME), KEY("@version", ROLE_SHIPPER), KEY("@t", ROLE_TIME),
	KEY("APP-NAME", ROLE_PROGRAM), KEY("DATE", ROLE_TIME), KEY("Datetime", ROLE_TIME_WEAK),
	KEY("EdgeEndTimestamp", ROLE_TIME_WEAK), KEY("EventTime", ROLE_TIME),
	KEY("HOST", ROLE_HOST), KEY("HOSTNAME", ROLE_HOST), KEY("MESSAGE", ROLE_JOURNAL),
	KEY("PRIORITY", ROLE_PRIORITY), KEY("PID", ROLE_PID), KEY("PROCID", ROLE_PID),
	KEY("PROGRAM", ROLE_PROGRAM), KEY("SYSLOG_FACILITY", ROLE_FACILITY),
	KEY("SYSLOG_IDENTIFIER", ROLE_PROGRAM), KEY("SYSLOG_PID", ROLE_PID),
	KEY("StartUTC", ROLE_TIME_WEAK), KEY("TimeCreated", ROLE_TIME),
	KEY("TimeGenerated", ROLE_TIME), KEY("Timestamp", ROLE_TIME),
	KEY("_COMM", ROLE_PROGRAM_WEAK), KEY("_HOSTNAME", ROLE_HOST), KEY("_PID", ROLE_PID), KEY("_raw", ROLE_ORIGINAL),
	KEY("__REALTIME_TIMESTAMP", ROLE_REALTIME), KEY("_time", ROLE_TIME),
	KEY("agent.type", ROLE_SHIPPER), KEY("agent.version", ROLE_SHIPPER),
	KEY("app-name", ROLE_PROGRAM), KEY("app_name", ROLE_PROGRAM), KEY("appname", ROLE_PROGRAM),
	KEY("asctime", ROLE_TIME), KEY("beat.name", ROLE_SHIPPER),
	KEY("container_id", ROLE_SHIPPER), KEY("container_name", ROLE_SHIPPER),
	KEY("created_at", ROLE_TIME_WEAK), KEY("date", ROLE_TIME), KEY("datetime", ROLE_TIME),
	KEY("event.created", ROLE_TIME_WEAK), KEY("event.original", ROLE_ORIGINAL),
	KEY("eventTime", ROLE_TIME),
	KEY("event_time", ROLE_TIME), KEY("full_message", ROLE_LABELS), KEY("host", ROLE_HOST),
	KEY("host.hostname", ROLE_HOST), KEY("host.name", ROLE_HOST), KEY("hostname", ROLE_HOST),
	KEY("ident", ROLE_PROGRAM), KEY("input.type", ROLE_SHIPPER),
	KEY("instant.epochSecond", ROLE_TIME_WEAK), KEY("kubernetes.pod_name", ROLE_SHIPPER),
	KEY("labels", ROLE_LABELS), KEY("level", ROLE_LEVEL), KEY("line", ROLE_LINE),
	KEY("log", ROLE_LOG), KEY("log.file.path", ROLE_SHIPPER), KEY("log.level", ROLE_LEVEL),
	KEY("message", ROLE_MESSAGE), KEY("pid", ROLE_PID),
	KEY("process.name", ROLE_PROGRAM_WEAK), KEY("process.pid", ROLE_PID),
	KEY("procid", ROLE_PID), KEY("program", ROLE_PROGRAM), KEY("programname", ROLE_PROGRAM),
	KEY("prospector.type", ROLE_SHIPPER), KEY("request_time", ROLE_TIME_WEAK),
	KEY("severity", ROLE_LEVEL), KEY("short_message", ROLE_SHORT), KEY("start_time", ROLE_TIME_WEAK),
	KEY("started_at", ROLE_TIME_WEAK), KEY("stream", ROLE_STREAM),
	KEY("streams.0.values.0.1", ROLE_LINE), KEY("syslog-tag", ROLE_PROGRAM),
	KEY("syslog_program", ROLE_PROGRAM), KEY("syslogtag", ROLE_PROGRAM),
	KEY("t.$date", ROLE_TIME_WEAK), KEY("time", ROLE_TIME), KEY("timestamp", ROLE_TIME),
	KEY("timestamp_ms", ROLE_TIME), KEY("ts", ROLE_TIME), KEY("utctime", ROLE_TIME_WEAK),
	KEY("version", ROLE_GELF),
#undef KEY
};

void
lens_json_index(uint8_t first[256])
{
	memset(first, UINT8_MAX, 256);
	for (size_t i = ARRAY_LEN(keys); i-- > 0;)
		first[(unsigned char)*keys[i].key] = (uint8_t)i;
}

struct finds {
	const uint8_t *first;
	struct json_item at[ROLES]; /* key.p set: found */
	struct buf *extra;
	size_t items;
	size_t bytes; /* MESSAGE as an array of numbers: how many were put in extra */
};

static void
find_role(struct finds *f, const struct json_item *item)
{
	size_t i = f->first[(unsigned char)*item->key.p];
	for (; i < ARRAY_LEN(keys) && *keys[i].key == *item->key.p; i++) {
		if (keys[i].n != item->key.n || memcmp(keys[i].key, item->key.p, item->key.n) != 0)
			continue;
		if (!f->at[keys[i].role].key.p) {
			f->at[keys[i].role] = *item;
			/* The key's own bytes may not last: its table row does. */
			f->at[keys[i].role].key = str_of(keys[i].key, keys[i].n);
		}
		return;
	}
}

static bool
on_item(void *ctx, const struct json_item *item)
{
	struct finds *f = ctx;
	f->items++;
	if (!item->key.n || item->depth > 5)
		return true;
	find_role(f, item);
	/* The journal writes messages that are no UTF-8 as an array of bytes. */
	if (item->type == JSON_NUMBER && item->depth == 2 && f->extra &&
	    str_starts(item->key, STR("MESSAGE."))) {
		unsigned v = 0;
		for (size_t i = 0; i < item->value.n && i < 3; i++)
			v = v * 10 + (unsigned char)(item->value.p[i] - '0');
		buf_add_byte(f->extra, (char)v);
		f->bytes++;
	}
	return true;
}

static bool
has(const struct finds *f, enum role role)
{
	const struct json_item *i = &f->at[role];
	return i->key.p && i->value.n && (i->type == JSON_STRING || i->type == JSON_NUMBER);
}

static bool
has_text(const struct finds *f, enum role role)
{
	return f->at[role].key.p && f->at[role].type == JSON_STRING;
}

/* A text that begins with a full syslog head: stamp, host and tag. */
static bool
holds_line(const struct finds *f, enum role role)
{
	struct syslog_head h;
	if (!has_text(f, role))
		return false;
	syslog_parse(f->at[role].value, SYSLOG_STRICT, &h);
	return h.form >= SYSLOG_BSD && h.host.n && h.program.n && h.stamp.trust == STAMP_STRONG;
}

/* Which text an envelope carries, if the object is one at all; ROLES when it is not. */
static enum role
envelope(const struct finds *f)
{
	bool timed = has(f, ROLE_TIME),
	     shipped = f->at[ROLE_SHIPPER].key.p || f->at[ROLE_STREAM].key.p;
	if ((has_text(f, ROLE_JOURNAL) || f->bytes) &&
	    (has(f, ROLE_REALTIME) || has(f, ROLE_PROGRAM) || has(f, ROLE_HOST)))
		return ROLE_JOURNAL;
	if (has_text(f, ROLE_SHORT) && f->at[ROLE_GELF].key.p && has(f, ROLE_HOST))
		return ROLE_SHORT;
	if (has_text(f, ROLE_LOG) && !has(f, ROLE_MESSAGE) && (shipped || timed))
		return ROLE_LOG;
	if (has_text(f, ROLE_LINE) && !has(f, ROLE_MESSAGE) && (timed || f->at[ROLE_LABELS].key.p))
		return ROLE_LINE;
	if (has_text(f, ROLE_MESSAGE) && (has(f, ROLE_PROGRAM) || (shipped && timed)))
		return ROLE_MESSAGE;
	/* An application that has a level speaks for itself: its message may be a stranger's words. */
	if (timed && !f->at[ROLE_LEVEL].key.p && holds_line(f, ROLE_MESSAGE))
		return ROLE_MESSAGE;
	return holds_line(f, ROLE_ORIGINAL) ? ROLE_ORIGINAL : ROLES;
}

/*
 * Slot of a string, trimmed: in the line when it stands there as it is, else written out into
 * extra.
 */
static struct slot
text_slot(struct record *r, const struct json_item *item)
{
	struct str v = str_trim(item->value);
	if (!item->escaped || !r->extra)
		return (struct slot){ .off = (uint32_t)(v.p - r->raw.p), .len = (uint32_t)v.n };
	size_t start = r->extra->n;
	json_unescape(v, r->extra);
	v = str_trim(str_from(buf_str(r->extra), start));
	return (
	    struct slot){ .off = (uint32_t)(r->raw.n + (v.n ? (size_t)(v.p - r->extra->p) : start)),
		.len = (uint32_t)v.n };
}

static int
small_number(const struct finds *f, enum role role)
{
	struct str v = f->at[role].value;
	int n = 0;
	if (!has(f, role) || v.n > 3)
		return -1;
	for (size_t i = 0; i < v.n; i++) {
		unsigned d = (unsigned char)(v.p[i] - '0');
		if (d > 9)
			return -1;
		n = n * 10 + (int)d;
	}
	return n;
}

static int64_t
pid_of(const struct finds *f)
{
	struct str v = f->at[ROLE_PID].value;
	int64_t n = 0;
	if (!has(f, ROLE_PID) || v.n > 10)
		return -1;
	for (size_t i = 0; i < v.n; i++) {
		unsigned d = (unsigned char)(v.p[i] - '0');
		if (d > 9)
			return -1;
		n = n * 10 + d;
	}
	return n;
}

static bool
item_stamp(const struct json_item *item, struct stamp *ret)
{
	int64_t t;
	if (stamp_epoch(item->value, &t)) {
		*ret = (struct stamp){ .form = STAMP_EPOCH,
			.flags = STAMP_UTC_WORD,
			.trust = STAMP_STRONG,
			.epoch_us = t };
		return true;
	}
	/*
	 * The time's slashes may be escaped: "10\/Feb\/2024" is no form that anyone was seen to
	 * write.
	 */
	size_t n = item->type == JSON_STRING ? stamp_parse(item->value, ret) : 0;
	return n && n == item->value.n;
}

static bool
object_stamp(const struct finds *f, struct stamp *ret)
{
	static const enum role order[] = { ROLE_REALTIME, ROLE_TIME, ROLE_TIME_WEAK };
	for (size_t i = 0; i < ARRAY_LEN(order); i++)
		if (has(f, order[i]) && item_stamp(&f->at[order[i]], ret))
			return true;
	return false;
}

static void
fill_head(struct record *r, const struct finds *f)
{
	enum role program = has_text(f, ROLE_PROGRAM) ? ROLE_PROGRAM : ROLE_PROGRAM_WEAK;
	int facility = small_number(f, ROLE_FACILITY), severity = small_number(f, ROLE_PRIORITY);
	if (has_text(f, program))
		r->program = text_slot(r, &f->at[program]);
	if (has_text(f, ROLE_HOST))
		r->host = text_slot(r, &f->at[ROLE_HOST]);
	r->pid = pid_of(f);
	r->facility = (int16_t)(facility >= 0 && facility < 24 ? facility : -1);
	r->severity = (int16_t)(severity >= 0 && severity < 8 ? severity : -1);
}

static void
begin(struct finds *f, const struct lens *l, struct buf *extra)
{
	f->first = l->json_first;
	f->extra = extra;
	f->items = f->bytes = 0;
	for (size_t i = 0; i < ROLES; i++)
		f->at[i].key = STR_NULL;
}

bool
lens_json(struct lens *l, struct record *r, struct str text)
{
	struct finds f;
	struct stamp st = { .form = STAMP_NONE };
	size_t start = r->extra ? r->extra->n : 0;
	begin(&f, l, r->extra);
	if (json_walk(text, on_item, &f, NULL) < 0 && f.items == 0)
		return false;
	bool timed = object_stamp(&f, &st);
	lens_set_time(l, r, &st);
	enum role role = envelope(&f);
	r->dialect = role == ROLE_JOURNAL ? DIALECT_JOURNAL : DIALECT_JSON;
	r->message = (struct slot){ .off = (uint32_t)(text.p - r->raw.p), .len = (uint32_t)text.n };
	if (role == ROLES)
		return true;
	fill_head(r, &f);
	if (f.bytes && !has_text(&f, ROLE_JOURNAL))
		r->message = (struct slot){ .off = (uint32_t)(r->raw.n + start),
			.len = (uint32_t)f.bytes };
	else
		r->message = text_slot(r, &f.at[role]);
	lens_within(l, r, timed);
	return true;
}

bool
lens_journal(struct lens *l, struct record *r, struct str text)
{
	struct finds f;
	struct stamp st = { .form = STAMP_NONE };
	struct str rest = text, key, value;
	begin(&f, l, NULL);
	while (journal_next(&rest, &key, &value)) {
		struct json_item item = {
			.key = key, .value = value, .type = JSON_STRING, .depth = 1
		};
		if (key.n)
			find_role(&f, &item);
	}
	if (!has(&f, ROLE_REALTIME))
		return false;
	bool timed = object_stamp(&f, &st);
	lens_set_time(l, r, &st);
	r->dialect = DIALECT_JOURNAL;
	fill_head(r, &f);
	if (has_text(&f, ROLE_JOURNAL))
		r->message = text_slot(r, &f.at[ROLE_JOURNAL]);
	lens_within(l, r, timed);
	return true;
}
