/*
 * scene: records written in one line each, and the incidents they give as text, so that two runs can be compared.
 * For the tests of correlation only.
 */
#ifndef GUARITA_TEST_SCENE_H
#define GUARITA_TEST_SCENE_H

#include "watch/correlate/correlate.h"

#define SCENE_MAX 20000

/*
 * "12.5 auth.fail src=192.0.2.1 user=root host=a program=sshd pid=7 x3 guess" : seconds, kind, fields, repeated
 * thrice, read by a guess.
 */
struct scene_line {
	int64_t time_us;
	uint64_t ref;
	uint16_t kind;
	uint32_t repeat;
	int64_t pid;
	bool guess;
	char text[200];
	struct slot host, program;
	uint16_t n;
	struct field fields[12];
};

struct told {
	uint64_t id, into;
	enum incident_change change;
	char text[512];
};

struct scene {
	struct ruleset *rs;
	struct diags *diags;
	struct correlator *c;
	struct correlate_opts opts;
	struct scene_line *lines;
	size_t n;
	struct buf closed;             /* "rule src user count=N refs=1,2,3[ unsure]\n", sorted by scene_end() */
	struct told *told;
	size_t ntold;
	uint64_t known_id;             /* of the next that is told for the first time; 0: it is new */
	uint64_t marked[SCENE_MAX];    /* by ref: kind + 1 */
	struct buf extra;
	char rules[16384];
};

/* Fails the test with the faults printed when the rules do not load. */
struct scene *scene_new(const char *rules);
void scene_free(struct scene *s);
/* Lines separated by newlines; refs count from 1. */
void scene_lines(struct scene *s, const char *text);
void scene_begin(struct scene *s);              /* a fresh correlator */
void scene_play(struct scene *s, size_t i);     /* hands in line i */
void scene_advance(struct scene *s, double seconds);
/* Finishes; the closed incidents as sorted text. */
const char *scene_end(struct scene *s);
/* All of it in order: begin, play, end. */
const char *scene_run(struct scene *s);
/* Saves, throws the engine away, loads. */
void scene_restart(struct scene *s);
size_t scene_told(const struct scene *s, enum incident_change change);

#endif
