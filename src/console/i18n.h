/* i18n: texts for people pass through gettext; everything else (JSON, kinds, names of options) never does. */
#ifndef GUARITA_CONSOLE_I18N_H
#define GUARITA_CONSOLE_I18N_H

#include <libintl.h>

#define _(text) gettext(text)
#define N_(text) (text)
#define P_(one, many, n) ngettext((one), (many), (n))

#endif
