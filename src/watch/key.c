/* key: see key.h. */
#include "watch/key.h"

#include "base/hash.h"

struct str
key_value(uint16_t field, const struct record *r)
{
	struct str v = STR_NULL;

	/* Host and program are those of the head: what a line says of others is no session's name. */
	if (field == FIELD_host)
		v = record_text(r, r->host);
	else if (field == FIELD_program)
		v = record_text(r, r->program);
	if (v.n == 0)
		v = record_fact(r, field);
	if (v.n == 0 && field == FIELD_src)
		v = record_fact(r, FIELD_src_host);
	else if (v.n == 0 && field == FIELD_dst)
		v = record_fact(r, FIELD_dst_host);
	else if (v.n == 0 && field == FIELD_program)
		v = record_fact(r, FIELD_service);
	return str_head(v, KEY_VALUE_MAX);
}

static bool
is_place(uint16_t field)
{
	return field == FIELD_src || field == FIELD_dst || field == FIELD_src_host ||
	    field == FIELD_dst_host ||
	    field == FIELD_host || field == FIELD_program || field == FIELD_service;
}

/* Two spellings of one IPv6 address, or an IPv4 one inside it, are one key. */
static uint64_t
place_hash(struct str v, uint64_t seed)
{
	struct addr a;
	char text[46];

	if (str_find_byte(v, ':') < v.n && addr_parse(v, &a) == 0)
		return hash_nocase(str_of(text, addr_show(&a, text)), seed);
	return hash_nocase(v, seed);
}

static uint64_t
net_hash(struct str v, uint64_t seed)
{
	struct addr a;

	if (addr_parse(v, &a) < 0)
		return hash_nocase(v, seed);
	return hash_bytes(str_of((const char *)a.b, addr_is_v4(&a) ? 15 : 8), seed + 1);
}

static uint64_t
pid_hash(const struct record *r, uint64_t seed)
{
	struct str v = r->pid < 0 ? record_value(r, FIELD_pid) : STR_NULL;
	uint64_t n = (uint64_t)r->pid;

	if (v.n && text_u64(v, &n) < 0)
		return hash_bytes(v, seed);
	return !v.n && r->pid < 0 ? 0 : hash_mix(seed, n) | 1;
}

uint64_t
key_part_hash(const struct key_part *part, const struct record *r, uint64_t seed)
{
	struct str v;
	uint64_t h;

	if (part->field == FIELD_pid)
		return pid_hash(r, seed);
	v = key_value(part->field, r);
	if (v.n == 0)
		return 0;
	if (part->net)
		h = net_hash(v, seed);
	else
		h = is_place(part->field) ? place_hash(v, seed) : hash_bytes(v, seed);
	return h ? h : 1;
}

bool
key_part_needed(const struct key_spec *key, uint8_t part)
{
	return key->n == 1 || key->part[part].field != FIELD_host;
}

uint64_t
key_join(const uint64_t *parts, uint8_t n, uint64_t seed)
{
	uint64_t h = seed;

	for (uint8_t i = 0; i < n; i++)
		h = hash_mix(h, parts[i]);
	return h ? h : 1;
}

uint64_t
key_hash(const struct key_spec *key, const struct record *r, uint64_t seed)
{
	uint64_t parts[RULE_KEY_PARTS_MAX];

	for (uint8_t i = 0; i < key->n; i++) {
		parts[i] = key_part_hash(&key->part[i], r, seed);
		if (parts[i] == 0 && key_part_needed(key, i))
			return 0;
	}
	return key_join(parts, key->n, seed);
}

bool
key_spec_equal(const struct key_spec *a, const struct key_spec *b)
{
	if (a->n != b->n)
		return false;
	for (uint8_t i = 0; i < a->n; i++) {
		if (a->part[i].field != b->part[i].field || a->part[i].net != b->part[i].net)
			return false;
	}
	return true;
}
