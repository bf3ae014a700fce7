/* The language of what people read: messages, summaries, reports' sentences, alerts, help.
 *
 *     ec_language_init();                                  // once, by main
 *     ec_fail(err, EC_IO, "cannot read %s", path);         // translates its format by itself
 *     puts(_("No run yet."));                              // a sentence that is printed here
 *     static const char *const why[] = {N_("new file")};   // marked here, translated where it is printed: _(why[i])
 *     printf(P_("%zu file", "%zu files", n), n);           // by number
 *
 * Sentences are keyed by their English text, as GNU gettext does; po/LANG.po holds the translations, msgfmt turns
 * them into a catalogue at build time, and the catalogue lies in the program: a copied binary speaks every language, and
 * none needs a locale that is installed. Formats for programs (names of fields, codes, figures, tables, CSV, metrics)
 * never pass through here. docs/translating.md says how to add a sentence or a language.
 *
 * The language is set once, before threads start; looking up is safe from any thread, and in English costs nothing.
 */
#ifndef EC_BASE_LANGUAGE_H
#define EC_BASE_LANGUAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ec_language { EC_LANGUAGE_EN, EC_LANGUAGE_FR, EC_LANGUAGE_COUNT };

/* Takes the language that the environment asks for: the first of LC_ALL, LC_MESSAGES and LANG that is not empty names the
 * locale; where that is neither C nor POSIX, the languages of LANGUAGE (a list with colons) come first. One that we do
 * not have is passed over; English is what is left. */
void ec_language_init(void);
enum ec_language ec_language_of(const char *locale, const char *list); /* the same as a function: either may be NULL */

/* What `language:` of pipeline_config.yaml sets. */
void ec_language_set(enum ec_language language);
enum ec_language ec_language(void);
/* The language of this thread alone, and returns the one before, with which it is to be called again: for a text that is
 * in one language whatever the run's is, such as the page's. */
enum ec_language ec_language_swap(enum ec_language language);

/* "en", "fr": the code of ISO 639-1. */
const char *ec_language_name(enum ec_language language);

/* The translation of an English sentence, or the sentence itself where there is none. Static storage, or `text` itself. */
const char *ec_tr(const char *text) __attribute__((format_arg(1), nonnull(1)));
/* The form for n: English has `one` for 1 and `many` for the rest, French `one` for 0 and 1. */
const char *ec_tr_plural(const char *one, const char *many, uint64_t n) __attribute__((format_arg(1), format_arg(2), nonnull(1, 2)));

/* A figure as English writes it, 1,234.5, as the language does: 1 234,5. For sentences; never for a program. */
const char *ec_language_figure(const char *english, char *out, size_t size);

#define _(text)          ec_tr(text)
#define N_(text)         text
#define P_(one, many, n) ec_tr_plural(one, many, n)

/* What the system says of an error number, in our language (strerror() would follow the machine's locales). */
const char *ec_language_errno(int number, char *out, size_t size);

#endif
