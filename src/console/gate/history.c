/* history: see history.h. Must never write a file in place. */
#include "console/gate/history.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "sys/clock.h"
#include "sys/file.h"

#define BOOK "book"
#define LOCK "lock"
#define CONNECTIONS "connections"
#define CONNECTIONS_MAX (4u << 20)

static int
take_lock(struct history *h)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char path[PATH_MAX];
	int r;

	if (mkdir(h->dir, 0700) < 0 && errno != EEXIST)
		return -errno;
	r = file_path(path, sizeof(path), h->dir, LOCK);
	if (r < 0)
		return r;
	h->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (h->lock < 0)
		return -errno;
	/* Of the open file, so that it goes with the last process that holds it, however that ends. */
	while (fcntl(h->lock, F_OFD_SETLKW, &whole) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return 0;
}

static int
read_book(struct history *h)
{
	struct buf text = BUF_INIT(CHANGE_BOOK_MAX);
	char path[PATH_MAX];
	int r = file_path(path, sizeof(path), h->dir, BOOK);

	if (r == 0)
		r = file_read(path, &text);
	h->there = r == 0;
	/* Also of an empty book the memory must be set up. */
	if (r == 0 || r == -ENOENT || r == -ENOTDIR)
		r = change_parse(&h->book, &h->arena, buf_str(&text));
	buf_free(&text);
	return r;
}

int
history_open(struct history *h, const char *config, enum history_use use)
{
	int r;

	*h = (struct history){ .lock = -1 };
	if (snprintf(h->config, sizeof(h->config), "%s", config) >= (int)sizeof(h->config) ||
	    snprintf(h->dir, sizeof(h->dir), "%s.history", config) >= (int)sizeof(h->dir))
		return -ENAMETOOLONG;
	r = machine_boot_id(h->boot_id);
	if (r == 0 && use == HISTORY_CHANGE)
		r = take_lock(h);
	return r < 0 ? r : read_book(h);
}

void
history_close(struct history *h)
{
	fd_close(&h->lock);
	arena_free(&h->arena);
}

struct change_now
history_now(struct history *h)
{
	return (struct change_now){
		.wall_us = clock_wall_us(), .boot_us = clock_boot_us(), .boot_id = str_z(h->boot_id)
	};
}

int
history_path(const struct history *h, uint32_t number, char *dst, size_t size)
{
	return snprintf(dst, size, "%s/%u", h->dir, number) >= (int)size ? -ENAMETOOLONG : 0;
}

/* Under the lock, so no other generation is on its way into the book. */
static void
remove_forgotten(const struct history *h)
{
	DIR *dir = opendir(h->dir);
	struct dirent *e;
	uint64_t number;

	while (dir && (e = readdir(dir))) {
		if (text_u64(str_z(e->d_name), &number) == 0 && number <= UINT32_MAX &&
		    !change_of(&h->book, (uint32_t)number))
			unlinkat(dirfd(dir), e->d_name, 0);
	}
	if (dir)
		closedir(dir);
}

int
history_save(struct history *h)
{
	struct buf text = BUF_INIT(CHANGE_BOOK_MAX);
	char path[PATH_MAX];
	int r = file_path(path, sizeof(path), h->dir, BOOK);

	change_write(&h->book, &text);
	if (r == 0)
		r = buf_ok(&text) ? file_replace(path, buf_str(&text), 0600, true) : -ENOMEM;
	buf_free(&text);
	if (r == 0)
		remove_forgotten(h);
	return r;
}

int
history_keep(struct history *h, uint32_t number, struct str bundle)
{
	char path[PATH_MAX];
	int r = history_path(h, number, path, sizeof(path));

	return r < 0 ? r : file_replace(path, bundle, 0600, true);
}

int
history_keep_connections(struct history *h, struct str connections)
{
	char path[PATH_MAX];
	int r = file_path(path, sizeof(path), h->dir, CONNECTIONS);

	return r < 0 ? r : file_replace(path, connections, 0600, true);
}

int
history_connections(const struct history *h, struct buf *out)
{
	char path[PATH_MAX];
	int r = file_path(path, sizeof(path), h->dir, CONNECTIONS);

	return r < 0 ? r : file_read(path, out);
}

int
history_drop_waiting(const char *config, struct str why)
{
	struct history h;
	int r = history_open(&h, config, HISTORY_LOOK);
	bool waiting = r == 0 && h.book.pending;

	history_close(&h);
	if (!waiting)
		return r;
	r = history_open(&h, config, HISTORY_CHANGE);
	if (r == 0) {
		struct change_now now = history_now(&h);

		if (change_settle(&h.book, &now) || change_roll_back(&h.book, &now, why) == 0)
			r = history_save(&h);
	}
	history_close(&h);
	return r < 0 ? r : 1;
}

int
history_runs(const char *config, enum history_moment moment, char *dst, size_t size)
{
	struct history h;
	int r = history_open(&h, config, HISTORY_LOOK);
	uint32_t number = 0;

	if (r == 0 && h.there) {
		struct change_now now = history_now(&h);

		number = moment == HISTORY_START ? h.book.boots : change_runs(&h.book, &now);
	}
	if (r == 0 && number)
		r = history_path(&h, number, dst, size);
	else if (r == 0 && snprintf(dst, size, "%s", config) >= (int)size)
		r = -ENAMETOOLONG;
	history_close(&h);
	return r;
}
