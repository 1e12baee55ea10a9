/* candidate: see candidate.h. Must never show a plan for other bytes than those that would be applied. */
#include "console/gate/candidate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "console/config_file.h"
#include "console/gate/diff.h"
#include "console/i18n.h"
#include "console/masked.h"
#include "console/term.h"

int
loaded_read(struct loaded *l, const char *path)
{
	struct buf text = BUF_INIT(4u << 20);
	int rc;

	*l = (struct loaded){ .diags = diags_new(), .bundle = BUF_INIT(BUNDLE_MAX) };
	rc = l->diags ? config_file_bundle(&l->arena, l->diags, path, &l->config, &l->bundle) : -ENOMEM;
	if (l->diags && diags_errors(l->diags) > 0) {
		diags_show(l->diags, &text);
		(void)out_write(stderr, buf_str(&text));
	}
	buf_free(&text);
	if (rc < 0) {
		complain(_("guarita: %s cannot be used: %s\n"), path, rc == -EINVAL ? _("see above") : strerror(-rc));
		return rc;
	}
	config_hash(buf_str(&l->bundle), l->hash);
	return 0;
}

void
loaded_free(struct loaded *l)
{
	diags_free(l->diags);
	buf_free(&l->bundle);
	arena_free(&l->arena);
}

void
loaded_text(const struct loaded *l, struct buf *out)
{
	struct arena a = { 0 };
	struct bundle b;

	if (bundle_parse(&b, &a, buf_str(&l->bundle)) == 0) {
		for (uint32_t i = 0; i < b.nfiles; i++) {
			if (b.nfiles > 1)
				buf_addf(out, "%s# %.*s\n", i ? "\n" : "", STR_FMT(b.files[i].name));
			masked_text(l->config, b.files[i].text, out);
		}
	}
	arena_free(&a);
}

char *
candidate_path(const struct options *o)
{
	const char *path = o->config ? o->config : CONFIG_DEFAULT;
	char *real = realpath(path, NULL);

	if (!real)
		complain(_("guarita: %s: %s\nSay which configuration with --config PATH.\n"), path, strerror(errno));
	return real;
}

char *
candidate_path_if_any(const struct options *o)
{
	return !o->config && access(CONFIG_DEFAULT, F_OK) < 0 ? NULL : candidate_path(o);
}

static int
nothing_held(const char *path)
{
	complain(_("guarita: nothing is held for %s yet, so there is nothing to go back to.\n"
		   "Start Guarita with it once (guarita run, or the service): that becomes the first generation.\n"), path);
	return -ENOENT;
}

int
candidate_open(struct candidate *c, const struct history *h, const char *path)
{
	char held[PATH_MAX];
	int rc = -ENOENT;

	*c = (struct candidate){ .path = path, .base = h->book.boots };
	if (!h->book.boots)
		return nothing_held(path);
	rc = history_path(h, c->base, held, sizeof(held));
	if (rc == 0)
		rc = loaded_read(&c->old, held);
	if (rc == 0)
		rc = loaded_read(&c->new, path);
	if (rc == 0) {
		char both[2 * CHANGE_HASH_HEX + 2], whole[CHANGE_HASH_HEX + 1];

		snprintf(both, sizeof(both), "%s %s", c->old.hash, c->new.hash);
		config_hash(str_z(both), whole);
		memcpy(c->plan, whole, PLAN_HEX);
	}
	return rc;
}

void
candidate_close(struct candidate *c)
{
	loaded_free(&c->old);
	loaded_free(&c->new);
}

bool
candidate_same(const struct candidate *c)
{
	return strcmp(c->old.hash, c->new.hash) == 0;
}

/* Differences with their surroundings. */

struct showing {
	struct term term;
	struct buf out;
	struct str before[AROUND_MAX];     /* the last equal lines, not yet shown */
	size_t nbefore, after, around, changed, skipped;
};

static void
show_line(struct showing *s, enum ink ink, char sign, struct str line)
{
	struct buf safe = BUF_INIT(1u << 20);

	/* Tabs are ours to show; every other control byte is foreign. */
	for (struct str rest = line, part; str_split(&rest, '\t', &part);) {
		buf_add_escaped(&safe, part);
		if (rest.n > 0 || part.p + part.n < line.p + line.n)
			buf_add(&safe, STR("    "));
	}
	term_ink(&s->term, &s->out, ink, "%c %s", sign, buf_cstr(&safe));
	buf_add_byte(&s->out, '\n');
	buf_free(&safe);
}

static void
flush_before(struct showing *s)
{
	if (s->skipped > 0 && s->changed > 0)
		term_ink(&s->term, &s->out, INK_DIM, "  ...\n");
	for (size_t i = 0; i < s->nbefore; i++)
		show_line(s, INK_PLAIN, ' ', s->before[i]);
	s->nbefore = s->skipped = 0;
}

static void
take_line(void *ctx, enum diff_is is, struct str line)
{
	struct showing *s = ctx;

	if (is != DIFF_SAME) {
		flush_before(s);
		show_line(s, is == DIFF_GONE ? INK_RED : INK_GREEN, is == DIFF_GONE ? '-' : '+', line);
		s->changed++;
		s->after = s->around;
	} else if (s->after > 0) {
		show_line(s, INK_PLAIN, ' ', line);
		s->after--;
	} else {
		if (s->nbefore == s->around && s->nbefore > 0) {
			memmove(s->before, s->before + 1, (s->nbefore - 1) * sizeof(s->before[0]));
			s->nbefore--;
			s->skipped++;
		}
		if (s->around > 0)
			s->before[s->nbefore++] = line;
	}
}

size_t
show_differences(const struct options *o, struct str old, struct str new, unsigned around)
{
	struct showing s = { .out = BUF_INIT(64u << 20), .around = around < AROUND_MAX ? around : AROUND_MAX };

	term_init(&s.term, stdout, o->plain);
	if (diff_lines(old, new, take_line, &s) < 0)
		complain(_("guarita: no memory to compare\n"));
	term_flush(&s.term, &s.out);
	buf_free(&s.out);
	return s.changed;
}
