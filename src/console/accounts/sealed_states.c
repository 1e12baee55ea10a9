/* sealed_states: see sealed_states.h. */
#include "console/accounts/sealed_states.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "console/i18n.h"
#include "console/vault/log.h"

#define STATES_MAX (4u << 20)          /* 480 MB; the oldest beyond are told as left out */

struct reading {
	struct sealed_states *s;
	struct log log;
	struct buf path;
	uint64_t left_out;
	int rc;
};

uint32_t
sealed_states_path(const struct sealed_states *s, const char *path)
{
	for (uint32_t i = 0; i < s->npaths; i++)
		if (strcmp(s->paths[i], path) == 0)
			return i;
	return UINT32_MAX;
}

static int
path_number(struct sealed_states *s, const char *path, uint32_t *ret)
{
	char **grown;

	*ret = sealed_states_path(s, path);
	if (*ret != UINT32_MAX)
		return 0;
	grown = reallocarray(s->paths, s->npaths + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	s->paths = grown;
	grown[s->npaths] = strdup(path);
	if (!grown[s->npaths])
		return -ENOMEM;
	*ret = s->npaths++;
	return 0;
}

static int
add(struct sealed_states *s, const struct account_seal *seal, uint64_t index, const char *path)
{
	size_t size = s->size ? s->size * 2 : 256;
	struct sealed_state state = { .seal = *seal, .index = index };
	int rc = path_number(s, path, &state.path);

	if (rc < 0)
		return rc;
	if (s->n == s->size) {
		struct sealed_state *grown = reallocarray(s->v, size, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		s->v = grown;
		s->size = size;
	}
	s->v[s->n++] = state;
	return 0;
}

static bool
on_hit(void *ctx, const struct log_hit *hit)
{
	struct reading *r = ctx;
	struct account_seal seal;
	struct log_line line;

	r->rc = log_read(&r->log, hit, false, &line);
	if (r->rc < 0)
		return false;
	/* The word may stand in any line; only these come from ourselves. */
	if (line.entry.transport != VAULT_OWN || !str_eq(line.entry.source, STR(ACCOUNT_SEAL_SOURCE)))
		return true;
	buf_reset(&r->path);
	if (account_seal_read(line.entry.raw, &seal, &r->path) < 0)
		r->s->unreadable++;
	else if (r->s->n >= STATES_MAX)
		r->left_out++;
	else
		r->rc = add(r->s, &seal, hit->index, buf_cstr(&r->path));
	return r->rc == 0;
}

/* A search gives the newest first. */
static void
turn_round(struct sealed_states *s)
{
	for (size_t i = 0; i < s->n / 2; i++) {
		struct sealed_state other = s->v[i];

		s->v[i] = s->v[s->n - 1 - i];
		s->v[s->n - 1 - i] = other;
	}
}

int
sealed_states_read(const struct options *o, struct sealed_states *ret)
{
	struct reading r = { .s = ret, .path = BUF_INIT(PATH_MAX) };
	struct options all = *o;
	struct buf dir = BUF_INIT(PATH_MAX);

	*ret = (struct sealed_states){ .n = 0 };
	r.rc = log_vault_dir(o, &dir);
	if (r.rc == 0) {
		all.vault = buf_cstr(&dir);
		all.since_us = all.until_us = WHEN_NONE;
		r.rc = log_open(&r.log, &all, STR(ACCOUNT_SEAL_WORD));
		if (r.rc == 0) {
			int rc = log_run(&r.log, on_hit, &r);

			r.rc = r.rc < 0 ? r.rc : rc;
			(void)log_complain(&r.log);
		}
		log_close(&r.log);
		/* A vault that was named and is not there is no answer; it was said. */
		if (r.rc == -ENOENT)
			r.rc = -EIO;
	}
	turn_round(ret);
	if (r.left_out > 0)
		complain(_("guarita integrity: %llu older states in the vault are left out: too many\n"), (unsigned long long)r.left_out);
	buf_free(&dir);
	buf_free(&r.path);
	return r.rc;
}

void
sealed_states_free(struct sealed_states *s)
{
	for (uint32_t i = 0; i < s->npaths; i++)
		free(s->paths[i]);
	free(s->paths);
	free(s->v);
	*s = (struct sealed_states){ .n = 0 };
}
