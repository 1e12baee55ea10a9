/* view_row: rows of a granule put together again: the line byte for byte, its entry, its facts. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "vault/granule_private.h"
#include "vault/view.h"

#define WHOLE_AFTER 16u         /* lines; and a sixteenth of the group */

static int
bad_rows(struct view *v)
{
	snprintf(v->fault, sizeof(v->fault), "head: rows and groups do not agree");
	return -EBADMSG;
}

/* Counts each group's rows; a count that is not the group's own is a fault. */
static int
number_rows(struct view *v, const uint64_t *groups)
{
	uint32_t *count = calloc(v->ngroups, sizeof(*count)), n = v->rows;
	uint16_t *group_of = malloc(n * sizeof(*group_of)), *ordinal = malloc(n * sizeof(*ordinal)), *row_of = malloc(n * sizeof(*row_of));
	int rc = count && group_of && ordinal && row_of ? 0 : -ENOMEM;

	for (uint32_t r = 0; rc == 0 && r < n; r++) {
		const struct view_group *g = &v->groups[groups[r]];
		uint32_t at = count[g->number]++;

		if (at >= g->set.rows) {
			rc = bad_rows(v);
			break;
		}
		group_of[r] = (uint16_t)g->number;
		ordinal[r] = (uint16_t)at;
		row_of[g->start + at] = (uint16_t)r;
	}
	free(count);
	if (rc < 0) {
		free(group_of);
		free(ordinal);
		free(row_of);
		return rc;
	}
	v->group_of = group_of;
	v->ordinal = ordinal;
	v->row_of = row_of;
	v->held += 3 * n * sizeof(*ordinal);
	return 0;
}

/* What was decoded of a head column and is kept in another form. */
static void
drop_head(struct view *v, enum head_column column)
{
	if (v->head.values[column])
		v->held -= v->rows * sizeof(uint64_t);
	free(v->head.values[column]);
	v->head.values[column] = NULL;
}

int
view_stamps(struct view *v)
{
	uint64_t last[TOKEN_TYPES] = { 0 }, *stamps;
	const uint64_t *steps;
	int rc;

	if (v->stamps)
		return 0;
	rc = view_column(v, &v->head, HEAD_STAMP, &steps);
	if (rc == 0)
		rc = view_rows(v);
	if (rc < 0)
		return rc;
	stamps = malloc(v->rows * sizeof(*stamps));
	if (!stamps)
		return -ENOMEM;
	for (uint32_t r = 0; r < v->rows; r++) {
		const struct view_group *g = &v->groups[v->group_of[r]];
		uint64_t *of_type = &last[g->template.parts[g->template.stamp].type];

		*of_type += (uint64_t)unzigzag(steps[r]);
		stamps[g->start + v->ordinal[r]] = *of_type;
	}
	drop_head(v, HEAD_STAMP);
	v->held += v->rows * sizeof(*stamps);
	v->stamps = stamps;
	return 0;
}

int
view_rows(struct view *v)
{
	const uint64_t *groups;
	int rc;

	if (v->ordinal)
		return 0;
	rc = view_column(v, &v->head, HEAD_GROUP, &groups);
	if (rc == 0)
		rc = number_rows(v, groups);
	if (rc == 0)
		drop_head(v, HEAD_GROUP);
	return rc;
}

struct view_group *
view_group_of(struct view *v, uint32_t row)
{
	return &v->groups[v->group_of[row]];
}

static int
add_part(struct view *v, struct view_group *g, uint32_t part, uint32_t ordinal, struct buf *out)
{
	const struct part *p = &g->template.parts[part];
	uint64_t value;
	int rc;

	if (part == g->template.stamp) {
		value = v->stamps[g->start + ordinal];
	} else {
		rc = view_value(v, &g->set, part, ordinal, &value);
		if (rc < 0)
			return rc;
	}
	if (token_is_name(p->type)) {
		if (value >= v->nwords) {
			snprintf(v->fault, sizeof(v->fault), "unknown word in group %u", g->number);
			return -EBADMSG;
		}
		buf_add(out, view_word(v, value));
	} else if (buf_reserve(out, TOKEN_RENDER_MAX)) {
		out->n += token_render(p->type, p->param, value, out->p + out->n);
	}
	return 0;
}

/* The line of a group that is wholly decoded: nothing can be missing, so nothing is asked. */
static int
whole_line(struct view *v, struct view_group *g, uint32_t ordinal, struct buf *out)
{
	char *p, *end;

	if (!buf_reserve(out, g->room))
		return -ENOMEM;
	p = out->p + out->n;
	end = out->p + out->size;
	for (uint32_t i = 0; i <= g->template.n; i++) {
		const struct part *part = &g->template.parts[i];
		uint64_t value;

		memcpy(p, part->literal.p, part->literal.n);
		p += part->literal.n;
		if (i == g->template.n)
			break;
		if (i == g->template.stamp)
			value = v->stamps[g->start + ordinal];
		else
			value = g->set.values[i] ? g->set.values[i][ordinal] : g->set.columns[i].base;
		if (token_is_name(part->type)) {
			struct str word = view_word(v, value);

			/* Behind the word there must be room for all the rest. */
			if ((size_t)(end - p) < word.n + g->room) {
				out->n = (size_t)(p - out->p);
				if (!buf_reserve(out, word.n + g->room))
					return -ENOMEM;
				p = out->p + out->n;
				end = out->p + out->size;
			}
			memcpy(p, word.p, word.n);
			p += word.n;
		} else {
			p += token_render(part->type, part->param, value, p);
		}
	}
	out->n = (size_t)(p - out->p);
	return 0;
}

int
view_line(struct view *v, struct view_group *g, uint32_t ordinal, struct buf *out, struct extents *extents)
{
	size_t base = out->n;
	int rc = view_words(v);

	if (rc == 0 && g->template.stamp < g->template.n)
		rc = view_stamps(v);
	if (rc == 0 && !g->whole && ++g->asked > WHOLE_AFTER + g->set.rows / 16)
		rc = view_whole_group(v, g);
	if (rc == 0 && g->whole && !extents)
		return whole_line(v, g, ordinal, out);
	for (uint32_t i = 0; rc == 0 && i < g->template.n; i++) {
		buf_add(out, g->template.parts[i].literal);
		if (extents)
			extents->from[i] = (uint32_t)(out->n - base);
		rc = add_part(v, g, i, ordinal, out);
		if (extents)
			extents->to[i] = (uint32_t)(out->n - base);
	}
	buf_add(out, g->template.parts[g->template.n].literal);
	return rc < 0 ? rc : buf_ok(out) ? 0 : -ENOMEM;
}

int
view_whole_group(struct view *v, struct view_group *g)
{
	size_t room = 0;

	for (uint32_t i = 0; i <= g->template.n; i++) {
		const struct part *p = &g->template.parts[i];
		const uint64_t *values;
		int rc;

		room += p->literal.n + TOKEN_RENDER_MAX;
		if (i == g->template.n || i == g->template.stamp)
			continue;
		if (token_is_name(p->type) && g->set.columns[i].max >= v->nwords)
			return bad_rows(v);
		if (g->set.columns[i].mode == COLUMN_SAME)
			continue;
		rc = view_column(v, &g->set, i, &values);
		if (rc < 0)
			return rc;
	}
	g->room = room;
	g->whole = true;
	return 0;
}

int
view_entry(struct view *v, uint64_t index, uint32_t row, struct buf *out, struct vault_entry *ret, struct extents *extents)
{
	uint64_t head[HEAD_COLUMNS];
	size_t base = out->n;
	int rc = view_words(v);

	if (rc == 0)
		rc = view_rows(v);
	for (uint32_t i = HEAD_RECV; rc == 0 && i <= HEAD_FLAGS; i++)
		rc = view_value(v, &v->head, i, row, &head[i]);
	if (rc == 0)
		rc = view_line(v, view_group_of(v, row), v->ordinal[row], out, extents);
	if (rc < 0)
		return rc;
	if (head[HEAD_SOURCE] >= v->nwords || head[HEAD_TRANSPORT] > UINT8_MAX || head[HEAD_FLAGS] > UINT8_MAX)
		return bad_rows(v);
	*ret = (struct vault_entry){
		.index = index,
		.recv_ns = (int64_t)head[HEAD_RECV],
		.source = view_word(v, head[HEAD_SOURCE]),
		.transport = (uint8_t)head[HEAD_TRANSPORT],
		.flags = (uint8_t)head[HEAD_FLAGS],
		.raw = str_from(buf_str(out), base),
	};
	return 0;
}

int
view_facts(struct view *v, struct view_group *g, uint32_t ordinal, struct str line, const struct extents *extents,
    struct fact *ret, size_t max)
{
	uint32_t parts = g->template.n;
	const struct view_variant *variant;
	uint64_t value;
	size_t n = 0;
	int rc = view_value(v, &g->set, parts, ordinal, &value);

	if (rc < 0)
		return rc;
	if (value >= g->nvariants)
		return bad_rows(v);
	variant = &g->variants[value];
	for (uint32_t i = 0; i < variant->n && n < max; i++) {
		const struct view_place *p = &variant->places[i];
		uint32_t from = extents->from[p->first], to = extents->to[p->last];

		ret[n++] = (struct fact){ .name = p->name, .value = str_head(str_from(line, from), to - from) };
	}
	for (uint32_t i = 0; i < g->nextras && n < max; i++) {
		rc = view_value(v, &g->set, parts + 1 + i, ordinal, &value);
		if (rc < 0)
			return rc;
		if (value > 0)
			ret[n++] = (struct fact){ .name = g->extras[i], .value = view_word(v, value - 1) };
	}
	return (int)n;
}
