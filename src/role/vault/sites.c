/* vault_sites: the link to linkd. Must never look into what is handed over, but for its head. */
#include "role/vault/sites.h"

#include <errno.h>
#include <stdlib.h>

int
vaulting_sites_open(struct vaulting *v)
{
	struct entry_source anchors = { .kind = ENTRY_KIND_OWN, .name = STR(VAULT_SITES), .envelope = true, .anchor_us = WHEN_NONE };
	struct entry_source linkd = { .kind = ENTRY_KIND_OWN, .name = STR("linkd"), .envelope = true, .anchor_us = WHEN_NONE };

	v->sites = calloc(1, sizeof(*v->sites));
	if (!v->sites)
		return -ENOMEM;
	int r = vaulting_declare(v, &anchors, &v->anchors);
	if (r == 0)
		r = vaulting_copied_open(v);
	if (r == 0)
		r = vaulting_declare(v, &linkd, &v->linkd);
	if (r == 0)
		r = vaulting_attest_open(v);
	return r < 0 ? r : vaulting_copy_open(v);
}

void
vaulting_sites_close(struct vaulting *v)
{
	if (!v->sites)
		return;
	chan_close(v->sites->link);
	vaulting_copy_close(v);
	vaulting_copied_close(v);
	vaulting_attest_close(v);
	free(v->sites);
	v->sites = NULL;
}

static void
on_msg(void *ctx, struct chan *c, struct msg *m)
{
	struct vaulting *v = ctx;

	(void)c;
	if (m->type == MSG_fetch)
		vaulting_copy_fetch(v, &m->fetch);
	else if (m->type == MSG_more)
		vaulting_copy_more(v, &m->more);
	else if (m->type == MSG_copied)
		vaulting_copied(v, &m->copied);
	else if (m->type == MSG_witness)
		vaulting_attest_key(v, &m->witness);
	else if (m->type == MSG_attest)
		vaulting_attest(v, &m->attest);
	else if (m->type == MSG_cosigned)
		vaulting_attest_signed(v, &m->cosigned);
	else if (m->type == MSG_seal)
		vaulting_line(v, v->linkd, m->seal.line);
}

static void
on_room(void *ctx, struct chan *c)
{
	struct vaulting *v = ctx;

	(void)c;
	for (uint32_t i = 0; i < v->sites->nto; i++)
		v->sites->to[i].no_room = false;
	vaulting_copy(v);
}

static void
on_end(void *ctx, struct chan *c, int error)
{
	struct vaulting *v = ctx;

	if (error == -EBADMSG)
		log_say(&v->role->log, LOG_LEVEL_ERROR, "linkd sent a message that is none");
	chan_close(c);
	v->sites->link = NULL;
	v->sites->paused = false;
	for (uint32_t i = 0; i < v->sites->nto; i++)
		v->sites->to[i].wanted = false;
}

static int
tell_vault(struct vaulting *v)
{
	const struct identity *i = &v->disk.identity;
	struct buf key = BUF_INIT(1024);
	int r = vaulting_copied_tell(v);

	epoch_key_show(&i->epochs, &key);
	struct msg m = { .type = MSG_vault, .fd = -1, .vault = { .log = i->id, .origin = i->origin, .identity = buf_str(&key) } };
	if (r == 0)
		r = buf_ok(&key) ? chan_send(v->sites->link, &m) : -ENOMEM;
	buf_free(&key);
	return r;
}

void
vaulting_link_sites(struct vaulting *v, int fd)
{
	struct chan_calls calls = { .ctx = v, .on_msg = on_msg, .on_end = on_end, .on_room = on_room };

	if (v->sites->link)
		on_end(v, v->sites->link, 0);
	int r = chan_open(v->role->loop, fd, MSG_VAULTD, MSG_LINKD, &calls, &v->sites->link);
	if (r == 0)
		r = tell_vault(v);
	if (r < 0)
		log_say(&v->role->log, LOG_LEVEL_ERROR, "cannot link to linkd: %s", strerror(-r));
	else
		vaulting_copied_durable(v);
}

void
vaulting_sites_tick(struct vaulting *v)
{
	vaulting_copy_tick(v);
}

void
vaulting_sites_status(const struct vaulting *v, struct buf *json)
{
	vaulting_copy_status(v, json);
	vaulting_copied_status(v, json);
}
