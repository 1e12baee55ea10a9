/* change: the book and its steps. Must never leave the generation that boots unconfirmed, nor forget it. */
#include "gate/change.h"

#include <errno.h>
#include <stdio.h>

#include "base/text.h"
#include "conf/tree.h"

static const char *const fates[] = {
	[CHANGE_PENDING] = "pending",
	[CHANGE_CONFIRMED] = "confirmed",
	[CHANGE_ROLLED_BACK] = "rolled-back",
};

const char *
change_fate_name(enum change_fate f)
{
	return fates[f];
}

/* The text: statements of our own block language. */

/* A quoted word as conf/tree.h reads it. */
static void
write_quoted(struct buf *out, struct str s)
{
	buf_add_byte(out, '"');
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = (uint8_t)s.p[i];

		if (c < 0x20 || c == 0x7f || c == '"' || c == '\\')
			buf_addf(out, "\\x%02x", c);
		else
			buf_add_byte(out, (char)c);
	}
	buf_add_byte(out, '"');
}

void
change_write(const struct change_book *b, struct buf *out)
{
	buf_add(out, STR("# Guarita's book of changes; written by the program, not by hand.\n"));
	buf_addf(out, "boots %u;\n", b->boots);
	if (b->pending) {
		buf_addf(out, "pending %u %lld ", b->pending, (long long)b->until_us);
		write_quoted(out, b->boot_id);
		buf_add(out, STR(";\n"));
	}
	for (uint32_t i = 0; i < b->nchanges; i++) {
		const struct change *c = &b->changes[i];

		buf_addf(out, "change %u %s %lld %lld %s ", c->number, fates[c->fate], (long long)c->began_us,
		    (long long)c->ended_us, c->hash);
		write_quoted(out, c->who);
		buf_add_byte(out, ' ');
		write_quoted(out, c->from);
		buf_add_byte(out, ' ');
		write_quoted(out, c->why);
		buf_add(out, STR(";\n"));
	}
}

struct taking {
	struct change_book *b;
	bool failed;
};

static int64_t
number_of(struct taking *t, const struct conf_stmt *s, uint32_t i, int64_t max)
{
	int64_t n;

	if (text_i64(conf_arg(s, i), &n) < 0 || n < 0 || n > max) {
		t->failed = true;
		return 0;
	}
	return n;
}

static struct str
text_of(struct taking *t, struct str s)
{
	struct str copy = arena_str(t->b->arena, s);

	t->failed |= s.n > 0 && !copy.p;
	return copy;
}

static void
take_boots(void *ctx, const struct conf_stmt *s, struct diags *d)
{
	struct taking *t = ctx;

	t->b->boots = (uint32_t)number_of(t, s, 1, UINT32_MAX);
}

static void
take_pending(void *ctx, const struct conf_stmt *s, struct diags *d)
{
	struct taking *t = ctx;

	t->b->pending = (uint32_t)number_of(t, s, 1, UINT32_MAX);
	t->b->until_us = number_of(t, s, 2, INT64_MAX);
	t->b->boot_id = text_of(t, conf_arg(s, 3));
}

static bool
fate_of(struct str word, enum change_fate *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(fates); i++) {
		if (str_eq(word, str_z(fates[i]))) {
			*ret = (enum change_fate)i;
			return true;
		}
	}
	return false;
}

static void
take_change(void *ctx, const struct conf_stmt *s, struct diags *d)
{
	struct taking *t = ctx;
	struct change_book *b = t->b;
	struct change c = { .number = (uint32_t)number_of(t, s, 1, UINT32_MAX),
		.began_us = number_of(t, s, 3, INT64_MAX), .ended_us = number_of(t, s, 4, INT64_MAX) };
	struct str hash = conf_arg(s, 5);
	uint32_t last = b->nchanges ? b->changes[b->nchanges - 1].number : 0;

	if (b->nchanges == CHANGE_KEPT_MAX || c.number <= last || hash.n != CHANGE_HASH_HEX ||
	    !fate_of(conf_arg(s, 2), &c.fate)) {
		t->failed = true;
		return;
	}
	memcpy(c.hash, hash.p, hash.n);
	c.who = text_of(t, conf_arg(s, 6));
	c.from = text_of(t, conf_arg(s, 7));
	c.why = text_of(t, conf_arg(s, 8));
	b->changes[b->nchanges++] = c;
}

static const struct conf_row rows[] = {
	{ "boots", 1, 1, CONF_NO_BLOCK, true, take_boots, "the generation that boots", "boots 3;" },
	{ "pending", 3, 3, CONF_NO_BLOCK, true, take_pending, "the one that waits, until when, in which boot",
		"pending 4 812345678 \"6ea9\";" },
	{ "change", 8, 8, CONF_NO_BLOCK, false, take_change, "one generation and its fate",
		"change 3 confirmed 1 2 HASH \"root\" \"192.0.2.7\" \"confirmed\";" },
};

/* What boots must be known and confirmed, what waits must be known and waiting, and nothing else may wait. */
static bool
consistent(const struct change_book *b)
{
	const struct change *boots = change_of(b, b->boots), *pending = change_of(b, b->pending);

	if (b->nchanges > 0 && (!boots || boots->fate != CHANGE_CONFIRMED))
		return false;
	if (b->pending && (!pending || pending->fate != CHANGE_PENDING))
		return false;
	for (uint32_t i = 0; i < b->nchanges; i++) {
		if (b->changes[i].fate == CHANGE_PENDING && b->changes[i].number != b->pending)
			return false;
	}
	return true;
}

int
change_parse(struct change_book *b, struct arena *a, struct str text)
{
	struct diags *d = diags_new();
	struct taking t = { .b = b };
	struct conf_stmt *first;

	if (!d)
		return -ENOMEM;
	*b = (struct change_book){ .arena = a };
	first = conf_parse(a, d, diags_file(d, STR("book"), text), text);
	conf_walk(first, rows, ARRAY_LEN(rows), &t, d);
	if (diags_errors(d) > 0 || !consistent(b))
		t.failed = true;
	diags_free(d);
	return t.failed ? -EBADMSG : 0;
}

/* Steps. */

const struct change *
change_of(const struct change_book *b, uint32_t number)
{
	for (uint32_t i = 0; i < b->nchanges && number; i++) {
		if (b->changes[i].number == number)
			return &b->changes[i];
	}
	return NULL;
}

static void
forget_one(struct change_book *b)
{
	uint32_t i = b->changes[0].number == b->boots ? 1 : 0;

	memmove(&b->changes[i], &b->changes[i + 1], (b->nchanges - i - 1) * sizeof(b->changes[0]));
	b->nchanges--;
}

static int
add(struct change_book *b, const struct change_now *now, const struct change_by *by, enum change_fate fate)
{
	uint32_t number = b->nchanges ? b->changes[b->nchanges - 1].number + 1 : 1;
	struct change c = { .number = number, .fate = fate, .began_us = now->wall_us,
		.who = arena_str(b->arena, by->who), .from = arena_str(b->arena, by->from) };

	if ((by->who.n > 0 && !c.who.p) || (by->from.n > 0 && !c.from.p))
		return -ENOMEM;
	snprintf(c.hash, sizeof(c.hash), "%s", by->hash);
	if (b->nchanges == CHANGE_KEPT_MAX)
		forget_one(b);
	b->changes[b->nchanges++] = c;
	return (int)number;
}

int
change_adopt(struct change_book *b, const struct change_now *now, const struct change_by *by)
{
	int number;

	if (b->nchanges > 0)
		return -EEXIST;
	number = add(b, now, by, CHANGE_CONFIRMED);
	if (number < 0)
		return number;
	b->boots = (uint32_t)number;
	b->changes[0].ended_us = now->wall_us;
	b->changes[0].why = STR("the first one");
	return number;
}

int
change_begin(struct change_book *b, const struct change_now *now, const struct change_by *by, int64_t within_us)
{
	struct str boot_id = arena_str(b->arena, now->boot_id);
	int number;

	if (b->pending)
		return -EBUSY;
	if (!b->boots)
		return -ENOENT;
	number = boot_id.p ? add(b, now, by, CHANGE_PENDING) : -ENOMEM;
	if (number < 0)
		return number;
	b->pending = (uint32_t)number;
	b->until_us = now->boot_us + within_us;
	b->boot_id = boot_id;
	return number;
}

static void
end_pending(struct change_book *b, const struct change_now *now, enum change_fate fate, struct str why)
{
	for (uint32_t i = 0; i < b->nchanges; i++) {
		if (b->changes[i].number != b->pending)
			continue;
		b->changes[i].fate = fate;
		b->changes[i].ended_us = now->wall_us;
		b->changes[i].why = arena_str(b->arena, why);
	}
	if (fate == CHANGE_CONFIRMED)
		b->boots = b->pending;
	b->pending = 0;
}

int
change_confirm(struct change_book *b, const struct change_now *now, struct str why)
{
	if (!b->pending)
		return -ENOENT;
	if (change_settle(b, now))
		return -ETIME;
	end_pending(b, now, CHANGE_CONFIRMED, why);
	return 0;
}

int
change_roll_back(struct change_book *b, const struct change_now *now, struct str why)
{
	if (!b->pending)
		return -ENOENT;
	end_pending(b, now, CHANGE_ROLLED_BACK, why);
	return 0;
}

int64_t
change_left_us(const struct change_book *b, const struct change_now *now)
{
	if (!b->pending || !str_eq(b->boot_id, now->boot_id) || now->boot_us >= b->until_us)
		return 0;
	return b->until_us - now->boot_us;
}

bool
change_settle(struct change_book *b, const struct change_now *now)
{
	bool same_boot = str_eq(b->boot_id, now->boot_id);

	if (!b->pending || change_left_us(b, now) > 0)
		return false;
	end_pending(b, now, CHANGE_ROLLED_BACK,
	    same_boot ? STR("not confirmed in time") : STR("the machine was started anew before it was confirmed"));
	return true;
}

uint32_t
change_runs(const struct change_book *b, const struct change_now *now)
{
	return change_left_us(b, now) > 0 ? b->pending : b->boots;
}

const struct change *
change_before(const struct change_book *b)
{
	for (uint32_t i = b->nchanges; i-- > 0;) {
		if (b->changes[i].fate == CHANGE_CONFIRMED && b->changes[i].number < b->boots)
			return &b->changes[i];
	}
	return NULL;
}

bool
change_is_new_connection(struct str known, struct str connection)
{
	struct str line;

	while (str_split(&known, '\n', &line)) {
		if (str_eq(line, connection))
			return false;
	}
	return true;
}
