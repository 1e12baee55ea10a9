/* respond: see respond.h. */
#include "watch/correlate/respond.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "watch/correlate/respond_ban.h"

#define THROTTLES_MAX 4096u
#define THROTTLE_TIMES_MAX 1000

struct throttle {                      /* times of the last actions of one row and key */
	uint64_t hash;
	int64_t *times;
	uint32_t n, at, size;
};

struct responder {
	struct respond_opts o;
	struct addr *spared;
	size_t nspared;
	struct throttle *throttles;
	uint32_t nthrottles, next_throttle;
	struct ban_memory bans;
	struct buf args;
	struct respond_stats stats;
};

int
responder_new(const struct respond_opts *o, struct responder **ret)
{
	struct responder *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->o = *o;
	r->args = BUF_INIT(1u << 20);
	r->throttles = calloc(THROTTLES_MAX, sizeof(*r->throttles));
	if (!r->throttles || ban_memory_init(&r->bans, o->hash_seed) < 0) {
		responder_free(r);
		return -ENOMEM;
	}
	responder_spare(r, o->spared, o->nspared);
	*ret = r;
	return 0;
}

void
responder_free(struct responder *r)
{
	if (!r)
		return;
	for (uint32_t i = 0; r->throttles && i < THROTTLES_MAX; i++)
		free(r->throttles[i].times);
	free(r->throttles);
	free(r->spared);
	ban_memory_free(&r->bans);
	buf_free(&r->args);
	free(r);
}

void
responder_spare(struct responder *r, const struct addr *spared, size_t n)
{
	struct addr *kept = malloc((n + 1) * sizeof(*kept));

	/* Without memory the old list stays: too many spared is better than too few. */
	if (!kept)
		return;
	if (n > 0)
		memcpy(kept, spared, n * sizeof(*kept));
	free(r->spared);
	r->spared = kept;
	r->nspared = n;
}

/* Values that rows and commands name. */
static struct str
value_of(const struct responder *r, const struct incident *i, struct str name, char number[40])
{
	const struct {
		const char *name;
		struct str value;
	} texts[] = {
		{ "src", i->src }, { "user", i->user }, { "host", i->host }, { "program",
		    i->program },
		{ "service", i->service }, { "dst", i->dst }, { "dst_port", i->dst_port }, { "why",
		    i->why },
		{ "kind", kinds_row(r->o.rules->kinds, i->kind)->name },
		{ "rule", str_z(rule_name(r->o.rules, i->rule)) }, { "severity",
		    str_z(severity_name(i->severity)) },
		{ "site", r->o.site },
	};

	for (size_t k = 0; k < ARRAY_LEN(texts); k++) {
		if (str_eq(name, str_z(texts[k].name)))
			return texts[k].value.p ? texts[k].value : STR("");
	}
	if (str_eq(name, STR("count")))
		return str_of(number, (size_t)snprintf(number, 40, "%llu",
		    (unsigned long long)i->count));
	if (str_eq(name, STR("id")))
		return str_of(number, (size_t)snprintf(number, 40, "%llu",
		    (unsigned long long)i->id));
	if (str_eq(name, STR("first")))
		return str_of(number, when_show(i->first_us, 0, number));
	if (str_eq(name, STR("last")))
		return str_of(number, when_show(i->last_us, 0, number));
	return STR_NULL;
}

/*
 * One argument. Foreign text is escaped, and where it would begin the argument with a dash the dash is escaped too:
 * no user name becomes an option.
 */
static void
add_arg(struct responder *r, const struct incident *i, struct str word)
{
	size_t begin = r->args.n;

	while (word.n > 0) {
		size_t open = str_find_byte(word, '{'), close = str_find_byte(word, '}');
		struct str value = STR_NULL;
		char number[40];

		buf_add(&r->args, str_head(word, open));
		if (open < close && close < word.n)
			value = value_of(r, i, str_of(word.p + open + 1, close - open - 1), number);
		if (!value.p) {
			/* No such name: the braces are the author's. */
			buf_add(&r->args, str_head(str_from(word, open), 1));
			word = str_from(word, open + 1);
			continue;
		}
		if (value.n && value.p[0] == '-' && r->args.n == begin) {
			buf_add(&r->args, STR("\\x2d"));
			value = str_from(value, 1);
		}
		buf_add_escaped(&r->args, value);
		word = str_from(word, close + 1);
	}
	buf_add_byte(&r->args, '\0');
}

static bool
make_command(struct responder *r, const struct conf_command *command, struct respond_action *a)
{
	const char *at;

	if (command->argv.n == 0 || command->argv.n > RESPOND_ARGS_MAX)
		return false;
	buf_reset(&r->args);
	for (size_t k = 0; k < command->argv.n; k++)
		add_arg(r, a->incident, command->argv.v[k]);
	if (!buf_ok(&r->args))
		return false;
	at = r->args.p;
	for (a->nargv = 0; a->nargv < command->argv.n; a->nargv++) {
		a->argv[a->nargv] = str_z(at);
		at += a->argv[a->nargv].n + 1;
	}
	return true;
}

static bool
kind_wanted(const struct responder *r, const struct conf_respond *row, uint16_t kind)
{
	for (size_t k = 0; k < row->kinds.n; k++) {
		if (kinds_covers(r->o.rules->kinds, row->kinds.v[k], kind))
			return true;
	}
	return row->kinds.n == 0;
}

/* The oldest place is taken when all are in use. */
static struct throttle *
throttle_of(struct responder *r, uint64_t hash, uint32_t size)
{
	struct throttle *t;

	for (uint32_t i = 0; i < r->nthrottles; i++) {
		if (r->throttles[i].hash == hash)
			return &r->throttles[i];
	}
	if (r->nthrottles < THROTTLES_MAX)
		t = &r->throttles[r->nthrottles++];
	else
		t = &r->throttles[r->next_throttle++ % THROTTLES_MAX];
	free(t->times);
	*t = (struct throttle){ .hash = hash, .size = size };
	t->times = calloc(size, sizeof(*t->times));
	return t;
}

/* At most so many in any span of that length: the last ones are remembered in a ring. */
static bool
may_act(struct responder *r, const struct conf_respond *row, const struct incident *i,
    int64_t now_us)
{
	const struct conf_throttle *limit = row->throttle;
	uint64_t hash = hash_mix(r->o.hash_seed, (uint64_t)(row - r->o.rows));
	struct throttle *t;
	uint32_t size;

	if (!limit || limit->count <= 0 || limit->per_us <= 0)
		return true;
	size = limit->count > THROTTLE_TIMES_MAX ? THROTTLE_TIMES_MAX : (uint32_t)limit->count;
	for (size_t k = 0; k < limit->by.n; k++) {
		char number[40];

		hash = hash_mix(hash, hash_bytes(value_of(r, i, limit->by.v[k], number), k + 1));
	}
	t = throttle_of(r, hash, size);
	if (!t->times)
		return true;
	if (t->n == t->size && now_us - t->times[t->at] < limit->per_us) {
		r->stats.throttled++;
		return false;
	}
	t->times[t->at] = now_us;
	t->at = (t->at + 1) % t->size;
	t->n += t->n < t->size;
	return true;
}

struct deciding {
	struct responder *r;
	int64_t now_us;
	void (*on_action)(void *ctx, const struct respond_action *a);
	void *ctx;
};

static void
act(const struct deciding *d, struct respond_action *a, enum respond_what what)
{
	a->what = what;
	d->r->stats.actions++;
	d->on_action(d->ctx, a);
}

static bool
in_lists(const struct responder *r, const struct cidr *net)
{
	const struct conf_cidrs *lists[] = { &r->o.own, &r->o.never_ban };

	for (size_t l = 0; l < ARRAY_LEN(lists); l++) {
		for (size_t k = 0; k < lists[l]->n; k++) {
			if (cidr_has(&lists[l]->v[k], &net->net) || cidr_has(net,
			    &lists[l]->v[k].net))
				return true;
		}
	}
	for (size_t k = 0; k < r->nspared; k++) {
		if (cidr_has(net, &r->spared[k]))
			return true;
	}
	return ban_never(net);
}

/* The network when it was asked for and nobody who must be spared is in it, else the address. */
static bool
choose_net(struct responder *r, const struct conf_ban *ban, const struct incident *i,
    struct cidr *ret)
{
	struct addr a;

	if (i->src.n == 0 || i->src_is_name || addr_parse(i->src, &a) < 0)
		return false;
	*ret = ban_net(&a, ban->scope == CONF_BAN_NET);
	if (in_lists(r, ret))
		*ret = ban_net(&a, false);
	return !in_lists(r, ret);
}

/* Who is named as the sender is the one attacked, or anybody: a ban would be the attacker's second weapon. */
static bool
names_another(uint16_t kind)
{
	return kind == KIND_dos_syn_flood || kind == KIND_dos_smurf;
}

static void
ask_ban(const struct deciding *d, struct respond_action *a)
{
	const struct conf_ban *ban = a->row->ban;
	struct responder *r = d->r;
	struct ban_request *req = &a->ban;

	*req = (struct ban_request){ .scope = ban->scope, .incident = a->incident->id, .reason = a->incident->why,
		.program = ban->scope == CONF_BAN_PROGRAM ? a->incident->program : STR_NULL };
	if (!a->incident->sure) {
		r->stats.unsure++;
		return;
	}
	if (names_another(a->incident->kind) || !choose_net(r, ban, a->incident, &req->net)) {
		r->stats.spared++;
		return;
	}
	if (!ban_memory_take(&r->bans, &req->net, ban, d->now_us, &req->times, &req->duration_us)) {
		r->stats.banned_already++;
		return;
	}
	act(d, a, RESPOND_BAN);
}

void
respond(struct responder *r, const struct incident *i, enum incident_change change, int64_t now_us,
    void (*on_action)(void *ctx, const struct respond_action *a), void *ctx)
{
	struct deciding d = { r, now_us, on_action, ctx };

	if (change != INCIDENT_OPENED && change != INCIDENT_WORSE)
		return;
	for (size_t k = 0; k < r->o.nrows; k++) {
		const struct conf_respond *row = &r->o.rows[k];
		struct respond_action a = { .row = row, .incident = i, .change = change };

		if ((int)i->severity < (int)row->severity || !kind_wanted(r, row, i->kind) ||
		    !may_act(r, row, i, now_us))
			continue;
		if (row->ban)
			ask_ban(&d, &a);
		if (row->command && make_command(r, row->command, &a))
			act(&d, &a, RESPOND_COMMAND);
		if (row->print)
			act(&d, &a, RESPOND_PRINT);
		if (row->file.n)
			act(&d, &a, RESPOND_FILE);
	}
}

void
responder_stats(const struct responder *r, struct respond_stats *ret)
{
	*ret = r->stats;
}

void
responder_let_in(struct responder *r, const struct cidr *net)
{
	ban_memory_let_in(&r->bans, net);
}

int
responder_save(const struct responder *r, struct buf *out)
{
	return ban_memory_save(&r->bans, out);
}

int
responder_load(struct responder *r, struct str state)
{
	return ban_memory_load(&r->bans, state);
}
