/* link_frames: which frame of a peer goes to whom, one row each. */
#include "role/link/linkd.h"

static bool
hear_alive(struct link_peer *p, const struct site_frame *f)
{
	(void)p;
	(void)f;
	return true;
}

static bool
hear_ban(struct link_peer *p, const struct site_frame *f)
{
	return link_bans_heard(p, &f->ban);
}

static bool
hear_pardon(struct link_peer *p, const struct site_frame *f)
{
	return link_bans_pardoned(p, &f->pardon);
}

static bool
hear_vault(struct link_peer *p, const struct site_frame *f)
{
	return link_lines_vault(p, &f->vault);
}

static bool
hear_stand(struct link_peer *p, const struct site_frame *f)
{
	return link_lines_stand(p, &f->stand);
}

static bool
hear_lines(struct link_peer *p, const struct site_frame *f)
{
	return link_lines_heard(p, &f->lines);
}

static bool
hear_have(struct link_peer *p, const struct site_frame *f)
{
	return link_lines_have(p, &f->have);
}

static bool
hear_checkpoint(struct link_peer *p, const struct site_frame *f)
{
	return link_witness_shown(p, &f->checkpoint);
}

static bool
hear_cosigned(struct link_peer *p, const struct site_frame *f)
{
	return link_witness_answered(p, &f->cosigned);
}

static const struct {
	enum site_type type;
	bool (*hear)(struct link_peer *p, const struct site_frame *f);
} rows[] = {
	{ SITE_alive, hear_alive }, { SITE_ban, hear_ban }, { SITE_pardon, hear_pardon },
	{ SITE_vault, hear_vault }, { SITE_stand, hear_stand }, { SITE_lines, hear_lines }, { SITE_have, hear_have },
	{ SITE_checkpoint, hear_checkpoint }, { SITE_cosigned, hear_cosigned },
};

bool
link_frame(struct link_peer *p, const struct site_frame *f)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].type == f->type)
			return rows[i].hear(p, f);
	return false;
}

void
link_greet(struct link_peer *p)
{
	link_bans_tell(p);
	link_lines_greet(p);
}
