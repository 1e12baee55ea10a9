/* integrity_show: see integrity_show.h. */
#include "console/accounts/integrity_show.h"

#include "console/i18n.h"

static void
show_between(struct account_show *s, const struct integrity_finding *f)
{
	struct buf *out = &s->out;

	if (f->after_us != WHEN_NONE && f->before_us != WHEN_NONE)
		buf_add(out, str_z(_(", between ")));
	else if (f->after_us != WHEN_NONE)
		buf_add(out, str_z(_(", after ")));
	else if (f->before_us != WHEN_NONE)
		buf_add(out, str_z(_(", before ")));
	if (f->after_us != WHEN_NONE)
		account_show_time(s, f->after_us);
	if (f->after_us != WHEN_NONE && f->before_us != WHEN_NONE)
		buf_add(out, str_z(_(" and ")));
	if (f->before_us != WHEN_NONE)
		account_show_time(s, f->before_us);
}

static void
show_finding(struct account_show *s, const char *path, const struct integrity_finding *f)
{
	struct buf *out = &s->out;

	buf_addf(out, "%-9s", integrity_surety_name(f->surety));
	buf_add_escaped(out, str_z(path ? path : "-"));
	if (f->record > 0)
		buf_addf(out, _(" record %llu"), (unsigned long long)f->record);
	if (f->count > 1)
		buf_addf(out, _(" (%llu records)"), (unsigned long long)f->count);
	show_between(s, f);
	if (f->user.n > 0 || f->tty.n > 0) {
		buf_add(out, STR(", "));
		buf_add_escaped(out, f->user);
		buf_add(out, f->user.n && f->tty.n ? STR(" on ") : STR_NULL);
		buf_add_escaped(out, f->tty);
	}
	buf_addf(out, ": %s", _(integrity_say(f->what)));
	if (f->note.n > 0) {
		buf_add(out, STR(" ("));
		buf_add_escaped(out, f->note);
		buf_add_byte(out, ')');
	}
	buf_add_byte(out, '\n');
}

static void
json_finding(struct account_show *s, const char *path, const struct integrity_finding *f)
{
	buf_addf(&s->out, "{\"type\":\"finding\",\"what\":\"%s\",\"surety\":\"%s\"", integrity_name(f->what),
	    integrity_surety_name(f->surety));
	account_json_text(s, "file", str_z(path));
	if (f->record > 0)
		account_json_number(s, "record", (int64_t)f->record);
	if (f->count > 0)
		account_json_number(s, "count", (int64_t)f->count);
	account_json_time(s, "after", f->after_us);
	account_json_time(s, "before", f->before_us);
	account_json_text(s, "user", f->user);
	account_json_text(s, "tty", f->tty);
	account_json_text(s, "note", f->note);
	account_json_text(s, "say", str_z(integrity_say(f->what)));
	buf_add(&s->out, STR("}\n"));
}

void
integrity_show(struct account_show *s, const char *path, const struct integrity_finding *f)
{
	if (s->o->json)
		json_finding(s, path, f);
	else
		show_finding(s, path, f);
	account_show_flush(s);
}
