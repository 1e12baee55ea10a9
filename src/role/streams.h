/*
 * streams: what watchd knows of the sources of lines: a lens for each, how far each was read, and
 * the numbers that stand for them in references of records. Numbers stay the same over restarts,
 * for they are in the saved state.
 */
#ifndef GUARITA_ROLE_STREAMS_H
#define GUARITA_ROLE_STREAMS_H

#include "base/hash.h"
#include "event/lens.h"
#include "msg/entry.h"
#include "watch/decoder.h"

#define STREAMS_MAX 65536
#define PLACES_MAX 16384
#define PLACE_IDENT_BYTES 16           /* of a position: which file; the rest is how far */
#define PLACE_BYTES_MAX 256
#define REF_SEQ_BITS 40

struct stream {
	struct entry_source decl;      /* texts are ours */
	struct lens *lens;             /* NULL until the first line */
	bool remembers;                /* of a lens before a restart: */
	uint8_t learned[LENS_LEARNED_BYTES];
	struct decode_route route;
	bool routed;
	uint64_t lines, undecoded, cut;
	int64_t last_time_us;          /* event time of the last line; WHEN_NONE: none yet */
	int64_t last_received_us;
	int64_t active_mono_us;        /* when its last line was handled, and since when without a pause */
	int64_t active_since_us;
	int64_t jump_told_us;
	bool lines_unknown;            /* line numbers count from where reading began */
};

struct place {
	uint32_t stream;
	uint16_t n;
	bool fresh;                    /* told over the present link */
	uint8_t bytes[PLACE_BYTES_MAX];
};

struct streams {
	struct stream **v;
	uint32_t n;
	struct strmap by_name;
	char **keys;                   /* of the map */
	struct place *places;
	size_t nplaces;
	struct zone_book *zones;
};

int streams_open(struct streams *s, int zone_offset_min, uint64_t seed) WARN_UNUSED;
void streams_close(struct streams *s);
/*
 * The number of a source, adding it when new; a changed declaration is taken over. -ENOSPC,
 * -ENOMEM.
 */
int streams_declare(struct streams *s, const struct entry_source *decl, uint32_t *ret) WARN_UNUSED;
/* The number of a declared source, STRMAP_NONE when there is none. */
uint32_t streams_find(const struct streams *s, enum entry_kind kind, struct str name);
/*
 * How far the source was read; a position of the identity's length alone means: closed, forget it.
 */
int streams_place(struct streams *s, uint32_t stream, struct str place) WARN_UNUSED;
/*
 * A new link begins: places become old; what is still old later belongs to files that are no more.
 */
void streams_link(struct streams *s);
void streams_drop_old(struct streams *s);
/* Makes the lens; it goes on with what the one before a restart had learned. */
int streams_lens(struct streams *s, struct stream *st, const struct ruleset *rs) WARN_UNUSED;
void streams_save(const struct streams *s, struct buf *out);
int streams_load(struct streams *s, struct cur *in) WARN_UNUSED;

static inline uint64_t
ref_of(uint32_t stream, uint64_t seq)
{
	return (uint64_t)stream << REF_SEQ_BITS | (seq & ((UINT64_C(1) << REF_SEQ_BITS) - 1));
}

static inline uint32_t
ref_stream(uint64_t ref)
{
	return (uint32_t)(ref >> REF_SEQ_BITS);
}

static inline uint64_t
ref_seq(uint64_t ref)
{
	return ref & ((UINT64_C(1) << REF_SEQ_BITS) - 1);
}

#endif
