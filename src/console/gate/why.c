/*
 * why: `guarita why SRC DST:PORT`: what would become of a packet, rule by rule under the configuration that runs.
 * Must never send anything.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "console/gate/candidate.h"
#include "console/ends.h"
#include "console/i18n.h"
#include "console/term.h"
#include "gate/eval.h"

/* Without a port a ping is meant: it is what people try first. */
static int
take_packet(const struct options *o, struct eval_packet *p)
{
	struct str dst = str_z(o->args[1]);
	size_t slash = str_rfind(dst, STR("/"));
	struct str name = slash < dst.n ? str_from(dst, slash + 1) : STR("tcp");

	*p = (struct eval_packet){ .sport = 40000, .state = POLICY_NEW, .way = POLICY_ORIGINAL, .count = 1 };
	if (ends_addr(str_z(o->args[0]), &p->src, &p->sport) < 0) {
		complain(_("guarita: \"%s\" is no address\n"), o->args[0]);
		return -EINVAL;
	}
	if (ends_addr(str_head(dst, slash), &p->dst, &p->dport) < 0 || addr_is_v4(&p->dst) != addr_is_v4(&p->src)) {
		complain(_("guarita: \"%s\" is no address of the family of \"%s\", with a port from 1 to 65535 behind it (10.0.0.5:443)\n"),
		    o->args[1], o->args[0]);
		return -EINVAL;
	}
	if (p->dport == 0 && slash == dst.n)
		name = STR("icmp");
	if (ends_protocol(name, addr_is_v4(&p->src), &p->protocol) < 0) {
		complain(_("guarita: \"%s\" is no protocol: tcp, udp, icmp, gre, esp or a number\n"), o->args[1] + slash + 1);
		return -EINVAL;
	}
	p->icmp_type = addr_is_v4(&p->src) ? 8 : 128;
	return 0;
}

/* Where it comes in: as told, or where the answer would go. From an address of ours it is sent here. */
static int
find_interface(const struct options *o, const struct policy *policy, struct eval_packet *p)
{
	const struct eval_world plain = { 0 };

	if (o->in) {
		p->in = str_z(o->in);
		return 0;
	}
	if (eval_is_here(policy, &plain, &p->src))
		return 0;
	p->in = eval_way_to(policy, &plain, &p->src);
	if (p->in.n > 0)
		return 0;
	complain(_("guarita: the configuration does not say by which interface %s comes in; say --in INTERFACE\n"),
	    o->args[0]);
	return -ENOENT;
}

static int
answer(const struct options *o, struct loaded *l, struct eval_packet *p)
{
	const struct eval_world plain = { 0 };
	struct buf text = BUF_INIT(1u << 20);
	struct policy *policy;
	struct eval_way way;
	int rc;

	if (!conf_has_gate(&l->config->gate)) {
		complain(_("guarita: this configuration has no gate: no interface is named in it\n"));
		return -ENOENT;
	}
	rc = policy_build(&l->arena, l->config, l->diags, &policy);
	if (rc < 0)
		diags_show(l->diags, &text);
	else
		rc = find_interface(o, policy, p);
	if (rc == 0) {
		eval(policy, &plain, p, &way);
		eval_say(policy, p, &way, &text);
	}
	(void)out_write(rc < 0 ? stderr : stdout, buf_str(&text));
	buf_free(&text);
	return rc;
}

int
command_why(const struct options *o)
{
	char *path = candidate_path(o), held[PATH_MAX];
	struct eval_packet packet;
	struct loaded l = { 0 };
	int rc = path ? take_packet(o, &packet) : -ENOENT;

	if (rc == 0 && (history_runs(path, HISTORY_RUNNING, held, sizeof(held)) < 0))
		snprintf(held, sizeof(held), "%s", path);
	if (rc == 0)
		rc = loaded_read(&l, held);
	if (rc == 0)
		rc = answer(o, &l, &packet);
	loaded_free(&l);
	free(path);
	return rc < 0 ? EXIT_FAILED : EXIT_CLEAN;
}
