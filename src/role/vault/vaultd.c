/*
 * vaultd: the only writer of the vault and the only holder of its keys. Every line is sealed and durable before it goes on
 * to anyone. Must never acknowledge what the disk has not.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "console/accounts/seal.h"
#include "role/vault/told.h"
#include "role/vault/vaultd.h"
#include "sys/clock.h"
#include "sys/file.h"

#define TICK_MS 1000

/* Text of the kernel's boot id, without its dashes, as 16 bytes. */
static void
read_boot(struct vaulting *v)
{
	struct buf b = BUF_INIT(64);
	unsigned n = 0;

	if (file_read("/proc/sys/kernel/random/boot_id", &b) == 0)
		for (size_t i = 0; i < b.n && n < 2 * FRAME_BOOT_BYTES; i++) {
			char c = b.p[i];
			unsigned d = c >= '0' && c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'a') + 10;
			if (d < 16)
				v->boot[n / 2] = (uint8_t)(v->boot[n / 2] << 4 | d), n++;
		}
	buf_free(&b);
}

static int
prepare(void *ctx, struct role *r)
{
	struct vaulting *v = ctx;

	v->role = r;
	v->conf = r->config->vault;
	if (v->conf) {
		int e = vaulting_keep_open(v);
		if (e < 0)
			return e;
	}
	if (r->check_only)
		return 0;
	if (!v->conf) {
		log_say(&r->log, LOG_LEVEL_ERROR, "the configuration names no vault; example: vault \"/var/lib/guarita/vault\";");
		return -EINVAL;
	}
	int e = vaulting_fetch_key(v);
	if (e < 0)
		return e;
	host_name(v->host);
	read_boot(v);
	return role_make_dir(r, v->conf->path.p, 0750);
}

/* Slow, and over files that somebody else may have written: after the rights are given up. */
static int
load(void *ctx, struct role *r)
{
	struct vaulting *v = ctx;

	if (r->check_only)
		return 0;
	int e = streams_open(&v->streams, 0, random_u64());
	if (e == 0)
		e = vaulting_reader_open(v);
	return e < 0 ? e : vaulting_open(v);
}

static void
on_tick(void *ctx)
{
	struct vaulting *v = ctx;
	v->notes_due = true;
	vaulting_notes(v);
	vaulting_poke(v);
	vaulting_drop(v);
	vaulting_rekey(v);
	vaulting_keep(v);
	vaulting_sites_tick(v);
}

static void
on_frame_timer(void *ctx)
{
	vaulting_poke(ctx);
}

static void
on_retry(void *ctx)
{
	struct vaulting *v = ctx;

	v->retrying = false;
	vaulting_poke(v);
}

static void
tell_start(struct vaulting *v)
{
	struct buf why = BUF_INIT(1024);

	buf_add_json(&why, str_z(v->why));
	if (str_eq(str_z(v->verdict), STR("tampered")))
		vaulting_say(v, "vault.tampered why=%s", buf_cstr(&why));
	else if (str_eq(str_z(v->verdict), STR("crash")))
		vaulting_say(v, "vault.crash size=%llu torn=%llu why=%s", (unsigned long long)v->since,
		    (unsigned long long)v->torn_bytes, buf_cstr(&why));
	else
		vaulting_say(v, "vault.opened size=%llu", (unsigned long long)v->since);
	buf_free(&why);
}

static int
begin(void *ctx, struct role *r)
{
	struct vaulting *v = ctx;
	struct entry_source own = {
		.kind = ENTRY_KIND_OWN, .name = STR("vaultd"), .envelope = true, .anchor_us = WHEN_NONE,
	}, told = { .kind = ENTRY_KIND_OWN, .name = STR(VAULT_TOLD), .anchor_us = WHEN_NONE },
	  super = { .kind = ENTRY_KIND_OWN, .name = STR("guaritad"), .envelope = true, .anchor_us = WHEN_NONE },
	  seen = { .kind = ENTRY_KIND_OWN, .name = STR(ACCOUNT_SEAL_SOURCE), .anchor_us = WHEN_NONE };

	v->last_job = &v->jobs;
	v->side = BUF_INIT(FRAME_SIDE_MAX / 2);
	int e = timer_open(r->loop, on_frame_timer, v, &v->frame_timer);
	if (e == 0)
		e = timer_open(r->loop, on_retry, v, &v->retry_timer);
	if (e == 0)
		e = timer_open(r->loop, on_tick, v, &v->tick);
	if (e == 0)
		e = streams_declare(&v->streams, &own, &v->own);
	if (e == 0)
		e = streams_declare(&v->streams, &told, &v->told);
	if (e == 0)
		e = streams_declare(&v->streams, &super, &v->super);
	if (e == 0)
		e = streams_declare(&v->streams, &seen, &v->seen);
	if (e == 0)
		e = vaulting_sites_open(v);
	if (e < 0)
		return e;
	/* Every start begins a file: it says what is known, and what a restart reads is short. */
	if (!v->in_fresh_file)
		vaulting_begin_file(v);
	tell_start(v);
	timer_start(v->tick, TICK_MS, TICK_MS);
	return 0;
}

/* The link to intaked. */

static int
tell_positions(struct vaulting *v)
{
	int r = 0;

	for (size_t i = 0; i < v->streams.nplaces && r == 0; i++) {
		const struct place *p = &v->streams.places[i];
		const struct entry_source *d = &v->streams.v[p->stream]->decl;
		/* Those of other sites are linkd's. */
		if (str_starts(d->name, STR("site ")))
			continue;
		struct msg m = {
			.type = MSG_position, .fd = -1,
			.position = {
				.source = p->stream, .kind = (uint8_t)d->kind, .name = d->name,
				.place = str_of((const char *)p->bytes, p->n),
			},
		};
		r = chan_send(v->intake, &m);
	}
	struct msg m = {
		.type = MSG_resume, .fd = -1, .resume = { .spooled = v->spooled, .credit = VAULT_CREDIT },
	};
	return r < 0 ? r : chan_send(v->intake, &m);
}

static void
on_intake(void *ctx, struct chan *c, struct msg *m)
{
	struct vaulting *v = ctx;

	(void)c;
	int r = vaulting_records(v, &m->records);
	if (r < 0) {
		log_say(&v->role->log, LOG_LEVEL_ERROR,
		    r == -EBADMSG ? "intaked sent records that are none" : "lines could not be sealed: %s", strerror(-r));
		role_end(v->role, 1);
		return;
	}
	vaulting_poke(v);
}

static void
on_intake_end(void *ctx, struct chan *c, int error)
{
	struct vaulting *v = ctx;

	if (error == -EBADMSG)
		log_say(&v->role->log, LOG_LEVEL_ERROR, "intaked sent a message that is none");
	chan_close(c);
	v->intake = NULL;
}

static void
link_intake(struct vaulting *v, int fd)
{
	struct chan_calls calls = { .ctx = v, .on_msg = on_intake, .on_end = on_intake_end };

	chan_close(v->intake);
	v->intake = NULL;
	vaulting_forget_wires(v);
	/* Batches of an earlier link are nobody's credit any more. */
	v->credits = 0;
	for (struct vault_job *j = v->jobs; j; j = j->next)
		j->credits = 0;
	int r = chan_open(v->role->loop, fd, MSG_VAULTD, MSG_INTAKED, &calls, &v->intake);
	if (r == 0)
		r = tell_positions(v);
	if (r < 0) {
		log_say(&v->role->log, LOG_LEVEL_ERROR, "cannot link to intaked: %s", strerror(-r));
		role_end(v->role, 1);
	}
}

static void
link_reader(struct vaulting *v, enum msg_peer peer, int fd)
{
	int r = vault_tell(v->role, peer, &v->disk.ring, fd, peer == MSG_PACKD ? &v->packd : &v->shipd);

	if (r < 0)
		log_say(&v->role->log, LOG_LEVEL_ERROR, "cannot link to a reader of the log: %s", strerror(-r));
}

static void
on_link(void *ctx, enum msg_peer peer, int fd)
{
	if (peer == MSG_INTAKED)
		link_intake(ctx, fd);
	else if (peer == MSG_WATCHD)
		vaulting_link_watch(ctx, fd);
	else if (peer == MSG_LINKD)
		vaulting_link_sites(ctx, fd);
	else if (peer == MSG_PACKD || peer == MSG_SHIPD)
		link_reader(ctx, peer, fd);
	else
		close(fd);
}

static void
on_order(void *ctx, const struct msg_order *m)
{
	vaulting_order(ctx, m);
}

/* Service events and orders, under the supervisor's own name: what vaultd says of its lines is said by nobody else. */
static void
on_seal(void *ctx, struct str line)
{
	struct vaulting *v = ctx;

	if (vaulting_add_said(v, v->super, "%.*s", STR_FMT(line)) < 0)
		log_say(&v->role->log, LOG_LEVEL_ERROR, "a record of the supervisor was not sealed: %.*s", STR_FMT(line));
	vaulting_poke(v);
}

static void
status(void *ctx, struct buf *json)
{
	struct vaulting *v = ctx;
	char path[PATH_MAX];

	buf_add(json, STR("\"origin\":"));
	buf_add_json(json, v->disk.identity.origin);
	buf_add(json, STR(",\"start\":"));
	buf_add_json(json, str_z(v->verdict));
	buf_add(json, STR(",\"why\":"));
	buf_add_json(json, str_z(v->why));
	buf_addf(json,
	    ",\"size\":%llu,\"lines\":%llu,\"frames\":%llu,\"bytes\":%llu,\"epoch\":%llu,\"epochs_left\":%llu,"
	    "\"checkpoint\":%llu,\"checkpoint_s\":%lld,\"torn_bytes\":%llu,\"dropped_files\":%llu",
	    (unsigned long long)v->durable, (unsigned long long)v->lines, (unsigned long long)v->frames,
	    (unsigned long long)v->bytes, (unsigned long long)v->sealer.keys.epoch,
	    (unsigned long long)((UINT64_C(1) << v->disk.epoch_tree.height) - 1 - v->sealer.keys.epoch),
	    (unsigned long long)v->checkpoint_size, (long long)v->checkpoint_s, (unsigned long long)v->torn_bytes,
	    (unsigned long long)v->dropped);
	buf_addf(json, ",\"behind\":%llu,\"skipped\":%llu,\"reader\":%s,\"cpu_us\":%lld",
	    (unsigned long long)(v->durable - v->reader.cursor.at), (unsigned long long)v->reader.cursor.skipped,
	    v->watch ? "true" : "false", (long long)clock_cpu_us());
	vaulting_keep_status(v, json);
	vaulting_sites_status(v, json);
	buf_addf(json, ",\"stalls\":%llu", (unsigned long long)v->stalls);
	if (v->error)
		buf_addf(json, ",\"error\":\"%s\",\"stalled_s\":%lld", strerrorname_np(v->error),
		    (long long)((clock_mono_us() - v->error_us) / WHEN_SECOND));
	if (file_path(path, sizeof(path), v->disk.dir, "keys/auditor") == 0 && access(path, F_OK) == 0)
		buf_add(json, STR(",\"auditor_key_here\":true"));
}

static void
stop(void *ctx, uint32_t grace_ms)
{
	struct vaulting *v = ctx;

	(void)grace_ms;
	chan_close(v->intake);
	v->intake = NULL;
	v->stopping = true;
	while (v->dropping || vaulting_keep_busy(v))
		loop_run_once(v->role->loop, true);
	int r = vaulting_end(v);
	if (r < 0)
		log_say(&v->role->log, LOG_LEVEL_ERROR, "the vault was not closed in an orderly way: %s", strerror(-r));
	else
		vaulting_checkpoint(v, clock_wall_us() / WHEN_SECOND);
	role_end(v->role, r < 0);
}

static void
finish(void *ctx)
{
	struct vaulting *v = ctx;

	chan_close(v->intake);
	chan_close(v->watch);
	chan_close(v->packd);
	chan_close(v->shipd);
	vaulting_sites_close(v);
	timer_close(v->frame_timer);
	timer_close(v->retry_timer);
	timer_close(v->tick);
	vaulting_drop_jobs(v);
	vaulting_keep_close(v);
	vaulting_forget_key(v);
	vaulting_reader_close(v);
	vaulting_forget_wires(v);
	streams_close(&v->streams);
	frame_cipher_free(v->sealer.cipher);
	sealer_close(&v->sealer);
	vault_disk_close(&v->disk);
	buf_free(&v->side);
}

int
main(int argc, char **argv)
{
	static const struct role_calls calls = {
		.prepare = prepare, .load = load, .begin = begin, .link = on_link, .order = on_order, .seal = on_seal, .status = status,
		.stop = stop,
		.finish = finish,
	};
	struct vaulting v = {
		.told_segment = UINT64_MAX,
		.disk = { .wal = -1, .keys = -1, .nonces = -1, .epochs = -1, .tree = { -1, -1, -1, -1 } },
		.reader.cursor.fd = -1, .verdict = "new",
	};

	v.last_job = &v.jobs;
	return role_main(argc, argv, MSG_VAULTD, &calls, &v);
}
