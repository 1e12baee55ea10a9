/* diff: the greedy algorithm of Myers, "An O(ND) Difference Algorithm and Its Variations" (1986), forward only. */
#include "console/gate/diff.h"

#include <errno.h>
#include <stdlib.h>

#define CHANGES_MAX 3000       /* the trace grows with its square: 9 million numbers, 36 MB for a moment */

struct lines {
	struct str *v;
	int n;
};

static int
cut(struct str text, struct lines *ret)
{
	struct str rest = text, line;
	size_t n = 0;

	while (str_split(&rest, '\n', &line))
		n++;
	*ret = (struct lines){ .v = calloc(n + 1, sizeof(struct str)) };
	if (!ret->v || n > 1 << 28)
		return -ENOMEM;
	for (rest = text; str_split(&rest, '\n', &line);)
		ret->v[ret->n++] = line;
	return 0;
}

struct diff {
	struct lines a, b;
	int from;                      /* equal lines at the beginning, */
	int a_to, b_to;                /* and where the equal end begins */
	int **trace;                   /* after d changes: the farthest x on each diagonal -d..d */
	int d;
};

/* Walks as far as possible with one change more; true when both ends are reached. */
static bool
step(struct diff *f, int d)
{
	int n = f->a_to - f->from, m = f->b_to - f->from;
	const int *before = d ? f->trace[d - 1] + (d - 1) : NULL;
	int *now = f->trace[d] + d;

	for (int k = -d; k <= d; k += 2) {
		bool down = d > 0 && (k == -d || (k != d && before[k - 1] < before[k + 1]));
		int x = d == 0 ? 0 : down ? before[k + 1] : before[k - 1] + 1;

		while (x < n && x - k < m && str_eq(f->a.v[f->from + x], f->b.v[f->from + x - k]))
			x++;
		now[k] = x;
		if (x >= n && x - k >= m)
			return true;
	}
	return false;
}

static int
search(struct diff *f)
{
	int most = f->a_to + f->b_to - 2 * f->from;

	if (most > CHANGES_MAX)
		most = CHANGES_MAX;
	f->trace = calloc((size_t)most + 1, sizeof(f->trace[0]));
	if (!f->trace)
		return -ENOMEM;
	for (f->d = 0; f->d <= most; f->d++) {
		f->trace[f->d] = calloc(2 * (size_t)f->d + 1, sizeof(int));
		if (!f->trace[f->d])
			return -ENOMEM;
		if (step(f, f->d))
			return 1;
	}
	f->d--;
	return 0;
}

/* Back from the end: which lines of each side belong to no common one. */
static void
mark(const struct diff *f, bool *gone, bool *new)
{
	int x = f->a_to - f->from, y = f->b_to - f->from;

	for (int d = f->d; d > 0; d--) {
		const int *before = f->trace[d - 1] + (d - 1);
		int k = x - y;
		bool down = k == -d || (k != d && before[k - 1] < before[k + 1]);
		int from = down ? before[k + 1] : before[k - 1];

		if (down)
			new[f->from + from - (k + 1)] = true;
		else
			gone[f->from + from] = true;
		x = from;
		y = from - (down ? k + 1 : k - 1);
	}
}

static void
tell(const struct diff *f, const bool *gone, const bool *new, diff_fn *take, void *ctx)
{
	int x = 0, y = 0;

	while (x < f->a.n || y < f->b.n) {
		if (x < f->a.n && gone[x])
			take(ctx, DIFF_GONE, f->a.v[x++]);
		else if (y < f->b.n && new[y])
			take(ctx, DIFF_NEW, f->b.v[y++]);
		else {
			take(ctx, DIFF_SAME, f->a.v[x++]);
			y++;
		}
	}
}

static int
compare(struct diff *f, diff_fn *take, void *ctx)
{
	bool *gone = calloc((size_t)f->a.n + 1, sizeof(bool)), *new = calloc((size_t)f->b.n + 1, sizeof(bool));
	int r = gone && new ? search(f) : -ENOMEM;

	if (r == 1)
		mark(f, gone, new);
	for (int i = f->from; r == 0 && i < f->a_to; i++)
		gone[i] = true;
	for (int i = f->from; r == 0 && i < f->b_to; i++)
		new[i] = true;
	if (r >= 0)
		tell(f, gone, new, take, ctx);
	for (int i = 0; f->trace && i <= f->d; i++)
		free(f->trace[i]);
	free(f->trace);
	free(gone);
	free(new);
	return r < 0 ? r : 0;
}

int
diff_lines(struct str old, struct str new, diff_fn *take, void *ctx)
{
	struct diff f = { 0 };
	int r = cut(old, &f.a);

	if (r == 0)
		r = cut(new, &f.b);
	if (r == 0) {
		f.a_to = f.a.n;
		f.b_to = f.b.n;
		while (f.from < f.a_to && f.from < f.b_to && str_eq(f.a.v[f.from], f.b.v[f.from]))
			f.from++;
		while (f.a_to > f.from && f.b_to > f.from && str_eq(f.a.v[f.a_to - 1], f.b.v[f.b_to - 1])) {
			f.a_to--;
			f.b_to--;
		}
		r = compare(&f, take, ctx);
	}
	free(f.a.v);
	free(f.b.v);
	return r;
}
