/*
 * tell: incidents to the journal, to those who watch, and to the responses. Must never tell
 * the same thing twice: what was told since the saved state is known from the journal itself.
 */

#include "role/watch/watchd.h"
#include "watch/correlate/incident_json.h"

#define JSON_MAX (MSG_MAX - 64)
#define JSON_ROOM 4096                 /* kept for one more quoted line and the end */

static void
add_place(void *ctx, const struct proof *p, struct buf *out)
{
	const struct watching *w = ctx;
	uint32_t i = ref_stream(p->ref);
	struct str text;

	buf_add(out, STR("\"file\":"));
	buf_add_json(out, i < w->streams.n ? str_head(w->streams.v[i]->decl.name, 1024) : STR("?"));
	if (i < w->streams.n && !w->streams.v[i]->lines_unknown)
		buf_addf(out, ",\"line\":%llu", (unsigned long long)ref_seq(p->ref));
	if (quotes_get(w->quotes, p->ref, &text))
		incident_json_text(out, "text", text);
}

void
watching_incident_json(struct watching *w, const struct incident *i, enum incident_change change,
    struct buf *out)
{
	const struct incident_words words = {
		.has_change = true,
		.change = change,
		.site = w->role->config->site,
		.room = JSON_ROOM,
		.ctx = w,
		.place = add_place,
	};

	incident_json(w->rules, i, &words, out);
}

/*
 * The same incident in the same state has the same key, whether it is told now or was before a
 * restart.
 */
static void
told_key(
    const struct watching *w, const struct incident *i, enum incident_change change, char dst[17])
{
	const struct str texts[] = { str_z(rule_name(w->rules, i->rule)), i->src, i->user, i->host,
		i->dst };
	uint64_t h = hash_mix((uint64_t)change, (uint64_t)i->first_us);

	for (size_t k = 0; k < ARRAY_LEN(texts); k++)
		h = hash_mix(h, hash_bytes(texts[k], 0));
	h = hash_mix(h, i->worsened);
	for (int k = 0; k < 16; k++, h >>= 4)
		dst[k] = "0123456789abcdef"[h & 15];
	dst[16] = '\0';
}

/* What is understood anew after a restart goes on under the id that the journal has for it. */
uint64_t
watching_told_as(void *ctx, const struct incident *i, enum incident_change change)
{
	const struct watching *w = ctx;
	char key[17];

	told_key(w, i, change, key);
	return journal_told_id(w, key);
}

static void
tell_watchers(
    struct watching *w, const struct incident *i, enum incident_change change, struct str json)
{
	struct msg m = {
		.type = MSG_incident,
		.fd = -1,
		.incident = { .change = (uint8_t)change,
		    .severity = (uint8_t)i->severity,
		    .json = json },
	};

	if (w->role->control && chan_send(w->role->control, &m) < 0)
		log_say(&w->role->log, LOG_LEVEL_WARNING,
		    "the supervisor does not take incidents: it was not told of one");
}

void
watching_tell(void *ctx, const struct incident *i, enum incident_change change)
{
	struct watching *w = ctx;
	struct buf json = BUF_INIT(JSON_MAX);
	char key[17];

	if (change == INCIDENT_GREW)
		return;
	told_key(w, i, change, key);
	if (journal_was_told(w, key)) {
		w->suppressed++;
		return;
	}
	w->incidents += change == INCIDENT_OPENED;
	w->dirty++;
	watching_incident_json(w, i, change, &json);
	buf_addf(&json, ",\"key\":\"%s\"}\n", key);
	if (buf_ok(&json)) {
		/* First to those who watch: they wait, the file does not. */
		tell_watchers(w, i, change, str_head(buf_str(&json), json.n - 1));
		journal_write(w, buf_str(&json));
		watching_seal(w, buf_str(&json));
	}
	buf_free(&json);
	acting_answer(w, i, change);
}

/*
 * After a restart what was told since the saved state is understood anew, and mostly the same. What is not is told of
 * no more, so that no id stays open for ever.
 */
void
watching_withdraw(struct watching *w)
{
	uint64_t id;

	while (journal_next_unmet(w, &id)) {
		struct buf json = BUF_INIT(256);

		buf_addf(&json,
		    "{\"type\":\"incident\",\"change\":\"withdrawn\",\"id\":%llu,"
		    "\"why\":\"read again after a restart, its records are another incident\",\"key\":\"%016llx\"}\n",
		    (unsigned long long)id, (unsigned long long)hash_mix(id, INCIDENT_MERGED));
		tell_watchers(w, &(struct incident){ .severity = SEVERITY_INFO }, INCIDENT_MERGED,
		    str_head(buf_str(&json), json.n - 1));
		journal_write(w, buf_str(&json));
		watching_seal(w, buf_str(&json));
		buf_free(&json);
	}
}
