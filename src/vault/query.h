/*
 * query: what is looked for, in words:
 *
 *     failed root                 both words (letters' case does not matter)
 *     "password for root"         this phrase          adm*    words that begin so
 *     10.0.0.1  10.0.0.0/8        an address in the line, or one of a network
 *     src:10.0.0.0/8  user:ana  kind:auth  program:ssh*  bytes>1000000  dst_port:1..1023     decoded fields
 *     url~/admin|login/           a regular expression for a field
 *     source:/var/log/auth.log    where it came from
 *     /time(d )?out/              a regular expression (PCRE2); /.../s minds the case
 *     a OR b   NOT a   -a   ( )
 *     ... | count by FIELD    ... | top 5 FIELD    ... | histogram 1h
 *
 * A query also says of a single line whether it matches: that is the meaning which a search over segments must meet.
 * Each line may cost a regular expression so many steps and no more, so no query can be made to hang by what it reads.
 */
#ifndef GUARITA_VAULT_QUERY_H
#define GUARITA_VAULT_QUERY_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/text.h"

#define QUERY_TEXT_MAX 4096u
#define QUERY_DEPTH_MAX 64u
#define QUERY_NODES_MAX 512u

enum query_kind {
	QUERY_ALL,
	QUERY_TEXT,             /* word, phrase, prefix */
	QUERY_ADDRESS,          /* an IPv4 address or network in the line */
	QUERY_REGEX,
	QUERY_FIELD,
	QUERY_AND, QUERY_OR, QUERY_NOT,
};

enum query_test {               /* of a field's value */
	QUERY_IS,               /* text (a prefix when so marked) */
	QUERY_IN,               /* network */
	QUERY_BETWEEN,          /* numbers */
	QUERY_MATCHES,          /* regular expression */
};

enum query_field {              /* what is not decoded but always known */
	QUERY_DECODED,
	QUERY_SOURCE,
};

struct query_regex;

struct query_node {
	enum query_kind kind;
	struct query_node *left, *right;  /* AND, OR; NOT has left */
	struct str text;                  /* TEXT and QUERY_IS: folded to lower case */
	bool prefix;
	struct str name;                  /* of a field */
	enum query_field field;
	enum query_test test;
	char joint;                       /* '.': "auth" also means "auth.fail"; ' ': "site x", all that came from it; or 0 */
	struct cidr net;
	uint64_t low, high;
	const struct query_regex *regex;
	struct str *needs;                /* literals that every match of the regex contains, folded */
	uint32_t nneeds;
	struct str pattern;               /* as written */
};

enum query_then { QUERY_SHOW, QUERY_COUNT, QUERY_TOP, QUERY_HISTOGRAM };

struct query {
	struct arena arena;
	struct query_node *root;
	enum query_then then;
	struct str by;                    /* COUNT, TOP: the field */
	uint64_t top;
	int64_t bucket_us;                /* HISTOGRAM; 0: chosen to fit */
	bool wants_facts;                 /* some node asks for a decoded field */
	bool wants_source;                /* or for where the line came from */
	struct query_regex *regexes;
	uint32_t nregexes;
	/* after -EINVAL */
	size_t fault_at;                  /* byte of the text */
	char fault[160];                  /* what was wrong there, and the remedy */
};

/* text must outlive nothing: it is copied. 0, -EINVAL (see fault), -ENOMEM. query_free() in any case. */
int query_parse(struct query *q, struct str text) WARN_UNUSED;
void query_free(struct query *q);

/* Scratch of one thread. */
struct query_scratch;
struct query_scratch *query_scratch_new(const struct query *q);
void query_scratch_free(struct query_scratch *s);
/* Lines that an expression gave up on, because they cost too much: whether they match is not known. */
uint64_t query_scratch_gave_up(const struct query_scratch *s);

struct query_fact {
	struct str name, value;
};

struct query_line {
	struct str raw, source;
	const struct query_fact *facts;
	size_t nfacts;
};

bool query_match(const struct query *q, struct query_scratch *s, const struct query_line *l);
/* Parts of it, for a search that knows more than one line. */
bool query_test_value(const struct query_node *n, struct query_scratch *s, struct str value);
bool query_test_regex(const struct query_regex *r, struct query_scratch *s, struct str text);
/* True when text occurs in s as words (case folded in text): the rule of QUERY_TEXT. */
bool query_contains(struct str s, struct str text, bool prefix);
/* True when the line has an address token in net. */
bool query_has_address(struct str line, const struct cidr *net);
/* Where the query's words lie in a line, for showing: at most max places, in order of the line. */
struct query_hit {
	size_t from, to;
};
size_t query_hits(const struct query *q, struct str line, struct query_hit *ret, size_t max);

/* query_regex.c */
int query_regex_compile(struct query_regex *r, struct str pattern, bool minds_case, struct str *ret_fault, struct arena *a)
    WARN_UNUSED;
void query_regex_free(struct query_regex *r);
/* Literals of at least three letters that lie in every match; at most max. */
uint32_t query_regex_needs(struct str pattern, struct arena *a, struct str *ret, uint32_t max);

struct query_regex {
	struct pcre2_real_code_8 *code;
	struct positions *positions;      /* NULL: it has what only PCRE2 can express */
	uint32_t number;                  /* among the query's */
};

#endif
