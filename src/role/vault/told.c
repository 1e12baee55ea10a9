/* told: see told.h. Must never hand on a key that opens more than the log. */
#include "role/vault/told.h"

#include <errno.h>

static void
on_told(void *ctx, struct chan *c, struct msg *m)
{
	struct vault_told *t = ctx;

	(void)c;
	if (m->reading.key.n != sizeof(t->ring.log)) {
		log_say(&t->role->log, LOG_LEVEL_ERROR, "vaultd told a key that is none");
		role_end(t->role, 1);
		return;
	}
	memcpy(t->ring.log, m->reading.key.p, sizeof(t->ring.log));
	t->ring.has_log = true;
}

static void
on_told_end(void *ctx, struct chan *c, int error)
{
	struct vault_told *t = ctx;

	if (error == -EBADMSG)
		log_say(&t->role->log, LOG_LEVEL_ERROR, "vaultd sent a message that is none");
	chan_close(c);
	t->chan = NULL;
}

void
vault_told_link(struct vault_told *t, struct role *r, int fd)
{
	struct chan_calls calls = { .ctx = t, .on_msg = on_told, .on_end = on_told_end };

	chan_close(t->chan);
	t->chan = NULL;
	t->role = r;
	int e = chan_open(r->loop, fd, r->row->peer, MSG_VAULTD, &calls, &t->chan);
	if (e < 0)
		log_say(&r->log, LOG_LEVEL_ERROR, "cannot link to vaultd: %s", strerror(-e));
}

void
vault_told_close(struct vault_told *t)
{
	chan_close(t->chan);
	t->chan = NULL;
	explicit_bzero(&t->ring, sizeof(t->ring));
}

static void
on_nothing(void *ctx, struct chan *c, struct msg *m)
{
	(void)ctx;
	(void)c;
	(void)m;
}

/* A reader that ended: its next start brings a new link. */
static void
on_reader_end(void *ctx, struct chan *c, int error)
{
	struct chan **at = ctx;

	(void)error;
	chan_close(c);
	*at = NULL;
}

int
vault_tell(struct role *r, enum msg_peer reader, const struct keyring *ring, int fd, struct chan **ret)
{
	struct chan_calls calls = { .ctx = ret, .on_msg = on_nothing, .on_end = on_reader_end };
	struct msg m = { .type = MSG_reading, .fd = -1, .reading.key = str_of((const char *)ring->log, sizeof(ring->log)) };

	chan_close(*ret);
	*ret = NULL;
	int e = chan_open(r->loop, fd, MSG_VAULTD, reader, &calls, ret);
	return e < 0 ? e : chan_send(*ret, &m);
}
