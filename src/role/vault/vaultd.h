/*
 * vaultd: what the files of vaultd share. Lines come from intaked, go into the open frame of the sealer, are written
 * with it by another thread, and only then are told back as safe and handed on to watchd, who reads them from the log.
 */
#ifndef GUARITA_ROLE_VAULT_VAULTD_H
#define GUARITA_ROLE_VAULT_VAULTD_H

#include "role/role.h"
#include "role/streams.h"
#include "role/vault/disk.h"
#include "vault/recover.h"
#include "vault/sealer.h"
#include "vault/segment.h"

#define VAULT_TOLD "watchd"                     /* source of the incidents that watchd has sealed */
#define VAULT_SITES "sites"                    /* of what is said of copied lines */
#define VAULT_CREDIT 64                        /* batches of intaked on the way, or not durable yet */
#define VAULT_FRAME_FULL (256u << 10)          /* a frame waits for nothing once it is so large */
#define VAULT_FILE_BYTES (64u << 20)           /* of the log; then a new one is begun */
#define VAULT_ORDERS_MAX 64
#define VAULT_EPOCH_LINES (UINT64_C(1) << 20)  /* an epoch ends after so many lines too */

/* Bytes on their way to the disk, and what they mean for the others once they are there. */
struct vault_job {
	struct vault_job *next;
	struct vaulting *v;
	struct buf bytes;
	bool new_file, encrypted;
	uint8_t file_key[SEGMENT_KEY_WRAPPED]; /* of a new file that is encrypted, wrapped */
	uint64_t first, size;          /* of the tree before and behind */
	uint8_t slot[KEYS_SLOT_BYTES];
	uint64_t slot_at;
	uint64_t spooled;
	uint32_t credits;
	bool framed, keyed;            /* how far it came */
	int error;
};

struct vault_wire {                    /* a number on the link, and which stream that is */
	uint32_t stream;
	bool declared;
};

/* A place in the log, for somebody who reads it. read.c */
struct vault_cursor {
	int fd;
	struct frame_cipher *cipher;   /* of the file, where it is encrypted */
	uint64_t offset;               /* in the file */
	uint64_t at;                   /* index of the next entry */
	uint64_t skipped;              /* entries that the log had let go of before they were read */
	struct buf bytes;              /* the frame that is being read */
	struct frame frame;
	struct cur lines;
	uint64_t line;                 /* index of the next in lines */
	struct str record;
	bool loaded;
	bool held;                     /* record is entry `at`, and was not taken yet */
};

/* How far watchd has read. */
struct vault_reader {
	struct vault_cursor cursor;
	bool no_room;
	uint32_t credit;
	uint32_t *declared;            /* stream + 1 that stands behind each number of the link */
	struct batch *batch;
};

struct vault_order {                   /* of the control socket: answered once it is durable */
	uint32_t id;
	uint64_t size;                 /* of the tree behind its line */
};

struct vaulting {
	struct role *role;
	const struct conf_vault *conf;
	struct vault_disk disk;
	struct nonce_store nonces;
	struct sealer sealer;
	uint8_t file_key[SEGMENT_KEY_WRAPPED]; /* of the file of the log that was begun last, wrapped */
	struct vault_away *away;       /* NULL: the master key lies in the vault */
	struct streams streams;
	char host[256];
	uint8_t boot[FRAME_BOOT_BYTES];
	uint32_t own;                  /* stream of our own lines */
	uint32_t told;                 /* stream of what watchd tells: not handed back to it */
	uint32_t super;                /* what the supervisor tells */
	uint32_t seen;                 /* likewise of what was seen of account files */
	uint32_t anchors;              /* likewise of where copied lines stand at their origin */
	uint32_t linkd;                /* stream of what linkd found out as a witness */

	struct vault_wire *wires[2];   /* received lines, files: by number */
	uint32_t nwires[2];
	uint64_t spooled;              /* last line of intaked's spool that was taken */
	struct buf side;               /* of the open frame */
	uint32_t credits;              /* batches in the open frame */
	int64_t open_us;               /* when its first line came */

	struct vault_order orders[VAULT_ORDERS_MAX];
	size_t norders;

	struct vault_job *jobs, **last_job;
	bool busy, retrying;
	uint64_t planned_bytes;        /* of the log's file, jobs included */
	int64_t begun_us;              /* when the last job was begun */
	uint64_t durable;              /* entries */
	struct timer *frame_timer, *retry_timer, *tick;
	int error;                     /* of the disk, while it lasts */
	int64_t error_us;              /* when it began */
	uint64_t stalls;

	uint64_t epoch_lines;          /* size of the tree when the epoch began */
	int64_t epoch_s;               /* when it began */
	bool out_of_epochs;
	uint64_t checkpoint_size;
	int64_t checkpoint_s;

	struct chan *intake, *watch;
	struct chan *packd, *shipd;    /* readers of the log's files. told.h */
	struct vault_reader reader;
	uint64_t since;                /* entries there were at our start */
	const char *verdict;           /* of the start: "clean", "crash", "tampered", "new" */
	char why[128];
	uint64_t torn_bytes;
	uint64_t lines, frames, bytes, skipped;
	uint64_t watched;              /* entries that watchd keeps by itself */
	uint64_t dropped;              /* files of the log that gave way to segments */
	uint64_t told_segment;         /* whose digest was sealed last */
	bool dropping;
	bool in_fresh_file;            /* the log's newest file holds no line yet: no other is begun */
	int drop_error;
	bool notes_due;
	bool epoch_wanted;             /* ends before its time: lines of it are to be packed */
	bool stopping;
	uint32_t rekey;                /* an order to replace the master key that waits; 0: none */
	struct keeping *keeping;       /* keep.h */
	struct vault_sites *sites;     /* sites.h */
};

/* Opening. open.c: 0 or -errno, after having said why. */
int vaulting_open(struct vaulting *v) WARN_UNUSED;

/* Lines. lines.c */
int vaulting_records(struct vaulting *v, const struct msg_records *m) WARN_UNUSED;
/* A line of our own; `source` is a declared stream. */
void vaulting_line(struct vaulting *v, uint32_t stream, struct str line);
void vaulting_say(struct vaulting *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void vaulting_forget_wires(struct vaulting *v);
/* The same without an end of the frame behind it: for what must stand in one frame with other things. */
int vaulting_add_said(struct vaulting *v, uint32_t stream, const char *fmt, ...)
    __attribute__((format(printf, 3, 4))) WARN_UNUSED;
int vaulting_add_entry(struct vaulting *v, uint32_t stream, int64_t received_us, uint8_t flags, struct str raw) WARN_UNUSED;
int vaulting_add_side(struct vaulting *v, uint32_t stream, uint16_t flags, struct str bytes) WARN_UNUSED;
/* How the source of a sealed line is declared; and that, remembered with the open frame. */
struct entry_source vaulting_decl(uint8_t transport, struct str source);
int vaulting_declare(struct vaulting *v, const struct entry_source *decl, uint32_t *ret) WARN_UNUSED;
/* One entry of a frame's side: SOURCE or POSITION, by number of stream. -EBADMSG. */
int vaulting_take_side(struct vaulting *v, struct str side) WARN_UNUSED;
/* All of them, in the same form: what a file of the log begins with. */
int vaulting_pack_state(const struct vaulting *v, struct buf *out) WARN_UNUSED;

/* Writing. commit.c */
/* A frame is open afterwards. */
int vaulting_begin(struct vaulting *v) WARN_UNUSED;
/* Writes what is due. */
void vaulting_poke(struct vaulting *v);
void vaulting_begin_file(struct vaulting *v);
/* Everything that is open, an orderly end behind it, durable when it returns. */
int vaulting_end(struct vaulting *v) WARN_UNUSED;
void vaulting_drop_jobs(struct vaulting *v);

/* Notes. epoch.c */
/* Once a second, between two frames: a checkpoint, and the epoch's end when it is due. */
void vaulting_notes(struct vaulting *v);
int vaulting_close_epoch(struct vaulting *v, int64_t now_s) WARN_UNUSED;
/* Where the epochs stand according to the disk: closing notes and keys must fit. -EBADMSG: they do not; why is said. */
int vaulting_open_epochs(struct vaulting *v, struct keys *k, const char **ret_why) WARN_UNUSED;
void vaulting_checkpoint(struct vaulting *v, int64_t now_s);

/* Giving way. drop.c: now and then; the oldest file of the log, when a segment holds its lines. */
void vaulting_drop(struct vaulting *v);

/* Orders. orders.c */
void vaulting_order(struct vaulting *v, const struct msg_order *m);
/* Answers those that are durable now. */
void vaulting_answer(struct vaulting *v);
/* The key that lies elsewhere, and the master key's replacement. rekey.c */
int vaulting_fetch_key(struct vaulting *v) WARN_UNUSED;        /* with all rights; 0 or -errno, after having said why */
void vaulting_forget_key(struct vaulting *v);
bool vaulting_rekey_order(struct vaulting *v, const struct msg_order *m);
void vaulting_rekey(struct vaulting *v);       /* carries out an order that waits, when it can */
/* Keeping and deleting. keep.c */
int vaulting_keep_open(struct vaulting *v) WARN_UNUSED;
void vaulting_keep_close(struct vaulting *v);
/* Once a second: the next step of a deletion, or whether there is one to begin. */
void vaulting_keep(struct vaulting *v);
bool vaulting_keep_busy(const struct vaulting *v);
/* False when it is no order to erase. */
bool vaulting_keep_order(struct vaulting *v, const struct msg_order *m);
void vaulting_keep_status(const struct vaulting *v, struct buf *json);
/* The key that packd left beside a segment (NUMBER and `more`) is wrapped and put among the others. keep_work.c */
int vaulting_take_key(const struct vault_disk *d, uint64_t number, const struct segment *s, const char *more) WARN_UNUSED;

/* Other sites. sites.c, copy.c, copied.c */
int vaulting_sites_open(struct vaulting *v) WARN_UNUSED;
void vaulting_sites_close(struct vaulting *v);
void vaulting_link_sites(struct vaulting *v, int fd);
void vaulting_sites_tick(struct vaulting *v);
void vaulting_sites_status(const struct vaulting *v, struct buf *json);
void vaulting_copy(struct vaulting *v);        /* hands over what is durable */
bool vaulting_copy_done(const struct vaulting *v, uint64_t end);       /* every site has what stands before */
/* The open frame is on its way to the disk; and something is durable. */
void vaulting_copied_framed(struct vaulting *v);
void vaulting_copied_durable(struct vaulting *v);
/* "site NAME SOURCE": the source as it is called there. */
struct str vaulting_origin_source(struct str source);

/* Reading back. read.c */
void vault_cursor_open(struct vault_cursor *c);
void vault_cursor_close(struct vault_cursor *c);
void vault_cursor_seek(struct vault_cursor *c, uint64_t at);
/* The record of entry c->at, which stays until it is taken: 1; 0 when everything durable was read; or -errno. */
int vault_cursor_next(const struct vaulting *v, struct vault_cursor *c, struct str *ret) WARN_UNUSED;
void vault_cursor_took(struct vault_cursor *c);

/* Handing on. feed.c */
int vaulting_reader_open(struct vaulting *v) WARN_UNUSED;
void vaulting_reader_close(struct vaulting *v);
void vaulting_link_watch(struct vaulting *v, int fd);
void vaulting_feed(struct vaulting *v);

#endif
