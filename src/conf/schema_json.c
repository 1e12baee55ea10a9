/* schema_json: the rows of a schema as JSON Schema, for the web console and for editors. */
#include "conf/schema_doc.h"

static void
json_member(struct buf *out, const char *name, const char *text)
{
	if (text == NULL)
		return;
	buf_addf(out, ",\"%s\":", name);
	buf_add_json(out, str_z(text));
}

static void
json_names(struct buf *out, const struct schema_row *row)
{
	buf_add(out, STR(",\"enum\":["));
	for (size_t i = 0; row->names[i]; i++) {
		buf_add(out, i ? STR(",") : STR(""));
		buf_add_json(out, str_z(row->names[i]));
	}
	buf_add_byte(out, ']');
}

static bool
json_is_number(const struct schema_row *row)
{
	return row->kind == SCHEMA_INT && row->prefix == NULL && row->zero == NULL;
}

/*
 * Sizes and durations are texts in JSON too ("8M"), so their range is said in words of the same
 * kind.
 */
static void
json_range(struct buf *out, const struct schema_row *row)
{
	if (json_is_number(row)) {
		buf_addf(out, ",\"minimum\":%lld,\"maximum\":%lld", (long long)row->min,
		    (long long)row->max);
		return;
	}
	buf_add(out, STR(",\"x-minimum\":\""));
	schema_number_write(row, row->min, out);
	buf_add(out, STR("\",\"x-maximum\":\""));
	schema_number_write(row, row->max, out);
	buf_add_byte(out, '"');
}

static void
json_type(struct buf *out, const struct schema_row *row)
{
	if (schema_is_list(row))
		buf_add(out, STR("\"type\":\"array\",\"items\":{\"type\":\"string\"}"));
	else if (row->kind == SCHEMA_BOOL)
		buf_add(out, STR("\"type\":\"boolean\""));
	else
		buf_addf(out, "\"type\":\"%s\"", json_is_number(row) ? "integer" : "string");
}

static void
json_default(struct buf *out, const struct schema_row *row)
{
	if (row->def && json_is_number(row))
		buf_addf(out, ",\"default\":%s", row->def);
	else
		json_member(out, "default", row->def);
	json_member(out, "x-derived", row->derived);
	json_member(out, "x-zero", row->zero);
}

static void json_object(const struct schema *s, struct buf *out);

static void
json_block(const struct schema_row *row, struct buf *out)
{
	bool many = row->kind == SCHEMA_BLOCKS;

	buf_add(out, many ? STR("{\"type\":\"array\",\"items\":{") : STR("{"));
	json_object(row->sub, out);
	buf_add(out, many ? STR("}") : STR(""));
	json_member(out, "description", row->help);
	buf_add_byte(out, '}');
}

static void
json_option(const struct schema_row *row, struct buf *out)
{
	buf_add_byte(out, '{');
	json_type(out, row);
	json_member(out, "description", row->help);
	json_default(out, row);
	if (row->kind == SCHEMA_ENUM)
		json_names(out, row);
	if (schema_has_range(row))
		json_range(out, row);
	if (row->secret)
		buf_add(out, STR(",\"writeOnly\":true"));
	buf_addf(out, ",\"x-reload\":\"%s\"}", row->reload == SCHEMA_RESTART ? "restart" : "live");
}

static char
json_name_byte(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c - 'A' + 'a');
	return c == ':' ? '-' : c;
}

/* A head value has no keyword: it goes by its lead, or by its argument's name in lower case. */
static void
json_name(const struct schema_row *row, struct buf *out)
{
	const char *name = row->keyword ? row->keyword : row->lead;

	if (name == NULL)
		name = schema_row_arg(row);

	buf_add_byte(out, '"');
	for (; *name && *name != ',' && *name != '|'; name++)
		buf_add_byte(out, json_name_byte(*name));
	buf_add_byte(out, '"');
}

static void
json_required(const struct schema *s, struct buf *out)
{
	bool any = false;

	for (size_t i = 0; i < s->nrows; i++) {
		if (!s->rows[i].required)
			continue;
		buf_add(out, any ? STR(",") : STR(",\"required\":["));
		json_name(&s->rows[i], out);
		any = true;
	}
	buf_add(out, any ? STR("]") : STR(""));
}

static void
json_object(const struct schema *s, struct buf *out)
{
	bool any = false;

	buf_add(out, STR("\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"));
	for (size_t i = 0; i < s->nrows; i++) {
		const struct schema_row *row = &s->rows[i];
		if (row->keyword == NULL && !schema_is_head(row))
			continue;
		buf_add(out, any ? STR(",") : STR(""));
		any = true;
		json_name(row, out);
		buf_add_byte(out, ':');
		if (schema_is_block(row))
			json_block(row, out);
		else
			json_option(row, out);
	}
	buf_add_byte(out, '}');
	json_required(s, out);
}

void
schema_json(const struct schema *s, struct buf *out)
{
	buf_add(out,
	    STR("{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"title\":"));
	buf_add_json(out, str_z(s->name));
	buf_add_byte(out, ',');
	json_object(s, out);
	buf_add(out, STR("}\n"));
}
