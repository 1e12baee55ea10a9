/* remote: see remote.h. */
#include "console/remote.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "console/i18n.h"
#include "console/term.h"

static int
say_why_not(const char *path, int error)
{
	complain(_("guarita: no running Guarita answers on %s: %s\n"), path, strerror(-error));
	if (error == -ENOENT || error == -ECONNREFUSED)
		complain(_("Start it with guarita run CONFIG, or say where its socket is with --control PATH.\n"));
	if (error == -EACCES)
		complain(_("Ask as root, or as a member of the group that may use the socket.\n"));
	return error;
}

int
remote_open(struct remote *r, const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int rc = 0;

	path = path ? path : REMOTE_DEFAULT;
	*r = (struct remote){ .fd = -1, .in = BUF_INIT(REMOTE_LINE_MAX) };
	if (strlen(path) >= sizeof(to.sun_path))
		return say_why_not(path, -ENAMETOOLONG);
	memcpy(to.sun_path, path, strlen(path) + 1);
	r->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (r->fd < 0 || connect(r->fd, (const struct sockaddr *)&to, sizeof(to)) < 0)
		rc = -errno;
	if (rc < 0) {
		remote_close(r);
		return say_why_not(path, rc);
	}
	return 0;
}

int
remote_ask(struct remote *r, const char *command)
{
	char line[128];
	int n = snprintf(line, sizeof(line), "{\"cmd\":\"%s\"}\n", command);

	if (send(r->fd, line, (size_t)n, MSG_NOSIGNAL) != n)
		return -errno;
	return 0;
}

int
remote_send(struct remote *r, struct str line)
{
	struct buf whole = BUF_INIT(65536);
	int rc = 0;

	buf_add(&whole, line);
	buf_add_byte(&whole, '\n');
	if (!buf_ok(&whole))
		rc = -EMSGSIZE;
	else if (send(r->fd, whole.p, whole.n, MSG_NOSIGNAL) != (ssize_t)whole.n)
		rc = -errno;
	buf_free(&whole);
	return rc;
}

int
remote_line(struct remote *r, struct str *ret_line)
{
	for (;;) {
		struct str rest = str_from(buf_str(&r->in), r->start);
		size_t nl = str_find_byte(rest, '\n');
		ssize_t n;

		if (nl < rest.n) {
			*ret_line = str_head(rest, nl);
			r->start += nl + 1;
			return 1;
		}
		if (r->start > 0) {
			memmove(r->in.p, rest.p, rest.n);
			r->in.n = rest.n;
			r->start = 0;
		}
		if (!buf_reserve(&r->in, 65536))
			return -EMSGSIZE;
		n = read(r->fd, r->in.p + r->in.n, r->in.size - r->in.n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		r->in.n += (size_t)n;
	}
}

void
remote_close(struct remote *r)
{
	if (r->fd >= 0)
		close(r->fd);
	buf_free(&r->in);
	r->fd = -1;
}
