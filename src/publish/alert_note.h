/* What an alert says, before it is a mail or JSON: from the facts of a run, worst first.
 *
 * Every text in it is fit to be shown (publish/visible.h): no control, no invisible and no bidirectional character is
 * left, samples of personal data are masked. What the formats escape comes on top of that.
 *
 *     struct ec_alert_note note;
 *     EC_TRY(ec_alert_note_make(&note, &facts, "boutique", EC_SEVERITY_ERROR, err));
 *     EC_TRY(ec_alert_mail(&note, alert, id, &out, err));      // publish/alert_mail.h
 *     ec_alert_note_deinit(&note);
 */
#ifndef EC_PUBLISH_ALERT_NOTE_H
#define EC_PUBLISH_ALERT_NOTE_H

#include "quality/run_facts.h"

#define EC_NOTE_ISSUES_MAX   20u
#define EC_NOTE_REASONS_MAX  6u
#define EC_NOTE_EXAMPLES_MAX 3u
#define EC_NOTE_TEXT_MAX     300u /* bytes of one text; names of files and samples are others' */
#define EC_NOTE_PROBLEMS_MAX 256u

enum ec_note_kind { EC_NOTE_PROBLEM, EC_NOTE_RECOVERY, EC_NOTE_TEST };

struct ec_note_issue {
    enum ec_severity severity;
    const char *source, *path, *member; /* member: or NULL */
    const char *verdict;                /* "failed" */
    const char *reason[EC_NOTE_REASONS_MAX], *example[EC_NOTE_EXAMPLES_MAX];
    size_t reasons, reasons_cut, examples;
    const char *remedy;
    const char *report; /* its path below the project */
};

struct ec_alert_note {
    struct ec_arena arena;
    enum ec_note_kind kind;
    enum ec_severity severity; /* the worst */
    const char *project, *run, *title, *started;
    int64_t at_us; /* of the run's start: the same each time that it is composed */
    struct ec_totals totals;
    bool has_totals;
    struct ec_note_issue issue[EC_NOTE_ISSUES_MAX]; /* worst first */
    size_t issues, issues_cut;
    const char *problem[EC_NOTE_PROBLEMS_MAX]; /* "source/what", for suppression (deliver/journal.h) */
    size_t problems;
    const char **source; /* that the run read files of */
    size_t sources;
};

/* Of a run, with what is at least as bad as `least`. `run` must outlive the note. Deinit in every case. */
enum ec_status ec_alert_note_make(struct ec_alert_note *note, const struct ec_run_facts *run, const char *project,
                                  enum ec_severity least, struct ec_err *err) EC_MUST_USE;
/* Makes it the announcement that all is well again. */
enum ec_status ec_alert_note_recover(struct ec_alert_note *note, struct ec_err *err) EC_MUST_USE;
/* A message that tests the way. */
enum ec_status ec_alert_note_test(struct ec_alert_note *note, const char *project, const char *run, int64_t now_us,
                                  struct ec_err *err) EC_MUST_USE;
void ec_alert_note_deinit(struct ec_alert_note *note);

const char *ec_note_kind_name(enum ec_note_kind kind);

/* The whole as plain text, LF line ends; `dashboard` is an address or NULL. */
void ec_alert_note_text(const struct ec_alert_note *note, const char *dashboard, struct ec_buf *out);

/* A text cut at n_max bytes, between characters, with "…". */
void ec_note_cut(struct ec_buf *out, const char *text, size_t n_max);

#define EC_NOTE_DASHBOARD "data/quality/dashboard.html"

#endif
