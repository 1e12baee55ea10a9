/*
 * bundle: a configuration and everything it includes as one text, so that it can be kept, hashed and loaded again
 * exactly as it was, whatever happens to the files. Pure: reading the files is the caller's.
 */
#ifndef GUARITA_CONF_BUNDLE_H
#define GUARITA_CONF_BUNDLE_H

#include "conf/config.h"

#define BUNDLE_FILES_MAX (CONF_INCLUDE_FILES_MAX + 1)
#define BUNDLE_INCLUDES_MAX CONF_INCLUDE_FILES_MAX
#define BUNDLE_MAX CONF_TEXT_MAX       /* what is kept can be read again */

struct bundle_file {
	struct str name, text;
	uint32_t include;              /* the one that asked for it; the main file's is 0, and the first include's too */
};

struct bundle_include {
	struct str from, spec;         /* as the reader was asked */
};

struct bundle {
	struct arena *arena;
	struct bundle_file *files;     /* the first is the main one */
	struct bundle_include *includes;
	uint32_t nfiles, nincludes;
};

/* An empty one with its main file; 0 or -ENOMEM. */
int bundle_begin(struct bundle *b, struct arena *a, struct str name, struct str text) WARN_UNUSED;
/* True when the bytes claim to be a bundle. */
bool bundle_is(struct str bytes);
/* 0, -EBADMSG, or -ENOMEM; the slices point into the bytes. */
int bundle_parse(struct bundle *b, struct arena *a, struct str bytes) WARN_UNUSED;
void bundle_write(const struct bundle *b, struct buf *out);

/* Reads through `under` and remembers in `b` all that came. Its read is handed to config_load() with it as ctx. */
struct bundle_recorder {
	struct bundle *b;
	struct conf_reader under;
};
int bundle_record(void *ctx, struct str from, struct str spec,
    void (*add)(void *add_ctx, struct str name, struct str text), void *add_ctx);
/* Reads out of a bundle, which is its ctx. */
int bundle_replay(void *ctx, struct str from, struct str spec,
    void (*add)(void *add_ctx, struct str name, struct str text), void *add_ctx);

#endif
