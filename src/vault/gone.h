/*
 * gone: what stays of lines that were deleted: the digests that keep all other proofs whole, and the number of the
 * record that says who deleted them and why. Two forms:
 *
 *   A line among others is an erased entry of its segment (vault/entry.h); its source is "gone N", N the record.
 *   A segment of which no line is left is a text, NUMBER.gone, with the complete subtrees of its lines:
 *
 *       guarita-gone@v1
 *       first N
 *       end N                  behind its last line
 *       record N
 *       node BASE64            from left to right: each the largest that begins there and does not reach past the end
 *
 * A deletion is a record of vaultd's own in the log before it is carried out. It names what goes:
 *
 *   vault.erase index=N by="WHO" reason="WHY"
 *   vault.expire first=N end=N lines=N rule="RULE"
 */
#ifndef GUARITA_VAULT_GONE_H
#define GUARITA_VAULT_GONE_H

#include "base/buf.h"
#include "vault/entry.h"
#include "vault/tree.h"

#define GONE_TEXT_MAX 16384
#define GONE_NODES_MAX 64              /* enough for four thousand million lines */

struct gone {
	uint64_t first, end, record;
	unsigned n;
	struct digest node[GONE_NODES_MAX];
};

/* The subtrees of lines as they are handed in from the first on; end is where it has come. */
struct gone_maker {
	uint64_t first;
	struct tree tree;              /* of the lines, as if they stood at the place where the log has them */
	struct gone *gone;
	uint64_t end;                  /* that is meant */
	unsigned level;                /* of the subtree that grows */
};
void gone_begin(struct gone_maker *m, struct gone *g, uint64_t first, uint64_t end, uint64_t record);
void gone_add(struct gone_maker *m, const struct digest *leaf);

void gone_show(const struct gone *g, struct buf *out);
/* 0 or -EBADMSG. */
int gone_read(struct str text, struct gone *ret) WARN_UNUSED;
/* The node of a subtree that is one of the text's own: 0 or -ENOENT. */
int gone_node(const struct gone *g, unsigned level, uint64_t index, struct digest *ret) WARN_UNUSED;
/* Adds all of them; the tree's size must be first. */
void gone_add_to(const struct gone *g, struct tree *t);

/* "gone 17": the source of an erased entry. 0 or -EINVAL. */
int gone_source(struct str source, uint64_t *ret_record) WARN_UNUSED;

/* What a record of deletion says. by_rule: it expired, and `why` is the rule; else `who` ordered it, and why. */
struct gone_order {
	uint64_t first, end;
	bool by_rule;
	struct str who, why;           /* as in the line: JSON texts without their quotes */
};
/* The text of a line of vaultd's own: 0, or -EINVAL when it orders nothing. */
int gone_order_read(struct str line, struct gone_order *ret) WARN_UNUSED;

/*
 * Work for packd, who writes a segment anew without these lines: "GFO1", u64 first, u64 record, u8 encrypted,
 * key 32, u32 lines; u32 row, leaf 32 each, by rising row.
 */
struct gone_work {
	uint64_t first, record;
	bool encrypted;
	uint8_t key[32];
	uint32_t n;
	struct cur rows;
};
#define GONE_WORK_HEAD 57u
#define GONE_WORK_ROW (4u + DIGEST_BYTES)
void gone_work_begin(const struct gone_work *w, struct buf *out);
void gone_work_add(struct buf *out, uint32_t row, const struct digest *leaf);
/* 0 or -EBADMSG. Slices point into the bytes. */
int gone_work_read(struct str bytes, struct gone_work *ret) WARN_UNUSED;
/* The next row: 1, 0 at the end. */
int gone_work_next(struct cur *rows, uint32_t *ret_row, struct digest *ret_leaf) WARN_UNUSED;

#endif
