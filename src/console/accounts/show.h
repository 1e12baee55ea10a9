/*
 * show: what the commands over account files share: times of this machine's zone, and rows
 * for people or programs.
 */
#ifndef GUARITA_CONSOLE_ACCOUNTS_SHOW_H
#define GUARITA_CONSOLE_ACCOUNTS_SHOW_H

#include "console/accounts/file.h"
#include "console/command.h"

/* The zone's offset is looked up once per quarter of an hour: no zone changes in between. */
struct account_show {
	const struct options *o;
	struct buf out;
	int64_t slot;              /* quarter of an hour of the offset; INT64_MIN: none yet */
	int offset_min;
	bool failed;               /* the other side takes no more */
};

void account_show_begin(struct account_show *s, const struct options *o);
/* Writes what is left. 0, or -EPIPE when something could not be written. */
int account_show_end(struct account_show *s) WARN_UNUSED;
/* To be called after each row: writes when much has gathered. */
void account_show_flush(struct account_show *s);
/* "2026-11-22 01:40:11", local. */
void account_show_time(struct account_show *s, int64_t us);
/* "0:12", "3:07", "2+03:07": minutes, hours, days. */
void account_show_span(struct account_show *s, int64_t us);
/* Foreign text, escaped, filled up to a width; longer text is never cut. */
void account_show_cell(struct account_show *s, struct str text, size_t columns);
/* ,"key":"value" of a JSON object; nothing when the text is empty. */
void account_json_text(struct account_show *s, const char *key, struct str text);
void account_json_time(struct account_show *s, const char *key, int64_t us);
void account_json_number(struct account_show *s, const char *key, int64_t n);
/* Tells what could not be read. True when nothing could. */
bool account_show_problems(const struct account_set *set, const char *command);

#endif
