/*
 * kv: messages that are lists: key=value pairs, CEF and LEEF, comma separated values, columns under
 * a header line. Cursors over a slice; values are slices of it, raw. Never copies (but the unescape
 * functions), never looks back far: all are linear in the length of the text.
 */
#ifndef GUARITA_WIRE_KV_H
#define GUARITA_WIRE_KV_H

#include "base/buf.h"

struct kv {
	struct str key;   /* empty for a bare word: then value holds the word */
	struct str value; /* without its quotes */
	bool quoted;
	bool escaped; /* has backslashes: kv_unescape() before use */
};

/*
 * The next pair of *rest: key=value, key="quoted \" value", key='value', or a bare word. Pairs are
 * parted by blanks, or by a comma or semicolon before the next key. auditd's msg='op=x res=failed'
 * is opened: its inner pairs follow. Signs alone (";", "-") are skipped. False at the end.
 */
bool kv_next(struct str *rest, struct kv *ret);
/* Appends the value without \" \\ \n \r \t \= \| \xHH. */
void kv_unescape(struct str raw, struct buf *out);

struct cef {
	bool leef;
	char separator; /* between pairs of the extension: blank (CEF), tab or as LEEF 2 says */
	struct str vendor, product, version, id, name,
	    severity; /* raw; LEEF has no name and severity here */
	struct str extension;
};
/*
 * "CEF:0|...|ext" or "LEEF:1.0|...|ext" at the start of s, or behind other text; false when there
 * is none.
 */
bool cef_parse(struct str s, struct cef *ret);
/* The next pair of the extension; *rest begins as cef->extension. CEF values may hold blanks. */
bool cef_next(const struct cef *c, struct str *rest, struct kv *ret);

/*
 * The next cell of *rest up to sep. "a,,b" gives "a", "", "b"; a quoted cell comes without its
 * quotes, doubled ones still doubled (*ret_quoted; csv_unescape() undoes them). False when the line
 * is used up.
 */
bool csv_next(struct str *rest, char sep, struct str *ret_cell, bool *ret_quoted);
void csv_unescape(struct str raw, struct buf *out);

#define COLUMNS_MAX 128
struct columns {
	bool tabs; /* Zeek: parted by one tab; W3C: by blanks */
	uint16_t count;
	struct str names[COLUMNS_MAX]; /* in the header line, which must outlive this */
};
/*
 * "#Fields: date time c-ip" (W3C, IIS) or "#fields\tts\tuid" (Zeek). False for any other line, ret
 * is then untouched.
 */
bool columns_header(struct str line, struct columns *ret);
/*
 * The next cell of a line under such a header. "-" and "(empty)" come as they stand. False at the
 * end.
 */
bool columns_next(const struct columns *c, struct str *rest, struct str *ret_cell);

#endif
