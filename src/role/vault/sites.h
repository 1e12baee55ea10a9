/*
 * sites: lines between vaults. Ours go to other sites (copy.c), theirs come here (copied.c); linkd stands
 * between and keeps nothing. The sender's log is the buffer, the receiver's log says how far it has come: with each batch
 * the place behind it is sealed in the same frame, so that what is sent again is known, whatever was killed.
 */
#ifndef GUARITA_ROLE_VAULT_SITES_H
#define GUARITA_ROLE_VAULT_SITES_H

#include "role/vault/vaultd.h"

#define COPY_MARKS 64                  /* batches on the way of which the age is known */
#define COPIED_ANCHOR_LINES 4096       /* so often at least it is sealed which number a copied line has at its origin */
#define COPIED_ANCHOR_US (60 * WHEN_SECOND)
#define COPIED_FRAME_MAX (4u << 20)    /* the open frame is this large: other sites wait */

struct copy_mark {
	uint64_t next;
	int64_t time_us;               /* of the last line before it */
};

struct vault_copy {                    /* to another site */
	const struct conf_peer *conf;
	struct vault_cursor cursor;
	bool wanted;                   /* it asked */
	bool no_room;
	uint32_t turn, credit;
	uint64_t from;                 /* behind the last batch */
	uint64_t kept, noted;          /* the site keeps everything before it; and so says our file */
	uint64_t lost, skipped;        /* entries that fell off the log, and as far as that was told */
	struct copy_mark marks[COPY_MARKS];
	uint32_t nmarks;
	int64_t kept_us;               /* time of the last line there; 0: not known */
	struct msg_lag told;
	struct buf entries, ready;     /* of the batch, and its message where it did not find room */
};

struct vault_from {                    /* from another site */
	struct str name;
	uint32_t stream;               /* of its places */
	bool known;                    /* a log of it */
	uint64_t log;
	uint64_t next;                 /* sealed, or in the open frame */
	uint64_t framed, framed_size;  /* in a frame on its way to the disk; size of the tree behind it */
	uint64_t told;                 /* durable, and linkd knows */
	uint64_t anchored;             /* entry behind the last one that follows an anchor without a gap */
	uint64_t since_anchor;
	int64_t anchor_us;
	uint64_t lines, lost;
	struct str last_source;        /* of `texts`: the one before, and its stream */
	uint32_t last_stream;
	char text[VAULT_SOURCE_MAX];
};

struct vault_witness {
	struct str name;               /* of the site */
	struct buf key;                /* its key as a witness; empty: not known */
	bool asked;                    /* a proof from `old` on is wanted */
	uint64_t old;
	bool told;                     /* it was said that it knows more of this log than we */
};

struct vault_attest {                  /* the checkpoint that all witnesses are asked to sign at the same time */
	struct buf note, text;         /* the note, and its text alone */
	uint64_t size;
	int64_t since_us;              /* monotonic */
	struct buf lines;              /* of witnesses, under this one */
	unsigned nlines, kept;         /* of them; and under the one in the file */
	int64_t kept_us;
	bool busy;                     /* a proof is being made */
};

struct vault_sites {
	struct chan *link;             /* to linkd */
	bool paused;
	struct vault_copy *to;
	uint32_t nto;
	struct vault_from *from;
	uint32_t nfrom;
	struct vault_witness *witnesses;
	uint32_t nwitnesses;
	struct vault_attest attest;
};

/* copy.c */
int vaulting_copy_open(struct vaulting *v) WARN_UNUSED;
void vaulting_copy_close(struct vaulting *v);
void vaulting_copy_fetch(struct vaulting *v, const struct msg_fetch *m);
void vaulting_copy_more(struct vaulting *v, const struct msg_more *m);
void vaulting_copy_tick(struct vaulting *v);
void vaulting_copy_status(const struct vaulting *v, struct buf *json);

/* copied.c */
int vaulting_copied_open(struct vaulting *v) WARN_UNUSED;
void vaulting_copied_close(struct vaulting *v);
void vaulting_copied(struct vaulting *v, const struct msg_copied *m);
/* All places, to a linkd that is new. */
int vaulting_copied_tell(struct vaulting *v) WARN_UNUSED;
void vaulting_copied_status(const struct vaulting *v, struct buf *json);

/* attest.c */
int vaulting_attest_open(struct vaulting *v) WARN_UNUSED;
void vaulting_attest_close(struct vaulting *v);
void vaulting_attest_key(struct vaulting *v, const struct msg_witness *m);
void vaulting_attest(struct vaulting *v, const struct msg_attest *m);
void vaulting_attest_ready(struct vaulting *v); /* there is a checkpoint: who asked before there was one is answered */
void vaulting_attest_signed(struct vaulting *v, const struct msg_cosigned *m);

#endif
