/*
 * The block language: any bytes give a tree or faults, every place lies in the text, every fault
 * can be shown.
 */
#include "base/buf.h"
#include "conf/tree.h"
#include "fuzz.h"

static size_t
count_lines(struct str text)
{
	size_t n = 1;

	for (size_t i = 0; i < text.n; i++)
		n += text.p[i] == '\n';
	return n;
}

static void
check_statements(
    const struct conf_stmt *s, const struct conf_stmt *parent, size_t lines, int depth, bool faulty)
{
	CLAIM(depth <= CONF_DEPTH_MAX);
	for (; s; s = s->next) {
		CLAIM(s->nwords >= 1 && s->parent == parent);
		CLAIM(!s->child || s->block);
		for (uint32_t i = 0; i < s->nwords; i++) {
			CLAIM(s->words[i].pos.line >= 1 && s->words[i].pos.line <= lines);
			CLAIM(s->words[i].pos.col >= 1);
			CLAIM(s->words[i].quote != CONF_BARE || s->words[i].text.n > 0);
		}
		CLAIM(faulty || !s->words[s->nwords - 1].comma);
		check_statements(s->child, s, lines, depth + 1, faulty);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = fuzz_input(data, size);
	struct arena arena = { .max = 64u << 20 };
	struct diags *d = diags_new();
	struct buf shown = BUF_INIT(16u << 20);
	struct conf_stmt *first;

	CLAIM(d);
	first = conf_parse(&arena, d, diags_file(d, STR("fuzz.conf"), text), text);
	check_statements(first, NULL, count_lines(text), 0, diags_errors(d) > 0);
	for (size_t i = 0; i < diags_count(d) && i < DIAG_MAX; i++) {
		const struct diag *one = diags_at(d, i);
		CLAIM(one->pos.line >= 1 && one->pos.line <= count_lines(text));
		CLAIM(one->span >= 1 && one->message.n > 0);
	}
	diags_show(d, &shown);
	CLAIM(buf_ok(&shown));
	for (struct str s = buf_str(&shown); s.n; s = str_from(s, 1))
		CLAIM(s.p[0] == '\n' || s.p[0] == '\t' ||
		    ((uint8_t)s.p[0] >= 0x20 && s.p[0] != 0x7f));
	buf_free(&shown);
	diags_free(d);
	arena_free(&arena);
	return 0;
}
