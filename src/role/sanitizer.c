/*
 * sanitizer: what a build with AddressSanitizer needs to know in a role: it cannot look for leaks
 * at the end, since the sandbox refuses what that takes (another process that traces this one), and
 * its shadow memory does not fit under a limit. Without a sanitizer there is nothing here. Must
 * never loosen a real build.
 */
#include "role/role.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_SANITIZER 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define WITH_SANITIZER 1
#endif

#ifdef WITH_SANITIZER
const char *__asan_default_options(void);

const char *
__asan_default_options(void)
{
	return "detect_leaks=0";
}

uint64_t
role_memory_limit(uint64_t configured)
{
	(void)configured;
	return 0;
}
#else
uint64_t
role_memory_limit(uint64_t configured)
{
	return configured;
}
#endif
