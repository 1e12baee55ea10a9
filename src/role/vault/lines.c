/*
 * lines: from intaked's batches to entries of the open frame. Must never seal a line twice, nor take a batch in
 * part: what is known of it is known of all of it.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "role/vault/vaultd.h"
#include "sys/clock.h"

#define FILE_BIT (1u << 31)
#define WIRES_MAX 20001
#define SIDE_MAX (16u << 20)

static struct vault_wire *
wire(struct vaulting *v, uint32_t id)
{
	int files = (id & FILE_BIT) != 0;
	uint32_t i = id & ~FILE_BIT;

	if (i >= WIRES_MAX)
		return NULL;
	if (i >= v->nwires[files]) {
		uint32_t n = i + 64;
		struct vault_wire *p = reallocarray(v->wires[files], n, sizeof(*p));
		if (!p)
			return NULL;
		memset(p + v->nwires[files], 0, (n - v->nwires[files]) * sizeof(*p));
		v->wires[files] = p;
		v->nwires[files] = n;
	}
	return &v->wires[files][i];
}

void
vaulting_forget_wires(struct vaulting *v)
{
	for (int k = 0; k < 2; k++) {
		free(v->wires[k]);
		v->wires[k] = NULL;
		v->nwires[k] = 0;
	}
}

/* The first word of the name says how a received line came. */
static enum vault_transport
transport_of(const struct entry_source *d)
{
	static const struct { struct str word; enum vault_transport is; } words[] = {
		{ STR_INIT("udp "), VAULT_UDP }, { STR_INIT("tcp "), VAULT_TCP }, { STR_INIT("tls "), VAULT_TLS },
		{ STR_INIT("unix "), VAULT_UNIX }, { STR_INIT("journal"), VAULT_JOURNAL },
		{ STR_INIT("stdin"), VAULT_STDIN }, { STR_INIT("site "), VAULT_SITE },
	};

	if (d->kind == ENTRY_KIND_FILE)
		return VAULT_FILE;
	for (size_t i = 0; i < ARRAY_LEN(words) && d->kind == ENTRY_KIND_NET; i++)
		if (str_starts(d->name, words[i].word))
			return words[i].is;
	return VAULT_OWN;
}

struct entry_source
vaulting_decl(uint8_t transport, struct str source)
{
	bool file = transport == VAULT_FILE ||
	    (transport == VAULT_SITE && str_starts(vaulting_origin_source(source), STR("/")));

	return (struct entry_source){
		.kind = transport == VAULT_FILE ? ENTRY_KIND_FILE : transport == VAULT_OWN ? ENTRY_KIND_OWN : ENTRY_KIND_NET,
		.name = source, .envelope = !file, .anchor_us = WHEN_NONE,
	};
}

int
vaulting_add_entry(struct vaulting *v, uint32_t stream, int64_t received_us, uint8_t flags, struct str raw)
{
	const struct entry_source *d = &v->streams.v[stream]->decl;
	struct vault_entry e = {
		.recv_ns = received_us * 1000,
		.source = str_head(d->name, VAULT_SOURCE_MAX),
		.transport = (uint8_t)transport_of(d),
		.flags = flags,
		.raw = raw,
	};

	if (!vault_entry_valid(&e))
		return -EBADMSG;
	int64_t r = sealer_add(&v->sealer, &e);
	v->lines += r >= 0;
	return r < 0 ? (int)r : 0;
}

/* What a restart must know with these lines. */
static int
pack_side(struct buf *side, uint32_t stream, uint16_t flags, struct str bytes)
{
	struct entry e = { .source = stream, .flags = flags, .bytes = bytes };

	if (!buf_reserve(side, ENTRY_HEAD + bytes.n))
		return -ENOMEM;
	struct enc out = enc_of(side->p + side->n, ENTRY_HEAD + bytes.n);
	entry_pack(&out, &e);
	side->n += out.n;
	return enc_ok(&out) ? 0 : -ENOMEM;
}

int
vaulting_add_side(struct vaulting *v, uint32_t stream, uint16_t flags, struct str bytes)
{
	return pack_side(&v->side, stream, flags, bytes);
}

int
vaulting_declare(struct vaulting *v, const struct entry_source *decl, uint32_t *ret)
{
	uint8_t bytes[16384];
	struct enc e = enc_of(bytes, sizeof(bytes));
	uint32_t before = v->streams.n;
	int r = streams_declare(&v->streams, decl, ret);

	if (r < 0 || v->streams.n == before)
		return r;
	entry_pack_source(&e, decl);
	return enc_ok(&e) ? vaulting_add_side(v, *ret, ENTRY_SOURCE, str_of((const char *)bytes, e.n)) : -EMSGSIZE;
}

static int
declare(struct vaulting *v, struct vault_wire *w, struct str bytes)
{
	struct entry_source decl;
	uint32_t before = v->streams.n, stream = 0;

	if (entry_source_read(bytes, &decl) < 0)
		return -EBADMSG;
	const void *known = w->declared ? v->streams.v[w->stream]->decl.name.p : NULL;
	int r = streams_declare(&v->streams, &decl, &stream);
	if (r == -ENOMEM)
		return r;
	/* A source too many is counted with its lines, not believed to be another. */
	w->declared = r == 0;
	w->stream = stream;
	if (r < 0 || (v->streams.n == before && v->streams.v[stream]->decl.name.p == known))
		return 0;
	return vaulting_add_side(v, stream, ENTRY_SOURCE, bytes);
}

static int
take_entry(struct vaulting *v, const struct entry *e)
{
	struct vault_wire *w = wire(v, e->source);

	if (!w)
		return -EBADMSG;
	if (e->flags & ENTRY_SOURCE)
		return declare(v, w, e->bytes);
	if (!w->declared)
		return -EBADMSG;
	if (e->flags & ENTRY_POSITION) {
		int r = streams_place(&v->streams, w->stream, e->bytes);
		/* One too many to remember: its file is read again after a restart. */
		return r == -ENOSPC ? 0 : r < 0 ? r : vaulting_add_side(v, w->stream, ENTRY_POSITION, e->bytes);
	}
	/* Sent again after a restart of the sender: sealed is sealed. */
	if (e->flags & ENTRY_SPOOLED && e->seq <= v->spooled)
		return 0;
	uint8_t flags = (uint8_t)((e->flags & ENTRY_MORE ? VAULT_MORE : 0) | (e->flags & ENTRY_CUT ? VAULT_CUT : 0));
	int r = vaulting_add_entry(v, w->stream, e->received_us, flags, e->bytes);
	if (r == 0 && e->flags & ENTRY_SPOOLED && !(e->flags & ENTRY_MORE))
		v->spooled = e->seq;
	return r;
}

int
vaulting_records(struct vaulting *v, const struct msg_records *m)
{
	struct cur c = cur_of(m->entries);
	struct entry e;
	uint32_t n = 0;
	int r = vaulting_begin(v);

	if (r < 0)
		return r;
	while ((r = entry_next(&c, &e)) == 1) {
		r = take_entry(v, &e);
		if (r < 0)
			return r;
		n++;
	}
	v->credits++;
	return r < 0 || n != m->count ? -EBADMSG : 0;
}

/* Into the open frame, with what else belongs there. */
static int
add_line(struct vaulting *v, uint32_t stream, struct str line)
{
	int r = vaulting_begin(v);

	while (r == 0) {
		struct str part = str_head(line, ENTRY_BYTES_MAX);
		line = str_from(line, part.n);
		r = vaulting_add_entry(v, stream, clock_wall_us(), line.n ? VAULT_MORE : 0, part);
		if (!line.n)
			break;
	}
	return r;
}

void
vaulting_line(struct vaulting *v, uint32_t stream, struct str line)
{
	int r = add_line(v, stream, line);

	if (r < 0)
		log_say(&v->role->log, LOG_LEVEL_ERROR, "a line of our own was not sealed: %s", strerror(-r));
	vaulting_poke(v);
}

/* RFC 5424, facility syslog, severity notice: read by the same decoders as everything else. */
static int __attribute__((format(printf, 3, 0)))
add_said(struct vaulting *v, uint32_t stream, const char *fmt, va_list ap)
{
	struct buf line = BUF_INIT(32768);
	char stamp[40];

	buf_addf(&line, "<45>1 %.*s %s guarita %d - - ", (int)when_show(clock_wall_us(), 0, stamp), stamp, v->host,
	    (int)getpid());
	buf_vaddf(&line, fmt, ap);
	int r = buf_ok(&line) ? add_line(v, stream, buf_str(&line)) : -ENOMEM;
	buf_free(&line);
	return r;
}

int
vaulting_add_said(struct vaulting *v, uint32_t stream, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int r = add_said(v, stream, fmt, ap);
	va_end(ap);
	return r;
}

void
vaulting_say(struct vaulting *v, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int r = add_said(v, v->own, fmt, ap);
	va_end(ap);
	if (r < 0)
		log_say(&v->role->log, LOG_LEVEL_ERROR, "a line of our own was not sealed: %s", strerror(-r));
	vaulting_poke(v);
}

/* What must be known after a restart. */

static void
pack_spooled(uint64_t spooled, struct buf *out)
{
	uint8_t bytes[8];
	struct enc e = enc_of(bytes, sizeof(bytes));

	enc_u64(&e, spooled);
	buf_add(out, str_of((const char *)bytes, e.n));
}

/* In the form of a side, which is ours: what watchd saves of its streams is its own affair. */
int
vaulting_pack_state(const struct vaulting *v, struct buf *out)
{
	uint8_t bytes[16384];
	int r = 0;

	pack_spooled(v->spooled, out);
	for (uint32_t i = 0; i < v->streams.n && r == 0; i++) {
		struct enc e = enc_of(bytes, sizeof(bytes));
		entry_pack_source(&e, &v->streams.v[i]->decl);
		r = enc_ok(&e) ? pack_side(out, i, ENTRY_SOURCE, str_of((const char *)bytes, e.n)) : -EMSGSIZE;
	}
	for (size_t i = 0; i < v->streams.nplaces && r == 0; i++) {
		const struct place *p = &v->streams.places[i];
		r = pack_side(out, p->stream, ENTRY_POSITION, str_of((const char *)p->bytes, p->n));
	}
	return r;
}

int
vaulting_take_side(struct vaulting *v, struct str side)
{
	struct cur c = cur_of(side);
	uint64_t spooled = cur_u64(&c);
	struct entry_source decl;
	struct entry e;
	uint32_t stream;
	int r;

	if (!cur_ok(&c))
		return -EBADMSG;
	while ((r = entry_next(&c, &e)) == 1) {
		if (e.flags & ENTRY_SOURCE)
			r = entry_source_read(e.bytes, &decl) < 0 || streams_declare(&v->streams, &decl, &stream) < 0 ||
			    stream != e.source ? -EBADMSG : 0;
		else
			r = e.source < v->streams.n ? streams_place(&v->streams, e.source, e.bytes) : -EBADMSG;
		if (r < 0)
			return r;
	}
	if (r == 0)
		v->spooled = spooled;
	return r;
}
