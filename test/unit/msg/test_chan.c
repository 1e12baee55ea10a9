/* Two ends of a link in one loop: order, descriptors, back-pressure, and every way to be refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "msg/chan.h"
#include "sys/sock.h"

struct end {
	struct chan *chan;
	int got, error, fd;
	uint32_t last_id;
	bool room;
};

struct pair {
	struct loop *loop;
	struct end sup, role;
	int raw;
};

static void
on_msg(void *ctx, struct chan *c, struct msg *m)
{
	struct end *e = ctx;

	(void)c;
	e->got++;
	if (m->type == MSG_ask)
		e->last_id = m->ask.id;
	if (m->fd >= 0)
		e->fd = m->fd;
}

static void
on_end(void *ctx, struct chan *c, int error)
{
	struct end *e = ctx;

	e->error = error;
	chan_close(c);
	e->chan = NULL;
}

static void
on_room(void *ctx, struct chan *c)
{
	struct end *e = ctx;

	(void)c;
	e->room = true;
}

static struct chan_calls
calls(struct end *e)
{
	return (struct chan_calls){ .ctx = e, .on_msg = on_msg, .on_end = on_end, .on_room = on_room };
}

static int
set_up(void **state)
{
	struct pair *p = calloc(1, sizeof(*p));
	int fds[2];

	*state = p;
	p->sup.fd = p->role.fd = -1;
	p->raw = -1;
	if (loop_new(&p->loop) < 0 || sock_pair(SOCK_SEQPACKET, fds) < 0)
		return -1;
	struct chan_calls a = calls(&p->sup), b = calls(&p->role);
	return chan_open(p->loop, fds[0], MSG_SUPERVISOR, MSG_INTAKED, &a, &p->sup.chan) < 0 ||
	    chan_open(p->loop, fds[1], MSG_INTAKED, MSG_SUPERVISOR, &b, &p->role.chan) < 0;
}

static int
tear_down(void **state)
{
	struct pair *p = *state;

	chan_close(p->sup.chan);
	chan_close(p->role.chan);
	if (p->raw >= 0)
		close(p->raw);
	loop_free(p->loop);
	free(p);
	return 0;
}

static void
turn(struct pair *p)
{
	for (int i = 0; i < 20; i++)
		loop_run_once(p->loop, false);
}

static void
make_ready(struct pair *p)
{
	struct msg m = { .type = MSG_ready, .fd = -1, .ready = { .pid = 1, .sandbox = STR("user=applied") } };

	assert_int_equal(chan_send(p->role.chan, &m), 0);
	turn(p);
	assert_int_equal(chan_state(p->sup.chan), MSG_OPEN);
	assert_int_equal(chan_state(p->role.chan), MSG_OPEN);
}

static void
test_ready_opens(void **state)
{
	struct pair *p = *state;

	assert_int_equal(chan_state(p->sup.chan), MSG_STARTING);
	make_ready(p);
	assert_int_equal(p->sup.got, 1);
}

static void
test_descriptor(void **state)
{
	struct pair *p = *state;
	int fds[2];
	char c = 0;

	assert_int_equal(sock_pair(SOCK_STREAM, fds), 0);
	struct msg m = { .type = MSG_link, .fd = fds[0], .link.peer = MSG_WATCHD };
	assert_int_equal(chan_send(p->sup.chan, &m), 0);
	close(fds[0]);
	turn(p);
	assert_true(p->role.fd >= 0);
	assert_int_equal(write(fds[1], "x", 1), 1);
	assert_int_equal(read(p->role.fd, &c, 1), 1);
	assert_int_equal(c, 'x');
	close(fds[1]);
	close(p->role.fd);
}

static void
test_queue_keeps_order(void **state)
{
	struct pair *p = *state;

	make_ready(p);
	chan_pause(p->role.chan, true);
	/* More than the kernel takes: the rest waits with us. */
	for (uint32_t i = 1; i <= 5000; i++) {
		struct msg m = { .type = MSG_ask, .fd = -1, .ask.id = i };
		assert_int_equal(chan_send(p->sup.chan, &m), 0);
	}
	chan_pause(p->role.chan, false);
	for (int i = 0; i < 2000 && p->role.last_id != 5000; i++)
		loop_run_once(p->loop, false);
	assert_int_equal(p->role.last_id, 5000);
	assert_int_equal(p->role.got, 5000);
}

static void
test_try_says_again_and_room(void **state)
{
	struct pair *p = *state;
	char bytes[64];
	struct enc e = enc_of(bytes, sizeof(bytes));
	struct msg m = { .type = MSG_ask, .fd = -1, .ask.id = 1 };
	int r, sent = 0;

	make_ready(p);
	msg_encode(&m, &e);
	chan_pause(p->role.chan, true);
	while ((r = chan_try(p->sup.chan, MSG_ask, str_of(bytes, e.n))) == 0)
		sent++;
	assert_int_equal(r, -EAGAIN);
	assert_true(sent > 0);
	assert_false(p->sup.room);
	chan_pause(p->role.chan, false);
	for (int i = 0; i < 2000 && p->role.got != sent; i++)
		loop_run_once(p->loop, false);
	assert_int_equal(p->role.got, sent);
	assert_true(p->sup.room);
}

static void
test_gone(void **state)
{
	struct pair *p = *state;

	chan_close(p->role.chan);
	p->role.chan = NULL;
	turn(p);
	assert_int_equal(p->sup.error, -EPIPE);
}

/* The other end is a bare socket that can say anything. */
static void
make_raw(struct pair *p)
{
	struct chan_calls a = calls(&p->sup);
	int fds[2];

	chan_close(p->sup.chan);
	p->sup.chan = NULL;
	assert_int_equal(sock_pair(SOCK_SEQPACKET, fds), 0);
	assert_int_equal(chan_open(p->loop, fds[0], MSG_SUPERVISOR, MSG_INTAKED, &a, &p->sup.chan), 0);
	p->raw = fds[1];
}

static void
say(struct pair *p, const struct msg *m, size_t more)
{
	char bytes[4096] = { 0 };
	struct enc e = enc_of(bytes, sizeof(bytes));

	msg_encode(m, &e);
	assert_true(send(p->raw, bytes, e.n + more, 0) > 0);
	turn(p);
}

static void
test_trailing_byte_ends(void **state)
{
	struct pair *p = *state;
	struct msg m = { .type = MSG_ready, .fd = -1, .ready = { .sandbox = STR("") } };

	make_raw(p);
	say(p, &m, 1);
	assert_int_equal(p->sup.error, -EBADMSG);
	assert_int_equal(p->sup.got, 0);
}

static void
test_wrong_state_ends(void **state)
{
	struct pair *p = *state;
	struct msg m = { .type = MSG_status, .fd = -1, .status = { .json = STR("{}") } };

	make_raw(p);
	say(p, &m, 0);
	assert_int_equal(p->sup.error, -EBADMSG);
}

static void
test_wrong_sender_ends(void **state)
{
	struct pair *p = *state;
	struct msg m = { .type = MSG_incident, .fd = -1, .incident = { .json = STR("{}") } };
	struct msg ready = { .type = MSG_ready, .fd = -1, .ready = { .sandbox = STR("") } };

	make_raw(p);
	say(p, &ready, 0);
	assert_int_equal(p->sup.got, 1);
	say(p, &m, 0);
	assert_int_equal(p->sup.error, -EBADMSG);
	assert_int_equal(p->sup.got, 1);
}

static void
test_unknown_number_ends(void **state)
{
	struct pair *p = *state;

	make_raw(p);
	assert_int_equal(send(p->raw, "\x7f\x7f", 2, 0), 2);
	turn(p);
	assert_int_equal(p->sup.error, -EBADMSG);
}

static void
test_unasked_descriptor_ends_and_is_closed(void **state)
{
	struct pair *p = *state;
	struct chan_calls a = calls(&p->role);
	struct chan *other;
	int fds[2], pipe_fds[2];
	char c;

	make_raw(p);
	assert_int_equal(sock_pair(SOCK_STREAM, fds), 0);
	/* Sent by a channel of the kind that may: the receiver expects no descriptor with it. */
	assert_int_equal(pipe(pipe_fds), 0);
	assert_int_equal(chan_open(p->loop, p->raw, MSG_SUPERVISOR, MSG_INTAKED, &a, &other), 0);
	struct msg m = { .type = MSG_link, .fd = pipe_fds[1], .link.peer = MSG_WATCHD };
	assert_int_equal(chan_send(other, &m), 0);
	close(pipe_fds[1]);
	turn(p);
	assert_int_equal(p->sup.error, -EBADMSG);
	/* Nobody holds the writing end any more. */
	assert_int_equal(read(pipe_fds[0], &c, 1), 0);
	close(pipe_fds[0]);
	if (p->role.error == 0)
		chan_close(other);
	p->raw = -1;
	p->role.chan = NULL;
	close(fds[0]);
	close(fds[1]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_ready_opens),
		TEST(test_descriptor),
		TEST(test_queue_keeps_order),
		TEST(test_try_says_again_and_room),
		TEST(test_gone),
		TEST(test_trailing_byte_ends),
		TEST(test_wrong_state_ends),
		TEST(test_wrong_sender_ends),
		TEST(test_unknown_number_ends),
		TEST(test_unasked_descriptor_ends_and_is_closed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
