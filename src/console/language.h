/*
 * language: in which the program speaks to people. Numbers stay as programs read them, whatever the language.
 */
#ifndef GUARITA_CONSOLE_LANGUAGE_H
#define GUARITA_CONSOLE_LANGUAGE_H

/* To be called first: the language of the environment, from the installed catalogue or that of the build tree. */
void language_begin(void);

#endif
