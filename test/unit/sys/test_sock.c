/* Sockets: addresses, batches of datagrams, the kernel's count of drops, dead socket files. */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "sys/sock.h"

static void
test_addresses(void **state)
{
	struct sockaddr_storage a;
	struct addr ip;
	uint16_t port;
	socklen_t n;
	char text[46];

	(void)state;
	assert_int_equal(sock_addr_parse(STR("192.0.2.1:514"), &a, &n), 0);
	assert_int_equal(a.ss_family, AF_INET);
	assert_int_equal(sock_addr_get(&a, &ip, &port), 0);
	assert_int_equal(port, 514);
	assert_int_equal(addr_show(&ip, text), 9);
	assert_memory_equal(text, "192.0.2.1", 9);
	assert_int_equal(sock_addr_parse(STR("[2001:db8::1]:65535"), &a, &n), 0);
	assert_int_equal(a.ss_family, AF_INET6);
	assert_int_equal(sock_addr_parse(STR("*:1"), &a, &n), 0);
	assert_int_equal(sock_addr_parse(STR("192.0.2.1"), &a, &n), -EINVAL);
	assert_int_equal(sock_addr_parse(STR("192.0.2.1:65536"), &a, &n), -EINVAL);
	assert_int_equal(sock_addr_parse(STR("example.com:1"), &a, &n), -EINVAL);
}

static int
sender_to(int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

static void
test_batches(void **state)
{
	struct dgrams *d = dgrams_new(8);
	uint32_t dropped = 0;
	char text[32];
	int fd = sock_udp(STR("127.0.0.1:0"), 0), out, got = 0;

	(void)state;
	assert_true(fd >= 0);
	out = sender_to(sock_port(fd));
	assert_int_equal(dgrams_recv(d, fd, &dropped), 0);
	for (int i = 0; i < 20; i++) {
		int n = snprintf(text, sizeof(text), "datagram %d", i);
		assert_int_equal(send(out, text, (size_t)n, 0), n);
	}
	for (int n; (n = dgrams_recv(d, fd, &dropped)) > 0; got += n) {
		assert_true(n <= 8);
		for (int i = 0; i < n; i++) {
			int len = snprintf(text, sizeof(text), "datagram %d", got + i);
			struct dgram g = dgrams_at(d, (unsigned)i);
			assert_true(str_eq(g.bytes, str_of(text, (size_t)len)));
			assert_non_null(g.peer);
			assert_false(g.cut);
		}
	}
	assert_int_equal(got, 20);
	assert_int_equal(dropped, 0);
	close(out);
	close(fd);
	dgrams_free(d);
}

static void
test_drops_are_counted(void **state)
{
	struct dgrams *d = dgrams_new(64);
	static char big[8192];
	uint32_t dropped = 0;
	int fd = sock_udp(STR("127.0.0.1:0"), 4096), out, sent = 500, got = 0, n;

	(void)state;
	assert_true(fd >= 0);
	out = sender_to(sock_port(fd));
	for (int i = 0; i < sent; i++)
		assert_int_equal(send(out, big, sizeof(big), 0), sizeof(big));
	while ((n = dgrams_recv(d, fd, &dropped)) > 0)
		got += n;
	assert_true(got > 0 && got < sent);
	/* The count travels with a datagram that came after the drops. */
	assert_int_equal(send(out, "x", 1, 0), 1);
	assert_int_equal(dgrams_recv(d, fd, &dropped), 1);
	assert_int_equal(dropped, sent - got);
	close(out);
	close(fd);
	dgrams_free(d);
}

static void
test_unix_socket_file(void **state)
{
	char dir[] = "/tmp/guarita-sock-XXXXXX", path[64];
	struct stat st;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/s", dir);
	int fd = sock_unix_dgram(path, 0622, 0);
	assert_true(fd >= 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0622);
	/* While its owner lives nobody takes its place. */
	assert_int_equal(sock_unix_dgram(path, 0600, 0), -EADDRINUSE);
	close(fd);
	fd = sock_unix_dgram(path, 0600, 0);
	assert_true(fd >= 0);
	close(fd);
	unlink(path);
	/* A file that is no socket is never removed. */
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fclose(f);
	assert_int_equal(sock_unix_dgram(path, 0600, 0), -EADDRINUSE);
	assert_int_equal(stat(path, &st), 0);
	unlink(path);
	rmdir(dir);
}

static void
test_accept(void **state)
{
	struct sockaddr_storage peer;
	struct addr ip;
	uint16_t port;
	int fd = sock_tcp_listen(STR("127.0.0.1:0"), 8);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(sock_accept(fd, &peer), -EAGAIN);
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)sock_port(fd)) };
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int out = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(out, (struct sockaddr *)&a, sizeof(a)), 0);
	int in = sock_accept(fd, &peer);
	assert_true(in >= 0);
	assert_int_equal(sock_addr_get(&peer, &ip, &port), 0);
	assert_true(addr_is_v4(&ip));
	close(in);
	close(out);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_batches),
		cmocka_unit_test(test_drops_are_counted),
		cmocka_unit_test(test_unix_socket_file),
		cmocka_unit_test(test_accept),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
