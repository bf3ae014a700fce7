/* Pages in the macros of man(7). */
#include "cli/docs.h"

static const struct {
    const char *code, *meaning;
} exits[] = {
    {"0", N_("done; warnings are allowed")},
    {"1", N_("a quality gate failed")},
    {"2", N_("bad usage or configuration")},
    {"3", N_("a runtime, I/O or engine error")},
    {"4", N_("data are fine, a required delivery failed")},
    {"5", N_("another run holds the lock")},
    {"130, 143", N_("interrupted by SIGINT or SIGTERM")},
};

/* One character of text: nothing of it is a command of the page, and none but ASCII is written. */
static size_t add_character(const char *p, size_t n, struct ec_buf *out) {
    unsigned char c = (unsigned char)*p;
    if (c < 0x80) {
        if (c == '\\')
            ec_buf_addz(out, "\\e");
        else if (c == '-')
            ec_buf_addz(out, "\\-");
        else
            ec_buf_addc(out, (char)c);
        return 1;
    }
    size_t length = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : 2;
    uint32_t point = c & (0xFFu >> (length + 1));
    for (size_t i = 1; i < length && i < n; i++) point = point << 6 | ((unsigned char)p[i] & 0x3Fu);
    ec_buf_printf(out, "\\[u%04X]", (unsigned)point);
    return length;
}

static void add_text_n(const char *p, size_t n, struct ec_buf *out) {
    if (n > 0 && (*p == '.' || *p == '\'')) ec_buf_addz(out, "\\&");
    for (size_t i = 0; i < n;) i += add_character(p + i, n - i, out);
}

static void add_text(const char *text, struct ec_buf *out) { add_text_n(text, strlen(text), out); }

static void add_section(const char *title, struct ec_buf *out) {
    ec_buf_addz(out, ".SH ");
    add_text(_(title), out);
    ec_buf_addc(out, '\n');
}

static void add_title(const char *command, const char *date, struct ec_buf *out) {
    ec_buf_addz(out, "'\\\" t\n.\\\" Made from the option tables of the program.\n.TH ECLUSE");
    for (const char *p = command; *p; p++) {
        if (p == command) ec_buf_addz(out, "\\-");
        ec_buf_addc(out, *p >= 'a' && *p <= 'z' ? (char)(*p - 'a' + 'A') : *p);
    }
    ec_buf_printf(out, " 1 %s \"ecluse %s\" \"", date, EC_VERSION);
    add_text(_("User Commands"), out);
    ec_buf_addz(out, "\"\n");
}

/* Paragraphs; lines that begin with two spaces are examples and stay as they are. */
static void add_about(const char *about, struct ec_buf *out) {
    bool example = false, fresh = true;
    for (const char *line = about; *line;) {
        const char *end = strchr(line, '\n');
        size_t n = end ? (size_t)(end - line) : strlen(line);
        bool is_example = n > 2 && line[0] == ' ' && line[1] == ' ';
        if (example && !is_example && n > 0) ec_buf_addz(out, ".fi\n.RE\n");
        if (n == 0) {
            fresh = true;
        } else {
            if (is_example && !example) ec_buf_addz(out, ".PP\n.RS 4\n.nf\n");
            if (!is_example && fresh && line != about) ec_buf_addz(out, ".PP\n");
            add_text_n(line + (is_example ? 2 : 0), n - (is_example ? 2 : 0), out);
            ec_buf_addc(out, '\n');
            example = is_example;
            fresh = false;
        }
        line += n + (end != NULL);
    }
    if (example) ec_buf_addz(out, ".fi\n.RE\n");
}

static void add_options(const struct ec_option *option, size_t count, struct ec_buf *out) {
    for (size_t i = 0; i < count; i++) {
        ec_buf_addz(out, ".TP\n\\fB");
        add_text(option[i].name, out);
        ec_buf_addz(out, "\\fR");
        if (option[i].value) {
            ec_buf_addz(out, " \\fI");
            add_text(option[i].value, out);
            ec_buf_addz(out, "\\fR");
        }
        if (option[i].repeats) ec_buf_addz(out, " ...");
        ec_buf_addc(out, '\n');
        add_text(_(option[i].help), out);
        ec_buf_addc(out, '\n');
    }
}

static void add_exits(struct ec_buf *out) {
    add_section(N_("EXIT STATUS"), out);
    for (size_t i = 0; i < sizeof exits / sizeof *exits; i++) {
        ec_buf_printf(out, ".TP\n.B %s\n", exits[i].code);
        add_text(_(exits[i].meaning), out);
        ec_buf_addc(out, '\n');
    }
}

void ec_docs_man_command(const struct ec_command *command, const char *date, struct ec_buf *out) {
    add_title(command->name, date, out);
    add_section(N_("NAME"), out);
    ec_buf_printf(out, "ecluse\\-%s \\- ", command->name);
    add_text(_(command->summary), out);
    ec_buf_addc(out, '\n');
    add_section(N_("SYNOPSIS"), out);
    ec_buf_printf(out, ".B ecluse\n.RB [ \\-C\n.IR DIR ]\n.B %s\n", command->name);
    if (*command->arguments) {
        ec_buf_addz(out, "\\fI");
        add_text(command->arguments, out);
        ec_buf_addz(out, "\\fR\n");
    }
    ec_buf_addz(out, ".RI [ options ]\n");
    add_section(N_("DESCRIPTION"), out);
    add_about(_(command->about), out);
    if (command->option_count > 0) {
        add_section(N_("OPTIONS"), out);
        add_options(command->option, command->option_count, out);
    }
    add_section(N_("COMMON OPTIONS"), out);
    add_options(ec_common_options, ec_common_option_count, out);
    add_exits(out);
    add_section(N_("SEE ALSO"), out);
    ec_buf_addz(out, ".BR ecluse (1)\n");
}

static void add_errors(struct ec_buf *out) {
    add_section(N_("ERRORS"), out);
    add_text(_("The last line of a message names one of these codes in brackets;"), out);
    ec_buf_addz(out, "\n.B ecluse explain\n");
    add_text(_("says more."), out);
    ec_buf_addc(out, '\n');
    for (int i = 0; i < EC_STATUS_COUNT; i++) {
        const struct ec_code_text *text = ec_status_text((enum ec_status)i);
        if (i == EC_OK) continue;
        ec_buf_addz(out, ".TP\n\\fB");
        add_text(text->slug, out);
        ec_buf_addz(out, "\\fR (");
        add_text(_("exit"), out);
        ec_buf_printf(out, " %d)\n", text->exit_code);
        add_text(_(text->meaning), out);
        ec_buf_addc(out, '\n');
        add_text(_(text->remedy), out);
        ec_buf_addc(out, '\n');
    }
}

void ec_docs_man_program(const char *date, struct ec_buf *out) {
    add_title("", date, out);
    add_section(N_("NAME"), out);
    ec_buf_addz(out, "ecluse \\- ");
    add_text(_("check the files that shops drop, row by row, and turn them into tables to trust"), out);
    ec_buf_addc(out, '\n');
    add_section(N_("SYNOPSIS"), out);
    ec_buf_addz(out, ".B ecluse\n.RB [ \\-C\n.IR DIR ]\n.I COMMAND\n.RI [ options ]\n");
    add_section(N_("DESCRIPTION"), out);
    ec_buf_addz(out, ".I DIR\n");
    add_text(_("is the project folder (by default the current one); it holds config, transformations, data and logs."), out);
    ec_buf_addc(out, '\n');
    add_text(_("Results go to standard output, logs and progress to standard error."), out);
    ec_buf_addc(out, '\n');
    add_section(N_("COMMANDS"), out);
    for (size_t i = 0; i < ec_command_count; i++) {
        ec_buf_printf(out, ".TP\n.BR ecluse\\-%s (1)\n", ec_commands[i]->name);
        add_text(_(ec_commands[i]->summary), out);
        ec_buf_addc(out, '\n');
    }
    add_section(N_("COMMON OPTIONS"), out);
    add_options(ec_common_options, ec_common_option_count, out);
    add_exits(out);
    add_errors(out);
    add_section(N_("EXAMPLES"), out);
    ec_buf_addz(out, ".nf\necluse init shop\necluse generate shop/data/raw\necluse \\-C shop run\n.fi\n");
}
