/* audit: see audit.h. */
#include "watch/accounts/audit.h"

static const struct audit_row rows[] = {
#define AUDIT(pattern_, directory_, mode_, groups_, article_, why_) \
	{ pattern_, directory_, mode_, groups_, article_, why_ },
#include "watch/accounts/audit.def"
#undef AUDIT
};

#define WORLD_WRITE 0002u
#define GROUP_ANY 0070u
#define STICKY 01000u

size_t
audit_rows(const struct audit_row **ret)
{
	*ret = rows;
	return ARRAY_LEN(rows);
}

unsigned
audit_mode(const struct audit_row *row, unsigned mode)
{
	/* Set-group-id of a directory and sticky bits harm nobody. */
	return row ? mode & (row->mode | 03000u) : mode & ~WORLD_WRITE;
}

bool
audit_group_fits(const struct audit_row *row, struct str group)
{
	struct str rest = str_z(row->groups), word;

	while (str_word(&rest, &word))
		if (str_eq(word, group))
			return true;
	return false;
}

unsigned
audit_judge(const struct audit_row *row, const struct audit_facts *f)
{
	bool sticky = f->is_directory && f->mode & STICKY;
	unsigned faults = AUDIT_OK, right;

	/* Root's own links, such as Debian's README, lead where root wants. */
	if (f->is_link)
		return (f->root_owner ? 0u : (unsigned)AUDIT_LINK) | (f->directory_loose ? AUDIT_DIRECTORY : 0u);
	if (f->mode & WORLD_WRITE && !sticky)
		faults |= AUDIT_WORLD_WRITABLE;
	if (!f->is_directory && f->links > 1)
		faults |= AUDIT_LINKS;
	if (f->directory_loose)
		faults |= AUDIT_DIRECTORY;
	if (!f->system_owner)
		faults |= AUDIT_OWNER;
	if (!row || row->directory != f->is_directory)
		return faults;
	if (audit_mode(row, f->mode) != f->mode && !(faults & AUDIT_WORLD_WRITABLE))
		faults |= AUDIT_TOO_OPEN;
	/* A group that may do no more than everybody is no matter; everybody's part as it will be. */
	right = audit_mode(row, f->mode);
	if ((right & GROUP_ANY) & ~((right & 0007u) << 3) && !audit_group_fits(row, f->group))
		faults |= AUDIT_GROUP;
	return faults;
}

const char *
audit_say(enum audit_fault one)
{
	switch (one) {
	case AUDIT_OK:
		return NULL;
	case AUDIT_WORLD_WRITABLE:
		return "anybody may change or empty it";
	case AUDIT_TOO_OPEN:
		return "more may read or write it than should";
	case AUDIT_OWNER:
		return "it belongs to an ordinary account";
	case AUDIT_GROUP:
		return "a group may use it that should not";
	case AUDIT_LINK:
		return "it is a symbolic link: whoever may change it decides what is written where";
	case AUDIT_LINKS:
		return "the file has a second name somewhere";
	case AUDIT_DIRECTORY:
		return "a directory above it can be changed by somebody else: it may be renamed away";
	}
	return NULL;
}
