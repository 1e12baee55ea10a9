/* reply: see reply.h. */
#include "console/reply.h"

#include <errno.h>
#include <stdio.h>

#include "base/text.h"
#include "console/i18n.h"
#include "console/remote.h"
#include "console/term.h"
#include "wire/json.h"

static bool
on_item(void *ctx, const struct json_item *item)
{
	struct reply *r = ctx;
	struct buf text = BUF_INIT(1u << 20);

	if (r->n == REPLY_ITEMS_MAX)
		return false;
	json_unescape(item->value, &text);
	r->keys[r->n] = arena_str(&r->arena, item->key);
	r->values[r->n] = arena_str(&r->arena, buf_str(&text));
	r->n += r->keys[r->n].p != NULL;
	buf_free(&text);
	return true;
}

struct str
reply_get(const struct reply *r, const char *key)
{
	for (uint32_t i = 0; i < r->n; i++)
		if (str_eq(r->keys[i], str_z(key)))
			return r->values[i];
	return STR_NULL;
}

uint64_t
reply_number(const struct reply *r, const char *key)
{
	uint64_t v;

	return text_u64(reply_get(r, key), &v) == 0 ? v : 0;
}

bool
reply_true(const struct reply *r, const char *key)
{
	for (uint32_t i = 0; i < r->n; i++)
		if (str_eq(r->keys[i], str_z(key)))
			return str_eq(r->values[i], STR("true"));
	return false;
}

struct asking {
	const struct options *o;
	void (*fn)(void *ctx, const struct reply *r);
	void *ctx;
	bool ended, failed;
};

static void
take_line(struct asking *a, struct str line)
{
	struct reply r = { .arena.max = 4u << 20 };

	if (json_walk(line, on_item, &r, NULL) < 0) {
		complain(_("guarita: the answer is not understood\n"));
		a->ended = a->failed = true;
	} else if (str_eq(reply_get(&r, "type"), STR("end"))) {
		a->ended = true;
	} else if (str_eq(reply_get(&r, "type"), STR("error"))) {
		complain("guarita: %.*s\n", STR_FMT(reply_get(&r, "error")));
		/* Nothing of use follows a refusal, and not every one has an end behind it. */
		a->ended = a->failed = true;
	} else if (a->o->json) {
		(void)out_write(stdout, line);
		putchar('\n');
	} else {
		a->fn(a->ctx, &r);
	}
	arena_free(&r.arena);
}

int
reply_order(const struct options *o, struct str order, void (*fn)(void *ctx, const struct reply *r), void *ctx)
{
	struct asking a = { .o = o, .fn = fn, .ctx = ctx };
	struct remote r;
	struct str line;
	int rc = remote_open(&r, o->control);

	if (rc < 0)
		return EXIT_FAILED;
	rc = remote_send(&r, order);
	while (rc == 0 && !a.ended && (rc = remote_line(&r, &line)) > 0) {
		rc = 0;
		take_line(&a, line);
	}
	if (!a.ended)
		complain(_("guarita: the answer broke off: %s\n"), rc < 0 ? strerror(-rc) : _("the connection was closed"));
	remote_close(&r);
	return a.ended && !a.failed ? EXIT_CLEAN : EXIT_FAILED;
}
