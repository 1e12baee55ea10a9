/*
 * watch_tell: incidents to the journal, to those who watch, and to the responses. Must never tell
 * the same thing twice: what was told since the saved state is known from the journal itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "role/watching.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "watch/incident_json.h"

#define JSON_MAX (MSG_MAX - 64)
#define JSON_ROOM 4096                 /* kept for one more quoted line and the end */
#define RECALL_MAX (UINT64_C(64) << 20)       /* of the journal's end, when the state does not say where to begin */
#define RECALL_CHUNK (1u << 20)               /* longer than any line */

static void
add_place(void *ctx, const struct proof *p, struct buf *out)
{
	const struct watching *w = ctx;
	uint32_t i = ref_stream(p->ref);
	struct str text;

	buf_add(out, STR("\"file\":"));
	buf_add_json(out, i < w->streams.n ? str_head(w->streams.v[i]->decl.name, 1024) : STR("?"));
	if (i < w->streams.n && !w->streams.v[i]->lines_unknown)
		buf_addf(out, ",\"line\":%llu", (unsigned long long)ref_seq(p->ref));
	if (quotes_get(w->quotes, p->ref, &text))
		incident_json_text(out, "text", text);
}

void
watching_incident_json(struct watching *w, const struct incident *i, enum incident_change change,
    struct buf *out)
{
	const struct incident_words words = {
		.has_change = true,
		.change = change,
		.site = w->role->config->site,
		.room = JSON_ROOM,
		.ctx = w,
		.place = add_place,
	};

	incident_json(w->rules, i, &words, out);
}

/*
 * The same incident in the same state has the same key, whether it is told now or was before a
 * restart.
 */
static void
told_key(
    const struct watching *w, const struct incident *i, enum incident_change change, char dst[17])
{
	const struct str texts[] = { str_z(rule_name(w->rules, i->rule)), i->src, i->user, i->host,
		i->dst };
	uint64_t h = hash_mix((uint64_t)change, (uint64_t)i->first_us);

	for (size_t k = 0; k < ARRAY_LEN(texts); k++)
		h = hash_mix(h, hash_bytes(texts[k], 0));
	h = hash_mix(h, i->worsened);
	for (int k = 0; k < 16; k++, h >>= 4)
		dst[k] = "0123456789abcdef"[h & 15];
	dst[16] = '\0';
}

static struct told *
told_row(const struct watching *w, const char *key)
{
	uint32_t i = w->told_pending ? strmap_get(&w->told, str_z(key)) : STRMAP_NONE;

	return i == STRMAP_NONE ? NULL : &w->told_rows[i];
}

/* Met again: the same key later is another change of an incident that began at the same time. */
static bool
was_told(struct watching *w, const char *key)
{
	struct told *row = told_row(w, key);

	if (!row || row->met)
		return false;
	row->met = true;
	w->told_pending--;
	return true;
}

/* What is understood anew after a restart goes on under the id that the journal has for it. */
uint64_t
watching_told_as(void *ctx, const struct incident *i, enum incident_change change)
{
	const struct watching *w = ctx;
	const struct told *row;
	char key[17];

	told_key(w, i, change, key);
	row = told_row(w, key);
	return row && !row->met ? row->id : 0;
}

uint64_t
watching_journal_mark(const struct watching *w)
{
	return w->told_pending ? w->told_from : w->journal_bytes;
}

static void
tell_watchers(
    struct watching *w, const struct incident *i, enum incident_change change, struct str json)
{
	struct msg m = {
		.type = MSG_incident,
		.fd = -1,
		.incident = { .change = (uint8_t)change,
		    .severity = (uint8_t)i->severity,
		    .json = json },
	};

	if (w->role->control && chan_send(w->role->control, &m) < 0)
		log_say(&w->role->log, LOG_LEVEL_WARNING,
		    "the supervisor does not take incidents: it was not told of one");
}

static void
write_journal(struct watching *w, struct str line)
{
	int r = file_write_all(w->journal, line);

	if (r == 0) {
		w->journal_bytes += line.n;
		return;
	}
	w->journal_lost++;
	log_say(&w->role->log, LOG_LEVEL_ERROR, "cannot write incidents.jsonl: %s", strerror(-r));
}

void
watching_tell(void *ctx, const struct incident *i, enum incident_change change)
{
	struct watching *w = ctx;
	struct buf json = BUF_INIT(JSON_MAX);
	char key[17];

	if (change == INCIDENT_GREW)
		return;
	told_key(w, i, change, key);
	if (was_told(w, key)) {
		w->suppressed++;
		return;
	}
	w->incidents += change == INCIDENT_OPENED;
	w->dirty++;
	watching_incident_json(w, i, change, &json);
	buf_addf(&json, ",\"key\":\"%s\"}\n", key);
	if (buf_ok(&json)) {
		/* First to those who watch: they wait, the file does not. */
		tell_watchers(w, i, change, str_head(buf_str(&json), json.n - 1));
		write_journal(w, buf_str(&json));
	}
	buf_free(&json);
	acting_answer(w, i, change);
}

int
watching_journal_open(struct watching *w)
{
	char path[PATH_MAX];
	struct stat st;
	int r = file_path(path, sizeof(path), w->role->config->state_dir.p, "incidents.jsonl");

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

static uint64_t
line_id(struct str line)
{
	struct str rest = str_from(line, str_find(line, STR(",\"id\":")) + 6), digits = rest;
	uint64_t id;

	digits.n = str_find_byte(rest, ',');
	return text_u64(digits, &id) < 0 ? 0 : id;
}

static int
add_told(struct watching *w, struct str key, uint64_t id)
{
	struct told *rows;

	if (strmap_get(&w->told, key) != STRMAP_NONE)
		return 0;
	key = arena_str(&w->told_keys, key);
	rows = reallocarray(w->told_rows, w->ntold + 1, sizeof(*rows));
	if (rows)
		w->told_rows = rows;
	if (!key.p || !rows)
		return -ENOMEM;
	rows[w->ntold] = (struct told){ .id = id };
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
	return at < w->told_from || key.n != 16 ? 0 : add_told(w, key, id);
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

int
watching_journal_recall(struct watching *w, uint64_t from)
{
	uint64_t at = from;
	char path[PATH_MAX];
	int r = file_path(path, sizeof(path), w->role->config->state_dir.p, "incidents.jsonl");

	if (w->told_pending == 0)
		w->told_from = from < w->journal_bytes ? from : w->journal_bytes;
	if (from == JOURNAL_UNKNOWN)
		at = w->journal_bytes > RECALL_MAX ? w->journal_bytes - RECALL_MAX : 0;
	if (r < 0 || at >= w->journal_bytes)
		return r;
	char *text = malloc(RECALL_CHUNK);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || !text)
		r = text ? -errno : -ENOMEM;
	while (r == 0 && at < w->journal_bytes) {
		ssize_t got = file_read_at(fd, text, RECALL_CHUNK, at);
		if (got <= 0) {
			r = (int)got;
			break;
		}
		r = recall_piece(w, str_of(text, (size_t)got), &at);
	}
	fd_close(&fd);
	free(text);
	return r;
}
