#include "base/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static bool is_set(const char *name) {
    const char *value = getenv(name);
    return value && *value;
}

static bool forces(const char *name) {
    const char *value = getenv(name);
    return value && *value && strcmp(value, "0") != 0;
}

static bool is_dumb(void) {
    const char *term = getenv("TERM");
    return term && strcmp(term, "dumb") == 0;
}

bool ec_terminal_color(int fd, bool wanted) {
    if (!wanted || is_set("NO_COLOR")) return false;
    if (forces("FORCE_COLOR") || forces("CLICOLOR_FORCE")) return true;
    return !is_dumb() && isatty(fd);
}

bool ec_terminal_moves(int fd) { return !is_dumb() && isatty(fd); }

struct ec_screen ec_terminal_screen(int fd) {
    struct winsize size;
    struct ec_screen screen = {80, 24, false};
    if (ioctl(fd, TIOCGWINSZ, &size) != 0) return screen;
    screen.terminal = true;
    if (size.ws_col > 0) screen.columns = size.ws_col;
    if (size.ws_row > 0) screen.lines = size.ws_row;
    return screen;
}
