/*
 * copied: lines of other sites into our vault, and how far each site's log is here. A batch goes into one frame with
 * the place behind it, or not at all; one that does not begin at that place is not taken. Must never believe a site about
 * another site: the name is put before every source here.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "role/vault/sites.h"
#include "sys/clock.h"
#include "wire/site.h"

#define PLACE_BYTES (PLACE_IDENT_BYTES + 8)

struct str
vaulting_origin_source(struct str source)
{
	struct str rest = str_from(source, sizeof("site ") - 1);

	return str_from(rest, str_find_byte(rest, ' ') + 1);
}

/* Places. */

static void
pack_place(uint64_t log, uint64_t next, uint8_t dst[PLACE_BYTES])
{
	struct enc e = enc_of(dst, PLACE_BYTES);

	enc_u64(&e, log);
	enc_u64(&e, 0);
	enc_u64(&e, next);
}

static uint64_t
place_log(const struct place *p)
{
	struct cur c = cur_of(str_of((const char *)p->bytes, p->n));

	return cur_u64(&c);
}

static uint64_t
place_next(const struct place *p)
{
	struct cur c = cur_of(str_of((const char *)p->bytes + PLACE_IDENT_BYTES, p->n - PLACE_IDENT_BYTES));

	return cur_u64(&c);
}

static uint64_t
next_of(const struct vaulting *v, const struct vault_from *f, uint64_t log)
{
	for (size_t i = 0; i < v->streams.nplaces; i++)
		if (v->streams.places[i].stream == f->stream && place_log(&v->streams.places[i]) == log)
			return place_next(&v->streams.places[i]);
	return 0;
}

static int
set_place(struct vaulting *v, const struct vault_from *f)
{
	uint8_t bytes[PLACE_BYTES];
	struct str place = str_of((const char *)bytes, sizeof(bytes));

	pack_place(f->log, f->next, bytes);
	int r = streams_place(&v->streams, f->stream, place);
	return r < 0 ? r : vaulting_add_side(v, f->stream, ENTRY_POSITION, place);
}

/* Sites. */

static struct vault_from *
find(struct vaulting *v, struct str site)
{
	for (uint32_t i = 0; i < v->sites->nfrom; i++)
		if (str_eq(v->sites->from[i].name, site))
			return &v->sites->from[i];
	return NULL;
}

int
vaulting_copied_open(struct vaulting *v)
{
	const struct conf_sites *sites = &v->role->config->sites;

	v->sites->from = calloc(sites->npeers + 1u, sizeof(*v->sites->from));
	if (!v->sites->from)
		return -ENOMEM;
	for (uint32_t i = 0; i < sites->npeers; i++) {
		if (!config_peer_takes(v->role->config, &sites->peers[i]))
			continue;
		struct vault_from *f = &v->sites->from[v->sites->nfrom++];
		*f = (struct vault_from){ .name = sites->peers[i].name, .last_stream = STRMAP_NONE, .anchor_us = INT64_MIN / 2 };
		snprintf(f->text, sizeof(f->text), "site %.*s", STR_FMT(f->name));
		struct entry_source decl = vaulting_decl(VAULT_SITE, str_z(f->text));
		int r = vaulting_declare(v, &decl, &f->stream);
		if (r < 0)
			return r;
	}
	return 0;
}

void
vaulting_copied_close(struct vaulting *v)
{
	free(v->sites->from);
}

static int
tell(struct vaulting *v, struct str site, uint64_t log, uint64_t next, bool again)
{
	struct msg m = { .type = MSG_held, .fd = -1, .held = { .site = site, .log = log, .next = next, .again = again } };

	return v->sites->link ? chan_send(v->sites->link, &m) : 0;
}

/*
 * linkd is new, and so is all that it will hand in: it begins behind what is in the open frame too, for if that is never
 * written we are not there to be asked. What is durable is told apart from that.
 */
static int
tell_place(struct vaulting *v, struct vault_from *f, const struct place *p)
{
	if (!f->known) {
		f->known = true;
		f->log = place_log(p);
		f->next = f->framed = place_next(p);
	}
	f->told = 0;
	return tell(v, f->name, place_log(p), place_next(p), true);
}

int
vaulting_copied_tell(struct vaulting *v)
{
	int r = 0;

	for (uint32_t k = 0; k < v->sites->nfrom; k++)
		for (size_t i = 0; i < v->streams.nplaces && r == 0; i++)
			if (v->streams.places[i].stream == v->sites->from[k].stream)
				r = tell_place(v, &v->sites->from[k], &v->streams.places[i]);
	return r;
}

/* Lines. */

/* The stream of a source of that site: mostly the one of the line before. */
static int
stream_of(struct vaulting *v, struct vault_from *f, struct str source, uint32_t *ret)
{
	if (f->last_stream == STRMAP_NONE || !str_eq(source, f->last_source)) {
		int n = snprintf(f->text, sizeof(f->text), "site %.*s ", STR_FMT(f->name));
		struct str fits = str_head(source, sizeof(f->text) - (size_t)n);
		memcpy(f->text + n, fits.p, fits.n);
		f->last_stream = STRMAP_NONE;
		struct entry_source decl = vaulting_decl(VAULT_SITE, str_of(f->text, (size_t)n + fits.n));
		int r = vaulting_declare(v, &decl, &f->last_stream);
		if (r < 0)
			return r;
		f->last_source = str_of(f->text + n, fits.n);
	}
	*ret = f->last_stream;
	return 0;
}

/* Which number the next line has in the log that it comes from: from there on it is enough to count. */
static int
anchor(struct vaulting *v, struct vault_from *f, const struct msg_copied *m, uint64_t index)
{
	int64_t now = clock_mono_us();

	if (index == f->anchored && f->since_anchor < COPIED_ANCHOR_LINES && now - f->anchor_us < COPIED_ANCHOR_US)
		return 0;
	f->since_anchor = 0;
	f->anchor_us = now;
	return vaulting_add_said(v, v->anchors, "vault.copied site=%.*s log=%016llx next=%llu origin=%.*s", STR_FMT(f->name),
	    (unsigned long long)f->log, (unsigned long long)index, STR_FMT(m->origin));
}

static int
take_entry(struct vaulting *v, struct vault_from *f, const struct msg_copied *m, const struct site_entry *s)
{
	struct vault_entry e;
	uint32_t stream;

	if (s->index < f->next || s->index >= m->next || vault_entry_decode(s->record, s->index, &e) < 0)
		return -EBADMSG;
	int r = anchor(v, f, m, s->index);
	if (r == 0)
		r = stream_of(v, f, e.source, &stream);
	if (r == 0)
		r = vaulting_add_entry(v, stream, e.recv_ns / 1000, e.flags, e.raw);
	if (r < 0)
		return r;
	f->next = f->anchored = s->index + 1;
	f->since_anchor++;
	f->lines++;
	return 0;
}

static int
take(struct vaulting *v, struct vault_from *f, const struct msg_copied *m)
{
	struct cur c = cur_of(m->entries);
	struct site_entry s;
	uint32_t n = 0;
	int r = vaulting_begin(v);

	if (r == 0 && m->lost) {
		f->lost += m->lost;
		r = vaulting_add_said(v, v->own, "vault.lost site=%.*s lines=%llu before=%llu", STR_FMT(f->name),
		    (unsigned long long)m->lost, (unsigned long long)m->next);
	}
	while (r == 0 && (r = site_entry_next(&c, &s)) == 1) {
		r = take_entry(v, f, m, &s);
		n++;
	}
	if (r == 0 && (n != m->count || m->next < f->next))
		r = -EBADMSG;
	f->next = m->next;
	return r < 0 ? r : set_place(v, f);
}

static bool
follows(struct vaulting *v, struct vault_from *f, const struct msg_copied *m)
{
	if (!f->known || f->log != m->log) {
		f->known = true;
		f->log = m->log;
		f->next = f->told = f->framed = next_of(v, f, m->log);
		f->anchored = UINT64_MAX;
	}
	return m->from == f->next && m->next >= m->from;
}

void
vaulting_copied(struct vaulting *v, const struct msg_copied *m)
{
	struct vault_from *f = find(v, m->site);
	struct vault_sites *s = v->sites;

	if (!f)
		return;
	if (!follows(v, f, m)) {
		if (tell(v, f->name, f->log, f->next, true) < 0)
			log_say(&v->role->log, LOG_LEVEL_WARNING, "linkd does not take what it is told");
		return;
	}
	int r = take(v, f, m);
	if (r < 0) {
		log_say(&v->role->log, LOG_LEVEL_ERROR, "lines of site %.*s cannot be sealed: %s", STR_FMT(f->name), strerror(-r));
		role_end(v->role, 1);
		return;
	}
	if (!s->paused && v->sealer.out.n >= COPIED_FRAME_MAX) {
		s->paused = true;
		chan_pause(s->link, true);
	}
	vaulting_poke(v);
}

void
vaulting_copied_framed(struct vaulting *v)
{
	for (uint32_t i = 0; i < v->sites->nfrom; i++) {
		struct vault_from *f = &v->sites->from[i];
		f->framed = f->next;
		f->framed_size = v->sealer.tree.size;
	}
}

void
vaulting_copied_durable(struct vaulting *v)
{
	struct vault_sites *s = v->sites;

	for (uint32_t i = 0; i < s->nfrom; i++) {
		struct vault_from *f = &s->from[i];
		if (!f->known || f->framed == f->told || f->framed_size > v->durable)
			continue;
		if (tell(v, f->name, f->log, f->framed, false) == 0)
			f->told = f->framed;
	}
	if (s->paused && s->link && v->sealer.out.n < COPIED_FRAME_MAX) {
		s->paused = false;
		chan_pause(s->link, false);
	}
}

void
vaulting_copied_status(const struct vaulting *v, struct buf *json)
{
	buf_add(json, STR(",\"copied\":["));
	for (uint32_t i = 0; i < v->sites->nfrom; i++) {
		const struct vault_from *f = &v->sites->from[i];
		buf_add(json, i ? STR(",{\"site\":") : STR("{\"site\":"));
		buf_add_json(json, f->name);
		buf_addf(json, ",\"next\":%llu,\"lines\":%llu,\"lost\":%llu}", (unsigned long long)f->told,
		    (unsigned long long)f->lines, (unsigned long long)f->lost);
	}
	buf_add_byte(json, ']');
}
