/* control: the control socket. Must never let a slow or rude client hold the supervisor up. */
#include "role/control.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sys/file.h"
#include "sys/sock.h"

struct control_client {
	struct control *control;
	struct control_client *next, **link;
	struct poll *poll;
	int fd;
	bool may_change;               /* root, or our own user */
	bool watching;
	bool dead;                     /* closed at the end of the turn */
	struct sock_peer peer;
	char line[CONTROL_LINE_MAX];
	size_t n;
	struct buf out;
	size_t sent;
};

struct control {
	struct loop *loop;
	struct control_calls calls;
	char *path;
	int fd;
	struct poll *poll;
	struct control_client *first;
	size_t n;
	uint64_t dropped;
};

static void
client_close(struct control_client *c)
{
	struct control *k = c->control;

	k->calls.on_gone(k->calls.ctx, c);
	poll_close(c->poll);
	close(c->fd);
	*c->link = c->next;
	if (c->next)
		c->next->link = c->link;
	k->n--;
	buf_free(&c->out);
	free(c);
}

/* False when the client is gone. */
static bool
send_out(struct control_client *c)
{
	while (c->sent < c->out.n) {
		ssize_t n = send(
		    c->fd, c->out.p + c->sent, c->out.n - c->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN)
			return false;
		if (n < 0)
			break;
		c->sent += (size_t)n;
	}
	if (c->sent == c->out.n) {
		buf_reset(&c->out);
		c->sent = 0;
	}
	poll_want(c->poll, WANT_READ | (c->out.n ? WANT_WRITE : 0));
	return true;
}

void
control_answer(struct control_client *c, struct str json)
{
	if (c->dead)
		return;
	buf_add(&c->out, json);
	buf_add_byte(&c->out, '\n');
	/* Freed only from its own events: the caller may still hold it. */
	c->dead = !buf_ok(&c->out) || !send_out(c);
	if (c->dead) {
		c->control->dropped++;
		shutdown(c->fd, SHUT_RDWR);
		poll_want(c->poll, WANT_READ);
	}
}

static void
refuse(struct control_client *c, const char *why)
{
	struct buf b = BUF_INIT(1024);

	buf_addf(&b, "{\"type\":\"error\",\"error\":\"%s\"}", why);
	control_answer(c, buf_str(&b));
	buf_free(&b);
}

static bool parse(struct str line, struct str *ret_cmd, bool *ret_more);

static void
do_order(struct control *k, struct control_client *c, struct str line)
{
	struct str word = STR_NULL;
	bool more;

	/* It was parsed once to come here. */
	(void)parse(line, &word, &more);
	k->calls.on_order(k->calls.ctx, c, word, line);
}

static void
do_status(struct control *k, struct control_client *c, struct str line)
{
	k->calls.on_status(k->calls.ctx, c);
}

static void
do_bans(struct control *k, struct control_client *c, struct str line)
{
	k->calls.on_bans(k->calls.ctx, c);
}

static void
do_watch(struct control *k, struct control_client *c, struct str line)
{
	(void)k;
	c->watching = true;
	control_answer(c, STR("{\"type\":\"watching\"}"));
}

static void
do_reload(struct control *k, struct control_client *c, struct str line)
{
	k->calls.on_reload(k->calls.ctx, c);
}

static void
do_stop(struct control *k, struct control_client *c, struct str line)
{
	k->calls.on_stop(k->calls.ctx, c);
}

static const struct command {
	const char *name;
	bool changes, more;            /* more: other members may follow */
	void (*run)(struct control *k, struct control_client *c, struct str line);
	bool unsaid;                   /* a machine's word, of which nobody need hear */
} commands[] = {
	{ "status", false, false, do_status },
	{ "bans", false, false, do_bans },
	{ "watch", false, false, do_watch },
	{ "rules", false, true, do_order },
	{ "routes", false, true, do_order },
	{ "interfaces", false, true, do_order },
	{ "sites", false, true, do_order },
	{ "vpn", false, true, do_order },
	{ "vpn-kick", true, true, do_order },
	{ "vpn-dial", true, true, do_order },
	{ "seal", true, true, do_order, .unsaid = true },
	{ "vault-erase", true, true, do_order },
	{ "vault-rekey", true, true, do_order },
	{ "block", true, true, do_order },
	{ "unblock", true, true, do_order },
	{ "trace", true, true, do_order },
	{ "reload", true, false, do_reload },
	{ "stop", true, false, do_stop },
};

/* Root reads this: nothing is understood but the first member, "cmd", with a plain word. */
static bool
parse(struct str line, struct str *ret_cmd, bool *ret_more)
{
	const struct str parts[] = { STR("{"), STR("\"cmd\""), STR(":"), STR("\"") };

	line = str_trim(line);
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		if (!str_starts(line, parts[i]))
			return false;
		line = str_from(line, parts[i].n);
		if (i < 3)
			line = str_trim(line);
	}
	size_t end = str_find_byte(line, '"');
	*ret_cmd = str_head(line, end);
	struct str rest = str_trim(str_from(line, end + 1));
	*ret_more = str_starts(rest, STR(","));
	return *ret_more || str_eq(rest, STR("}"));
}

static void
take_line(struct control_client *c, struct str line)
{
	struct str cmd;
	bool more;

	if (!parse(line, &cmd, &more)) {
		refuse(c, "a line must be {\\\"cmd\\\":\\\"WORD\\\"}");
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		if (!str_eq(str_z(commands[i].name), cmd) || (more && !commands[i].more))
			continue;
		if (commands[i].changes && !commands[i].unsaid)
			c->control->calls.on_wish(c->control->calls.ctx, &c->peer, c->may_change, line);
		if (commands[i].changes && !c->may_change)
			refuse(c, "only root may do that");
		else
			commands[i].run(c->control, c, line);
		return;
	}
	refuse(c, "unknown command: status, bans, watch, rules, routes, interfaces, sites, vpn, vpn-kick, vpn-dial, "
	    "block, unblock, trace, reload or stop");
}

/* False when the client is gone or rude. */
static bool
read_lines(struct control_client *c)
{
	ssize_t n = recv(c->fd, c->line + c->n, sizeof(c->line) - c->n, MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (n == 0)
		return false;
	c->n += (size_t)n;
	struct str rest = str_of(c->line, c->n);
	for (size_t lf; (lf = str_find_byte(rest, '\n')) < rest.n; rest = str_from(rest, lf + 1))
		take_line(c, str_head(rest, lf));
	memmove(c->line, rest.p, rest.n);
	c->n = rest.n;
	return c->n < sizeof(c->line);
}

static void
on_client(void *ctx, int events)
{
	struct control_client *c = ctx;

	if (c->dead || ((events & WANT_WRITE) && !send_out(c)) ||
	    ((events & WANT_READ) && !read_lines(c)))
		client_close(c);
}

static void
add_client(struct control *k, int fd)
{
	struct control_client *c = k->n < CONTROL_CLIENTS_MAX ? calloc(1, sizeof(*c)) : NULL;
	if (!c || poll_open(k->loop, fd, WANT_READ, on_client, c, &c->poll) < 0) {
		free(c);
		close(fd);
		return;
	}
	c->control = k;
	c->fd = fd;
	c->out = BUF_INIT(CONTROL_OUT_MAX);
	c->may_change = sock_peer_of(fd, &c->peer) == 0 && (c->peer.uid == 0 || c->peer.uid == geteuid());
	c->next = k->first;
	c->link = &k->first;
	if (k->first)
		k->first->link = &c->next;
	k->first = c;
	k->n++;
}

static void
on_listener(void *ctx, int events)
{
	struct control *k = ctx;
	int fd;

	(void)events;
	while ((fd = sock_accept(k->fd, NULL)) >= 0)
		add_client(k, fd);
}

int
control_open(struct loop *l, const char *path, unsigned mode, const struct control_calls *calls,
    struct control **ret)
{
	struct control *k = calloc(1, sizeof(*k));

	if (!k)
		return -ENOMEM;
	*k = (struct control){ .loop = l, .calls = *calls, .fd = -1, .path = strdup(path) };
	int r = k->path ? sock_unix_listen(path, (mode_t)mode, SOCK_STREAM) : -ENOMEM;
	if (r >= 0) {
		k->fd = r;
		r = poll_open(l, k->fd, WANT_READ, on_listener, k, &k->poll);
	}
	if (r < 0) {
		control_close(k);
		return r;
	}
	*ret = k;
	return 0;
}

void
control_close(struct control *k)
{
	if (!k)
		return;
	for (struct control_client *c = k->first, *next; c; c = next) {
		next = c->next;
		client_close(c);
	}
	poll_close(k->poll);
	if (k->fd >= 0)
		unlink(k->path);
	fd_close(&k->fd);
	free(k->path);
	free(k);
}

void
control_tell_watchers(struct control *k, struct str json)
{
	for (struct control_client *c = k->first; c; c = c->next)
		if (c->watching)
			control_answer(c, json);
}

size_t
control_watchers(const struct control *k)
{
	size_t n = 0;

	for (const struct control_client *c = k->first; c; c = c->next)
		n += c->watching;
	return n;
}

uint64_t
control_dropped(const struct control *k)
{
	return k->dropped;
}
