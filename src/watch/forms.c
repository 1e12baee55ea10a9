/* forms: messages that are no sentence, into fields under the writer's own keys. */
#include "watch/forms.h"

#include <stdlib.h>

struct forms_work {
	int nothing;
};

struct forms_work *
forms_work_new(void)
{
	return calloc(1, sizeof(struct forms_work));
}

void
forms_work_free(struct forms_work *w)
{
	free(w);
}

void
forms_pairs(const struct ruleset *rs, struct record *r, struct slot at)
{
}

bool
forms_decode(const struct ruleset *rs, struct decode_work *w, const struct group *g, struct slot message,
    struct record *r)
{
	return false;
}
