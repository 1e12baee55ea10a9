/*
 * note: signed notes (C2SP signed-note): text, an empty line, and signature lines. Reading takes
 * apart and never judges; a note is worth what a check with a known key says.
 */
#ifndef GUARITA_VAULT_NOTE_H
#define GUARITA_VAULT_NOTE_H

#include "base/buf.h"
#include "vault/sign.h"

#define NOTE_BYTES_MAX 65536
#define NOTE_SIGS_MAX 16               /* C2SP wants that many accepted; more are refused */
#define NOTE_NAME_MAX 255
#define NOTE_SIG_BYTES_MAX 4096        /* of one signature, decoded */

/* Signature types of C2SP signed-note. */
enum note_type {
	NOTE_ED25519 = 0x01,           /* the text itself */
	NOTE_COSIGNATURE = 0x04,       /* C2SP tlog-cosignature: time, then a signature of time and text */
	NOTE_OTHER = 0xff,             /* further types are told apart by a longer name */
};

struct note_sig {
	struct str name;               /* of the key */
	uint32_t id;
	struct str base64;             /* as written, id included */
};

struct note {
	struct str text;               /* with its last newline */
	struct note_sig sigs[NOTE_SIGS_MAX];
	unsigned nsigs;
};

struct note_key {
	struct str name;
	enum note_type type;
	uint8_t public[SIGN_PUBLIC_BYTES];
};

/* Neither empty nor with blanks, controls, or a plus sign; valid UTF-8. */
bool note_name_valid(struct str name);
/* First four bytes of SHA-256(name || newline || type || material). */
uint32_t note_key_id(struct str name, struct str type_and_material);
uint32_t note_id(const struct note_key *k);
/* "name+id+base64": a key as it is handed to others. */
void note_key_show(const struct note_key *k, struct buf *out);
/* 0, or -EBADMSG: not such a text, or an id that is not the key's, or a type that is not known. */
int note_key_read(struct str text, struct note_key *ret) WARN_UNUSED;

/* Takes the whole of the bytes: 0 or -EBADMSG. Slices point into them. */
int note_read(struct str bytes, struct note *ret) WARN_UNUSED;
/* The decoded signature of this line, without the id; the count of bytes, or -EBADMSG. */
int note_sig_bytes(const struct note_sig *s, uint8_t dst[NOTE_SIG_BYTES_MAX]);
/*
 * 0 when the key signed the text; -ENOKEY: no line of this key; -EBADMSG: a line of this key that is false, which
 * spoils the whole note. ret_time_s: when, for NOTE_COSIGNATURE; may be NULL.
 */
int note_check(const struct note *n, const struct note_key *k, uint64_t *ret_time_s) WARN_UNUSED;

/* Text ends in a newline; begins the note: the text and the empty line behind it. */
void note_begin(struct buf *out, struct str text);
/* A line of any key: id and signature in base64. */
void note_add_sig(struct buf *out, struct str name, uint32_t id, struct str sig);
/* Lines of our keys over `text`. 0 or -EIO. time_s is for NOTE_COSIGNATURE. */
int note_sign(struct buf *out, struct str text, const struct note_key *k, const uint8_t seed[SIGN_SEED_BYTES],
    uint64_t time_s) WARN_UNUSED;

#endif
