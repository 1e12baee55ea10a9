/* gone_list: see gone_list.h. What stands in the files is believed by nobody before the tree is whole with it. */
#include "console/vault/gone_list.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "sys/file.h"

static int
read_one(const char *vault, uint64_t number, struct gone *ret)
{
	struct buf text = BUF_INIT(GONE_TEXT_MAX);
	char path[PATH_MAX];
	int r = snprintf(path, sizeof(path), "%s/seg/%020llu.gone", vault, (unsigned long long)number) < (int)sizeof(path)
	    ? 0 : -ENAMETOOLONG;

	if (r == 0)
		r = file_read(path, &text);
	if (r == 0)
		r = gone_read(buf_str(&text), ret);
	buf_free(&text);
	return r == 0 && ret->first != number ? -EBADMSG : r;
}

int
gone_list_read(const char *vault, struct gone_list *ret)
{
	uint64_t *numbers = NULL;
	char dir[PATH_MAX];
	size_t n = 0;
	int r = file_path(dir, sizeof(dir), vault, "seg");

	*ret = (struct gone_list){ .n = 0 };
	if (r == 0)
		r = file_numbers(dir, STR(".gone"), &numbers, &n);
	if (r == 0 && n) {
		ret->v = calloc(n, sizeof(*ret->v));
		r = ret->v ? 0 : -ENOMEM;
	}
	for (size_t i = 0; i < n && r == 0; i++) {
		r = read_one(vault, numbers[i], &ret->v[i]);
		ret->bad = numbers[i];
		ret->n += r == 0;
	}
	free(numbers);
	return r == -ENOENT && !n ? 0 : r;
}

void
gone_list_free(struct gone_list *l)
{
	free(l->v);
	*l = (struct gone_list){ .n = 0 };
}

const struct gone *
gone_list_find(const struct gone_list *l, uint64_t index)
{
	size_t low = 0, high = l->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (l->v[mid].first <= index)
			low = mid + 1;
		else
			high = mid;
	}
	return low && index < l->v[low - 1].end ? &l->v[low - 1] : NULL;
}
