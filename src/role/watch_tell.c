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

#define JSON_MAX (MSG_MAX - 64)
#define JSON_ROOM 4096                 /* kept for one more quoted line and the end */
enum { TOLD_MET, TOLD_PENDING };
#define RECALL_MAX (64u << 20)

static const char *const change_names[] = {
	[INCIDENT_OPENED] = "opened",
	[INCIDENT_WORSE] = "worse",
	[INCIDENT_GREW] = "grew",
	[INCIDENT_CLOSED] = "closed",
	[INCIDENT_MERGED] = "merged",
};

static void
add_text(struct buf *out, const char *name, struct str value)
{
	if (!value.n)
		return;
	buf_addf(out, ",\"%s\":", name);
	buf_add_json(out, str_head(value, 1024));
}

static void
add_time(struct buf *out, const char *name, int64_t us)
{
	char text[40];

	if (us != WHEN_NONE)
		buf_addf(out, ",\"%s\":\"%.*s\"", name, (int)when_show(us, 0, text), text);
}

static void
add_attack(const struct watching *w, const struct incident *i, struct buf *out)
{
	struct str ids = rule_attack(w->rules, i->rule), id;
	const char *sep = "";

	buf_add(out, STR(",\"attack\":["));
	while (str_word(&ids, &id)) {
		buf_addf(out, "%s", sep);
		buf_add_json(out, id);
		sep = ",";
	}
	buf_add_byte(out, ']');
}

static void
add_proof(const struct watching *w, const struct proof *p, const char *sep, struct buf *out)
{
	uint32_t i = ref_stream(p->ref);
	struct str text;

	buf_addf(out, "%s{\"file\":", sep);
	buf_add_json(out, i < w->streams.n ? str_head(w->streams.v[i]->decl.name, 1024) : STR("?"));
	if (i < w->streams.n && !w->streams.v[i]->lines_unknown)
		buf_addf(out, ",\"line\":%llu", (unsigned long long)ref_seq(p->ref));
	if (quotes_get(w->quotes, p->ref, &text))
		add_text(out, "text", text);
	if (p->context)
		buf_add(out, STR(",\"context\":true"));
	buf_add_byte(out, '}');
}

static void
add_proofs(const struct watching *w, const struct incident *i, struct buf *out)
{
	size_t k;

	buf_add(out, STR(",\"lines\":["));
	for (k = 0; k < i->nproofs && out->n + JSON_ROOM < out->max; k++)
		add_proof(w, &i->proofs[k], k ? "," : "", out);
	buf_add_byte(out, ']');
	uint64_t cut = i->proofs_cut + (i->nproofs - k);
	if (cut)
		buf_addf(out, ",\"lines_cut\":%llu", (unsigned long long)cut);
}

void
incident_json(const struct watching *w, const struct incident *i, enum incident_change change,
    struct buf *out)
{
	buf_addf(out, "{\"type\":\"incident\",\"change\":\"%s\",\"id\":%llu,\"incident\":",
	    change_names[change], (unsigned long long)i->id);
	buf_add_json(out, kinds_row(w->rules->kinds, i->kind)->name);
	buf_addf(out, ",\"severity\":\"%s\"", severity_name(i->severity));
	if (change == INCIDENT_MERGED)
		buf_addf(out, ",\"into\":%llu", (unsigned long long)i->into);
	add_text(out, "src", i->src);
	add_text(out, "user", i->user);
	add_text(out, "host", i->host);
	add_text(out, "program", i->program);
	add_text(out, "service", i->service);
	add_text(out, "dst", i->dst);
	add_text(out, "dst_port", i->dst_port);
	add_time(out, "first", i->first_us);
	add_time(out, "last", i->last_us);
	buf_addf(out, ",\"count\":%llu", (unsigned long long)i->count);
	add_text(out, "rule", str_z(rule_name(w->rules, i->rule)));
	add_text(out, "why", i->why);
	add_attack(w, i, out);
	add_text(out, "site", w->role->config->site);
	add_proofs(w, i, out);
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

static bool
was_told(struct watching *w, const char *key)
{
	uint32_t state = w->told_pending ? strmap_get(&w->told, str_z(key)) : STRMAP_NONE;

	if (state != TOLD_PENDING)
		return false;
	/*
	 * Met again: the same key later is another change of an incident that began at the same
	 * time.
	 */
	if (strmap_put(&w->told, str_z(key), TOLD_MET) < 0)
		return true;
	w->told_pending--;
	return true;
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
	incident_json(w, i, change, &json);
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

static int
recall_line(struct watching *w, struct str line)
{
	size_t at = str_rfind(line, STR(",\"key\":\""));
	struct str key = str_head(str_from(line, at + 8), 16);

	if (key.n != 16)
		return 0;
	if (strmap_get(&w->told, key) != STRMAP_NONE)
		return 0;
	key = arena_str(&w->told_keys, key);
	if (!key.p)
		return -ENOMEM;
	w->told_pending++;
	return strmap_put(&w->told, key, TOLD_PENDING);
}

int
watching_journal_recall(struct watching *w, uint64_t from)
{
	char path[PATH_MAX];
	int r = file_path(path, sizeof(path), w->role->config->state_dir.p, "incidents.jsonl");

	if (r < 0 || from >= w->journal_bytes)
		return r;
	w->told_from = from;
	size_t n = (size_t)(w->journal_bytes - from);
	if (n > RECALL_MAX)
		n = RECALL_MAX;
	char *text = malloc(n);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 || !text ? -EIO : file_read_at(fd, text, n, w->journal_bytes - n);
	struct str rest = str_of(text, got > 0 ? (size_t)got : 0), line;
	while (r == 0 && str_split(&rest, '\n', &line))
		r = recall_line(w, line);
	fd_close(&fd);
	free(text);
	return got < 0 ? (int)got : r;
}
