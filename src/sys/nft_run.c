/*
 * nft_run: a whole ruleset by libnftables, in a process of its own: its memory, which grows with
 * the ruleset, goes with it. Must never let what nft says reach the operator unbounded: one line of
 * a large set made it print 1.4 MB.
 */
#include <errno.h>
#include <fcntl.h>
#include <nftables/libnftables.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/file.h"
#include "sys/nft.h"

#define WHY_MAX 4096

/* Never returns. The text is a copy of ours: the parser writes into nothing that anyone else has. */
static void
run_here(struct str text, bool check_only, int out)
{
	struct nft_ctx *nft = nft_ctx_new(NFT_CTX_DEFAULT);
	int r;

	if (!nft || nft_ctx_buffer_error(nft) || nft_ctx_buffer_output(nft))
		_exit(2);
	nft_ctx_set_dry_run(nft, check_only);
	r = nft_run_cmd_from_buffer(nft, text.p);
	if (r != 0) {
		struct str why = str_z(nft_ctx_get_error_buffer(nft));
		(void)!file_write_all(out, str_head(why, WHY_MAX));
	}
	_exit(r == 0 ? 0 : 1);
}

static void
read_why(int fd, struct buf *why)
{
	char bytes[1024];
	ssize_t n;

	while ((n = read(fd, bytes, sizeof(bytes))) > 0 || (n < 0 && errno == EINTR))
		if (n > 0 && why)
			buf_add(why, str_of(bytes, (size_t)n));
}

static int
wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	if (!WIFEXITED(status))
		return -EIO;
	return WEXITSTATUS(status) == 0 ? 0 : WEXITSTATUS(status) == 1 ? -EINVAL : -ENOMEM;
}

int
nft_run(struct str text, bool check_only, struct buf *why)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	pid_t pid = fork();
	if (pid < 0) {
		int e = -errno;
		close(ends[0]);
		close(ends[1]);
		return e;
	}
	if (pid == 0)
		run_here(text, check_only, ends[1]);
	close(ends[1]);
	read_why(ends[0], why);
	close(ends[0]);
	return wait_for(pid);
}
