#include "run/paths.h"

#include "base/calendar.h"

enum ec_status ec_project_path(char *out, const char *dir, const char *a, const char *b, struct ec_err *err) {
    char first[EC_PATH_MAX];
    EC_TRY(ec_path_join(b ? first : out, EC_PATH_MAX, dir, a, err));
    return b ? ec_path_join(out, EC_PATH_MAX, first, b, err) : EC_OK;
}

void ec_time_label(int64_t micros, char *out) {
    char text[32];
    text[ec_datetime_format(micros, text)] = '\0'; /* 2025-08-18T13:34:05Z */
    static const unsigned char from[] = {0, 1, 2, 3, 5, 6, 8, 9};
    for (size_t i = 0; i < sizeof from; i++) out[i] = text[from[i]];
    out[8] = '_';
    static const unsigned char time_from[] = {11, 12, 14, 15, 17, 18};
    for (size_t i = 0; i < sizeof time_from; i++) out[9 + i] = text[time_from[i]];
    out[15] = '\0';
}
