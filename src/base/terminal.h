/* Whether a descriptor is a terminal, how large it is, and whether colours are wanted there.
 *
 * Colours (docs/outputs.md): --no-color, then NO_COLOR, then FORCE_COLOR and CLICOLOR_FORCE, then TERM=dumb,
 * then whether it is a terminal; the first that says something decides. A variable that is empty says
 * nothing; FORCE_COLOR=0 and CLICOLOR_FORCE=0 say nothing either.
 */
#ifndef EC_BASE_TERMINAL_H
#define EC_BASE_TERMINAL_H

#include <stdbool.h>

struct ec_screen {
    unsigned columns, lines;
    bool terminal; /* else 80 × 24 is assumed */
};

bool ec_terminal_color(int fd, bool wanted); /* wanted: false after --no-color */
/* Whether the cursor may be moved: a terminal that is not dumb. */
bool ec_terminal_moves(int fd);
/* As it is now: ask again after a while, for it may be resized. */
struct ec_screen ec_terminal_screen(int fd);

#endif
