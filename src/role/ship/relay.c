/*
 * relay: lines to plain syslog hosts (RFC 5426, 6587, 5425) and into files, as syslogd does it. Such hosts acknowledge
 * nothing: what is certain is what the other machine's TCP took, and that a stream ended in order was read to its end. A
 * stream that was reset had bytes that nobody read: what it had taken last is sent again. Must never count a line as gone
 * on that the kernel still holds.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "console/accounts/seal.h"
#include "role/ship/shipd.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/sock.h"
#include "conf/syslog_select.h"
#include "wire/syslog_write.h"

#define BATCH_BYTES (64u << 10)
#define DOUBT_BYTES (8u << 20)         /* what a host's kernel may have taken and nobody read: tcp_rmem's largest and more */
#define DATAGRAM_MAX 65000u
#define ACKED_MS 10000
#define MESSAGE_MAX (1u << 20)

/* Which lines. */

static bool
matches(struct str pattern, struct str name)
{
	bool open = str_ends(pattern, STR("*"));

	if (!open)
		return str_eq_nocase(pattern, name);
	return str_eq_nocase(str_head(name, pattern.n - 1), str_head(pattern, pattern.n - 1));
}

static bool
among(const struct conf_strs *names, struct str name)
{
	for (uint32_t i = 0; i < names->n; i++)
		if (matches(names->v[i], name))
			return true;
	return names->n == 0;
}

/* Guarita's own notes about other lines have no head of syslog, and mean nothing elsewhere. */
static bool
is_line(const struct vault_entry *e)
{
	return e->transport != VAULT_OWN || str_eq(e->source, STR("vaultd")) || str_eq(e->source, STR("linkd"));
}

/* "udp 192.0.2.1", "site filial30 /var/log/a": who sent it; of what was read here, this machine. */
static struct str
sender_of(const struct ship *s, const struct vault_entry *e)
{
	struct str rest = str_from(e->source, str_find_byte(e->source, ' ') + 1);

	if (e->transport != VAULT_UDP && e->transport != VAULT_TCP && e->transport != VAULT_TLS && e->transport != VAULT_SITE)
		return str_z(s->host);
	return str_head(rest, str_find_byte(rest, ' '));
}

static bool
wanted(const struct ship *s, const struct syslog_line *l)
{
	const struct conf_relay *c = s->relay;
	struct str host = l->head.host.n ? l->head.host : l->host;

	return syslog_select_has(&s->select, l->facility, l->severity) && among(&c->programs, l->head.program) && among(&c->hosts, host);
}

/* What is sent. */

static int
send_datagram(struct ship *s, struct str message)
{
	for (;;) {
		ssize_t n = send(s->fd, message.p, message.n < DATAGRAM_MAX ? message.n : DATAGRAM_MAX, MSG_NOSIGNAL);
		struct pollfd p = { .fd = s->fd, .events = POLLOUT };
		if (n >= 0)
			return 0;
		if (errno == EAGAIN)
			(void)poll(&p, 1, 200);
		else if (errno != EINTR)
			return ship_fault(s, -errno, "%s takes nothing: %s", s->label, strerror(errno));
		if (s->stop)
			return -ECANCELED;
	}
}

static int
emit(struct ship *s, struct str message)
{
	const struct conf_relay *c = s->relay;
	bool octets = c->way == CONF_RELAY_TLS || (c->way == CONF_RELAY_TCP && c->framing == CONF_RELAY_BY_OCTETS);

	if (c->way == CONF_RELAY_UDP)
		return send_datagram(s, message);
	if (octets)
		buf_addf(&s->text, "%zu ", message.n);
	buf_add(&s->text, message);
	if (!octets)
		buf_add_byte(&s->text, '\n');
	return buf_ok(&s->text) ? 0 : -ENOMEM;
}

static int
relay_line(struct ship *s, const struct vault_entry *e, struct str raw)
{
	static const enum syslog_style styles[] = {
		[CONF_FORMAT_RFC5424] = SYSLOG_AS_RFC5424, [CONF_FORMAT_RFC3164] = SYSLOG_AS_RFC3164,
	};
	enum syslog_style style = s->relay->way == CONF_RELAY_FILE ? SYSLOG_AS_FILE : styles[s->relay->format];
	struct buf message = BUF_INIT(MESSAGE_MAX);
	struct syslog_line l;
	time_t at = (time_t)(e->recv_ns / 1000000000);
	struct tm local;

	syslog_line_read(raw, e->transport == VAULT_FILE ? 0 : SYSLOG_EXPECTED, &l);
	l.host = sender_of(s, e);
	l.received_us = e->recv_ns / 1000;
	l.offset_min = localtime_r(&at, &local) ? (int)(local.tm_gmtoff / 60) : 0;
	struct vault_entry whole = *e;
	whole.raw = raw;
	if (!wanted(s, &l) || !ship_kinds_want(s, &whole))
		return 0;
	syslog_write(&l, style, &message);
	int r = buf_ok(&message) ? emit(s, buf_str(&message)) : -EMSGSIZE;
	buf_free(&message);
	s->relayed += r == 0;
	return r;
}

/* Long lines stand in several entries, one behind the other. */
static int
relay_entry(struct ship *s, const struct vault_entry *e)
{
	int r = 0;

	if (!is_line(e))
		return 0;
	if (e->flags & VAULT_MORE || s->part.n) {
		buf_add(&s->part, e->raw);
		if (e->flags & VAULT_MORE)
			return 0;
		r = relay_line(s, e, buf_str(&s->part));
		buf_reset(&s->part);
		return r;
	}
	return relay_line(s, e, e->raw);
}

static int
relay_all(struct ship *s, const struct ship_batch *b)
{
	struct cur c = cur_of(buf_str(&b->lines));
	struct vault_entry e;
	int r = 0;

	buf_reset(&s->text);
	for (uint64_t i = 0; i < b->count && r == 0; i++) {
		struct str line = cur_bytes(&c, cur_u16(&c));
		if (!cur_ok(&c) || vault_entry_decode(str_from(line, VAULT_NONCE_BYTES), b->first + i, &e) < 0)
			return ship_fault(s, -EBADMSG, "entry %llu of the vault cannot be read", (unsigned long long)(b->first + i));
		r = relay_entry(s, &e);
	}
	return r;
}

/* Streams. */

/* Something of the host's: its end in order is -EPIPE, a reset -ECONNRESET. What it says is nothing to us, but for TLS. */
static int
look(struct ship *s)
{
	char bytes[4096];
	ssize_t n = recv(s->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (n == 0)
		return -EPIPE;
	if (s->tls) {
		if (tls_put(s->tls, str_of(bytes, (size_t)n)) < 0)
			return -ENOMEM;
		n = tls_read(s->tls, bytes, sizeof(bytes));
		if (n == 0 || n == -EPROTO)
			return -EPIPE;
	}
	return 0;
}

static int
wait_acked(struct ship *s)
{
	for (int waited = 0; waited < ACKED_MS && !s->stop;) {
		struct pollfd p = { .fd = s->fd, .events = POLLIN };
		int left = 0, r = look(s);
		if (r < 0)
			return r;
		if (ioctl(s->fd, SIOCOUTQ, &left) < 0)
			return -errno;
		if (left == 0)
			return 0;
		int pause = waited < 20 ? 1 : 50;
		(void)poll(&p, 1, pause);
		waited += pause;
	}
	return s->stop ? -ECANCELED : -ETIMEDOUT;
}

/* Bytes were taken there and not read: back to where they surely were not taken yet. */
static void
doubt(struct ship *s, uint64_t at)
{
	uint64_t bytes = 0;
	unsigned i = s->nsent;

	while (i > 0 && bytes < DOUBT_BYTES)
		bytes += s->sent[--i].bytes;
	if (s->nsent && s->sent[i].first < at) {
		s->repeated += at - s->sent[i].first;
		s->at = s->sent[i].first;
	}
	s->nsent = 0;
}

/* A host that takes nothing more has perhaps not read what it took before. */
static int
broken(struct ship *s, uint64_t at, int error)
{
	if (error == -ECONNRESET || error == -ETIMEDOUT)
		doubt(s, at);
	return ship_fault(s, error, "%s: %s", s->label, error == -EPIPE ? "it closed the connection" : strerror(-error));
}

/* What is further back than any doubt goes; then two by two become one, so that many small batches reach as far. */
static void
make_room(struct ship *s)
{
	uint64_t bytes = 0;
	unsigned from = s->nsent, n = 0;

	while (from > 0 && bytes < DOUBT_BYTES)
		bytes += s->sent[--from].bytes;
	s->nsent -= from;
	memmove(s->sent, s->sent + from, s->nsent * sizeof(*s->sent));
	if (s->nsent < SHIP_SENT_MAX)
		return;
	for (unsigned i = 0; i + 1 < s->nsent; i += 2)
		s->sent[n++] = (struct ship_sent){ s->sent[i].first, s->sent[i].bytes + s->sent[i + 1].bytes };
	s->nsent = n;
}

static void
remember(struct ship *s, const struct ship_batch *b)
{
	if (s->nsent == SHIP_SENT_MAX)
		make_room(s);
	s->sent[s->nsent++] = (struct ship_sent){ .first = b->first, .bytes = s->text.n };
}

static int
send_stream(struct ship *s, const struct ship_batch *b)
{
	int r = look(s);

	if (r == 0 && s->tls)
		r = tls_write(s->tls, buf_str(&s->text)) < 0 || tls_take(s->tls, &s->out) < 0 ? -EPROTO : 0;
	else if (r == 0)
		buf_add(&s->out, buf_str(&s->text));
	if (r == 0)
		r = ship_flush(s);
	if (r == 0)
		r = wait_acked(s);
	if (r == 0) {
		remember(s, b);
		return 0;
	}
	return broken(s, b->first, r);
}

/* That it was killed with what it had not read is not to wait for the next line. An end in order can. */
static int
idle_relay(struct ship *s)
{
	int r = s->tls || s->relay->way == CONF_RELAY_TCP ? look(s) : 0;

	return r < 0 && r != -EPIPE ? broken(s, s->at, r) : 0;
}

static int
send_file(struct ship *s)
{
	struct stat st;
	bool whole = fstat(s->fd, &st) == 0 && S_ISREG(st.st_mode);
	int r = file_write_all(s->fd, buf_str(&s->text));

	/* A full disk leaves no half line: the batch is written again. */
	if (r < 0 && whole && ftruncate(s->fd, st.st_size) < 0)
		return ship_fault(s, r, "%s: half a line was written", s->label);
	if (r == 0 && s->relay->sync && whole && fdatasync(s->fd) < 0)
		r = -errno;
	return r < 0 ? ship_fault(s, r, "%s: %s", s->label, strerror(-r)) : 0;
}

static int
send_batch(struct ship *s, const struct ship_batch *b)
{
	int r = relay_all(s, b);

	if (r < 0 || s->relay->way == CONF_RELAY_UDP || s->text.n == 0)
		return r;
	return s->relay->way == CONF_RELAY_FILE ? send_file(s) : send_stream(s, b);
}

/* Connecting. */

static int
shake(struct ship *s)
{
	char host[256];
	int r = ship_relay_host(s->relay, host, NULL);

	if (r == 0)
		r = tls_open(s->trust, TLS_DIALS, str_z(host), &s->tls);
	while (r == 0) {
		r = tls_shake(s->tls);
		if (tls_take(s->tls, &s->out) < 0 || ship_flush(s) < 0)
			return -EPIPE;
		if (r == 1)
			return 0;
		if (r < 0)
			return ship_fault(s, r, "%s: %s", s->label, tls_why(s->tls));
		r = ship_more(s);
		if (r == 0)
			return ship_fault(s, -EPIPE, "%s: it closed the connection", s->label);
		r = r < 0 ? r : tls_put(s->tls, buf_str(&s->in));
		s->taken = s->in.n;
	}
	return r;
}

/* The name may mean another address each time. */
static int
resolve(struct ship *s)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG }, *all = NULL;
	char host[256], port[16], shown[64];
	int r = ship_relay_host(s->relay, host, port);

	if (r == 0 && (r = getaddrinfo(host, port, &hints, &all)) != 0)
		return ship_fault(s, -EHOSTUNREACH, "%s: the name %s cannot be looked up: %s", s->label, host, gai_strerror(r));
	if (r == 0 && getnameinfo(all->ai_addr, all->ai_addrlen, shown, sizeof(shown), NULL, 0, NI_NUMERICHOST) != 0)
		r = -EHOSTUNREACH;
	if (r == 0)
		snprintf(s->address, sizeof(s->address), all->ai_family == AF_INET6 ? "[%s]:%s" : "%s:%s", shown, port);
	if (all)
		freeaddrinfo(all);
	return r;
}

static int
open_relay(struct ship *s, uint64_t *ret_at)
{
	(void)ret_at;
	s->nsent = 0;
	buf_reset(&s->part);
	tls_free(s->tls);
	s->tls = NULL;
	if (s->relay->way == CONF_RELAY_FILE) {
		s->fd = fcntl(s->file, F_DUPFD_CLOEXEC, 3);
		return s->fd < 0 ? -errno : 0;
	}
	int r = resolve(s);
	if (r == 0)
		r = ship_connect(s);
	if (r == 0 && s->relay->way == CONF_RELAY_TLS)
		r = shake(s);
	return r;
}

int
ship_relay_host(const struct conf_relay *c, char host[256], char *port)
{
	size_t colon = c->to.n;
	bool bare6 = false;

	for (size_t i = 0; i < c->to.n; i++)
		if (c->to.p[i] == ':') {
			bare6 = colon < c->to.n;
			colon = i;
		}
	struct str name = bare6 && c->to.p[0] != '[' ? c->to : str_head(c->to, colon);
	struct str number = name.n < c->to.n ? str_from(c->to, colon + 1) : STR_NULL;
	if (str_starts(name, STR("[")) && str_ends(name, STR("]")))
		name = str_head(str_from(name, 1), name.n - 2);
	if (name.n == 0 || name.n > 255)
		return -EINVAL;
	snprintf(host, 256, "%.*s", STR_FMT(name));
	if (port)
		snprintf(port, 16, "%.*s", STR_FMT(number.n ? str_head(number, 15) : c->way == CONF_RELAY_TLS ? STR("6514") : STR("514")));
	return 0;
}

/* With all rights still: files, keys. */
int
ship_relay_prepare(struct ship *s)
{
	static const char *const ways[] = { "udp", "tcp", "tls" };
	const struct conf_relay *c = s->relay;
	struct tls_files files = { .certificate = c->certificate.p, .key = c->key.p, .authority = c->authority.p };
	struct buf why = BUF_INIT(1024);
	struct str bad;
	int r = 0;

	config_relay_name(c, s->name);
	s->datagrams = c->way == CONF_RELAY_UDP;
	(void)host_name(s->host);
	if (c->way == CONF_RELAY_FILE)
		snprintf(s->label, sizeof(s->label), "%.*s", STR_FMT(c->to));
	else
		snprintf(s->label, sizeof(s->label), "%s %.*s", ways[c->way], STR_FMT(c->to));
	for (uint32_t i = 0; i < c->select.n && r == 0; i++)
		r = syslog_select_add(&s->select, c->select.v[i], &bad);
	if (c->select.n == 0)
		memset(s->select.mask, 0xff, sizeof(s->select.mask));
	if (r == 0 && c->way == CONF_RELAY_FILE && !s->role->check_only) {
		r = str_starts(c->to, STR("/dev/")) ? open(c->to.p, O_WRONLY | O_APPEND | O_NOCTTY | O_CLOEXEC)
		    : role_open_append(s->role, c->to.p, (unsigned)c->mode);
		s->file = r < 0 ? -1 : r;
		r = r < 0 ? (errno && str_starts(c->to, STR("/dev/")) ? -errno : r) : 0;
	}
	if (r == 0 && c->way == CONF_RELAY_TLS) {
		if (!c->certificate.n)
			files.certificate = files.key = NULL;
		r = tls_trust_files(&files, &s->trust, &why);
	}
	if (r < 0)
		log_say(&s->role->log, LOG_LEVEL_ERROR, "%s: %s", s->label, why.n ? buf_cstr(&why) : strerror(-r));
	buf_free(&why);
	return r;
}

void
ship_relay_close(struct ship *s)
{
	tls_free(s->tls);
	tls_trust_free(s->trust);
	fd_close(&s->file);
	buf_free(&s->text);
	buf_free(&s->part);
	ship_kinds_close(s);
}

const struct ship_engine ship_relay = { .name = "relay", .bytes = BATCH_BYTES, .open = open_relay, .send = send_batch, .idle = idle_relay };
