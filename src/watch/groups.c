/*
 * groups: sorts the lines of all decoders by who writes them, and finds a program's groups again. A decoder for
 * several programs is in the group of each. Names are compared in lower case, without directory and [pid].
 */
#include "watch/groups.h"

#include <errno.h>
#include <stdlib.h>

#include "base/hash.h"

struct member {                        /* a decoder in a group */
	uint32_t group, decoder;
};

struct sorter {
	struct decoders *d;
	struct arena *a;
	struct member *members;
	uint32_t n, size;
	uint32_t ngroups;
};

static int
add_member(struct sorter *s, uint32_t group, uint32_t decoder)
{
	if (s->n == s->size) {
		uint32_t size = s->size ? s->size * 2 : 256;
		struct member *more = reallocarray(s->members, size, sizeof(*more));

		if (!more)
			return -ENOMEM;
		s->members = more;
		s->size = size;
	}
	s->members[s->n++] = (struct member){ group, decoder };
	return 0;
}

static int
program_group(struct sorter *s, struct str program, uint32_t *ret)
{
	uint32_t group;

	if (str_ends(program, STR("/*")))
		program.n--;
	group = strmap_get(&s->d->programs, program);
	if (group == STRMAP_NONE) {
		group = s->ngroups++;
		if (strmap_put(&s->d->programs, program, group) < 0)
			return -ENOMEM;
	}
	*ret = group;
	return 0;
}

static int
join_programs(struct sorter *s, uint32_t decoder)
{
	const struct decoder *d = &s->d->decoders[decoder];
	uint32_t group;
	int err = 0;

	for (uint32_t i = 0; i < d->nprograms && err == 0; i++) {
		err = program_group(s, d->programs[i], &group);
		if (err == 0)
			err = add_member(s, group, decoder);
	}
	return err;
}

/* Files of one decoder share a group; a file named by several decoders belongs to the group of the first. */
static int
join_files(struct sorter *s, uint32_t decoder)
{
	const struct decoder *d = &s->d->decoders[decoder];

	for (uint32_t i = 0; i < d->nfiles; i++) {
		uint32_t group = GROUP_NONE;

		for (uint32_t k = 0; k < s->d->nfiles; k++)
			if (str_eq(s->d->files[k].glob, d->files[i]))
				group = s->d->files[k].group;
		if (group == GROUP_NONE) {
			group = s->ngroups++;
			s->d->files[s->d->nfiles++] = (struct file_route){ d->files[i], group };
		}
		if (add_member(s, group, decoder) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int
sort_decoders(struct sorter *s)
{
	int err = 0;

	s->d->any = s->ngroups++;
	s->d->none = s->ngroups++;
	s->d->guess = s->ngroups++;
	s->d->last = s->ngroups++;
	for (uint32_t i = 0; i < s->d->ndecoders && err == 0; i++) {
		const struct decoder *d = &s->d->decoders[i];

		if (d->any)
			err = add_member(s, d->last ? s->d->last : d->guess ? s->d->guess : s->d->any, i);
		if (err == 0 && d->none)
			err = add_member(s, s->d->none, i);
		if (err == 0)
			err = join_programs(s, i);
		if (err == 0)
			err = join_files(s, i);
	}
	return err;
}

static int
by_group(const void *a, const void *b)
{
	const struct member *x = a, *y = b;

	if (x->group != y->group)
		return x->group < y->group ? -1 : 1;
	return x->decoder < y->decoder ? -1 : x->decoder > y->decoder;
}

struct gathered {
	const struct pattern **patterns;
	const struct line **lines;
	uint32_t n, size;
};

static int
gather_line(struct gathered *g, const struct line *line)
{
	if (g->n == g->size) {
		uint32_t size = g->size ? g->size * 2 : 1024;
		const struct pattern **patterns = reallocarray(g->patterns, size, sizeof(*patterns));
		const struct line **lines = patterns ? reallocarray(g->lines, size, sizeof(*lines)) : NULL;

		g->patterns = patterns ? patterns : g->patterns;
		if (!lines)
			return -ENOMEM;
		g->lines = lines;
		g->size = size;
	}
	g->patterns[g->n] = &line->pattern;
	g->lines[g->n++] = line;
	return 0;
}

static int
gather_decoder(struct sorter *s, struct group *group, struct gathered *g, const struct decoder *d)
{
	int err = 0;

	if (d->form != FORM_TEXT) {
		group->forms[group->nforms++] = d;
		group->form_bits |= 1u << d->form;
		return 0;
	}
	for (uint32_t i = 0; i < d->nlines && err == 0; i++)
		if (s->d->lines[d->first_line + i].on == FIELD_NONE)
			err = gather_line(g, &s->d->lines[d->first_line + i]);
	return err;
}

static int
build_group(struct sorter *s, struct group *group, struct gathered *g)
{
	int err = index_build(s->a, g->patterns, g->n, &group->index);

	group->lines = ARENA_ARRAY(s->a, const struct line *, g->n + 1);
	if (err < 0 || !group->lines)
		return -ENOMEM;
	if (g->n)
		memcpy(group->lines, g->lines, g->n * sizeof(*g->lines));
	group->empty = g->n == 0;
	return 0;
}

/* A program named twice by a decoder is one member; *ret_first[i] is where the members of group i begin. */
static void
sort_members(struct sorter *s, uint32_t *ret_first)
{
	uint32_t n = 0, group = 0;

	if (s->n)
		qsort(s->members, s->n, sizeof(*s->members), by_group);
	for (uint32_t i = 0; i < s->n; i++)
		if (n == 0 || by_group(&s->members[n - 1], &s->members[i]) != 0)
			s->members[n++] = s->members[i];
	s->n = n;
	for (uint32_t i = 0; i < n; i++)
		while (group <= s->members[i].group)
			ret_first[group++] = i;
	while (group <= s->ngroups)
		ret_first[group++] = n;
}

static bool
same_members(const struct sorter *s, const uint32_t *first, uint32_t a, uint32_t b)
{
	uint32_t n = first[a + 1] - first[a];

	if (n != first[b + 1] - first[b])
		return false;
	for (uint32_t i = 0; i < n; i++)
		if (s->members[first[a] + i].decoder != s->members[first[b] + i].decoder)
			return false;
	return true;
}

static int
fill_group(struct sorter *s, struct gathered *g, uint32_t from, uint32_t to, struct group *group)
{
	int err;

	g->n = 0;
	group->forms = ARENA_ARRAY(s->a, const struct decoder *, to - from + 1);
	err = group->forms ? 0 : -ENOMEM;
	for (uint32_t k = from; k < to && err == 0; k++)
		err = gather_decoder(s, group, g, &s->d->decoders[s->members[k].decoder]);
	return err < 0 ? err : build_group(s, group, g);
}

/* Many programs share all their decoders, and so a group: the owner of each is the first that needed it. */
static void
share_groups(struct sorter *s, const uint32_t *first, uint32_t *ret_owners, uint32_t *ret_n)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->ngroups; i++) {
		uint32_t k = 0;

		while (k < n && !same_members(s, first, ret_owners[k], i))
			k++;
		if (k == n)
			ret_owners[n++] = i;
		s->d->built[i] = k;
	}
	*ret_n = n;
}

static int
build_groups(struct sorter *s, uint32_t *first, uint32_t *owners)
{
	struct gathered g = { 0 };
	uint32_t n;
	int err;

	sort_members(s, first);
	share_groups(s, first, owners, &n);
	s->d->groups = ARENA_ARRAY(s->a, struct group, n);
	err = s->d->groups ? 0 : -ENOMEM;
	for (uint32_t i = 0; i < n && err == 0; i++) {
		s->d->ngroups = i + 1;
		err = fill_group(s, &g, first[owners[i]], first[owners[i] + 1], &s->d->groups[i]);
	}
	free(g.patterns);
	free(g.lines);
	return err;
}

static int
place_groups(struct sorter *s)
{
	uint32_t *first = calloc(s->ngroups + 1, sizeof(*first)), *owners = calloc(s->ngroups + 1, sizeof(*owners));
	uint32_t *own[] = { &s->d->any, &s->d->none, &s->d->guess, &s->d->last };
	int err = -ENOMEM;

	s->d->built = ARENA_ARRAY(s->a, uint32_t, s->ngroups);
	if (first && owners && s->d->built)
		err = build_groups(s, first, owners);
	for (size_t i = 0; err == 0 && i < ARRAY_LEN(own); i++)
		*own[i] = s->d->built[*own[i]];
	free(first);
	free(owners);
	return err;
}

int
groups_build(struct load *l)
{
	struct sorter s = { .d = l->rs->decoders, .a = &l->rs->arena };
	uint32_t nfiles = 0;
	int err;

	for (uint32_t i = 0; i < s.d->ndecoders; i++)
		nfiles += s.d->decoders[i].nfiles;
	s.d->files = ARENA_ARRAY(s.a, struct file_route, nfiles + 1);
	err = s.d->files ? sort_decoders(&s) : -ENOMEM;
	if (err == 0)
		err = place_groups(&s);
	free(s.members);
	return err;
}

void
groups_free(struct decoders *d)
{
	for (uint32_t i = 0; i < d->ngroups; i++)
		index_free(&d->groups[i].index);
	strmap_free(&d->programs);
}

static uint8_t
add_group(const struct decoders *d, struct str name, uint32_t *groups, uint8_t n)
{
	uint32_t group = name.n ? strmap_get(&d->programs, name) : STRMAP_NONE;

	if (group == STRMAP_NONE || n == WORK_GROUPS_MAX || (n && groups[n - 1] == d->built[group]))
		return n;
	groups[n] = d->built[group];
	return (uint8_t)(n + 1);
}

/* "/usr/sbin/cron" is cron, but "postfix/smtpd" is both postfix/smtpd and a part of postfix. */
static struct str
without_directory(struct str program)
{
	if (program.n && program.p[0] == '/')
		while (str_find_byte(program, '/') < program.n)
			program = str_from(program, str_find_byte(program, '/') + 1);
	return str_head(program, str_find_byte(program, '['));
}

uint8_t
groups_of_program(const struct decoders *d, struct str program, uint32_t *ret_groups)
{
	char lower[256];
	struct str name = str_head(without_directory(program), sizeof(lower));
	size_t slash, paren;
	uint8_t n;

	for (size_t i = 0; i < name.n; i++)
		lower[i] = name.p[i] >= 'A' && name.p[i] <= 'Z' ? (char)(name.p[i] + 32) : name.p[i];
	name.p = lower;
	n = add_group(d, name, ret_groups, 0);
	slash = str_find_byte(name, '/');
	if (slash < name.n) {
		n = add_group(d, str_head(name, slash + 1), ret_groups, n);
		n = add_group(d, str_head(name, slash), ret_groups, n);
	}
	paren = str_find_byte(name, '(');          /* sshd(pam_unix) */
	if (paren < name.n)
		n = add_group(d, str_head(name, paren), ret_groups, n);
	return n;
}

/* Shell globs of * and ? only; linear, as the last star is the only one ever reconsidered. */
static bool
glob_matches(struct str glob, struct str s)
{
	size_t g = 0, i = 0, star = SIZE_MAX, mark = 0;

	while (i < s.n) {
		if (g < glob.n && glob.p[g] == '*') {
			star = g++;
			mark = i;
		} else if (g < glob.n && (glob.p[g] == '?' || glob.p[g] == s.p[i])) {
			g++;
			i++;
		} else if (star != SIZE_MAX) {
			g = star + 1;
			i = ++mark;
		} else {
			return false;
		}
	}
	while (g < glob.n && glob.p[g] == '*')
		g++;
	return g == glob.n;
}

void
groups_of_file(const struct decoders *d, struct str path, struct decode_route *ret)
{
	size_t slash = str_rfind(path, STR("/"));
	struct str base = slash < path.n ? str_from(path, slash + 1) : path;
	struct decode_route route = { .n = 0 };

	for (uint32_t i = 0; i < d->nfiles && route.n < DECODE_ROUTE_MAX; i++)
		if (glob_matches(d->files[i].glob, base))
			route.group[route.n++] = d->built[d->files[i].group];
	*ret = route;
}
