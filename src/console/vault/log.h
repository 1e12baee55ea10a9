/*
 * log: what `guarita log` and `guarita story` share: a store with a query, its lines newest first, and a line's meaning.
 */
#ifndef GUARITA_CONSOLE_VAULT_LOG_H
#define GUARITA_CONSOLE_VAULT_LOG_H

#include "console/command.h"
#include "console/engine.h"
#include "console/meaning.h"
#include "console/vault/store.h"
#include "console/term.h"
#include "vault/search.h"

/* A line that was found. Where it lies is kept; the line is read again when it is shown. */
struct log_hit {
	uint64_t index;
	uint32_t segment;               /* LOG_TAIL: in the tail */
	uint32_t granule;               /* of the tail: its frame */
	uint32_t row;
};
#define LOG_TAIL UINT32_MAX

struct log {
	const struct options *o;
	struct store store;
	struct query query;
	struct search *search;
	struct search_opts opts;
	struct query_scratch *scratch;
	struct engine engine;           /* opened when the tail needs decoders */
	struct meaning *meaning;
	struct vault_entry *entries;    /* of one frame */
	size_t entries_size;
	struct buf line;
	struct segment *reading;        /* where the line read last lies */
	uint32_t reading_granule;
	uint64_t bad;                   /* segments that could not be searched through */
};

/* A whole line: slices live until the next. */
struct log_line {
	struct vault_entry entry;
	struct query_fact facts[FACTS_MAX];
	size_t nfacts;
};

/* The directory of the vault that the options, the environment or the configuration name; -ENOENT: none does. */
int log_vault_dir(const struct options *o, struct buf *out) WARN_UNUSED;
/* Opens the vault that the options name and reads the query; says what is wrong. 0 or a negative errno. */
int log_open(struct log *l, const struct options *o, struct str query) WARN_UNUSED;
void log_close(struct log *l);
/* All lines that match, newest first, until on_hit returns false. */
int log_run(struct log *l, bool (*on_hit)(void *ctx, const struct log_hit *h), void *ctx) WARN_UNUSED;
/* Counts them instead. */
int log_tally(struct log *l, struct tally *t) WARN_UNUSED;
/* Reads the line of a hit; with_facts: also what it means. */
int log_read(struct log *l, const struct log_hit *h, bool with_facts, struct log_line *ret) WARN_UNUSED;
/* Where the line of an index lies; false when it is not there. */
bool log_find(const struct log *l, uint64_t index, struct log_hit *ret);
/* What could not be read, to standard error. True when there was something. */
bool log_complain(const struct log *l);
struct str log_fact(const struct log_line *l, struct str name);

/* log_show.c */
const char *transport_name(uint8_t transport);
void log_show_line(const struct term *t, const struct log *l, const struct log_line *line, bool around, struct buf *out);
void log_show_json(const struct log_line *line, struct buf *out);
void log_show_tally(const struct term *t, const struct query *q, const struct tally *y, struct buf *out);
void log_show_histogram(const struct term *t, const struct tally *y, struct buf *out);
void log_json_tally(const struct query *q, const struct tally *y, struct buf *out);
void log_show_time(struct buf *out, int64_t ns, unsigned digits);

#endif
