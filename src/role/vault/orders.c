/*
 * orders: what root at the control socket wants sealed: a line as it is, in which nothing is understood here; an order
 * to erase one goes to vault_keep, one to replace the master key to rekey.
 * Must never answer before the disk has it: whoever asked goes on only then.
 */
#include "role/vault/vaultd.h"

static void
answer(struct vaulting *v, uint32_t id, struct str json)
{
	role_answer(v->role, id, json, true);
}

void
vaulting_order(struct vaulting *v, const struct msg_order *m)
{
	uint64_t before = v->sealer.tree.size;

	if (vaulting_rekey_order(v, m) || vaulting_keep_order(v, m))
		return;
	if (v->norders == VAULT_ORDERS_MAX) {
		answer(v, m->id, STR("{\"type\":\"error\",\"error\":\"too many wait to be sealed\"}\n{\"type\":\"end\"}"));
		return;
	}
	vaulting_line(v, v->seen, m->json);
	if (v->sealer.tree.size == before) {
		answer(v, m->id, STR("{\"type\":\"error\",\"error\":\"the line cannot be sealed\"}\n{\"type\":\"end\"}"));
		return;
	}
	v->orders[v->norders++] = (struct vault_order){ .id = m->id, .size = v->sealer.tree.size };
}

void
vaulting_answer(struct vaulting *v)
{
	size_t left = 0;

	for (size_t i = 0; i < v->norders; i++) {
		if (v->orders[i].size <= v->durable)
			answer(v, v->orders[i].id, STR("{\"type\":\"sealed\"}\n{\"type\":\"end\"}"));
		else
			v->orders[left++] = v->orders[i];
	}
	v->norders = left;
}
