/*
 * dgrams: datagrams in batches. Each slot is as long as the longest datagram; the pages of a slot
 * that short datagrams never reach are never touched, so the memory really used stays small. Must
 * never copy a datagram.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "sys/sock.h"

#define BATCH_MAX 256
/* Slots a whole power of two apart would fight for the same few cache lines. */
#define SLOT_STRIDE (DGRAM_MAX + 320)
#define CONTROL_SIZE 64

struct dgrams {
	unsigned batch;
	char *memory;
	struct mmsghdr *msgs;
	struct iovec *iov;
	struct sockaddr_storage *peers;
	char (*control)[CONTROL_SIZE];
};

static size_t
memory_size(const struct dgrams *d)
{
	return (size_t)d->batch * SLOT_STRIDE;
}

struct dgrams *
dgrams_new(unsigned batch)
{
	struct dgrams *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->batch = batch < 1 ? 1 : batch > BATCH_MAX ? BATCH_MAX : batch;
	d->msgs = calloc(d->batch, sizeof(*d->msgs));
	d->iov = calloc(d->batch, sizeof(*d->iov));
	d->peers = calloc(d->batch, sizeof(*d->peers));
	d->control = calloc(d->batch, sizeof(*d->control));
	d->memory = mmap(NULL, memory_size(d), PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (d->memory == MAP_FAILED)
		d->memory = NULL;
	if (!d->msgs || !d->iov || !d->peers || !d->control || !d->memory) {
		dgrams_free(d);
		return NULL;
	}
	for (unsigned i = 0; i < d->batch; i++) {
		d->iov[i] = (struct iovec){ .iov_base = d->memory + (size_t)i * SLOT_STRIDE,
			.iov_len = DGRAM_MAX };
		d->msgs[i].msg_hdr = (struct msghdr){
			.msg_name = &d->peers[i],
			.msg_iov = &d->iov[i],
			.msg_iovlen = 1,
			.msg_control = d->control[i],
		};
	}
	return d;
}

void
dgrams_free(struct dgrams *d)
{
	if (!d)
		return;
	if (d->memory)
		munmap(d->memory, memory_size(d));
	free(d->msgs);
	free(d->iov);
	free(d->peers);
	free(d->control);
	free(d);
}

static void
take_dropped(struct msghdr *m, uint32_t *ret_dropped)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL)
			memcpy(ret_dropped, CMSG_DATA(c), sizeof(*ret_dropped));
}

int
dgrams_recv(struct dgrams *d, int fd, uint32_t *ret_dropped)
{
	int n;

	for (unsigned i = 0; i < d->batch; i++) {
		d->msgs[i].msg_hdr.msg_namelen = sizeof(d->peers[i]);
		d->msgs[i].msg_hdr.msg_controllen = CONTROL_SIZE;
	}
	do
		n = recvmmsg(fd, d->msgs, d->batch, MSG_DONTWAIT, NULL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? 0 : -errno;
	/*
	 * The count is the running total of the socket, so the newest datagram carries the newest.
	 */
	if (n > 0)
		take_dropped(&d->msgs[n - 1].msg_hdr, ret_dropped);
	return n;
}

struct dgram
dgrams_at(const struct dgrams *d, unsigned i)
{
	return (struct dgram){
		.bytes = str_of(d->iov[i].iov_base, d->msgs[i].msg_len),
		.peer = d->msgs[i].msg_hdr.msg_namelen ? &d->peers[i] : NULL,
		.cut = d->msgs[i].msg_hdr.msg_flags & MSG_TRUNC,
	};
}
