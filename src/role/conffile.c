/* conffile: the configuration as a text from the disk. Must never change it. */
#include "role/conffile.h"

#include <errno.h>

#include "base/hash.h"
#include "console/config_file.h"

int
conffile_read(const char *path, struct conffile *ret)
{
	*ret = (struct conffile){ .diags = diags_new() };
	if (!ret->diags)
		return -ENOMEM;
	return config_file_load(&ret->arena, ret->diags, path, &ret->config);
}

void
conffile_free(struct conffile *c)
{
	diags_free(c->diags);
	arena_free(&c->arena);
	*c = (struct conffile){ 0 };
}

void
conffile_show_faults(const struct conffile *c, struct buf *out)
{
	if (c->diags)
		diags_show(c->diags, out);
}

/* Passwords are not written, and yet a changed one is a change. */
static uint64_t
vpn_fingerprint(const struct conf_vpn *v)
{
	struct config only = { .vpn = *v };
	struct buf shown = BUF_INIT(CONF_TEXT_MAX * 4ull);

	only.vpn.nimplied = 0;
	config_show(&only, &shown);
	uint64_t h = hash_bytes(buf_str(&shown), 0);
	buf_free(&shown);
	h = hash_mix(h, v->server ? hash_bytes(v->server->tunnel_secret, 1) : 0);
	for (uint32_t i = 0; i < v->nsecrets; i++)
		h = hash_mix(h, hash_bytes(v->secrets[i].password, 2));
	for (uint32_t i = 0; i < v->nradius; i++)
		h = hash_mix(h, hash_bytes(v->radius[i].secret, 5));
	for (uint32_t i = 0; i < v->nheadquarters; i++)
		h = hash_mix(hash_mix(h, hash_bytes(v->headquarters[i].password, 3)),
		    hash_bytes(v->headquarters[i].tunnel_secret, 4));
	return h;
}

uint64_t
conffile_fingerprint(const struct conffile *c, enum conffile_part part)
{
	struct config copy = *c->config;
	struct buf shown = BUF_INIT(CONF_TEXT_MAX * 4ull);

	if (part == CONFFILE_VPN)
		return vpn_fingerprint(&c->config->vpn);
	/*
	 * What the role does not look at is made equal, the rest is compared as it would be
	 * written.
	 */
	copy.rules_dirs = (struct conf_strs){ 0 };
	copy.own = copy.never_ban = (struct conf_cidrs){ 0 };
	copy.watch = (struct conf_watch){ 0 };
	copy.responds = NULL;
	copy.nresponds = 0;
	copy.control = (struct conf_control){ 0 };
	if (part == CONFFILE_GATE) {
		copy.own = c->config->own;
		copy.never_ban = c->config->never_ban;
	} else {
		copy.gate = (struct conf_gate){ .p2p = NULL };
	}
	/* The gate opens the port of the VPN's server, and lets pass what a headquarters implies. */
	copy.vpn = (struct conf_vpn){ .server = part == CONFFILE_GATE ? c->config->vpn.server : NULL };
	copy.gate.nimplied = 0;
	copy.sites = (struct conf_sites){ .link = NULL };
	if (part != CONFFILE_INTAKE) {
		copy.sources = NULL;
		copy.nsources = 0;
		copy.archive = NULL;
		copy.vault = NULL;
	}
	config_show(&copy, &shown);
	/* A source that follows from the gate is not written. */
	uint64_t h = hash_mix(hash_bytes(buf_str(&shown), 0), copy.nsources);
	buf_free(&shown);
	return h;
}
