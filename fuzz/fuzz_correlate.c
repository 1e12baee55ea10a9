/*
 * Correlation with the real rules over any lines: what is reported was handed in; a state that was
 * saved loads again, a foreign one is refused or harmless.
 */
#include "engine.h"
#include "watch/correlate/correlate.h"

#define STEP_US (INT64_C(1) * WHEN_SECOND)
#define STATE_MAX (64u << 20)

struct run {
	uint64_t handed; /* records so far: refs are 1 to handed */
	uint64_t opened, closed;
};

static struct engine engine;
static const struct ruleset *rules;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	rules = engine_rules(GUARITA_RULES);
	engine_open(&engine, rules);
	return 0;
}

static void
on_incident(void *ctx, const struct incident *i, enum incident_change change)
{
	struct run *run = ctx;

	run->opened += change == INCIDENT_OPENED;
	run->closed += change == INCIDENT_CLOSED;
	CLAIM(run->closed <= run->opened);
	CLAIM(i->first_us <= i->last_us && i->nproofs <= INCIDENT_PROOF_MAX);
	CLAIM(kinds_row(rules->kinds, i->kind) && rule_name(rules, i->rule));
	for (size_t p = 0; p < i->nproofs; p++) {
		CLAIM(i->proofs[p].ref >= 1 && i->proofs[p].ref <= run->handed);
		CLAIM(p == 0 || i->proofs[p - 1].time_us <= i->proofs[p].time_us);
	}
}

static void
on_mark(void *ctx, uint64_t ref, uint16_t kind)
{
	struct run *run = ctx;

	CLAIM(ref >= 1 && ref <= run->handed);
	CLAIM(kind == KIND_NONE || kinds_row(rules->kinds, kind));
}

static struct correlator *
fresh(struct run *run)
{
	struct correlate_opts opts = {
		.lateness_us = 60 * STEP_US, .keys_max = 4096, .hash_seed = 1
	};
	struct correlate_calls calls = {
		.ctx = run, .on_incident = on_incident, .on_mark = on_mark
	};
	struct correlator *c = NULL;

	CLAIM(correlator_new(rules, &opts, &calls, &c) == 0);
	return c;
}

/* As after a crash: what was saved goes into a new correlator. */
static struct correlator *
restarted(struct correlator *old, struct run *run)
{
	struct correlator *c = fresh(run);
	struct buf state = BUF_INIT(STATE_MAX);

	CLAIM(correlate_save(old, &state) == 0);
	CLAIM(correlate_load(c, buf_str(&state)) == 0);
	correlator_free(old);
	buf_free(&state);
	return c;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = fuzz_input(data, size), rest = in, line;
	struct run run = { 0 }, other = { .handed = UINT64_MAX };
	struct correlator *c = fresh(&run), *foreign = fresh(&other);

	engine_source(&engine, "/var/log/messages", false);
	while (str_split(&rest, '\n', &line)) {
		engine_line(&engine, line);
		engine.record.ref = ++run.handed;
		engine.record.line = run.handed;
		correlate(c, &engine.record);
		if (run.handed % 16 == 5)
			c = restarted(c, &run);
		if (engine.record.time_us != WHEN_NONE)
			correlate_advance(c, engine.record.time_us);
	}
	correlate_finish(c);
	CLAIM(run.opened == run.closed);
	if (correlate_load(foreign, in) == 0)
		correlate_finish(foreign);
	correlator_free(c);
	correlator_free(foreign);
	return 0;
}
