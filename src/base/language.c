#include "base/language.h"

#include "base/catalogue.h"
#include "base/catalogues.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const names[EC_LANGUAGE_COUNT] = {"en", "fr"};

static enum ec_language current = EC_LANGUAGE_EN;
static _Thread_local unsigned swapped; /* 0, or 1 + the language of this thread alone */

void ec_language_set(enum ec_language language) {
    current = language;
    swapped = 0;
}

enum ec_language ec_language(void) { return swapped ? (enum ec_language)(swapped - 1) : current; }

enum ec_language ec_language_swap(enum ec_language language) {
    enum ec_language before = ec_language();
    swapped = 1 + (unsigned)language;
    return before;
}
const char *ec_language_name(enum ec_language language) { return names[language]; }

/* The language of one locale name, which ends at a colon too: fr, fr_CA, fr_FR.UTF-8, fr@euro. */
static enum ec_language match(const char *locale) {
    size_t n = strcspn(locale, "_.@:");
    for (unsigned i = 0; i < EC_LANGUAGE_COUNT; i++)
        if (strlen(names[i]) == n && strncmp(locale, names[i], n) == 0) return (enum ec_language)i;
    return EC_LANGUAGE_COUNT;
}

enum ec_language ec_language_of(const char *locale, const char *list) {
    if (!locale || strcmp(locale, "") == 0 || strcmp(locale, "C") == 0 || strcmp(locale, "POSIX") == 0) return EC_LANGUAGE_EN;
    enum ec_language found = EC_LANGUAGE_COUNT;
    for (const char *p = list; p && *p && found == EC_LANGUAGE_COUNT;) {
        found = match(p);
        p += strcspn(p, ":");
        p += *p == ':';
    }
    if (found == EC_LANGUAGE_COUNT) found = match(locale);
    return found == EC_LANGUAGE_COUNT ? EC_LANGUAGE_EN : found;
}

void ec_language_init(void) {
    static const char *const variables[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
    const char *locale = NULL;
    for (size_t i = 0; i < 3 && (!locale || !*locale); i++) locale = getenv(variables[i]);
    ec_language_set(ec_language_of(locale, getenv("LANGUAGE")));
}

static struct ec_str find(const char *text) {
    /* The empty text is the key of a catalogue's own header. */
    enum ec_language language = ec_language();
    if (language == EC_LANGUAGE_EN || !*text) return (struct ec_str){NULL, 0};
    return ec_catalogue_find(ec_catalogues[language - 1], text);
}

const char *ec_tr(const char *text) {
    struct ec_str found = find(text);
    return found.n > 0 ? found.p : text;
}

/* Which form a number takes; what Plural-Forms says in po/LANG.po. */
static unsigned form_of(uint64_t n) { return ec_language() == EC_LANGUAGE_FR ? n > 1 : n != 1; }

const char *ec_tr_plural(const char *one, const char *many, uint64_t n) {
    struct ec_str found = find(one);
    if (found.n > 0) return ec_catalogue_form(found, form_of(n));
    return n == 1 ? one : many;
}

const char *ec_language_figure(const char *english, char *out, size_t size) {
    size_t n = 0;
    bool french = ec_language() == EC_LANGUAGE_FR;
    for (const char *p = english; *p && n + 4 < size; p++) {
        if (french && *p == ',') {
            memcpy(out + n, "\xE2\x80\xAF", 3); /* narrow no-break space between thousands */
            n += 3;
        } else {
            out[n++] = french && *p == '.' ? ',' : *p;
        }
    }
    out[n] = '\0';
    return out;
}

/* As glibc says it. What is not among them, or in no catalogue, stays English. */
static const char *const errors[] = {
    N_("Operation not permitted"), N_("No such file or directory"), N_("No such process"), N_("Interrupted system call"),
    N_("Input/output error"), N_("No such device or address"), N_("Exec format error"), N_("Bad file descriptor"),
    N_("Resource temporarily unavailable"), N_("Cannot allocate memory"), N_("Permission denied"), N_("Bad address"),
    N_("Device or resource busy"), N_("File exists"), N_("Invalid cross-device link"), N_("No such device"), N_("Not a directory"),
    N_("Is a directory"), N_("Invalid argument"), N_("Too many open files in system"), N_("Too many open files"),
    N_("Text file busy"), N_("File too large"), N_("No space left on device"), N_("Illegal seek"), N_("Read-only file system"),
    N_("Too many links"), N_("Broken pipe"), N_("File name too long"), N_("Directory not empty"),
    N_("Too many levels of symbolic links"), N_("Operation not supported"), N_("Connection refused"), N_("Connection timed out"),
    N_("Connection reset by peer"), N_("Disk quota exceeded"), N_("Stale file handle"), N_("Success"),
};

const char *ec_language_errno(int number, char *out, size_t size) {
    const char *text = strerror_r(number, out, size);
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        if (strcmp(errors[i], text) == 0) return _(errors[i]);
    return text;
}
