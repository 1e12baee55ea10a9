/* incident_json: see incident_json.h. Every foreign byte passes buf_add_json(). */
#include "watch/correlate/incident_json.h"

void
incident_json_text(struct buf *out, const char *name, struct str value)
{
	if (value.n == 0)
		return;
	buf_addf(out, ",\"%s\":", name);
	buf_add_json(out, str_head(value, INCIDENT_TEXT_MAX));
}

static void
add_time(struct buf *out, const char *name, int64_t us)
{
	char text[40];

	if (us != WHEN_NONE)
		buf_addf(out, ",\"%s\":\"%.*s\"", name, (int)when_show(us, 0, text), text);
}

static void
add_attack(struct buf *out, struct str ids)
{
	const char *sep = "";
	struct str id;

	buf_add(out, STR(",\"attack\":["));
	while (str_word(&ids, &id)) {
		buf_add(out, str_z(sep));
		buf_add_json(out, id);
		sep = ",";
	}
	buf_add_byte(out, ']');
}

static void
add_sources(const struct incident *i, struct buf *out)
{
	struct str rest = i->sources, one;
	const char *sep = ",\"sources\":[";

	while (str_word(&rest, &one)) {
		buf_add(out, str_z(sep));
		buf_add_json(out, one);
		sep = ",";
	}
	if (i->sources.n)
		buf_add_byte(out, ']');
	if (i->sources_more)
		buf_addf(out, ",\"sources_more\":%u", i->sources_more);
}

static void
add_proofs(const struct incident *i, const struct incident_words *words, struct buf *out)
{
	uint64_t cut;
	size_t k;

	buf_add(out, STR(",\"lines\":["));
	for (k = 0; k < i->nproofs && out->n + words->room < out->max; k++) {
		buf_add(out, k ? STR(",{") : STR("{"));
		words->place(words->ctx, &i->proofs[k], out);
		buf_add(out, i->proofs[k].context ? STR(",\"context\":true}") : STR("}"));
	}
	buf_add_byte(out, ']');
	cut = i->proofs_cut + (i->nproofs - k);
	if (cut > 0)
		buf_addf(out, ",\"lines_cut\":%llu", (unsigned long long)cut);
}

static void
add_change(const struct incident *i, const struct incident_words *words, struct buf *out)
{
	static const char *const names[] = {
		[INCIDENT_OPENED] = "opened", [INCIDENT_WORSE] = "worse", [INCIDENT_GREW] = "grew",
		[INCIDENT_CLOSED] = "closed", [INCIDENT_MERGED] = "merged",
	};
	bool withdrawn = words->change == INCIDENT_MERGED && i->into == 0;

	buf_addf(out, ",\"change\":\"%s\"", withdrawn ? "withdrawn" : names[words->change]);
	if (words->change == INCIDENT_MERGED && !withdrawn)
		buf_addf(out, ",\"into\":%llu", (unsigned long long)i->into);
}

void
incident_json(const struct ruleset *rs, const struct incident *i, const struct incident_words *words,
    struct buf *out)
{
	buf_add(out, STR("{\"type\":\"incident\""));
	if (words->has_change)
		add_change(i, words, out);
	buf_addf(out, ",\"id\":%llu,\"incident\":", (unsigned long long)i->id);
	buf_add_json(out, kinds_row(rs->kinds, i->kind)->name);
	buf_addf(out, ",\"severity\":\"%s\",\"sure\":%s", severity_name(i->severity), i->sure ? "true" : "false");
	incident_json_text(out, "src", i->src);
	add_sources(i, out);
	incident_json_text(out, "user", i->user);
	incident_json_text(out, "host", i->host);
	incident_json_text(out, "program", i->program);
	incident_json_text(out, "service", i->service);
	incident_json_text(out, "dst", i->dst);
	incident_json_text(out, "dst_port", i->dst_port);
	add_time(out, "first", i->first_us);
	add_time(out, "last", i->last_us);
	buf_addf(out, ",\"count\":%llu", (unsigned long long)i->count);
	incident_json_text(out, "rule", str_z(rule_name(rs, i->rule)));
	incident_json_text(out, "why", i->why);
	add_attack(out, rule_attack(rs, i->rule));
	incident_json_text(out, "site", words->site);
	add_proofs(i, words, out);
}
