/*
 * journal: incidents.jsonl, and what is known of it after a restart: which ids are given, and what was told behind
 * the saved state. Must never write anything but whole lines.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "role/watch/watchd.h"
#include "sys/file.h"

#define RECALL_MAX (UINT64_C(64) << 20)       /* of the journal's end, when the state does not say where to begin */
#define RECALL_CHUNK (1u << 20)               /* longer than any line */

static int
journal_path(const struct watching *w, char path[PATH_MAX])
{
	return file_path(path, PATH_MAX, w->role->config->state_dir.p, "incidents.jsonl");
}

int
journal_open(struct watching *w)
{
	char path[PATH_MAX];
	struct stat st;
	int r = journal_path(w, path);

	if (r == 0)
		r = role_open_append(w->role, path, 0640);
	if (r < 0)
		return r;
	w->journal = r;
	if (fstat(w->journal, &st) < 0)
		return -errno;
	w->journal_bytes = (uint64_t)st.st_size;
	return 0;
}

void
journal_write(struct watching *w, struct str line)
{
	int r = file_write_all(w->journal, line);

	if (r == 0) {
		w->journal_bytes += line.n;
		return;
	}
	w->journal_lost++;
	log_say(&w->role->log, LOG_LEVEL_ERROR, "cannot write incidents.jsonl: %s", strerror(-r));
}

uint64_t
journal_mark(const struct watching *w)
{
	return w->told_pending ? w->told_from : w->journal_bytes;
}

static struct told *
told_row(const struct watching *w, const char *key)
{
	uint32_t i = w->told_pending ? strmap_get(&w->told, str_z(key)) : STRMAP_NONE;

	return i == STRMAP_NONE || w->told_rows[i].met ? NULL : &w->told_rows[i];
}

uint64_t
journal_told_id(const struct watching *w, const char *key)
{
	const struct told *row = told_row(w, key);

	return row ? row->id : 0;
}

static void
meet(struct watching *w, struct told *row)
{
	row->met = true;
	w->told_pending--;
}

/* Once: the same key later is another change of an incident that began at the same time. */
bool
journal_was_told(struct watching *w, const char *key)
{
	struct told *row = told_row(w, key);

	if (row)
		meet(w, row);
	return row != NULL;
}

static bool
is_over(const struct watching *w, uint64_t id)
{
	for (uint32_t i = 0; i < w->ntold; i++) {
		if (w->told_rows[i].id == id && w->told_rows[i].ends)
			return true;
	}
	return false;
}

bool
journal_next_unmet(struct watching *w, uint64_t *ret_id)
{
	for (uint32_t i = 0; w->told_pending && i < w->ntold; i++) {
		struct told *row = &w->told_rows[i];

		if (row->met)
			continue;
		meet(w, row);
		if (row->opens && !is_over(w, row->id) && !correlate_is_open(w->engine, row->id)) {
			*ret_id = row->id;
			return true;
		}
	}
	return false;
}

/* Reading it again. */

static uint64_t
line_id(struct str line)
{
	struct str rest = str_from(line, str_find(line, STR(",\"id\":")) + 6), digits = rest;
	uint64_t id;

	digits.n = str_find_byte(rest, ',');
	return text_u64(digits, &id) < 0 ? 0 : id;
}

static int
add_told(struct watching *w, struct str key, uint64_t id, struct str line)
{
	struct str change = str_from(line, str_find(line, STR(",\"change\":\"")) + 11);
	struct told *rows;

	if (strmap_get(&w->told, key) != STRMAP_NONE)
		return 0;
	key = arena_str(&w->told_keys, key);
	rows = reallocarray(w->told_rows, w->ntold + 1, sizeof(*rows));
	if (rows)
		w->told_rows = rows;
	if (!key.p || !rows)
		return -ENOMEM;
	rows[w->ntold] = (struct told){
		.id = id,
		.opens = str_starts(change, STR("opened\"")),
		.ends = str_starts(change, STR("closed\"")) || str_starts(change, STR("merged\"")) ||
		    str_starts(change, STR("withdrawn\"")),
	};
	w->told_pending++;
	return strmap_put(&w->told, key, w->ntold++);
}

/* `at`: where in the journal the line begins. */
static int
recall_line(struct watching *w, struct str line, uint64_t at)
{
	struct str key = str_head(str_from(line, str_rfind(line, STR(",\"key\":\"")) + 8), 16);
	uint64_t id = line_id(line);

	if (id > w->last_id)
		w->last_id = id;
	return at < w->told_from || key.n != 16 ? 0 : add_told(w, key, id, line);
}

/* Whole lines of one piece of the journal; moves *at behind them. */
static int
recall_piece(struct watching *w, struct str piece, uint64_t *at)
{
	size_t end = str_rfind(piece, STR("\n"));
	struct str rest = str_head(piece, end), line;
	uint64_t from = *at;
	int r = 0;

	if (end >= piece.n) {
		*at += piece.n;
		return 0;
	}
	while (r == 0 && str_split(&rest, '\n', &line))
		r = recall_line(w, line, from + (uint64_t)(line.p - piece.p));
	*at += end + 1;
	return r;
}

static int
recall_from(struct watching *w, const char *path, uint64_t at)
{
	char *text = malloc(RECALL_CHUNK);
	int fd = open(path, O_RDONLY | O_CLOEXEC), r = 0;

	if (fd < 0 || !text)
		r = text ? -errno : -ENOMEM;
	while (r == 0 && at < w->journal_bytes) {
		ssize_t got = file_read_at(fd, text, RECALL_CHUNK, at);

		r = got > 0 ? recall_piece(w, str_of(text, (size_t)got), &at) : (int)got;
		if (got <= 0)
			break;
	}
	fd_close(&fd);
	free(text);
	return r;
}

int
journal_recall(struct watching *w, uint64_t from)
{
	uint64_t at = from;
	char path[PATH_MAX];
	int r = journal_path(w, path);

	if (w->told_pending == 0)
		w->told_from = from < w->journal_bytes ? from : w->journal_bytes;
	if (from == JOURNAL_UNKNOWN)
		at = w->journal_bytes > RECALL_MAX ? w->journal_bytes - RECALL_MAX : 0;
	return r < 0 || at >= w->journal_bytes ? r : recall_from(w, path, at);
}
