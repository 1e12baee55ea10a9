/* integrity: the table of findings, read. */
#include "watch/accounts/integrity.h"

static const struct {
	const char *name;
	enum integrity_surety surety;
	const char *say;
} rows[INTEGRITY_WHATS] = {
#define INTEGRITY(id, name_, surety_, say_) [INTEGRITY_##id] = { name_, surety_, say_ },
#include "watch/accounts/integrity.def"
#undef INTEGRITY
};

const char *
integrity_name(enum integrity_what w)
{
	return rows[w].name;
}

const char *
integrity_say(enum integrity_what w)
{
	return rows[w].say;
}

enum integrity_surety
integrity_surety_of(enum integrity_what w)
{
	return rows[w].surety;
}

const char *
integrity_surety_name(enum integrity_surety s)
{
	static const char *const names[] = { "possible", "likely", "certain" };

	return names[s - 1];
}
