/*
 * vault: `guarita vault ...` and `guarita verify`: what stands in a vault, whether it is whole, and proofs that a
 * stranger checks. Must never change a vault, nor show a line of a proof that does not hold.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/base64.h"
#include "base/text.h"
#include "base/when.h"
#include "console/command.h"
#include "console/config_file.h"
#include "console/engine.h"
#include "console/i18n.h"
#include "console/vault/pack.h"
#include "console/term.h"
#include "console/vault/html.h"
#include "console/vault/keep.h"
#include "console/vault/status.h"
#include "console/vault/verify.h"
#include "sys/clock.h"
#include "sys/file.h"

#define DEFAULT_CONFIG "/etc/guarita/guarita.conf"

static const char *const transports[VAULT_TRANSPORTS] = {
	[VAULT_OWN] = "own", [VAULT_FILE] = "file", [VAULT_UDP] = "udp", [VAULT_TCP] = "tcp", [VAULT_TLS] = "tls",
	[VAULT_UNIX] = "unix", [VAULT_JOURNAL] = "journal", [VAULT_STDIN] = "stdin", [VAULT_SITE] = "site",
};

/* The directory: as given, or as the configuration says, which is in *ret_config then. */
static int
find_vault(const struct options *o, struct arena *arena, struct vault_dir *d, const struct config **ret_config)
{
	const char *path = o->config ? o->config : DEFAULT_CONFIG;
	struct diags *diags = diags_new();
	struct config *c = NULL;
	int r;

	if (o->vault) {
		r = vault_dir_open(d, o->vault);
	} else {
		r = diags ? config_file_load(arena, diags, path, &c) : -ENOMEM;
		if (r == 0 && c->vault)
			r = vault_dir_open(d, c->vault->path.p);
		else
			snprintf(d->why, sizeof(d->why), r < 0 ? "%s cannot be used; say where the vault is with --vault DIR"
			    : "%s names no vault; say where it is with --vault DIR", path), r = -ENOENT;
	}
	diags_free(diags);
	*ret_config = c;
	return r;
}

/* Opens, runs, closes; what went wrong is in d->why. */
static int
with_vault(const struct options *o, int (*run)(const struct options *o, struct vault_dir *d))
{
	struct vault_dir d = { .path = "" };
	const struct config *c = NULL;
	struct arena arena = { 0 };
	int r = find_vault(o, &arena, &d, &c);

	d.retention = c && c->vault ? c->vault->retention : NULL;

	if (r == 0)
		r = run(o, &d);
	if (r < 0)
		complain(_("guarita: %s\n"), d.why[0] ? d.why : strerror(-r));
	vault_dir_close(&d);
	arena_free(&arena);
	return r < 0 ? EXIT_FAILED : r;
}

static const char *
show_time(int64_t us, char dst[40])
{
	size_t n = when_show(us, 0, dst);

	dst[n] = '\0';
	return dst;
}

int
command_vault_status(const struct options *o)
{
	return with_vault(o, vault_status);
}

static int
read_auditor(const char *path, struct digest *ret)
{
	struct buf text = BUF_INIT(200);
	int r = file_read(path, &text);

	if (r == 0)
		r = base64_read_exact(str_trim(buf_str(&text)), ret->b, DIGEST_BYTES);
	buf_wipe(&text);
	return r;
}

static void
show_report(const struct vault_dir *d, const struct vault_report *r, int64_t took_us)
{
	char lines[32], from[40], to[40], frames[32];

	if (r->fault[0]) {
		printf(_("NOT WHOLE: %s (entry %llu or one behind it).\n"), r->fault, (unsigned long long)r->fault_index);
		printf(_("What was signed before is still proved by proofs already made, and by the witnesses.\n"));
		return;
	}
	printf(_("Whole: %s lines of %.*s, in %s frames, sealed from %s to %s.\n"), term_count(r->lines, lines),
	    STR_FMT(d->identity.origin), term_count(r->frames, frames), show_time(r->from_us, from), show_time(r->to_us, to));
	printf(_("Not one was changed, removed, added or moved: %llu closed epochs and the newest checkpoint, over %llu lines, "
	    "are signed and agree.\n"), (unsigned long long)r->epochs, (unsigned long long)r->signed_size);
	if (r->expired + r->erased)
		printf(_("%s of these lines are gone, by orders that stand in the log; the digests that are left of them agree.\n"),
		    term_count(r->expired + r->erased, lines));
	if (r->seals_seen)
		printf(_("Every frame bears the seal of its time, by the auditor's key.\n"));
	if (!r->keys_seen)
		printf(_("The sealing keys could not be read: whether the newest lines, behind the checkpoint, are all there "
		    "was not checked.\n"));
	if (took_us > 0)
		printf(_("%.1f s of processor time, %.2f million lines a second.\n"), (double)took_us / 1e6, (double)r->lines / (double)took_us);
}

static int
verify(const struct options *o, struct vault_dir *d)
{
	struct vault_report report = { .lines = 0 };
	struct digest auditor;
	int64_t began = clock_cpu_us();
	int r = o->auditor ? read_auditor(o->auditor, &auditor) : 0;

	if (r < 0) {
		snprintf(d->why, sizeof(d->why), "%s holds no auditor's key: %s", o->auditor, strerror(-r));
		return r;
	}
	if (!d->nonces.n && d->nfiles)
		snprintf(d->why, sizeof(d->why), "%s/keys/nonces cannot be read: this is for root or the vault's user", d->path);
	r = vault_verify(d, o->auditor ? &auditor : NULL, &report);
	explicit_bzero(&auditor, sizeof(auditor));
	if (r < 0)
		return r;
	show_report(d, &report, clock_cpu_us() - began);
	return report.fault[0] ? EXIT_INCIDENTS : EXIT_CLEAN;
}

int
command_vault_verify(const struct options *o)
{
	return with_vault(o, verify);
}

/* "17" or "17-29". */
static int
take_range(const char *word, uint64_t *first, uint64_t *end)
{
	struct str s = str_z(word);
	size_t dash = str_find_byte(s, '-');
	uint64_t last;

	if (text_u64(str_head(s, dash), first) < 0)
		return -EINVAL;
	last = *first;
	if (dash < s.n && text_u64(str_from(s, dash + 1), &last) < 0)
		return -EINVAL;
	*end = last + 1;
	return last < *first || last == UINT64_MAX ? -EINVAL : 0;
}

static int
put(const struct options *o, struct vault_dir *d, const struct buf *text)
{
	int r = 0;

	if (!buf_ok(text))
		return -ENOMEM;
	if (o->out)
		r = file_replace(o->out, buf_str(text), 0644, true);
	else if (!out_write(stdout, buf_str(text)))
		r = -EIO;
	if (r < 0)
		snprintf(d->why, sizeof(d->why), "%s: %s", o->out ? o->out : "stdout", strerror(-r));
	return r;
}

static int
prove(const struct options *o, struct vault_dir *d)
{
	struct buf text = BUF_INIT(PROVE_TEXT_MAX), page = BUF_INIT(PROVE_TEXT_MAX);
	bool range = strchr(o->args[0], '-') != NULL;
	uint64_t first, end;
	int r = take_range(o->args[0], &first, &end);

	if (r < 0)
		snprintf(d->why, sizeof(d->why), "%s is neither the number of an entry nor a range such as 17-29", o->args[0]);
	else if (range && o->html)
		r = -EINVAL, snprintf(d->why, sizeof(d->why), "a page proves one line");
	else
		r = range ? vault_dir_prove_range(d, first, end, &text) : vault_dir_prove(d, first, &text);
	if (r == 0 && o->html)
		vault_html(buf_str(&text), buf_str(&d->identity_text), &page);
	if (r == 0)
		r = put(o, d, o->html ? &page : &text);
	buf_free(&text);
	buf_free(&page);
	return r;
}

int
command_vault_prove(const struct options *o)
{
	return with_vault(o, prove);
}

static void
show_entry(const struct vault_entry *e, bool json, struct buf *out)
{
	char at[40];

	show_time(e->recv_ns / 1000, at);
	if (!json) {
		buf_addf(out, "%llu  %s  ", (unsigned long long)e->index, at);
		buf_add_escaped(out, e->source);
		buf_add(out, STR("  "));
		buf_add_escaped(out, e->raw);
		buf_add_byte(out, '\n');
		return;
	}
	buf_addf(out, "{\"index\":%llu,\"received\":\"%s\",\"received_ns\":%lld,\"transport\":\"%s\",\"source\":",
	    (unsigned long long)e->index, at, (long long)e->recv_ns, transports[e->transport]);
	buf_add_json(out, e->source);
	buf_addf(out, ",\"more\":%s,\"cut\":%s,\"raw\":", e->flags & VAULT_MORE ? "true" : "false",
	    e->flags & VAULT_CUT ? "true" : "false");
	buf_add_json(out, e->raw);
	buf_add(out, STR(",\"raw_base64\":\""));
	base64_add(out, e->raw);
	buf_add(out, STR("\"}\n"));
}

/* Behind a line that was deleted, or behind all of a segment of which none is left. */
static uint64_t
behind_gone(const struct vault_dir *d, uint64_t index)
{
	const struct gone *g = gone_list_find(&d->gone, index);

	return g ? g->end : index + 1;
}

/* Everything that is kept when there is no range, packed or not; what was deleted is counted. */
static int
export(const struct options *o, struct vault_dir *d)
{
	uint64_t first = 0, end = UINT64_MAX, gone = 0, next;
	struct buf out = BUF_INIT(4u << 20);
	struct vault_entry e;
	struct str record;
	int r = o->nargs ? take_range(o->args[0], &first, &end) : 0;

	if (r < 0)
		snprintf(d->why, sizeof(d->why), "%s is neither the number of an entry nor a range such as 17-29", o->args[0]);
	for (uint64_t i = first; i < end && r == 0; i = next) {
		next = i + 1;
		r = vault_dir_record(d, i, &record);
		if (!o->nargs && r == -ENODATA) {
			next = behind_gone(d, i);
			gone += next - i;
			r = 0;
			continue;
		}
		/* Without a range the end is where the log ends. */
		if (!o->nargs && r == -ENOENT) {
			r = 0;
			break;
		}
		if (r == 0)
			r = vault_entry_decode(record, i, &e);
		buf_reset(&out);
		if (r == 0)
			show_entry(&e, o->json, &out);
		if (r == 0 && !out_write(stdout, buf_str(&out)))
			r = -EIO;
	}
	buf_free(&out);
	if (r == 0 && gone)
		complain(P_("guarita: %llu line was deleted; guarita vault status says by what\n",
		    "guarita: %llu lines were deleted; guarita vault status says by what\n", gone), (unsigned long long)gone);
	return r;
}

int
command_vault_export(const struct options *o)
{
	return with_vault(o, export);
}

static int
checkpoint(const struct options *o, struct vault_dir *d)
{
	struct buf note = BUF_INIT(NOTE_BYTES_MAX);
	int r = vault_dir_read(d, "checkpoint", &note);

	if (r == 0)
		r = put(o, d, &note);
	/* The keys by which others check it. */
	if (r == 0 && o->all)
		r = put(o, d, &d->identity_text);
	buf_free(&note);
	return r;
}

int
command_vault_checkpoint(const struct options *o)
{
	return with_vault(o, checkpoint);
}

static int
pack(const struct options *o, struct vault_dir *d)
{
	struct engine e;
	struct keyring ring = { .has_log = false };
	char lines[32], raw[32], stored[32];
	int r = command_engine(&e, o);

	if (r < 0)
		return r;
	/* An old vault has no key of the log. */
	ring.has_log = keyring_log(NULL, d->path, ring.log) == 0;
	struct pack_opts opts = { .vault = d->path, .ring = &ring, .rules = e.rules, .work = e.work, .rows_min = 1, .seed = random_u64(),
		.encrypt = d->encrypted };
	struct pack_report done = { .segments = 1 };
	while (r == 0 && done.segments) {
		r = pack_next(&opts, &done);
		if (r == 0 && done.segments)
			printf(_("%s lines, %s, packed into %s\n"), term_count(done.lines, lines),
			    text_show_size(done.raw_bytes, raw, sizeof(raw)), text_show_size(done.stored_bytes, stored, sizeof(stored)));
	}
	if (r < 0)
		snprintf(d->why, sizeof(d->why), "%.4000s", done.why);
	explicit_bzero(&ring, sizeof(ring));
	engine_close(&e);
	return r;
}

int
command_vault_pack(const struct options *o)
{
	return with_vault(o, pack);
}

/* A proof, wherever it comes from. */

static void
show_verdict(const struct verdict *v)
{
	char at[40];

	printf(_("signed     %s, as the first %llu lines of %.*s, with the key of epoch %u\n"),
	    show_time((int64_t)v->mark.time_s * WHEN_SECOND, at), (unsigned long long)v->checkpoint.size,
	    STR_FMT(v->checkpoint.origin), v->mark.epoch);
	if (v->cosigned)
		printf(P_("cosigned   by %u witness, the last at %s\n", "cosigned   by %u witnesses, the last at %s\n", v->cosigned),
		    v->cosigned, show_time((int64_t)v->cosigned_s * WHEN_SECOND, at));
	printf(_("identity   "));
	vault_show_fingerprint(&v->epochs.identity);
	printf(v->known ? _("           as in the identity that was given\n") :
	    _("           NOT COMPARED: ask the owner for it by another way, or give his file with --key FILE\n"));
}

static void
show_line(const struct vault_entry *e)
{
	struct buf out = BUF_INIT(4u << 20);

	show_entry(e, false, &out);
	(void)out_write(stdout, buf_str(&out));
	buf_free(&out);
}

static int
verify_line(struct str text, const struct trust *t, struct verdict *v)
{
	struct buf decoded = BUF_INIT(2 * PROVE_LINE_BYTES);
	struct line_proof p;
	struct vault_entry e;
	int r = line_proof_read(text, &decoded, &p);

	v->why = "it is not a proof that can be read";
	if (r == 0)
		r = line_proof_check(&p, t, v);
	if (r == 0)
		r = vault_entry_decode(str_from(p.line, VAULT_NONCE_BYTES), p.index, &e);
	if (r == 0) {
		printf(_("PROVED: this line was received, stands in the log, and was not changed since:\n"));
		show_line(&e);
	}
	buf_free(&decoded);
	return r;
}

static int
verify_range(struct str text, const struct trust *t, struct verdict *v)
{
	struct buf decoded = BUF_INIT(PROVE_TEXT_MAX);
	struct range_proof p;
	struct vault_entry e;
	struct str line;
	int r = range_proof_read(text, &decoded, &p);

	v->why = "it is not a proof that can be read";
	if (r == 0)
		r = range_proof_check(&p, t, v);
	if (r == 0) {
		struct cur lines = cur_of(p.lines);
		printf(_("PROVED: these %llu lines stand in the log one after the other, and none is missing between them:\n"),
		    (unsigned long long)p.count);
		for (uint64_t i = p.first; range_line(&lines, &line, &e, i) == 1; i++)
			show_line(&e);
	}
	buf_free(&decoded);
	return r;
}

static int
verify_text(struct str text, const struct trust *t, struct verdict *v)
{
	if (str_starts(text, STR("c2sp.org/tlog-proof@")))
		return verify_line(text, t, v);
	if (str_starts(text, STR("guarita-range@")))
		return verify_range(text, t, v);
	struct note n;
	if (note_read(text, &n) < 0) {
		v->why = "it is neither a proof (`guarita vault prove`) nor a checkpoint (`guarita vault checkpoint`)";
		return -EBADMSG;
	}
	int r = prove_note(text, t, v);
	if (r == 0)
		printf(_("PROVED: this checkpoint is the log's own.\n"));
	return r;
}

int
command_verify(const struct options *o)
{
	struct buf text = BUF_INIT(PROVE_TEXT_MAX), who = BUF_INIT(4096);
	struct verdict v = { .why = "" };
	struct identity identity;
	struct note_key keys[OPTION_WITNESSES_MAX];
	struct trust trust = { .identity = NULL, .witnesses = keys, .quorum = (unsigned)o->nwitnesses };
	int r = file_read(o->args[0], &text);

	if (r < 0)
		complain(_("guarita: %s: %s\n"), o->args[0], strerror(-r));
	if (r == 0 && o->key) {
		r = file_read(o->key, &who);
		if (r == 0)
			r = identity_read(buf_str(&who), &identity);
		if (r < 0)
			complain(_("guarita: %s is not the identity of a vault\n"), o->key);
		trust.identity = &identity;
	}
	for (; r == 0 && trust.nwitnesses < trust.quorum; trust.nwitnesses++) {
		const char *key = o->witnesses[trust.nwitnesses];
		r = note_key_read(str_z(key), &keys[trust.nwitnesses]);
		if (r == 0 && keys[trust.nwitnesses].type != NOTE_COSIGNATURE)
			r = -EBADMSG;
		if (r < 0)
			complain(_("guarita: %s is not the key of a witness: take it from the file `witnesses` of a vault\n"), key);
	}
	if (r < 0) {
		buf_free(&text);
		buf_free(&who);
		return EXIT_FAILED;
	}
	r = verify_text(vault_html_proof(buf_str(&text)), &trust, &v);
	if (r == 0)
		show_verdict(&v);
	else
		printf(_("NOT PROVED: %s.\n"), v.why);
	buf_free(&text);
	buf_free(&who);
	return r == 0 ? EXIT_CLEAN : EXIT_INCIDENTS;
}
