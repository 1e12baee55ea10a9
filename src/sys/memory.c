/* memory: see memory.h. glibc's own words; another C library has neither the trouble nor the cure. */
#include "sys/memory.h"

#include <stdlib.h>

#ifdef __GLIBC__
#include <malloc.h>

#define OWN_PAGES (128 * 1024)     /* glibc's first guess, which it raises to 32 MiB by itself when left to */

void
memory_begin(void)
{
	(void)mallopt(M_MMAP_THRESHOLD, OWN_PAGES);
	(void)mallopt(M_TRIM_THRESHOLD, OWN_PAGES);
	(void)mallopt(M_ARENA_MAX, 1);
}

void
memory_trim(void)
{
	(void)malloc_trim(0);
}
#else
void
memory_begin(void)
{
}

void
memory_trim(void)
{
}
#endif
