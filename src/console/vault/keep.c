/*
 * keep: `guarita vault erase`, and what `guarita vault status` says of keeping: how much is there, what is gone, and
 * what goes next. Must never delete by itself: vaultd does, after the log has said so.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/text.h"
#include "base/when.h"
#include "console/i18n.h"
#include "console/operator.h"
#include "console/reply.h"
#include "console/term.h"
#include "console/vault/keep.h"
#include "sys/file.h"

static void
say_ordered(void *ctx, const struct reply *r)
{
	if (str_eq(reply_get(r, "type"), STR("ordered")))
		printf(_("Entry %llu will be erased within a minute or so; the order is entry %llu of the log and stays there.\n"
		    "All other proofs stay good. `guarita vault status` shows what is still to be done.\n"),
		    (unsigned long long)reply_number(r, "index"), (unsigned long long)reply_number(r, "record"));
}

int
command_vault_erase(const struct options *o)
{
	struct buf order = BUF_INIT(1000), reason = BUF_INIT(500);
	struct operator who;
	uint64_t index;

	if (text_u64(str_z(o->args[0]), &index) < 0) {
		complain(_("guarita: %s is not the number of an entry; `guarita log --json` and `guarita vault export` show numbers\n"),
		    o->args[0]);
		return EXIT_USAGE;
	}
	for (int i = 1; i < o->nargs; i++)
		buf_addf(&reason, "%s%s", i > 1 ? " " : "", o->args[i]);
	operator_find(&who);
	buf_addf(&order, "{\"cmd\":\"vault-erase\",\"index\":%llu,\"by\":", (unsigned long long)index);
	buf_add_json(&order, who.user[0] ? str_z(who.user) : STR("root"));
	buf_add(&order, STR(",\"reason\":"));
	buf_add_json(&order, buf_str(&reason));
	buf_add_byte(&order, '}');
	bool fits = buf_ok(&order) && buf_ok(&reason);
	if (!fits)
		complain(_("guarita: the reason is too long: 400 letters are enough for a reference to where it stands\n"));
	int code = fits ? reply_order(o, buf_str(&order), say_ordered, NULL) : EXIT_USAGE;
	buf_free(&order);
	buf_free(&reason);
	return code;
}

static void
say_rekeyed(void *ctx, const struct reply *r)
{
	if (!str_eq(reply_get(r, "type"), STR("rekeyed")))
		return;
	printf(_("The master key is a new one, all others are wrapped under it, and the old one is destroyed.\n"));
	if (!reply_true(r, "away"))
		printf(_("It lies in the vault, beside what it opens; `key file` or `key credential` in the vault's block puts it elsewhere.\n"));
}

int
command_vault_rekey(const struct options *o)
{
	return reply_order(o, STR("{\"cmd\":\"vault-rekey\"}"), say_rekeyed, NULL);
}

static const char *
span(int64_t us, char dst[64])
{
	return us ? text_show_duration(us, dst, 64) : _("for ever");
}

static void
show_rules(const struct conf_retention *c)
{
	char text[64];

	for (uint32_t i = 0; i < c->nkeeps; i++)
		printf("%s%.*s %s\n", i ? "           " : _("keeps      "), STR_FMT(c->keeps[i].what), span(c->keeps[i].for_us, text));
	printf(_("%sall others %s\n"), c->nkeeps ? "           " : _("keeps      "), span(c->others_us, text));
	if (c->size)
		printf(_("           at most %s\n"), text_show_size(c->size, text, sizeof(text)));
	for (uint32_t i = 0; i < c->nholds; i++) {
		struct str what = c->holds[i].what.n ? c->holds[i].what : str_z(_("every line"));
		printf(_("held       %.*s: %.*s\n"), STR_FMT(c->holds[i].name), STR_FMT(what));
	}
}

struct next {
	int64_t at_us;
	uint64_t first, end;
	struct str what;
	int64_t for_us;
};

static void
consider(struct next *n, const struct segment *s, struct str what, int64_t for_us, int64_t now_us)
{
	int64_t at = s->max_ns / 1000 + for_us;

	/* What was due before is gone, but for what is held. */
	if (!for_us || at <= now_us || (n->at_us && at >= n->at_us))
		return;
	*n = (struct next){ .at_us = at, .first = s->first_index, .end = s->first_index + s->rows, .what = what, .for_us = for_us };
}

static void
show_next(struct vault_dir *d, const struct conf_retention *c, int64_t now_us)
{
	struct next n = { .at_us = 0 };
	char when[40], text[64];

	for (size_t i = 0; i < d->nsegments; i++) {
		if (vault_dir_enter_segment(d, i) < 0)
			continue;
		for (uint32_t k = 0; k < c->nkeeps; k++)
			consider(&n, &d->reader.segment, c->keeps[k].what, c->keeps[k].for_us, now_us);
		consider(&n, &d->reader.segment, STR("others"), c->others_us, now_us);
	}
	if (!n.at_us)
		return;
	when[when_show(n.at_us / WHEN_SECOND * WHEN_SECOND, 0, when)] = '\0';
	printf(_("next       %s: of entries %llu-%llu those of \"%.*s %s\"\n"), when, (unsigned long long)n.first,
	    (unsigned long long)n.end - 1, STR_FMT(n.what), span(n.for_us, text));
}

static uint64_t
size_of(const struct vault_dir *d, const char *folder, const char *ending, const uint64_t *numbers, size_t n)
{
	char path[PATH_MAX];
	struct stat st;
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		if (snprintf(path, sizeof(path), "%.4000s/%s/%020llu.%s", d->path, folder, (unsigned long long)numbers[i], ending) > 0 &&
		    stat(path, &st) == 0)
			sum += (uint64_t)st.st_size;
	return sum;
}

static uint64_t
waiting(struct vault_dir *d)
{
	struct buf text = BUF_INIT(1u << 16);
	char path[PATH_MAX];
	uint64_t n = 0;

	if (file_path(path, sizeof(path), d->path, "keys/erasures") == 0 && file_read(path, &text) == 0)
		for (size_t i = 0; i < text.n; i++)
			n += text.p[i] == '\n';
	buf_free(&text);
	return n;
}

void
vault_keep_count(struct vault_dir *d, struct vault_kept *ret)
{
	*ret = (struct vault_kept){
		.packed_bytes = size_of(d, "seg", "seg", d->segments, d->nsegments),
		.log_bytes = size_of(d, "wal", "wal", d->files, d->nfiles), .to_erase = waiting(d),
	};
	for (size_t i = 0; i < d->gone.n; i++)
		ret->gone_lines += d->gone.v[i].end - d->gone.v[i].first;
}

void
vault_keep_show(struct vault_dir *d, const struct conf_retention *c, int64_t now_us)
{
	char packed[64], log[64], lines[32];
	struct vault_kept k;

	vault_keep_count(d, &k);
	printf(_("on disk    %s packed in %zu segments%s, %s in the log\n"),
	    text_show_size(k.packed_bytes, packed, sizeof(packed)), d->nsegments,
	    d->encrypted ? _(", encrypted") : "",
	    text_show_size(k.log_bytes, log, sizeof(log)));
	if (c)
		show_rules(c);
	if (k.gone_lines)
		printf(_("gone       %s lines, with their whole segments (%zu)\n"), term_count(k.gone_lines, lines), d->gone.n);
	if (c)
		show_next(d, c, now_us);
	if (k.to_erase)
		printf(_("to erase   %llu lines by order, as soon as they are packed\n"), (unsigned long long)k.to_erase);
}
