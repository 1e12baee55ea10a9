/* streams: sources as watchd sees them. Must never give one source the number of another. */
#include "role/streams.h"

#include <errno.h>
#include <stdlib.h>

int
streams_open(struct streams *s, int zone_offset_min, uint64_t seed)
{
	*s = (struct streams){ .by_name.seed = seed };
	s->zones = zone_book_new(zone_offset_min);
	return s->zones ? 0 : -ENOMEM;
}

static void
free_stream(struct stream *st)
{
	lens_free(st->lens);
	free((void *)(uintptr_t)st->decl.name.p);
	free(st);
}

void
streams_close(struct streams *s)
{
	for (uint32_t i = 0; i < s->n; i++) {
		free_stream(s->v[i]);
		free(s->keys[i]);
	}
	free(s->v);
	free(s->keys);
	free(s->places);
	strmap_free(&s->by_name);
	zone_book_free(s->zones);
	*s = (struct streams){ 0 };
}

/* One allocation for the texts of a declaration. */
static int
take_texts(struct stream *st, const struct entry_source *d)
{
	size_t n = d->name.n + d->program.n + d->host.n;
	char *p = malloc(n + 1);
	struct entry_source copy = *d;

	if (!p)
		return -ENOMEM;
	copy.name = str_of(p, d->name.n);
	copy.program = str_of(p + d->name.n, d->program.n);
	copy.host = str_of(p + d->name.n + d->program.n, d->host.n);
	memcpy(p, d->name.p, d->name.n);
	if (d->program.n)
		memcpy(p + d->name.n, d->program.p, d->program.n);
	if (d->host.n)
		memcpy(p + d->name.n + d->program.n, d->host.p, d->host.n);
	p[n] = '\0';
	free((void *)(uintptr_t)st->decl.name.p);
	st->decl = copy;
	return 0;
}

static char *
key_of(const struct entry_source *d, struct str *ret)
{
	char *key = malloc(d->name.n + 1);

	if (!key)
		return NULL;
	key[0] = (char)('0' + d->kind);
	memcpy(key + 1, d->name.p, d->name.n);
	*ret = str_of(key, d->name.n + 1);
	return key;
}

static int
add(struct streams *s, const struct entry_source *decl, char *key, struct str key_str)
{
	struct stream *st = calloc(1, sizeof(*st));
	void *v = reallocarray(s->v, s->n + 1, sizeof(void *));

	if (v)
		s->v = v;
	void *k = reallocarray(s->keys, s->n + 1, sizeof(void *));
	if (k)
		s->keys = k;
	if (!st || !v || !k || take_texts(st, decl) < 0 ||
	    strmap_put(&s->by_name, key_str, s->n) < 0) {
		if (st)
			free_stream(st);
		return -ENOMEM;
	}
	st->last_time_us = WHEN_NONE;
	st->last_received_us = WHEN_NONE;
	s->v[s->n] = st;
	s->keys[s->n++] = key;
	return 0;
}

static bool
same_decl(const struct entry_source *a, const struct entry_source *b)
{
	return str_eq(a->program, b->program) && str_eq(a->host, b->host) &&
	    a->envelope == b->envelope && a->anchor_us == b->anchor_us && a->zoned == b->zoned &&
	    a->zone_min == b->zone_min;
}

int
streams_declare(struct streams *s, const struct entry_source *decl, uint32_t *ret)
{
	struct str key_str;
	char *key = key_of(decl, &key_str);
	int r = 0;

	if (!key)
		return -ENOMEM;
	uint32_t i = strmap_get(&s->by_name, key_str);
	if (i == STRMAP_NONE) {
		r = s->n >= STREAMS_MAX ? -ENOSPC : add(s, decl, key, key_str);
		if (r < 0)
			free(key);
		else
			*ret = s->n - 1;
		return r;
	}
	free(key);
	struct stream *st = s->v[i];
	if (!same_decl(&st->decl, decl)) {
		/* What the lens was told at its birth is different now. */
		r = take_texts(st, decl);
		lens_free(st->lens);
		st->lens = NULL;
	}
	*ret = i;
	return r;
}

uint32_t
streams_find(const struct streams *s, enum entry_kind kind, struct str name)
{
	char key[1 + 8192];

	if (name.n >= sizeof(key))
		return STRMAP_NONE;
	key[0] = (char)('0' + kind);
	memcpy(key + 1, name.p, name.n);
	return strmap_get(&s->by_name, str_of(key, name.n + 1));
}

static struct place *
find_place(struct streams *s, uint32_t stream, struct str ident)
{
	for (size_t i = 0; i < s->nplaces; i++) {
		struct place *p = &s->places[i];
		if (p->stream == stream && memcmp(p->bytes, ident.p, PLACE_IDENT_BYTES) == 0)
			return p;
	}
	return NULL;
}

static int
add_place(struct streams *s, struct place **ret)
{
	if (s->nplaces >= PLACES_MAX)
		return -ENOSPC;
	void *p = reallocarray(s->places, s->nplaces + 1, sizeof(*s->places));
	if (!p)
		return -ENOMEM;
	s->places = p;
	*ret = &s->places[s->nplaces++];
	return 0;
}

int
streams_place(struct streams *s, uint32_t stream, struct str place)
{
	if (place.n < PLACE_IDENT_BYTES || place.n > PLACE_BYTES_MAX)
		return -EBADMSG;
	struct place *p = find_place(s, stream, place);
	if (place.n == PLACE_IDENT_BYTES) {
		if (p)
			*p = s->places[--s->nplaces];
		return 0;
	}
	int r = p ? 0 : add_place(s, &p);
	if (r == 0) {
		*p = (struct place){ .stream = stream, .n = (uint16_t)place.n, .fresh = true };
		memcpy(p->bytes, place.p, place.n);
	}
	return r;
}

void
streams_link(struct streams *s)
{
	for (size_t i = 0; i < s->nplaces; i++)
		s->places[i].fresh = false;
}

void
streams_drop_old(struct streams *s)
{
	for (size_t i = 0; i < s->nplaces;) {
		if (s->places[i].fresh)
			i++;
		else
			s->places[i] = s->places[--s->nplaces];
	}
}

/* "udp 192.0.2.1" speaks for the place 192.0.2.1; a file for its path. */
static struct str
place_of(const struct entry_source *d)
{
	size_t blank = str_find_byte(d->name, ' ');

	return d->kind == ENTRY_KIND_NET ? str_from(d->name, blank + 1) : d->name;
}

int
streams_lens(struct streams *s, struct stream *st, const struct ruleset *rs)
{
	struct lens_opts o = {
		.place = place_of(&st->decl),
		.anchor_us = st->decl.anchor_us,
		.envelope = st->decl.envelope,
		.zoned = st->decl.zoned, .zone_min = st->decl.zone_min,
	};

	st->lens = lens_new(s->zones, &o);
	if (!st->lens)
		return -ENOMEM;
	if (st->remembers) {
		struct cur learned = cur_of(str_of((const char *)st->learned, sizeof(st->learned)));
		int r = lens_load(st->lens, &learned);
		if (r < 0)
			return r;
	}
	st->routed = st->decl.kind == ENTRY_KIND_FILE;
	if (st->routed)
		decode_route(rs, st->decl.name, &st->route);
	return 0;
}

static void
put(struct buf *out, const struct enc *e)
{
	buf_add(out, str_of((const char *)e->p, e->n));
}

/* A source that has said nothing since the restart is remembered as it was. */
static void
save_learned(const struct stream *st, struct enc *e)
{
	enc_u8(e, st->lens || st->remembers);
	if (st->lens)
		lens_save(st->lens, e);
	else if (st->remembers)
		enc_bytes(e, str_of((const char *)st->learned, sizeof(st->learned)));
}

void
streams_save(const struct streams *s, struct buf *out)
{
	uint8_t bytes[16384];

	struct enc e = enc_of(bytes, sizeof(bytes));
	enc_u32(&e, s->n);
	enc_u32(&e, (uint32_t)s->nplaces);
	put(out, &e);
	zone_book_save(s->zones, out);
	for (uint32_t i = 0; i < s->n; i++) {
		e = enc_of(bytes, sizeof(bytes));
		save_learned(s->v[i], &e);
		enc_u64(&e, (uint64_t)s->v[i]->last_time_us);
		enc_u8(&e, s->v[i]->lines_unknown);
		entry_pack_source(&e, &s->v[i]->decl);
		uint8_t n[4];
		struct enc head = enc_of(n, sizeof(n));
		enc_u32(&head, (uint32_t)e.n);
		put(out, &head);
		put(out, &e);
	}
	for (size_t i = 0; i < s->nplaces; i++) {
		e = enc_of(bytes, sizeof(bytes));
		enc_u32(&e, s->places[i].stream);
		enc_str32(&e, str_of((char *)s->places[i].bytes, s->places[i].n));
		put(out, &e);
	}
}

static int
load_stream(struct streams *s, struct str bytes)
{
	struct cur c = cur_of(bytes);
	bool remembers = cur_u8(&c) != 0;
	struct str learned = cur_bytes(&c, remembers ? LENS_LEARNED_BYTES : 0);
	int64_t last = (int64_t)cur_u64(&c);
	bool unknown = cur_u8(&c) != 0;
	struct entry_source decl;
	uint32_t i = 0, before = s->n;

	if (!cur_ok(&c) || entry_source_read(str_of((const char *)c.p, c.n), &decl) < 0 ||
	    streams_declare(s, &decl, &i) < 0 || i != before)
		return -EBADMSG;
	s->v[i]->remembers = remembers;
	if (remembers)
		memcpy(s->v[i]->learned, learned.p, learned.n);
	s->v[i]->last_time_us = last;
	s->v[i]->lines_unknown = unknown;
	return 0;
}

int
streams_load(struct streams *s, struct cur *in)
{
	uint32_t n = cur_u32(in), nplaces = cur_u32(in);
	int r = cur_ok(in) ? zone_book_load(s->zones, in) : -EBADMSG;

	for (uint32_t i = 0; i < n && r == 0 && cur_ok(in); i++)
		r = load_stream(s, cur_str32(in));
	for (uint32_t i = 0; i < nplaces && r == 0 && cur_ok(in); i++) {
		uint32_t stream = cur_u32(in);
		struct str bytes = cur_str32(in);
		if (cur_ok(in) && stream < s->n && bytes.n > PLACE_IDENT_BYTES)
			r = streams_place(s, stream, bytes);
		else
			r = -EBADMSG;
	}
	return cur_ok(in) ? r : -EBADMSG;
}
