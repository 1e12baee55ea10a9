/* utx: see utx.h. */
#include "console/accounts/utx.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "sys/file.h"
#include "wire/utx.h"

#define READ_BYTES (256u << 10)
#define SEATS 1024u                    /* ids remembered; the oldest gives way */

struct seat {
	char id[8], line[16];
	uint8_t id_n, line_n;
};

struct expanding {
	int in, out;
	uint64_t at;                   /* of the file, behind what is held */
	struct buf held;
	struct buf records;
	struct seat seats[SEATS];
	unsigned next_seat;
};

static void
remember(struct expanding *x, const struct utmp *u)
{
	struct seat *s = &x->seats[x->next_seat++ % SEATS];
	struct str id = str_head(u->id, sizeof(s->id)), line = str_head(u->line, sizeof(s->line));

	*s = (struct seat){ .id_n = (uint8_t)id.n, .line_n = (uint8_t)line.n };
	if (id.n > 0)
		memcpy(s->id, id.p, id.n);
	if (line.n > 0)
		memcpy(s->line, line.p, line.n);
}

/* The newest seat of that id. */
static struct str
line_of(const struct expanding *x, struct str id)
{
	for (unsigned i = 1; i <= SEATS && i <= x->next_seat; i++) {
		const struct seat *s = &x->seats[(x->next_seat - i) % SEATS];

		if (str_eq(str_of(s->id, s->id_n), str_head(id, sizeof(s->id))))
			return str_of(s->line, s->line_n);
	}
	return STR_NULL;
}

static void
add(struct expanding *x, struct utmp *u)
{
	uint8_t bytes[UTMP_SIZE_MAX];

	if (u->type == UTMP_USER)
		remember(x, u);
	if (u->type == UTMP_DEAD && u->line.n == 0)
		u->line = line_of(x, u->id);
	if (u->type == UTMP_BOOT || u->type == UTMP_SHUTDOWN) {
		u->line = STR("~");
		u->user = u->type == UTMP_BOOT ? STR("reboot") : STR("shutdown");
	}
	/* Linux has no number for it: a run level of that name. */
	if (u->type == UTMP_SHUTDOWN)
		u->type = UTMP_RUN_LEVEL;
	utmp_write(UTMP_LINUX64_LE, u, bytes);
	buf_add(&x->records, str_of((const char *)bytes, utmp_size(UTMP_LINUX64_LE)));
}

/* All records held; at the end also what is left. */
static int
convert(struct expanding *x, bool end)
{
	struct str rest = buf_str(&x->held);
	int rc;

	while (rest.n > (end ? 0 : 2 + UTX_BODY_MAX)) {
		static const uint8_t zeroes[UTMP_SIZE_MAX];
		struct utmp u;

		if (utx_next(&rest, &u) == 1) {
			add(x, &u);
			continue;
		}
		utx_skip(&rest);
		buf_add(&x->records, str_of((const char *)zeroes, utmp_size(UTMP_LINUX64_LE)));
	}
	rc = buf_ok(&x->records) ? file_write_all(x->out, buf_str(&x->records)) : -ENOMEM;
	buf_reset(&x->records);
	if (rest.n > 0)
		memmove(x->held.p, rest.p, rest.n);
	x->held.n = rest.n;
	return rc;
}

static int
expand(struct expanding *x)
{
	ssize_t n = 1;
	int rc = 0;

	while (rc == 0 && n > 0) {
		if (!buf_reserve(&x->held, READ_BYTES))
			return -ENOMEM;
		n = file_read_at(x->in, x->held.p + x->held.n, READ_BYTES, x->at);
		if (n < 0)
			return (int)n;
		x->held.n += (size_t)n;
		x->at += (uint64_t)n;
		rc = convert(x, n == 0);
	}
	return rc;
}

int
account_utx_expand(int fd, int *ret_fd)
{
	struct expanding *x = calloc(1, sizeof(*x));
	int out = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600), rc = x && out >= 0 ? 0 : -errno;

	if (rc == 0) {
		x->in = fd;
		x->out = out;
		x->held = BUF_INIT(4 * READ_BYTES);
		/* The shortest record is 6 bytes, what it becomes 400. */
		x->records = BUF_INIT((size_t)4 * READ_BYTES / 6 * UTMP_SIZE_MAX);
		rc = expand(x);
		buf_free(&x->held);
		buf_free(&x->records);
	}
	free(x);
	if (rc < 0)
		fd_close(&out);
	else
		*ret_fd = out;
	return rc;
}
