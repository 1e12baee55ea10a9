/*
 * journal: systemd's journal export format (systemd.io/JOURNAL_EXPORT_FORMATS): entries of fields,
 * parted by an empty line. "KEY=value\n", or for values with line feeds "KEY\n", a little-endian
 * length of eight bytes, the bytes, "\n". wire/framing.h cuts a stream into entries.
 */
#ifndef GUARITA_WIRE_JOURNAL_H
#define GUARITA_WIRE_JOURNAL_H

#include "base/str.h"

/*
 * The next field of an entry. False at its end (rest is then empty or begins with the empty line)
 * and where it is malformed or cut (the bytes left stay in *rest).
 */
bool journal_next(struct str *rest, struct str *ret_key, struct str *ret_value);

#endif
