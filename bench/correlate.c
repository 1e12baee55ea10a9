/*
 * bench/correlate: nanoseconds per record for correlation alone (CPU time of this thread), decoding left out: records
 * are made once and handed in again and again. Usage: correlate RULES-DIR
 *   nobody    a kind that no rule asks for
 *   mixed     eight in ten of such a kind, one a web page, one a failed login of many sources
 *   sources   failed logins of 10,000 and of 1,000,000 different sources
 *   one       failed logins of one source: the open incident grows
 *   rules     400 and 4,000 further rules, each for other records than those counted
 *   state     megabytes per second to save and to load what `sources` left
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "watch/correlate/correlate.h"

#define RECORDS 1000000u
#define STEP_US 100            /* ten thousand records a second of event time */

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct str
slurp(const char *path)
{
	struct buf out = BUF_INIT(1u << 30);
	char chunk[65536];
	FILE *f = fopen(path, "rb");

	if (!f)
		return STR_NULL;
	for (size_t n; (n = fread(chunk, 1, sizeof(chunk), f)) > 0;)
		buf_add(&out, str_of(chunk, n));
	fclose(f);
	return buf_str(&out);
}

/* The rules of the folder, without its decoders, and `more` made ones. */
static struct ruleset *
load(const char *dir, unsigned more)
{
	static struct rules_text texts[64];
	struct buf fresh = BUF_INIT(1u << 28), made = BUF_INIT(1u << 24),
	    shown = BUF_INIT(1u << 20);
	struct ruleset_cache cache = { .ret_fresh = &fresh };
	struct dirent **names = NULL;
	int found = scandir(dir, &names, NULL, alphasort);
	struct diags *d = diags_new();
	struct ruleset *rs = NULL;
	size_t n = 0;

	for (int i = 0; i < found && n < 60; i++) {
		struct str name = str_z(names[i]->d_name);
		char path[4096];

		if (!str_starts(name, STR("detect-")) && !str_eq(name, STR("joins.rules")))
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]->d_name);
		texts[n].name = name;
		texts[n++].text = slurp(path);
	}
	for (unsigned i = 0; i < more; i++)
		buf_addf(&made, "rule made-%u { count %u of vpn.open by src, user within %um; where service is s%u; open vpn.open; }\n",
		    i, 3 + i % 50, 1 + i % 60, i);
	texts[n].name = STR("made");
	texts[n++].text = buf_str(&made);
	/* Samples need decoders, which are not here: they are taken out. */
	for (size_t i = 0; i < n; i++) {
		char *at = (char *)(uintptr_t)texts[i].text.p, *end = at + texts[i].text.n;

		while (at < end && (at = memmem(at, (size_t)(end - at), "\tsample {", 9)) != NULL) {
			char *to = memmem(at, (size_t)(end - at), "\n\t}", 3);

			if (!to)
				break;
			memset(at, ' ', (size_t)(to + 3 - at));
			at = to + 3;
		}
	}
	if (ruleset_load(texts, n, &cache, d, &rs) < 0) {
		diags_show(d, &shown);
		fputs(buf_cstr(&shown), stderr);
		exit(1);
	}
	return rs;
}

struct made {
	char text[64];
	uint16_t kind;
	bool hostile;
	struct slot host, program;
	struct field fields[3];
	uint16_t nfields;
};

static struct buf extra;

static void
make(const struct ruleset *rs, struct made *m, const char *kind, uint32_t source)
{
	int src = snprintf(m->text, sizeof(m->text), "gate sshd ");
	int user = src + snprintf(m->text + src, sizeof(m->text) - (size_t)src, "%u.%u.%u.%u",
	    1 + source % 200,
	    source / 200 % 250, source / 50000 % 250, 7u);
	int end = user + 1 + snprintf(m->text + user, sizeof(m->text) - (size_t)user, " user%u",
	    source % 50);

	m->kind = kinds_find(rs->kinds, str_z(kind));
	m->hostile = kinds_row(rs->kinds, m->kind)->hostile;
	m->host = (struct slot){ 0, 4 };
	m->program = (struct slot){ 5, 4 };
	m->fields[0] = (struct field){ FIELD_src, 0, { (uint32_t)src, (uint32_t)(user - src) } };
	m->fields[1] = (struct field){ FIELD_user, 0, { (uint32_t)user + 1,
	    (uint32_t)(end - user - 2) } };
	m->fields[2] = (struct field){ FIELD_path, 0, { (uint32_t)user + 1,
	    (uint32_t)(end - user - 2) } };
	m->nfields = 3;
}

static void
hand_in(struct correlator *c, const struct made *m, uint64_t i)
{
	struct record r;

	record_begin(&r, str_of(m->text, sizeof(m->text)), &extra, 0);
	r.time_us = INT64_C(1750000000000000) + (int64_t)i * STEP_US;
	r.ref = i;
	r.kind = m->kind;
	r.hostile = m->hostile;
	r.host = m->host;
	r.program = m->program;
	for (uint16_t k = 0; k < m->nfields; k++)
		(void)record_set(&r, m->fields[k].key, m->fields[k].at, 0);
	if (c) {
		if (i % 256 == 0)
			correlate_advance(c, r.time_us);
		correlate(c, &r);
	}
}

static struct correlator *
engine(const struct ruleset *rs)
{
	struct correlate_opts o = { .hash_seed = 1 };
	struct correlate_calls calls = { 0 };
	struct correlator *c;

	if (correlator_new(rs, &o, &calls, &c) < 0)
		exit(1);
	return c;
}

/* What making the record costs is measured without the engine and taken off. */
static struct correlator *
measure(const struct ruleset *rs, const char *what, struct made *made, uint32_t n)
{
	struct correlator *c = engine(rs);
	struct correlate_stats s;
	double start = now(), empty;

	for (uint64_t i = 0; i < RECORDS; i++)
		hand_in(NULL, &made[i % n], i);
	empty = now() - start;
	start = now();
	for (uint64_t i = 0; i < RECORDS; i++)
		hand_in(c, &made[i % n], i);
	correlate_stats(c, &s);
	printf("%-28s %7.1f ns a record   keys %llu evicted %llu incidents %llu\n", what,
	    (now() - start - empty) * 1e9 / RECORDS, (unsigned long long)s.keys,
	    (unsigned long long)s.keys_evicted,
	    (unsigned long long)s.incidents);
	return c;
}

static void
bench_state(const struct ruleset *rs, const struct correlator *c)
{
	struct buf out = BUF_INIT(1u << 30);
	struct correlator *again = engine(rs);
	double start = now(), saved, loaded;

	if (correlate_save(c, &out) < 0)
		exit(1);
	saved = now() - start;
	start = now();
	if (correlate_load(again, buf_str(&out)) < 0)
		exit(1);
	loaded = now() - start;
	printf("%-28s %7.1f MB, saved at %.0f MB/s, loaded at %.0f MB/s\n", "state",
	    (double)out.n / 1e6,
	    (double)out.n / 1e6 / saved, (double)out.n / 1e6 / loaded);
	correlator_free(again);
	buf_free(&out);
}

int
main(int argc, char **argv)
{
	static struct made made[RECORDS];
	struct ruleset *rs = load(argc > 1 ? argv[1] : "rules", 0);

	setvbuf(stdout, NULL, _IOLBF, 0);
	extra = BUF_INIT(RECORD_EXTRA_MAX);
	make(rs, &made[0], "vpn.info", 1);
	correlator_free(measure(rs, "nobody", made, 1));
	for (uint32_t i = 0; i < 100000; i++)
		make(rs, &made[i], i % 10 == 0 ? "auth.fail" : i % 10 == 1 ? "http.ok" : "vpn.info",
		    i * 7919u % 100000);
	correlator_free(measure(rs, "mixed", made, 100000));
	for (uint32_t i = 0; i < RECORDS; i++)
		make(rs, &made[i], "auth.fail", i);
	correlator_free(measure(rs, "10,000 sources", made, 10000));
	bench_state(rs, measure(rs, "1,000,000 sources", made, RECORDS));
	make(rs, &made[0], "auth.fail", 1);
	correlator_free(measure(rs, "one source", made, 1));
	for (unsigned more = 400; more <= 4000; more += 3600) {
		struct ruleset *many = load(argc > 1 ? argv[1] : "rules", more);
		char what[40];

		snprintf(what, sizeof(what), "mixed, %u more rules", more);
		for (uint32_t i = 0; i < 100000; i++)
			make(many, &made[i], i % 10 == 0 ? "auth.fail" : i % 10 == 1 ? "http.ok" :
			    "vpn.info", i * 7919u % 100000);
		correlator_free(measure(many, what, made, 100000));
	}
	return 0;
}
