/* log: lines on standard error. Must never let a byte of foreign text act on a terminal. */
#include "role/log.h"

#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"

struct log
log_open(const char *name)
{
	return (struct log){
		.name = name, .level = LOG_LEVEL_INFO, .marked = getenv("JOURNAL_STREAM") != NULL
	};
}

void
log_say(const struct log *l, enum log_level level, const char *fmt, ...)
{
	static const int priorities[] = { 3, 4, 6, 7 };        /* RFC 5424 6.2.1 */
	struct buf text = BUF_INIT(4096), line = BUF_INIT(32768);
	va_list ap;

	if (level > l->level)
		return;
	va_start(ap, fmt);
	buf_vaddf(&text, fmt, ap);
	va_end(ap);
	if (l->marked)
		buf_addf(&line, "<%d>", priorities[level]);
	buf_addf(&line, "guarita %s: ", l->name);
	buf_add_escaped(&line, buf_str(&text));
	buf_add_byte(&line, '\n');
	if (buf_ok(&line))
		(void)!write(STDERR_FILENO, line.p, line.n);
	buf_free(&text);
	buf_free(&line);
}
