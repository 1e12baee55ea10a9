/* term: see term.h. It writes only to the streams it was given and to standard error for progress. */
#include "console/term.h"

#include <langinfo.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/text.h"
#include "base/when.h"
#include "console/i18n.h"

#define COLUMNS_PLAIN 100u
#define COLUMNS_MIN 40u
#define PROGRESS_EVERY_US (100 * 1000)

static unsigned
columns_of(int fd)
{
	struct winsize w;
	const char *env = getenv("COLUMNS");
	uint64_t n;

	if (ioctl(fd, TIOCGWINSZ, &w) == 0 && w.ws_col > 0)
		return w.ws_col < COLUMNS_MIN ? COLUMNS_MIN : w.ws_col;
	if (env && text_u64(str_z(env), &n) == 0 && n >= COLUMNS_MIN && n <= 1000)
		return (unsigned)n;
	return COLUMNS_PLAIN;
}

static bool
locale_utf8(void)
{
	return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

void
term_init(struct term *t, FILE *file, bool plain)
{
	const char *no_color = getenv("NO_COLOR");
	const char *name = getenv("TERM");

	t->file = file;
	t->tty = isatty(fileno(file)) && !plain;
	t->colour = t->tty && !(no_color && *no_color) && name && strcmp(name, "dumb") != 0;
	t->utf8 = locale_utf8();
	t->columns = columns_of(fileno(file));
}

void
term_ink(const struct term *t, struct buf *out, enum ink ink, const char *fmt, ...)
{
	static const char *const codes[] = {
		[INK_PLAIN] = "", [INK_BOLD] = "\033[1m", [INK_DIM] = "\033[2m", [INK_RED] = "\033[1;31m",
		[INK_YELLOW] = "\033[33m", [INK_GREEN] = "\033[32m", [INK_CYAN] = "\033[36m",
	};
	bool dye = t->colour && ink != INK_PLAIN;
	va_list ap;

	if (dye)
		buf_add(out, str_z(codes[ink]));
	va_start(ap, fmt);
	buf_vaddf(out, fmt, ap);
	va_end(ap);
	if (dye)
		buf_add(out, STR("\033[0m"));
}

/* Length of the next piece of escaped text: a UTF-8 sequence, or one escape written as \xHH. */
static size_t
piece(struct str s)
{
	size_t n = utf8_len(s);

	return n ? n : 1;
}

size_t
term_text(const struct term *t, struct buf *out, struct str text, size_t columns)
{
	struct buf safe = BUF_INIT(1u << 16);
	struct str rest, dots = t->utf8 ? STR("\u2026") : STR("...");
	size_t dot_columns = t->utf8 ? 1 : 3, used = 0, keep;

	buf_add_escaped(&safe, str_head(text, 4096));   /* more than any screen is wide */
	rest = buf_str(&safe);
	if (utf8_columns(rest) <= columns && text.n <= 4096) {
		used = utf8_columns(rest);
		buf_add(out, rest);
		buf_free(&safe);
		return used;
	}
	keep = columns > dot_columns ? columns - dot_columns : 0;
	while (rest.n > 0) {
		size_t n = piece(rest), w = utf8_columns(str_head(rest, n));

		if (used + w > keep)
			break;
		buf_add(out, str_head(rest, n));
		rest = str_from(rest, n);
		used += w;
	}
	buf_add(out, dots);
	buf_free(&safe);
	return used + dot_columns;
}

void
term_cell(const struct term *t, struct buf *out, struct str text, size_t columns)
{
	size_t used = term_text(t, out, text, columns);

	while (used++ < columns)
		buf_add_byte(out, ' ');
}

void
term_bar(const struct term *t, struct buf *out, uint64_t value, uint64_t max, size_t columns)
{
	static const char *const eighths[] = {
		"", "\u258f", "\u258e", "\u258d", "\u258c", "\u258b", "\u258a", "\u2589",
	};
	uint64_t parts = max ? (uint64_t)((double)value / (double)max * (double)columns * 8.0 + 0.5) : 0;

	if (value > 0 && parts == 0)
		parts = 1;
	if (!t->utf8) {
		for (uint64_t i = 0; i < (parts + 7) / 8; i++)
			buf_add_byte(out, '#');
		return;
	}
	for (uint64_t i = 0; i < parts / 8; i++)
		buf_add(out, STR("\u2588"));
	buf_add(out, str_z(eighths[parts % 8]));
}

void
term_wrap(const struct term *t, struct buf *out, struct str text, unsigned indent)
{
	size_t width = t->columns > indent + 20 ? t->columns - indent - 1 : 20, used = 0;
	struct str word;

	while (str_word(&text, &word)) {
		size_t w = utf8_columns(word);

		if (used > 0 && used + 1 + w > width) {
			buf_add_byte(out, '\n');
			used = 0;
		}
		if (used == 0)
			buf_addf(out, "%*s", (int)indent, "");
		else
			buf_add_byte(out, ' ');
		buf_add(out, word);
		used += w + (used > 0);
	}
	if (used > 0)
		buf_add_byte(out, '\n');
}

const char *
term_count(uint64_t n, char dst[32])
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n), out = 0;

	for (int i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			dst[out++] = ',';
		dst[out++] = digits[i];
	}
	dst[out] = '\0';
	return dst;
}

void
term_flush(const struct term *t, struct buf *out)
{
	(void)out_write(t->file, buf_str(out));
	fflush(t->file);
	buf_reset(out);
}

void
complain(const char *fmt, ...)
{
	struct buf text = BUF_INIT(4u << 20), safe = BUF_INIT(16u << 20);
	struct str rest, line;
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&text, fmt, ap);
	va_end(ap);
	rest = buf_str(&text);
	while (str_split(&rest, '\n', &line)) {
		buf_add_escaped(&safe, line);
		if (line.p + line.n < text.p + text.n)
			buf_add_byte(&safe, '\n');
	}
	(void)out_write(stderr, buf_str(&safe));
	buf_free(&text);
	buf_free(&safe);
}

void
progress_begin(struct progress *p, uint64_t total, int64_t now_us, bool plain)
{
	*p = (struct progress){
		.on = !plain && isatty(STDERR_FILENO), .started_us = now_us, .shown_us = now_us, .total = total,
		.columns = columns_of(STDERR_FILENO), .utf8 = locale_utf8(),
	};
}

void
progress_step(struct progress *p, uint64_t done, uint64_t lines, uint64_t incidents, int64_t now_us)
{
	struct term t = { .utf8 = p->utf8, .columns = p->columns };
	double seconds = (double)(now_us - p->started_us) / 1e6, share;
	struct buf out = BUF_INIT(4096);
	char count[32], left[64] = "";

	if (!p->on || now_us - p->shown_us < PROGRESS_EVERY_US || seconds <= 0)
		return;
	p->shown_us = now_us;
	share = p->total ? (double)done / (double)p->total : 0;
	if (share > 1)
		share = 1;
	if (share > 0.001)
		text_show_duration((int64_t)(seconds * (1 - share) / share) * WHEN_SECOND, left, sizeof(left));
	buf_add(&out, STR("\r\033[K  "));
	if (p->total) {
		struct buf bar = BUF_INIT(1024);
		term_bar(&t, &bar, (uint64_t)(share * 1000), 1000, 24);
		term_cell(&t, &out, buf_str(&bar), 24);
		buf_addf(&out, " %3d %%  ", (int)(share * 100));
		buf_free(&bar);
	}
	buf_addf(&out, _("%s lines"), term_count(lines, count));
	buf_addf(&out, _("  %s lines/s"), term_count((uint64_t)((double)lines / seconds), count));
	buf_addf(&out, P_("  %llu incident", "  %llu incidents", incidents), (unsigned long long)incidents);
	if (left[0])
		buf_addf(&out, _("  %s left"), left);
	(void)out_write(stderr, buf_str(&out));
	fflush(stderr);
	buf_free(&out);
}

void
progress_end(struct progress *p)
{
	if (p->on)
		fputs("\r\033[K", stderr);
}
