/*
 * json: one JSON text, flattened in one pass: each leaf is handed over with its dotted key
 * ("request.headers.0.name"). Never recurses, never allocates, never copies a value; work and
 * memory are bounded by the limits below.
 */
#ifndef GUARITA_WIRE_JSON_H
#define GUARITA_WIRE_JSON_H

#include "base/buf.h"

enum json_type {
	JSON_STRING,
	JSON_NUMBER,
	JSON_TRUE,
	JSON_FALSE,
	JSON_NULL,
	JSON_EMPTY, /* {} or [] ; value is its text */
};

#define JSON_DEPTH_MAX 64
#define JSON_ITEMS_MAX 4096
#define JSON_PATH_MAX 512

struct json_item {
	/* Dotted. Valid during the call only, unless depth is 1: then it lies in the text. */
	struct str key;
	struct str value; /* raw, in the text; strings without their quotes */
	enum json_type type;
	bool escaped;   /* a string with backslashes: json_unescape() it before use */
	unsigned depth; /* 1: a member of the outermost object or array */
};

/* Return false to stop the walk. */
typedef bool json_each(void *ctx, const struct json_item *item);

/*
 * Walks the object or array at the start of text (blanks before it allowed); what follows it is not
 * looked at. 0, -EBADMSG where the text breaks off or is no JSON, -E2BIG when a limit was met.
 * Items before the fault were handed over; *ret_used (may be NULL) is how far the walk came.
 */
int json_walk(struct str text, json_each *each, void *ctx, size_t *ret_used) WARN_UNUSED;

/*
 * Appends the string without its escapes, in UTF-8; lone surrogates become U+FFFD, unknown escapes
 * stay as they are.
 */
void json_unescape(struct str raw, struct buf *out);

#endif
