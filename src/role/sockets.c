/* sockets: see sockets.h. Must never read from one: that is for a process with fewer rights. */
#include "role/sockets.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "role/intake/intake.h"
#include "sys/file.h"

static const struct role_socket *
find(const struct sockets *s, struct str key)
{
	for (size_t i = 0; s && i < s->n; i++)
		if (str_eq(s->v[i].key, key))
			return &s->v[i];
	return NULL;
}

void
sockets_close(struct sockets *s, const struct sockets *kept)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct role_socket *k = find(kept, s->v[i].key);
		if (!k || k->fd != s->v[i].fd)
			close(s->v[i].fd);
		free(s->keys[i]);
	}
	s->n = 0;
}

/* The directory of a unix socket under /run may be gone since the last start. */
static void
make_parent(const struct conf_source *s)
{
	char dir[PATH_MAX];
	struct str path = s->listen.path;
	size_t slash = str_rfind(path, STR("/"));

	if (s->type != CONF_SOURCE_UNIX || slash == path.n || slash == 0 || slash >= sizeof(dir))
		return;
	memcpy(dir, path.p, slash);
	dir[slash] = '\0';
	(void)!file_make_dirs(dir, 0755);
}

static int
add(const struct conf_source *s, const struct sockets *old, struct sockets *out, struct buf *why)
{
	struct buf key = BUF_INIT(4096);
	int r = intake_socket_key(s, &key);

	if (r == -ENOENT || (r == 0 && find(out, buf_str(&key)))) {
		buf_free(&key);
		return 0;
	}
	if (r == 0 && out->n == ROLE_SOCKETS_MAX)
		r = -E2BIG;
	char *copy = r == 0 ? strdup(buf_cstr(&key)) : NULL;
	if (r == 0 && !copy)
		r = -ENOMEM;
	if (r == 0) {
		const struct role_socket *had = find(old, buf_str(&key));
		if (!had)
			make_parent(s);
		r = had ? had->fd : intake_socket_open(s);
	}
	if (r < 0) {
		buf_addf(why, "cannot listen on %s: %s", buf_cstr(&key), strerror(-r));
		free(copy);
	} else {
		out->keys[out->n] = copy;
		out->v[out->n++] = (struct role_socket){ .key = str_z(copy), .fd = r };
	}
	buf_free(&key);
	return r < 0 ? r : 0;
}

int
sockets_open(
    const struct config *c, const struct sockets *old, struct sockets *ret, struct buf *why)
{
	struct sockets out = { .n = 0 };
	int r = 0;

	for (uint32_t i = 0; i < c->nsources && r == 0; i++)
		r = add(&c->sources[i], old, &out, why);
	if (r < 0)
		sockets_close(&out, old);
	else
		*ret = out;
	return r;
}
