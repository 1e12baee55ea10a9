/*
 * token_filter: building peels keys off cells that only one of them still uses; the order of peeling, backwards, gives
 * each cell its byte. Layout: u8 log2 of the window, 3 bytes 0, u32le windows, u64le seed, then the bytes.
 */
#include "vault/token_filter.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cur.h"
#include "base/hash.h"

#define HEAD 16u
#define STEM_MAX 16u            /* bytes of a run that its key looks at */
#define HEX_MIN 6u
#define ATTEMPTS 64u
#define KEYSET_FIRST 4096u
#define KEYS_MAX (1u << 22)
#define WINDOW_MAX 18u          /* log2 */

static bool
is_digit(char c)
{
	return (unsigned)(c - '0') < 10;
}

static bool
is_hex(char c)
{
	return is_digit(c) || (unsigned)((c | 0x20) - 'a') < 6;
}

static bool
all(struct str s, bool (*is)(char))
{
	for (size_t i = 0; i < s.n; i++) {
		if (!is(s.p[i]))
			return false;
	}
	return true;
}

static bool
of_a_time(char c)
{
	return is_digit(c) || c == 'T' || c == 'Z' || c == 't' || c == 'z';
}

static bool
is_month(struct str run)
{
	return run.n == 3 && str_find_nocase(STR("jan feb mar apr may jun jul aug sep oct nov dec"), run) < 47;
}

struct str
token_stem(struct str run)
{
	size_t letters = 0;

	if (run.n == 0 || (is_digit(run.p[0]) && all(run, of_a_time)) || is_month(run) || (run.n == 2 && all(run, is_hex)))
		return STR_NULL;
	if (run.n >= HEX_MIN && all(run, is_hex))
		return str_head(run, STEM_MAX);
	while (letters < run.n && !is_digit(run.p[letters]))
		letters++;
	if (letters > 0 && all(str_from(run, letters), is_digit))
		run = str_head(run, letters);
	return run.n == 2 && all(run, is_hex) ? STR_NULL : str_head(run, STEM_MAX);
}

uint64_t
token_key(struct str stem, uint64_t salt)
{
	uint64_t h = hash_nocase(str_head(stem, STEM_MAX), salt);

	return h ? h : 1;
}

uint64_t
token_key_value(uint8_t type, uint64_t value, uint64_t salt)
{
	uint64_t h = hash_mix(hash_mix(salt, type), value);

	return h ? h : 1;
}

void
keyset_free(struct keyset *k)
{
	free(k->cells);
	*k = (struct keyset){ 0 };
}

void
keyset_reset(struct keyset *k)
{
	if (k->cells)
		memset(k->cells, 0, ((size_t)k->mask + 1) * sizeof(*k->cells));
	k->count = 0;
}

static int
keyset_grow(struct keyset *k)
{
	uint32_t size = k->cells ? 2 * (k->mask + 1) : KEYSET_FIRST;
	struct keyset bigger = { .mask = size - 1 };

	if (size > 2 * KEYS_MAX)
		return -ENOMEM;
	bigger.cells = calloc(size, sizeof(*bigger.cells));
	if (!bigger.cells)
		return -ENOMEM;
	for (uint32_t i = 0; k->cells && i <= k->mask; i++) {
		/* There is room: this cannot fail. */
		if (k->cells[i] && keyset_add(&bigger, k->cells[i]) < 0)
			abort();
	}
	free(k->cells);
	*k = bigger;
	return 0;
}

int
keyset_add(struct keyset *k, uint64_t key)
{
	uint32_t i;

	if ((!k->cells || k->count >= k->mask / 4 * 3) && keyset_grow(k) < 0)
		return -ENOMEM;
	for (i = (uint32_t)(key >> 32) & k->mask; k->cells[i] != 0; i = (i + 1) & k->mask) {
		if (k->cells[i] == key)
			return 0;
	}
	k->cells[i] = key;
	k->count++;
	return 0;
}

struct fuse {
	uint32_t window, windows;       /* bytes of a window, a power of two; windows that a key may begin in */
	uint64_t seed;
};

static inline void
cells_of(const struct fuse *f, uint64_t key, uint32_t ret[3], uint8_t *ret_print)
{
	uint64_t h = hash_mix(f->seed, key);
	uint32_t first = (uint32_t)((h >> 32) * ((uint64_t)f->windows * f->window) >> 32);

	ret[0] = first;
	ret[1] = (first + f->window) ^ ((uint32_t)(h >> 18) & (f->window - 1));
	ret[2] = (first + 2 * f->window) ^ ((uint32_t)h & (f->window - 1));
	*ret_print = (uint8_t)(h ^ h >> 24 ^ h >> 41);
}

/* A little less than the binary logarithm, and the same on every machine. */
static double
log2_below(uint32_t n)
{
	unsigned whole = 31u - (unsigned)__builtin_clz(n);

	return whole + (double)n / (double)(1u << whole) - 1;
}

/* The sizes of the paper: windows of 3.33 ^ (log n) + 2.25 powers of two, room for 1.125 keys a key or a little more. */
static struct fuse
plan(uint32_t n)
{
	struct fuse f = { .window = 4 };
	uint32_t keys = n > 2 ? n : 2, capacity;
	double share = 0.875 + 0.25 * log2_below(1000000) / log2_below(keys);

	for (double g = 3.33; g < keys && f.window < 1u << WINDOW_MAX; g *= 3.33)
		f.window *= 2;
	capacity = (uint32_t)(keys * (share > 1.125 ? share : 1.125)) + 1;
	f.windows = (capacity + f.window - 1) / f.window;
	f.windows = f.windows > 2 ? f.windows - 2 : 1;
	return f;
}

struct peel {
	uint64_t *xors;                 /* per cell: all its keys together */
	uint32_t *count;
	uint64_t *order;                /* keys as they were peeled */
	uint32_t *place;                /* and the cell that freed each */
	uint32_t *queue;
	uint32_t cells;
};

static bool
peel_all(struct peel *p, const struct fuse *f, const struct keyset *keys, uint32_t *ret_n)
{
	uint32_t c[3], waiting = 0, n = 0;
	uint8_t print;

	memset(p->xors, 0, p->cells * sizeof(*p->xors));
	memset(p->count, 0, p->cells * sizeof(*p->count));
	for (uint32_t i = 0; i <= keys->mask; i++) {
		if (!keys->cells[i])
			continue;
		cells_of(f, keys->cells[i], c, &print);
		for (int k = 0; k < 3; k++) {
			p->xors[c[k]] ^= keys->cells[i];
			p->count[c[k]]++;
		}
	}
	for (uint32_t i = 0; i < p->cells; i++) {
		if (p->count[i] == 1)
			p->queue[waiting++] = i;
	}
	while (waiting > 0) {
		uint32_t at = p->queue[--waiting];
		uint64_t key = p->xors[at];

		if (p->count[at] != 1)
			continue;
		p->order[n] = key;
		p->place[n++] = at;
		cells_of(f, key, c, &print);
		for (int k = 0; k < 3; k++) {
			p->xors[c[k]] ^= key;
			if (--p->count[c[k]] == 1)
				p->queue[waiting++] = c[k];
		}
	}
	*ret_n = n;
	return n == keys->count;
}

static bool
peel_init(struct peel *p, uint32_t cells, uint32_t keys)
{
	*p = (struct peel){ .cells = cells };
	p->xors = malloc(cells * sizeof(*p->xors));
	p->count = malloc(cells * sizeof(*p->count));
	p->order = malloc((keys + 1u) * sizeof(*p->order));
	p->place = malloc((keys + 1u) * sizeof(*p->place));
	/* A cell is queued when it comes down to one: once at first, and once more at most per key that leaves it. */
	p->queue = malloc((cells + 3 * (size_t)keys + 1) * sizeof(*p->queue));
	return p->xors && p->count && p->order && p->place && p->queue;
}

static void
peel_free(struct peel *p)
{
	free(p->xors);
	free(p->count);
	free(p->order);
	free(p->place);
	free(p->queue);
}

static void
write_filter(const struct peel *p, const struct fuse *f, uint32_t n, struct buf *out)
{
	uint8_t head[HEAD] = { (uint8_t)__builtin_ctz(f->window) };
	uint8_t *bytes, print;
	uint32_t c[3];

	for (int i = 0; i < 4; i++)
		head[4 + i] = (uint8_t)(f->windows >> 8 * i);
	for (int i = 0; i < 8; i++)
		head[8 + i] = (uint8_t)(f->seed >> 8 * i);
	buf_add(out, str_of((const char *)head, HEAD));
	if (!buf_reserve(out, p->cells))
		return;
	bytes = (uint8_t *)out->p + out->n;
	memset(bytes, 0, p->cells);
	while (n > 0) {
		n--;
		cells_of(f, p->order[n], c, &print);
		bytes[p->place[n]] = 0;
		bytes[p->place[n]] = print ^ bytes[c[0]] ^ bytes[c[1]] ^ bytes[c[2]];
	}
	out->n += p->cells;
}

int
token_filter_build(const struct keyset *keys, struct buf *out)
{
	struct fuse f = plan(keys->count);
	struct peel p;
	uint32_t n = 0;
	int rc = -EAGAIN;

	if (keys->count == 0)
		return -EAGAIN;
	if (!peel_init(&p, (f.windows + 2) * f.window, keys->count))
		rc = -ENOMEM;
	for (uint32_t i = 1; i <= ATTEMPTS && rc == -EAGAIN; i++) {
		f.seed = i * 0x9e3779b97f4a7c15ull;
		if (peel_all(&p, &f, keys, &n))
			rc = 0;
	}
	if (rc == 0)
		write_filter(&p, &f, n, out);
	peel_free(&p);
	return rc == 0 && !buf_ok(out) ? -ENOMEM : rc;
}

static bool
read_head(struct str filter, struct fuse *ret)
{
	struct cur c = cur_of(filter);
	uint8_t log = cur_u8(&c);

	(void)cur_bytes(&c, 3);
	ret->windows = cur_u32le(&c);
	ret->seed = cur_u64le(&c);
	ret->window = log <= WINDOW_MAX ? 1u << log : 1;
	return cur_ok(&c) && log >= 2 && log <= WINDOW_MAX && ret->windows >= 1 && ret->windows <= KEYS_MAX &&
	    c.n == ((uint64_t)ret->windows + 2) * ret->window;
}

bool
token_filter_valid(struct str filter)
{
	struct fuse f;

	return read_head(filter, &f);
}

bool
token_filter_has(struct str filter, uint64_t key)
{
	const uint8_t *bytes = (const uint8_t *)filter.p + HEAD;
	struct fuse f;
	uint32_t c[3];
	uint8_t print;

	if (!read_head(filter, &f))
		return true;
	cells_of(&f, key, c, &print);
	return print == (bytes[c[0]] ^ bytes[c[1]] ^ bytes[c[2]]);
}
