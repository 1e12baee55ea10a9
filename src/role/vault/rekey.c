/*
 * rekey: the key that lies elsewhere is fetched while there is the right to; and the order to replace the master key. It waits until
 * nobody is using keys, and the log says that it was done. Must never answer before.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "role/vault/sites.h"
#include "role/vault/vaultd.h"
#include "sys/file.h"

#define WAIT_MS 250
#define WAIT_TURNS 80                  /* 20 s: three starts a minute, and five are too many */

static int
away_path(const struct role *r, const struct conf_vault_key *c, char path[PATH_MAX])
{
	const char *dir = getenv("CREDENTIALS_DIRECTORY");

	if (c->kind == CONF_KEY_FILE)
		return snprintf(path, PATH_MAX, "%.*s", STR_FMT(c->name)) < PATH_MAX ? 0 : -ENAMETOOLONG;
	if (!dir || !*dir) {
		log_say(&r->log, LOG_LEVEL_ERROR, "key credential %.*s: we were given no credentials; in the service's unit: "
		    "LoadCredential=%.*s:/where/it/lies", STR_FMT(c->name), STR_FMT(c->name));
		return -ENOKEY;
	}
	return snprintf(path, PATH_MAX, "%s/%.*s", dir, STR_FMT(c->name)) < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* A disk that is put in late is waited for; dying at once each time would have the supervisor give up on us. */
static int
read_or_wait(const struct role *r, struct vault_away *away)
{
	const struct timespec pause = { .tv_nsec = WAIT_MS * 1000000L };
	int e = keyring_read(away->path, away->key);

	for (int turn = 0; e < 0 && e != -EBADMSG && turn < WAIT_TURNS && !r->check_only; turn++) {
		if (turn == 0)
			log_say(&r->log, LOG_LEVEL_ERROR, "the key of the vault, %s, cannot be read: %s; nothing is sealed until it can, "
			    "lines wait with their senders and in the spool", away->path, strerror(-e));
		nanosleep(&pause, NULL);
		e = keyring_read(away->path, away->key);
	}
	return e;
}

int
vaulting_fetch_key(struct vaulting *v)
{
	const struct conf_vault_key *c = v->conf->key;
	const struct role *r = v->role;

	if (!c)
		return 0;
	v->away = calloc(1, sizeof(*v->away));
	int e = v->away ? away_path(r, c, v->away->path) : -ENOMEM;
	if (e < 0)
		return e;
	e = read_or_wait(r, v->away);
	if (e == -EBADMSG)
		log_say(&r->log, LOG_LEVEL_ERROR, "%s is no key: it must be %d bytes, as from: "
		    "head -c %d /dev/urandom > %s", v->away->path, BLOB_KEY_BYTES, BLOB_KEY_BYTES, v->away->path);
	return e;
}

void
vaulting_forget_key(struct vaulting *v)
{
	if (v->away)
		explicit_bzero(v->away, sizeof(*v->away));
	free(v->away);
	v->away = NULL;
}

static void
answer(struct vaulting *v, uint32_t id, int error, bool replaced)
{
	struct buf json = BUF_INIT(300);

	if (error)
		buf_addf(&json, "{\"type\":\"error\",\"error\":\"%s: %s; %s\"}\n",
		    replaced ? "the master key is a new one, but what was wrapped under the old one could not be destroyed"
		    : "the keys could not be wrapped anew", strerror(-error),
		    replaced ? "the next start of vaultd tries it again" : "the old ones are as they were");
	else
		buf_addf(&json, "{\"type\":\"rekeyed\",\"away\":%s}\n", v->away ? "true" : "false");
	buf_add(&json, STR("{\"type\":\"end\"}"));
	role_answer(v->role, id, buf_str(&json), true);
	buf_free(&json);
}

bool
vaulting_rekey_order(struct vaulting *v, const struct msg_order *m)
{
	if (!str_starts(str_trim(m->json), STR("{\"cmd\":\"vault-rekey\"")))
		return false;
	if (v->rekey)
		answer(v, m->id, -EALREADY, false);
	else
		v->rekey = m->id;
	vaulting_rekey(v);
	return true;
}

void
vaulting_rekey(struct vaulting *v)
{
	/* Whoever works beside us reads keys. */
	if (!v->rekey || v->dropping || v->stopping || vaulting_keep_busy(v) || v->sites->attest.busy)
		return;
	bool replaced = false;
	int r = vault_disk_rekey(&v->disk, v->away, &replaced);
	if (r < 0)
		log_say(&v->role->log, LOG_LEVEL_ERROR, replaced ? "the old keys of the vault could not be destroyed: %s"
		    : "the keys of the vault could not be wrapped anew: %s", strerror(-r));
	if (replaced)
		vaulting_say(v, "vault.rekey away=%s", v->away ? "yes" : "no");
	answer(v, v->rekey, r, replaced);
	v->rekey = 0;
}
