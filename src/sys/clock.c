/* clock: time, chance and the machine's name from the kernel. Must never be called by an engine. */
#include "sys/clock.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "sys/file.h"

#define ZONES "/usr/share/zoneinfo/"

static int64_t
clock_read(clockid_t id)
{
	struct timespec t;

	int r = clock_gettime(id, &t);
	assert(r == 0);
	return (int64_t)t.tv_sec * WHEN_SECOND + t.tv_nsec / 1000;
}

int64_t
clock_wall_us(void)
{
	return clock_read(CLOCK_REALTIME);
}

int64_t
clock_mono_us(void)
{
	return clock_read(CLOCK_MONOTONIC);
}

int64_t
clock_boot_us(void)
{
	return clock_read(CLOCK_BOOTTIME);
}

int64_t
clock_cpu_us(void)
{
	return clock_read(CLOCK_PROCESS_CPUTIME_ID);
}

int
clock_offset_min(void)
{
	time_t now = time(NULL);
	struct tm tm;

	return localtime_r(&now, &tm) ? (int)(tm.tm_gmtoff / 60) : 0;
}

/* Another zone for a moment: the process keeps its own. */
static int
named_zone_min(const char *name)
{
	const char *was = getenv("TZ");
	char *own = was ? strdup(was) : NULL;

	setenv("TZ", name, 1);
	tzset();
	int offset = clock_offset_min();
	if (own)
		setenv("TZ", own, 1);
	else
		unsetenv("TZ");
	tzset();
	free(own);
	return offset;
}

bool
clock_zone_known(struct str zone)
{
	char path[sizeof(ZONES) + 128];

	if (zone.n == 0 || str_eq(zone, STR("local")) || zone.p[0] == '+' || zone.p[0] == '-')
		return true;
	return snprintf(path, sizeof(path), ZONES "%.*s", STR_FMT(zone)) < (int)sizeof(path) && access(path, R_OK) == 0;
}

int
clock_zone_min(struct str zone)
{
	char name[128];
	uint64_t h, m;

	if (str_eq(zone, STR("local")) || zone.n >= sizeof(name))
		return clock_offset_min();
	if (zone.n == 6 && zone.p[3] == ':' && (zone.p[0] == '+' || zone.p[0] == '-') &&
	    text_u64(str_of(zone.p + 1, 2), &h) == 0 && text_u64(str_of(zone.p + 4, 2), &m) == 0)
		return (zone.p[0] == '-' ? -1 : 1) * (int)(h * 60 + m);
	memcpy(name, zone.p, zone.n);
	name[zone.n] = '\0';
	return named_zone_min(name);
}

uint64_t
random_u64(void)
{
	uint64_t v;
	ssize_t n;

	do
		n = getrandom(&v, sizeof(v), 0);
	while (n < 0 && errno == EINTR);
	assert(n == (ssize_t)sizeof(v));
	return v;
}

char *
host_name(char dst[256])
{
	if (gethostname(dst, 255) < 0 || dst[0] == '\0')
		memcpy(dst, "localhost", sizeof("localhost"));
	dst[255] = '\0';
	return dst;
}

int
machine_boot_id(char dst[64])
{
	struct buf text = BUF_INIT(63);
	int r = file_read("/proc/sys/kernel/random/boot_id", &text);
	struct str id = str_trim(buf_str(&text));

	if (r == 0 && id.n > 0) {
		memcpy(dst, id.p, id.n);
		dst[id.n] = '\0';
	} else if (r == 0) {
		r = -ENODATA;
	}
	buf_free(&text);
	return r;
}
