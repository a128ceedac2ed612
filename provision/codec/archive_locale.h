#ifndef ARCHIVE_LOCALE_H
#define ARCHIVE_LOCALE_H

/*
 * libarchive converts names by the thread's locale, and a program in the C locale loses all that are not
 * ASCII. Between enter and leave this thread's characters are UTF-8.
 */
#include <locale.h>

locale_t archive_locale_enter(void);
void archive_locale_leave(locale_t before);

#endif
