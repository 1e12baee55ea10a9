/*
 * bench/vpn-small: small packets, as many as go through:
 *
 *     vpn-small send ADDRESS PORT PAYLOAD SEGMENTS SECONDS      SEGMENTS packets go to the kernel at once (1: one by one)
 *     vpn-small receive PORT                                    until a second of silence: packets, seconds
 */
#include <arpa/inet.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#define UDP_GRO 104
#endif

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int
send_all(char **a)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(a[1])), .sin_addr.s_addr = inet_addr(a[0]) };
	int size = atoi(a[2]), count = atoi(a[3]), fd = socket(AF_INET, SOCK_DGRAM, 0);
	static char bytes[65536];
	unsigned long long sent = 0, refused = 0;

	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 ||
	    (count > 1 && setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof(size)) < 0)) {
		perror("vpn-small");
		return 1;
	}
	for (double end = now() + atof(a[4]); now() < end;)
		for (int i = 0; i < 64; i++)
			if (send(fd, bytes, (size_t)(size * count), 0) < 0)
				refused++;
			else
				sent += (unsigned long long)count;
	printf("%llu %llu\n", sent, refused);
	return 0;
}

static int
segment_of(struct msghdr *m, ssize_t n)
{
	int size = (int)n;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
		if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO)
			memcpy(&size, CMSG_DATA(c), sizeof(size));
	return size > 0 ? size : 1;
}

static int
receive_all(const char *port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(port)) };
	struct timeval patience = { .tv_sec = 1 };
	int fd = socket(AF_INET, SOCK_DGRAM, 0), on = 1, room = 8 << 20;
	static char bytes[65536], control[64];
	unsigned long long packets = 0;
	double first = 0, last = 0;

	setsockopt(fd, IPPROTO_UDP, UDP_GRO, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0) {
		perror("vpn-small");
		return 1;
	}
	puts("ready");
	fflush(stdout);
	for (double began = now(); packets == 0 ? now() - began < 20 : now() - last < 1;) {
		struct iovec iov = { bytes, sizeof(bytes) };
		struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
		ssize_t n = recvmsg(fd, &m, 0);
		if (n <= 0)
			continue;
		last = now();
		first = packets ? first : last;
		packets += (unsigned long long)((n + segment_of(&m, n) - 1) / segment_of(&m, n));
	}
	printf("%llu %.3f\n", packets, last - first);
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc == 7 && strcmp(argv[1], "send") == 0)
		return send_all(argv + 2);
	if (argc == 3 && strcmp(argv[1], "receive") == 0)
		return receive_all(argv[2]);
	fputs("usage: vpn-small send ADDRESS PORT PAYLOAD SEGMENTS SECONDS | receive PORT\n", stderr);
	return 2;
}
