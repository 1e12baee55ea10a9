/*
 * guaritad_record: what the supervisor does and is told to do, as lines for the vault: services that come and go, configurations
 * that are taken or refused, changes of a gate and what became of them, and every wish at the control socket with who had it.
 * While vaultd does not run they wait. Must never wait itself.
 */
#include <stdio.h>

#include "console/gate/history.h"
#include "main/guaritad.h"

#define HELD_MAX (256u << 10)          /* bytes of lines that wait for vaultd */
#define RECORD_MAX 4096u

static struct unit *
vaultd(struct guaritad *g)
{
	for (size_t i = 0; i < g->nunits; i++)
		if (g->units[i].row->peer == MSG_VAULTD)
			return &g->units[i];
	return NULL;
}

static bool
send_line(struct unit *u, struct str line)
{
	struct msg m = { .type = MSG_seal, .fd = -1, .seal.line = line };

	return chan_send(u->chan, &m) == 0;
}

void
guaritad_flush_records(struct guaritad *g)
{
	struct unit *u = vaultd(g);
	struct str rest = buf_str(&g->records), line;
	char lost[80];

	if (!u || u->state != UNIT_RUNNING || !u->chan)
		return;
	if (g->records_lost > 0) {
		int n = snprintf(lost, sizeof(lost), "records.lost lines=%llu", (unsigned long long)g->records_lost);
		g->records_lost = send_line(u, str_of(lost, (size_t)n)) ? 0 : g->records_lost;
	}
	while (str_split(&rest, '\n', &line))
		if (!send_line(u, line))
			g->records_lost++;
	buf_reset(&g->records);
}

void
guaritad_record(struct guaritad *g, const char *fmt, ...)
{
	struct buf line = BUF_INIT(RECORD_MAX);
	va_list ap;

	/* Before the configuration is read it is not known whether there is a vault. */
	if (g->file.config && !g->file.config->vault)
		return;
	va_start(ap, fmt);
	buf_vaddf(&line, fmt, ap);
	va_end(ap);
	if (!buf_ok(&line) || g->records.n + line.n + 1 > HELD_MAX) {
		g->records_lost++;
	} else {
		g->records.max = HELD_MAX;
		buf_add(&g->records, buf_str(&line));
		buf_add_byte(&g->records, '\n');
	}
	buf_free(&line);
	guaritad_flush_records(g);
}

void
guaritad_record_unit(struct guaritad *g, const struct unit *u)
{
	if (u->state == UNIT_RUNNING)
		guaritad_record(g, "service.started role=%s pid=%d", u->row->name, unit_pid(u));
	else if (u->state == UNIT_WAITING)
		guaritad_record(g, "service.died role=%s crashes=%llu", u->row->name, (unsigned long long)u->history.crashes);
	else if (u->state == UNIT_PARKED)
		guaritad_record(g, "service.parked role=%s crashes=%llu", u->row->name, (unsigned long long)u->history.crashes);
	else if (u->state == UNIT_STOPPED)
		guaritad_record(g, "service.stopped role=%s", u->row->name);
}

/* The whole line as it was sent, quoted: what it means is known to whoever carries it out. */
void
guaritad_record_wish(struct guaritad *g, const struct sock_peer *by, bool may, struct str line)
{
	struct buf quoted = BUF_INIT(RECORD_MAX / 2);
	char login[32] = "none";

	if (by->logged_in)
		snprintf(login, sizeof(login), "%u", by->login_uid);
	buf_add_json(&quoted, line);
	guaritad_record(g, "operator.%s uid=%u login=%s pid=%d what=%s", may ? "order" : "refused", by->uid, login, by->pid,
	    buf_cstr(&quoted));
	buf_free(&quoted);
}

static void
tell_change(struct guaritad *g, const struct change *c)
{
	struct buf text = BUF_INIT(RECORD_MAX / 2);

	buf_addf(&text, "config.change number=%u fate=\"%s\" hash=%s who=", c->number, change_fate_name(c->fate), c->hash);
	buf_add_json(&text, c->who);
	buf_add(&text, STR(" from="));
	buf_add_json(&text, c->from);
	buf_add(&text, STR(" why="));
	buf_add_json(&text, c->why);
	if (buf_ok(&text))
		guaritad_record(g, "%s", buf_cstr(&text));
	buf_free(&text);
}

/* Those of the book that were not told yet as they stand; those of before our start were told then. */
void
guaritad_record_changes(struct guaritad *g)
{
	struct history h;

	if (history_open(&h, g->config_path, HISTORY_LOOK) == 0) {
		for (uint32_t i = 0; i < h.book.nchanges; i++) {
			const struct change *c = &h.book.changes[i];
			bool ends = c->fate != CHANGE_PENDING;
			bool known = c->number < g->change_told || (c->number == g->change_told && (!ends || g->change_end_told));

			if (known)
				continue;
			g->change_told = c->number;
			g->change_end_told = ends;
			if (g->changes_known)
				tell_change(g, c);
		}
	}
	g->changes_known = true;
	history_close(&h);
}
