/* key: see key.h. */
#include "watch/correlate/key.h"

/* The head's, else the field's, else that of the field which stands in. */
static struct str
head_value(const struct record *r, struct slot head, uint16_t field, uint16_t other)
{
	struct str v = record_text(r, head);

	if (v.n == 0)
		v = record_value(r, field);
	return v.n || other == field ? v : record_value(r, other);
}

static struct str
either_value(const struct record *r, uint16_t field, uint16_t other)
{
	struct str v = record_value(r, field);

	return v.n ? v : record_value(r, other);
}

static inline struct str
value_of(uint16_t field, const struct record *r)
{
	switch (field) {
	case FIELD_src:
		return either_value(r, field, FIELD_src_host);
	case FIELD_dst:
		return either_value(r, field, FIELD_dst_host);
	/* Host and program are those of the head: what a line says of others is no session's name. */
	case FIELD_host:
		return head_value(r, r->host, field, field);
	case FIELD_program:
		return head_value(r, r->program, field, FIELD_service);
	case FIELD_message:
		return record_fact(r, field);
	default:
		return record_value(r, field);
	}
}

struct str
key_value(uint16_t field, const struct record *r)
{
	return str_head(value_of(field, r), KEY_VALUE_MAX);
}

static inline bool
is_place(uint16_t field)
{
	return field == FIELD_src || field == FIELD_dst || field == FIELD_src_host ||
	    field == FIELD_dst_host ||
	    field == FIELD_host || field == FIELD_program || field == FIELD_service;
}

#define ONES 0x0101010101010101ull

/* Only what has a colon among its first six bytes, "[hhhh:" at most, can be an IPv6 address; eight are looked at. */
static inline bool
may_be_v6(struct str v)
{
	uint64_t colons;

	if (v.n < 8) {
		for (size_t i = 0; i < v.n; i++)
			if (v.p[i] == ':')
				return true;
		return false;
	}
	memcpy(&colons, v.p, sizeof(colons));
	colons ^= ':' * ONES;
	return ((colons - ONES) & ~colons & 0x80 * ONES) != 0;
}

/* Two spellings of one IPv6 address, or an IPv4 one inside it, are one key. */
static __attribute__((noinline)) uint64_t
v6_hash(struct str v, uint64_t seed)
{
	struct addr a;
	char text[46];

	if (addr_parse(v, &a) == 0)
		return hash_nocase(str_of(text, addr_show(&a, text)), seed);
	return hash_nocase(v, seed);
}

static __attribute__((noinline)) uint64_t
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

/* Runs for every part of every key of every record: what is rare stands apart. */
uint64_t
key_part_hash(const struct key_part *part, const struct record *r, uint64_t seed)
{
	struct str v;
	uint64_t h;

	if (part->field == FIELD_pid)
		return r->pid >= 0 ? hash_mix(seed, (uint64_t)r->pid) | 1 : pid_hash(r, seed);
	v = value_of(part->field, r);
	if (v.n == 0)
		return 0;
	if (v.n > KEY_VALUE_MAX)
		v.n = KEY_VALUE_MAX;
	if (part->net)
		h = net_hash(v, seed);
	else if (!is_place(part->field))
		h = hash_bytes(v, seed);
	else
		h = may_be_v6(v) ? v6_hash(v, seed) : hash_nocase(v, seed);
	return h ? h : 1;
}

bool
key_part_needed(const struct key_spec *key, uint8_t part)
{
	return key->n == 1 || key->part[part].field != FIELD_host;
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
