/*
 * probe: tries a proxy again and again: to connect, and to fetch a page through it. Of what
 * comes back twelve bytes are looked at. Must never wait.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gate/fallback.h"
#include "role/net/netd.h"
#include "sys/clock.h"
#include "sys/file.h"

struct netd_probe {
	struct netd *n;
	const struct policy_fallback *policy;
	struct fallback state;
	struct timer *next;            /* the next try, which is also the end of this one */
	struct poll *poll;
	int fd;
	struct buf request, answer;
	size_t sent;
	const char *why;               /* of the last failure */
};

static void
end_try(struct netd_probe *p)
{
	poll_close(p->poll);
	p->poll = NULL;
	fd_close(&p->fd);
}

/* The names of the interfaces are in the set, or they are not. */
static void
open_way(struct netd_probe *p)
{
	const char *set = p->n->policy->sets[p->policy->set].nft;

	for (uint32_t i = 0; i < p->policy->interfaces.n; i++) {
		struct nft_element e = nft_key_name(p->policy->interfaces.v[i]);
		int r = p->state.open ? nft_add(p->n->nft, set, &e, 1) : nft_del(p->n->nft, set, &e, 1);
		if (r < 0 && r != -ENOENT)
			(void)!netd_fault(p->n, r, "cannot open or close the way past the proxy");
	}
}

static void
tell(const struct netd_probe *p)
{
	char text[46];
	int n = (int)addr_show(&p->state.conf->proxy.addr, text);

	if (p->state.open)
		log_say(p->n->log, LOG_LEVEL_WARNING, "the proxy %.*s:%u cannot serve (%s): the way past it "
		    "is open", n, text, p->state.conf->proxy.port, p->why ? p->why : "as configured");
	else
		log_say(p->n->log, LOG_LEVEL_INFO, "the proxy %.*s:%u serves again: the way past it is "
		    "closed", n, text, p->state.conf->proxy.port);
}

static void
note(struct netd_probe *p, const char *fault)
{
	end_try(p);
	if (fault)
		p->why = fault;
	if (!fallback_note(&p->state, fault == NULL, clock_mono_us()))
		return;
	open_way(p);
	tell(p);
}

static bool
send_request(struct netd_probe *p)
{
	ssize_t n = send(p->fd, p->request.p + p->sent, p->request.n - p->sent, MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN)
		return false;
	p->sent += n > 0 ? (size_t)n : 0;
	poll_want(p->poll, p->sent < p->request.n ? WANT_WRITE : WANT_READ);
	return true;
}

static void
read_answer(struct netd_probe *p)
{
	char bytes[64];
	ssize_t n = recv(p->fd, bytes, sizeof(bytes), 0);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n > 0)
		buf_add(&p->answer, str_of(bytes, (size_t)n));
	if (p->answer.n >= 12 || n <= 0)
		note(p, fallback_answer_good(buf_str(&p->answer)) ? NULL : "it does not answer as a proxy that serves");
}

static void
on_ready(void *ctx, int events)
{
	struct netd_probe *p = ctx;
	int error = 0;
	socklen_t size = sizeof(error);

	if (events & WANT_WRITE && p->sent == 0) {
		if (getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 || error) {
			note(p, strerror(error));
			return;
		}
		if (p->state.conf->url.n == 0) {
			note(p, NULL);
			return;
		}
	}
	if (p->sent < p->request.n && !send_request(p))
		note(p, "it hangs up");
	else if (events & WANT_READ && p->sent == p->request.n)
		read_answer(p);
}

static int
connect_to(const struct conf_endpoint *to, int *ret_fd)
{
	bool v4 = addr_is_v4(&to->addr);
	struct sockaddr_in a4 = { .sin_family = AF_INET, .sin_port = htons(to->port) };
	struct sockaddr_in6 a6 = { .sin6_family = AF_INET6, .sin6_port = htons(to->port) };
	int fd = socket(v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	memcpy(&a4.sin_addr, to->addr.b + 12, 4);
	memcpy(&a6.sin6_addr, to->addr.b, 16);
	int r = v4 ? connect(fd, (const struct sockaddr *)&a4, sizeof(a4))
		   : connect(fd, (const struct sockaddr *)&a6, sizeof(a6));
	if (r < 0 && errno != EINPROGRESS) {
		r = -errno;
		close(fd);
		return r;
	}
	*ret_fd = fd;
	return 0;
}

static void
on_next(void *ctx)
{
	struct netd_probe *p = ctx;

	if (p->fd >= 0)
		note(p, "it does not answer in time");
	p->sent = 0;
	buf_reset(&p->answer);
	int r = connect_to(&p->state.conf->proxy, &p->fd);
	if (r == 0)
		r = poll_open(p->n->role->loop, p->fd, WANT_WRITE, on_ready, p, &p->poll);
	if (r < 0)
		note(p, strerror(-r));
}

static void
on_element(void *ctx, const struct nft_element *e)
{
	*(bool *)ctx = true;
}

static int
begin(struct netd *n, struct netd_probe *p, const struct policy_fallback *f)
{
	bool open = false;

	*p = (struct netd_probe){ .n = n, .policy = f, .fd = -1, .request = BUF_INIT(4096),
		.answer = BUF_INIT(256) };
	n->nprobes++;
	int r = nft_list(n->nft, n->policy->sets[f->set].nft, on_element, &open);
	if (r < 0)
		return r;
	fallback_begin(&p->state, f->conf, open);
	if (f->conf->url.n)
		fallback_request(f->conf, &p->request);
	if (p->state.open != open) {
		open_way(p);
		tell(p);
	}
	r = timer_open(n->role->loop, on_next, p, &p->next);
	if (r == 0)
		timer_start(p->next, 0, (uint64_t)(f->conf->every_us / 1000));
	return r;
}

int
netd_probes_begin(struct netd *n)
{
	int r = 0;

	n->probes = calloc(n->policy->nfallbacks + 1u, sizeof(*n->probes));
	if (!n->probes)
		return -ENOMEM;
	for (uint32_t i = 0; i < n->policy->nfallbacks && r == 0; i++)
		r = begin(n, &n->probes[i], &n->policy->fallbacks[i]);
	return r < 0 ? netd_fault(n, r, "cannot watch a proxy") : 0;
}

void
netd_probes_end(struct netd *n)
{
	for (uint32_t i = 0; i < n->nprobes; i++) {
		end_try(&n->probes[i]);
		timer_close(n->probes[i].next);
		buf_free(&n->probes[i].request);
		buf_free(&n->probes[i].answer);
	}
	free(n->probes);
	n->probes = NULL;
	n->nprobes = 0;
}

void
netd_probes_status(const struct netd *n, struct buf *json)
{
	char text[46];

	buf_add(json, STR(",\"fallbacks\":["));
	for (uint32_t i = 0; i < n->nprobes; i++) {
		const struct fallback *f = &n->probes[i].state;
		buf_addf(json, "%s{\"proxy\":\"%.*s\",\"port\":%u,\"open\":%s,\"probes\":%llu,\"failed\":%llu,"
		    "\"changes\":%llu,\"why\":", i ? "," : "", (int)addr_show(&f->conf->proxy.addr, text), text,
		    f->conf->proxy.port, f->open ? "true" : "false", (unsigned long long)f->probes,
		    (unsigned long long)f->failed, (unsigned long long)f->changes);
		buf_add_json(json, str_z(n->probes[i].why ? n->probes[i].why : ""));
		buf_add_byte(json, '}');
	}
	buf_add_byte(json, ']');
}
