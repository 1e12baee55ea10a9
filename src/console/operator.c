/* operator: see operator.h. Must never take an old connection for a new one: what cannot be told is old. */
#include "console/operator.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "console/i18n.h"
#include "sys/file.h"

#define ANCESTORS_MAX 64
#define ENVIRON_MAX (1u << 20)
#define PROC_MAX (64u << 20)
#define TCP_ESTABLISHED_HEX "01"

/* "192.0.2.7:22", "[2001:db8::1]:22". */
static void
add_end(struct buf *out, const struct addr *a, uint16_t port)
{
	char text[46];
	size_t n = addr_show(a, text);
	bool v4 = addr_is_v4(a);

	buf_addf(out, "%s%.*s%s:%u", v4 ? "" : "[", (int)n, text, v4 ? "" : "]", port);
}

static int
take_port(struct str s, uint16_t *ret)
{
	uint64_t n;

	if (text_u64(s, &n) < 0 || n > UINT16_MAX)
		return -EINVAL;
	*ret = (uint16_t)n;
	return 0;
}

int
operator_parse(struct str s, struct operator *ret)
{
	struct operator o = *ret;
	struct str words[4];
	struct buf line = BUF_INIT(sizeof(o.connection) - 1);
	char text[46];

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (!str_word(&s, &words[i]))
			return -EINVAL;
	}
	if (addr_parse(words[0], &o.addr) < 0 || take_port(words[1], &o.port) < 0 ||
	    addr_parse(words[2], &o.here) < 0 || take_port(words[3], &o.here_port) < 0)
		return -EINVAL;
	o.remote = true;
	add_end(&line, &o.addr, o.port);
	buf_add_byte(&line, ' ');
	add_end(&line, &o.here, o.here_port);
	snprintf(o.connection, sizeof(o.connection), "%s", buf_cstr(&line));
	snprintf(o.from, sizeof(o.from), "%.*s", (int)addr_show(&o.addr, text), text);
	buf_free(&line);
	*ret = o;
	return 0;
}

static bool
find_in_environ(struct str environ_text, struct operator *ret)
{
	const struct str key = STR("SSH_CONNECTION=");
	struct str piece;

	while (str_split(&environ_text, '\0', &piece)) {
		if (str_starts(piece, key))
			return operator_parse(str_from(piece, key.n), ret) == 0;
	}
	return false;
}

static int
read_of(int pid, const char *what, struct buf *out)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, what);
	buf_reset(out);
	return file_read(path, out);
}

/* The fourth field of stat, after a name in parentheses that may hold anything. */
static int
parent_of(int pid, struct buf *text)
{
	struct str rest, word;
	uint64_t parent = 0;
	size_t end;

	if (read_of(pid, "stat", text) < 0)
		return 0;
	rest = buf_str(text);
	end = str_rfind(rest, STR(")"));
	rest = str_from(rest, end + 1);
	if (!str_word(&rest, &word) || !str_word(&rest, &word) || text_u64(word, &parent) < 0)
		return 0;
	return (int)parent;
}

static void
find_user(struct operator *o)
{
	const char *sudo = getenv("SUDO_USER");
	const struct passwd *pw = getpwuid(getuid());

	snprintf(o->user, sizeof(o->user), "%s", sudo && *sudo ? sudo : pw ? pw->pw_name : "?");
}

void
operator_find(struct operator *ret)
{
	const char *own = getenv("SSH_CONNECTION");
	struct buf text = BUF_INIT(ENVIRON_MAX);
	int pid = getppid();

	*ret = (struct operator){ 0 };
	find_user(ret);
	snprintf(ret->from, sizeof(ret->from), "%s", _("the machine itself"));
	if (!own || operator_parse(str_z(own), ret) < 0) {
		for (int i = 0; i < ANCESTORS_MAX && pid > 1; i++) {
			if (read_of(pid, "environ", &text) == 0 && find_in_environ(buf_str(&text), ret))
				break;
			pid = parent_of(pid, &text);
		}
	}
	buf_free(&text);
}

/* The kernel prints words of an address as numbers of its own byte order. */
static bool
hex_end(struct str s, struct addr *ret, uint16_t *ret_port)
{
	size_t colon = str_find_byte(s, ':');
	struct addr a = { .b = { [10] = 0xff, [11] = 0xff } };
	char digits[9] = "";

	if ((colon != 8 && colon != 32) || s.n != colon + 5)
		return false;
	for (size_t i = 0; i < colon / 8; i++) {
		memcpy(digits, s.p + 8 * i, 8);
		uint32_t word = (uint32_t)strtoul(digits, NULL, 16);
		memcpy(a.b + (colon == 8 ? 12 : 4 * i), &word, 4);
	}
	memcpy(digits, s.p + colon + 1, 4);
	digits[4] = '\0';
	*ret_port = (uint16_t)strtoul(digits, NULL, 16);
	*ret = a;
	return true;
}

void
operator_read_proc(struct str text, struct buf *out)
{
	struct str line, number, ours, theirs, state;
	struct addr a, b;
	uint16_t aport, bport;

	while (str_split(&text, '\n', &line)) {
		if (!str_word(&line, &number) || !str_word(&line, &ours) || !str_word(&line, &theirs) ||
		    !str_word(&line, &state) || !str_eq(state, STR(TCP_ESTABLISHED_HEX)) ||
		    !hex_end(ours, &a, &aport) || !hex_end(theirs, &b, &bport))
			continue;
		add_end(out, &b, bport);
		buf_add_byte(out, ' ');
		add_end(out, &a, aport);
		buf_add_byte(out, '\n');
	}
}

int
operator_connections(struct buf *out)
{
	static const char *const files[] = { "/proc/net/tcp", "/proc/net/tcp6" };
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(files); i++) {
		struct buf text = BUF_INIT(PROC_MAX);

		r = file_read(files[i], &text);
		if (r == 0)
			operator_read_proc(buf_str(&text), out);
		else if (r == -ENOENT && i == 1)
			r = 0;         /* a kernel without IPv6 */
		buf_free(&text);
	}
	return r < 0 ? r : buf_ok(out) ? 0 : -EFBIG;
}
