/*
 * shipd: signed lines to engines elsewhere, each with its number and its nonce. It reads the vault's log and holds no key but the log's;
 * the engines are believed nothing but how far they have come. Must never hold up the vault for longer than was allowed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "console/config_file.h"
#include "role/ship/shipd.h"
#include "role/vault/told.h"
#include "sys/clock.h"
#include "sys/file.h"

#define TICK_MS 1000
#define SOON_MS 50
#define RETRY_MS 2000
#define WAIT_TURNS 1200                /* of 50 ms */
#define BATCHES_AT_ONCE 32             /* then the loop looks whether it is to stop */

struct shipping {
	struct role *role;
	struct ship *v;
	size_t n;
	struct ship_rules *rules;      /* NULL: no relay asks what a line means */
	struct vault_told told;
};

static const struct ship_engine *const engines[] = {
	[CONF_SHIP_NATS] = &ship_nats, [CONF_SHIP_CLICKHOUSE] = &ship_clickhouse,
};

static void
name_target(struct ship *s)
{
	char host[64];
	const struct conf_endpoint *e = &s->conf->to;

	host[addr_show(&e->addr, host)] = '\0';
	if (addr_is_v4(&e->addr))
		snprintf(s->address, sizeof(s->address), "%s:%u", host, e->port);
	else
		snprintf(s->address, sizeof(s->address), "[%s]:%u", host, e->port);
	snprintf(s->name, sizeof(s->name), "%s-%s", s->engine->name, s->address);
	snprintf(s->label, sizeof(s->label), "%s", s->name);
}

/* A table's or a stream's name goes into statements and subjects as it is. */
static int
check_name(const struct role *r, struct str name)
{
	for (size_t i = 0; i < name.n; i++)
		if (!(ascii_lower(name.p[i]) >= 'a' && ascii_lower(name.p[i]) <= 'z') && !(name.p[i] >= '0' && name.p[i] <= '9') &&
		    name.p[i] != '_') {
			log_say(&r->log, LOG_LEVEL_ERROR, "ship: \"%.*s\" cannot be the name of a table or a stream: letters, digits and _",
			    STR_FMT(name));
			return -EINVAL;
		}
	return 0;
}

static int
make_dirs(const struct role *r)
{
	static const char *const names[] = { "ship", "wal", "seg", "keys", "keys/forgotten" };
	char path[PATH_MAX];
	int e = role_make_dir(r, r->config->vault->path.p, 0750);

	for (size_t i = 0; i < ARRAY_LEN(names) && e == 0; i++) {
		e = file_path(path, sizeof(path), r->config->vault->path.p, names[i]);
		if (e == 0)
			e = role_make_dir(r, path, i < 3 ? 0750 : 0700);
	}
	return e;
}

/* What may be read is fixed when the rights are given up: vaultd makes the vault before that. */
static int
wait_for_vault(const struct role *r)
{
	const struct timespec pause = { .tv_nsec = 50000000 };
	char path[PATH_MAX];
	int e = file_path(path, sizeof(path), r->config->vault->path.p, "identity");

	for (int i = 0; i < WAIT_TURNS && e == 0 && access(path, R_OK) < 0; i++)
		nanosleep(&pause, NULL);
	return e;
}

static void
target_new(struct shipping *p, const struct conf_ship *ship, const struct conf_relay *relay)
{
	const struct config *c = p->role->config;

	p->v[p->n++] = (struct ship){
		.conf = ship, .relay = relay, .engine = relay ? &ship_relay : engines[ship->engine], .site = c->site, .vault = c->vault->path.p,
		.fd = -1, .file = -1, .in = BUF_INIT(16u << 20), .out = BUF_INIT(80u << 20), .origin_text = BUF_INIT(1024),
		.text = BUF_INIT(80u << 20), .part = BUF_INIT(2u << 20), .role = p->role, .vault_told = &p->told,
	};
}

static int
prepare_target(struct ship *s)
{
	if (s->relay)
		return ship_relay_prepare(s);
	name_target(s);
	int r = check_name(s->role, s->conf->table);
	return r < 0 ? r : check_name(s->role, s->conf->stream);
}

static int
prepare(void *ctx, struct role *r)
{
	struct shipping *p = ctx;
	const struct conf_vault *c = r->config->vault;
	int e = 0;

	p->role = r;
	if (!c || c->nships + r->config->nrelays == 0) {
		log_say(&r->log, LOG_LEVEL_ERROR, "the configuration ships nothing; example: vault ... { ship nats 192.0.2.7:4222; }");
		return -EINVAL;
	}
	p->v = calloc(c->nships + r->config->nrelays, sizeof(*p->v));
	if (!p->v)
		return -ENOMEM;
	for (uint32_t i = 0; i < c->nships; i++)
		target_new(p, &c->ships[i], NULL);
	for (uint32_t i = 0; i < r->config->nrelays; i++)
		target_new(p, NULL, &r->config->relays[i]);
	for (size_t i = 0; i < p->n && e == 0; i++)
		e = prepare_target(&p->v[i]);
	if (e == 0)
		e = ship_rules_read(r, &p->rules);
	if (e < 0 || r->check_only)
		return e;
	e = wait_for_vault(r);
	return e < 0 ? e : make_dirs(r);
}

static int
load(void *ctx, struct role *r)
{
	struct shipping *p = ctx;
	int e = ship_rules_load(p->rules, r->config->vault->path.p);

	for (size_t i = 0; i < p->n && e == 0; i++)
		if (p->v[i].relay)
			e = ship_kinds_open(&p->v[i], p->rules);
	return e;
}

/* Worker. */

static bool
load_note(struct ship *s)
{
	struct buf text = BUF_INIT(64);
	char path[PATH_MAX];
	bool known = snprintf(path, sizeof(path), "%s/ship/%s", s->vault, s->name) < (int)sizeof(path) && file_read(path, &text) == 0 &&
	    text_u64(str_trim(buf_str(&text)), &s->at) == 0;

	buf_free(&text);
	return known;
}

/* A syslog host gets what comes from now on, an engine all there is. */
static int
begin_target(struct ship *s, struct ship_batch *b)
{
	bool anew = !load_note(s) && s->relay;

	if (anew)
		s->at = UINT64_MAX;
	int r = ship_read(s, b);
	if (r == 0 && anew) {
		s->at = s->size;
		r = ship_note(s);
	}
	return r;
}

static int
one(struct ship *s, struct ship_batch *b)
{
	int r = ship_read(s, b);

	if (r == 0 && b->count == 0)
		return s->engine->idle ? s->engine->idle(s) : 0;
	if (r == 0)
		r = s->engine->send(s, b);
	if (r < 0)
		return r;
	s->at += b->count;
	s->lines += b->count;
	s->batches++;
	r = ship_note(s);
	return r < 0 ? ship_fault(s, r, "how far it is cannot be written down: %s", strerror(-r)) : 0;
}

/* The origin is in the vault: it is read before the engine is asked what it has of it. */
static int
begin_connection(struct ship *s, struct ship_batch *b)
{
	int r = 0;

	if (!s->origin.n)
		r = begin_target(s, b);
	if (r == 0)
		r = s->engine->open(s, &s->at);
	return r;
}

static void
work(void *ctx)
{
	struct ship *s = ctx;
	struct ship_batch b = { .lines = BUF_INIT(16u << 20) };
	int r = s->fd < 0 ? begin_connection(s, &b) : 0;

	for (int i = 0; i < BATCHES_AT_ONCE && r == 0 && !s->stop; i++) {
		r = one(s, &b);
		if (b.count == 0)
			break;
	}
	if (r < 0)
		ship_disconnect(s);
	buf_free(&b.lines);
	s->error = r;
}

static void
done(void *ctx)
{
	struct ship *s = ctx;

	s->busy = false;
	if (s->error < 0 && !s->told && !s->stop)
		log_say(&s->role->log, LOG_LEVEL_ERROR, "ship %s: %s; it is tried again, and lines wait", s->label, s->why);
	else if (s->error == 0 && s->told)
		log_say(&s->role->log, LOG_LEVEL_INFO, "ship %s: lines are taken again", s->label);
	s->told = s->error < 0;
	/* The vault was set aside and made anew: what we may read is gone, and a new start may read what is there. */
	if (s->error == -EACCES && s->vault_gone && !s->stop)
		role_end(s->role, 1);
	timer_start(s->timer, s->error < 0 ? RETRY_MS : s->at < s->size ? 1 : TICK_MS, 0);
}

static void
on_timer(void *ctx)
{
	struct ship *s = ctx;

	if (s->busy || s->stop)
		return;
	if (vault_told_waits(s->vault_told, s->role)) {
		timer_start(s->timer, SOON_MS, 0);
		return;
	}
	s->ring = s->vault_told->ring;
	s->busy = work_start(s->role->loop, work, done, s) == 0;
}

static int
begin(void *ctx, struct role *r)
{
	struct shipping *p = ctx;
	int e = 0;

	for (size_t i = 0; i < p->n && e == 0; i++) {
		e = timer_open(r->loop, on_timer, &p->v[i], &p->v[i].timer);
		if (e == 0)
			timer_start(p->v[i].timer, 1, 0);
	}
	return e;
}

static void
on_link(void *ctx, enum msg_peer peer, int fd)
{
	struct shipping *p = ctx;

	if (peer == MSG_VAULTD)
		vault_told_link(&p->told, p->role, fd);
	else
		close(fd);
}

static void
status(void *ctx, struct buf *json)
{
	const struct shipping *p = ctx;

	buf_add(json, STR("\"targets\":["));
	for (size_t i = 0; i < p->n; i++) {
		const struct ship *s = &p->v[i];
		buf_addf(json, "%s{\"name\":", i ? "," : "");
		buf_add_json(json, str_z(s->label));
		if (s->relay)
			buf_addf(json, ",\"relayed\":%llu,\"repeated\":%llu", (unsigned long long)s->relayed, (unsigned long long)s->repeated);
		buf_addf(json, ",\"at\":%llu,\"behind\":%llu,\"lines\":%llu,\"batches\":%llu,\"skipped\":%llu,\"error\":", (unsigned long long)s->at, (unsigned long long)(s->size > s->at ? s->size - s->at : 0),
		    (unsigned long long)s->lines, (unsigned long long)s->batches, (unsigned long long)s->skipped);
		buf_add_json(json, str_z(s->told ? s->why : ""));
		buf_add_byte(json, '}');
	}
	buf_addf(json, "],\"cpu_us\":%lld", (long long)clock_cpu_us());
}

static void
stop(void *ctx, uint32_t grace_ms)
{
	struct shipping *p = ctx;

	(void)grace_ms;
	for (size_t i = 0; i < p->n; i++)
		p->v[i].stop = true;
	for (size_t i = 0; i < p->n; i++)
		while (p->v[i].busy)
			loop_run_once(p->role->loop, true);
	role_end(p->role, 0);
}

static void
finish(void *ctx)
{
	struct shipping *p = ctx;

	for (size_t i = 0; i < p->n; i++) {
		struct ship *s = &p->v[i];
		timer_close(s->timer);
		ship_disconnect(s);
		buf_free(&s->in);
		buf_free(&s->out);
		buf_free(&s->origin_text);
		ship_relay_close(s);
		explicit_bzero(&s->ring, sizeof(s->ring));
	}
	vault_told_close(&p->told);
	free(p->v);
	ship_rules_free(p->rules);
}

int
main(int argc, char **argv)
{
	static const struct role_calls calls = {
		.unseal = config_file_unseal, .prepare = prepare, .load = load, .begin = begin, .link = on_link, .status = status, .stop = stop,
		.finish = finish,
	};
	struct shipping p = { .n = 0 };

	return role_main(argc, argv, MSG_SHIPD, &calls, &p);
}
