/* rule_words: reads the words of one statement of a rule from left to right, reporting each fault at its place. */
#ifndef GUARITA_WATCH_RULE_WORDS_H
#define GUARITA_WATCH_RULE_WORDS_H

#include "watch/rule.h"

struct rule_words {
	struct load *l;
	const struct conf_stmt *s;
	uint32_t at;               /* next word */
	bool failed;               /* a fault was reported: what follows is not looked at */
};

static inline struct rule_words
rule_words_of(struct load *l, const struct conf_stmt *s)
{
	return (struct rule_words){ .l = l, .s = s, .at = 1 };
}

void rule_words_fail(struct rule_words *w, const char *hint, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
bool rule_words_more(const struct rule_words *w);
/* Takes the keyword when it is next. */
bool rule_words_if(struct rule_words *w, const char *keyword);
void rule_words_want(struct rule_words *w, const char *keyword);
uint32_t rule_words_number(struct rule_words *w, uint32_t min, uint32_t max);
int64_t rule_words_duration(struct rule_words *w);
uint16_t rule_words_field(struct rule_words *w);
/* FIELD or net:FIELD: what is counted apart. */
struct key_part rule_words_part(struct rule_words *w);
/* KIND, KIND ... ; "family.*" and `any` too. */
struct kind_set rule_words_kinds(struct rule_words *w);
/* FIELD, net:FIELD ... ; the index of that key in rules.keys. */
uint16_t rule_words_key(struct rule_words *w);
/* [where COND [and COND ...]] */
void rule_words_where(struct rule_words *w, const struct condition **ret, uint32_t *ret_n);
/* Nothing may follow. */
void rule_words_end(struct rule_words *w);

/* The index of an equal key, added when new. */
uint16_t rules_key(struct load *l, const struct key_spec *key);
/* Every kind that is marked in its row as hostile. */
struct kind_set rules_hostile_kinds(struct load *l);

#endif
