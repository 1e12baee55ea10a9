/*
 * members: who is connected by the VPN, in the lists of the gate. Whom l2tpd named is renewed as long as it lives, and
 * taken out when it ends, however it ends; the kernel forgets by itself whom a dead netd left behind.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "role/net/netd.h"
#include "sys/clock.h"

#define STAYS_MS 600000u
#define RENEW_US INT64_C(200000000)

struct member {
	int set;
	struct nft_element e;
};

struct netd_members {
	struct member *v;
	size_t n, size;
	int64_t renewed_us;
};

static int
set_of(const struct netd *n, struct str list, bool v4)
{
	for (uint32_t i = POLICY_OWN_SETS; i < n->policy->nsets; i++)
		if (n->policy->sets[i].kind == (v4 ? POLICY_SET_ADDR4 : POLICY_SET_ADDR6) && str_eq(n->policy->sets[i].name, list))
			return (int)i;
	return POLICY_NO_SET;
}

static struct member *
find(const struct netd_members *m, int set, const struct nft_element *e)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->v[i].set == set && m->v[i].e.n == e->n && memcmp(m->v[i].e.key, e->key, e->n) == 0)
			return &m->v[i];
	return NULL;
}

static void
put(struct netd *n, const struct member *m)
{
	int r = nft_del(n->nft, n->policy->sets[m->set].nft, &m->e, 1);

	/* An element keeps the time-out that it has. */
	if (r == 0 || r == -ENOENT)
		r = nft_add(n->nft, n->policy->sets[m->set].nft, &m->e, 1);
	if (r < 0)
		(void)!netd_fault(n, r, "who is connected cannot be kept in his list");
}

static void
take_out(struct netd *n, const struct member *m)
{
	int r = nft_del(n->nft, n->policy->sets[m->set].nft, &m->e, 1);

	if (r < 0 && r != -ENOENT)
		(void)!netd_fault(n, r, "who is gone cannot be taken out of his list");
}

static void
add(struct netd *n, const struct member *one)
{
	struct netd_members *m = n->members;

	if (m->n == m->size) {
		size_t size = m->size ? 2 * m->size : 64;
		struct member *v = realloc(m->v, size * sizeof(*v));
		if (v == NULL) {
			(void)!netd_fault(n, -ENOMEM, "who is connected cannot be kept in his list");
			return;
		}
		m->v = v;
		m->size = size;
	}
	m->v[m->n++] = *one;
	put(n, one);
}

static void
on_member(void *ctx, struct chan *c, struct msg *msg)
{
	struct netd *n = ctx;
	struct addr a;

	(void)c;
	if (msg->member.address.n != sizeof(a.b)) {
		log_say(n->log, LOG_LEVEL_ERROR, "l2tpd named no address");
		return;
	}
	memcpy(a.b, msg->member.address.p, sizeof(a.b));
	struct member one = { .set = set_of(n, msg->member.list, addr_is_v4(&a)), .e = nft_key_addr(&a) };
	one.e.timeout_ms = STAYS_MS;
	if (one.set == POLICY_NO_SET) {
		if (msg->member.there)
			log_say(n->log, LOG_LEVEL_WARNING, "the VPN wants somebody in the list \"%.*s\", which the configuration does not have",
			    STR_FMT(str_head(msg->member.list, 64)));
		return;
	}
	struct member *known = find(n->members, one.set, &one.e);
	if (msg->member.there && !known) {
		add(n, &one);
	} else if (!msg->member.there && known) {
		take_out(n, known);
		*known = n->members->v[--n->members->n];
	}
}

static void
forget_all(struct netd *n)
{
	for (size_t i = 0; i < n->members->n; i++)
		take_out(n, &n->members->v[i]);
	n->members->n = 0;
}

static void
on_end(void *ctx, struct chan *c, int error)
{
	struct netd *n = ctx;

	if (error == -EBADMSG)
		log_say(n->log, LOG_LEVEL_ERROR, "l2tpd sent a message that is none");
	chan_close(c);
	n->vpn = NULL;
	forget_all(n);
}

void
netd_members_link(struct netd *n, int fd)
{
	struct chan_calls calls = { .ctx = n, .on_msg = on_member, .on_end = on_end };

	if (n->members == NULL)
		n->members = calloc(1, sizeof(*n->members));
	if (n->members == NULL) {
		close(fd);
		(void)!netd_fault(n, -ENOMEM, "who is connected cannot be kept in his list");
		return;
	}
	/* A new one tells all of it again. */
	chan_close(n->vpn);
	n->vpn = NULL;
	forget_all(n);
	int r = chan_open(n->role->loop, fd, MSG_NETD, MSG_L2TPD, &calls, &n->vpn);
	if (r < 0)
		log_say(n->log, LOG_LEVEL_ERROR, "cannot link to l2tpd: %s", strerror(-r));
}

void
netd_members_tick(struct netd *n)
{
	int64_t now = clock_mono_us();

	if (n->members == NULL || now - n->members->renewed_us < RENEW_US)
		return;
	n->members->renewed_us = now;
	for (size_t i = 0; i < n->members->n; i++)
		put(n, &n->members->v[i]);
}

size_t
netd_members_count(const struct netd *n)
{
	return n->members ? n->members->n : 0;
}

void
netd_members_close(struct netd *n)
{
	chan_close(n->vpn);
	if (n->members)
		free(n->members->v);
	free(n->members);
}
