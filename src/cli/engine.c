#include "cli/engine.h"

#include "base/io.h"
#include "run/paths.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#define SCRIPT "spark/ecluse_spark.py"

const char **ec_cli_worker_argv(const struct ec_cli *cli, const char *workers) {
    const char **argv = ec_calloc(8 + 2 * cli->setting_count + 1, sizeof *argv);
    if (!argv) return NULL;
    size_t n = 0;
    argv[n++] = cli->program;
    argv[n++] = "-C";
    argv[n++] = cli->dir;
    argv[n++] = "worker";
    argv[n++] = "--tied";
    for (size_t i = 0; i < cli->setting_count; i++) {
        /* parse.c split KEY=VALUE in place: the value stands behind the key's NUL. */
        ((char *)(uintptr_t)cli->setting[i].value)[-1] = '=';
        argv[n++] = "--set";
        argv[n++] = cli->setting[i].key;
    }
    argv[n++] = "--set";
    argv[n++] = workers;
    return argv;
}

/* ---- spark ---- */

/* The interpreter as PySpark names it. */
static const char *python(void) {
    const char *driver = getenv("PYSPARK_DRIVER_PYTHON"), *both = getenv("PYSPARK_PYTHON");
    if (driver && *driver) return driver;
    return both && *both ? both : "python3";
}

/* Where the program of spark/ lies: $ECLUSE_SPARK, beside the build's folder, or as it is installed. */
static enum ec_status find_script(const char *program, char out[PATH_MAX], struct ec_err *err) {
    static const char *const places[] = {"/../" SCRIPT, "/../share/ecluse/" SCRIPT};
    const char *given = getenv("ECLUSE_SPARK");
    const char *slash = strrchr(program, '/');
    if (given && *given) {
        if (realpath(given, out)) return EC_OK;
        return ec_fail(err, EC_USAGE, "ECLUSE_SPARK names %s, which is not there", given);
    }
    for (size_t i = 0; slash && i < sizeof places / sizeof *places; i++) {
        char path[EC_PATH_MAX];
        int n = snprintf(path, sizeof path, "%.*s%s", (int)(slash - program), program, places[i]);
        if (n > 0 && (size_t)n < sizeof path && realpath(path, out)) return EC_OK;
    }
    return ec_fail(err, EC_USAGE, "--engine spark: %s lies neither beside the folder of this program nor in "
                                  "share/ecluse; ECLUSE_SPARK names its place", SCRIPT);
}

static bool is_own(const char *word, const char *option) {
    size_t n = strlen(option);
    return strncmp(word, option, n) == 0 && (word[n] == '\0' || word[n] == '=');
}

/* The words behind `run`, but for the two that are not for the driver. */
static void add_words(const struct ec_cli *cli, const char **argv, size_t n) {
    for (int i = 0; i < cli->argc; i++) {
        const char *word = cli->argv[i];
        bool own = is_own(word, "--engine") || is_own(word, "--master");
        if (!own) argv[n++] = word;
        if (own && !strchr(word, '=')) i++; /* its value */
    }
}

static enum ec_status become_spark(const struct ec_cli *cli, struct ec_err *err) {
    char script[PATH_MAX];
    const char *master = ec_cli_value(cli, "--master");
    EC_TRY(find_script(cli->program, script, err));
    const char **argv = ec_calloc((size_t)cli->argc + 12, sizeof *argv);
    if (!argv) return ec_fail(err, EC_NO_MEMORY, "no memory for the run");
    size_t n = 0;
    argv[n++] = python();
    argv[n++] = script;
    argv[n++] = "--ecluse";
    argv[n++] = cli->program;
    if (master) argv[n++] = "--master";
    if (master) argv[n++] = master;
    argv[n++] = "-C";
    argv[n++] = cli->dir;
    add_words(cli, argv, n);
    (void)execvp(argv[0], (char *const *)(uintptr_t)argv);
    enum ec_status status = ec_fail_errno(err, EC_USAGE, "--engine spark: cannot start %s; PYSPARK_PYTHON names the interpreter", argv[0]);
    ec_free(argv);
    return status;
}

/* ---- all ---- */

/* What other machines are told must not hang on the folder that this process stands in. */
static enum ec_status make_absolute(struct ec_cli *cli, struct ec_err *err) {
    static char path[PATH_MAX];
    if (!realpath(cli->dir, path)) return ec_fail_errno(err, EC_USAGE, "-C %s", cli->dir);
    cli->dir = path;
    return EC_OK;
}

enum ec_status ec_cli_engine_start(struct ec_cli *cli, struct ec_err *err) {
    const char *engine = ec_cli_value(cli, "--engine");
    bool here = !engine || strcmp(engine, "duckdb") == 0;
    if (here && ec_cli_value(cli, "--master")) return ec_fail(err, EC_USAGE, "--master is of --engine spark");
    if (here) return EC_OK;
    EC_TRY(make_absolute(cli, err));
    if (strncmp(engine, "fd:", 3) == 0) return EC_OK;
    if (strcmp(engine, "spark") != 0)
        return ec_fail(err, EC_USAGE, "--engine takes duckdb, spark or fd:IN,OUT, not `%s`", engine);
    return ec_cli_value(cli, "--dry-run") ? EC_OK : become_spark(cli, err);
}

enum ec_status ec_cli_engine(const struct ec_cli *cli, struct ec_run_options *o, struct ec_err *err) {
    const char *engine = ec_cli_value(cli, "--engine"), *comma = engine ? strchr(engine, ',') : NULL;
    if (!engine || strncmp(engine, "fd:", 3) != 0) return EC_OK;
    int64_t in = -1, out = -1;
    char first[16];
    size_t n = comma ? (size_t)(comma - engine - 3) : sizeof first;
    if (n < sizeof first) {
        memcpy(first, engine + 3, n);
        first[n] = '\0';
        EC_TRY(ec_cli_number(first, 3, INT_MAX, &in, err));
        EC_TRY(ec_cli_number(comma + 1, 3, INT_MAX, &out, err));
    }
    if (in < 0 || in == out) return ec_fail(err, EC_USAGE, "--engine %s: it takes two descriptors, as fd:3,4", engine);
    o->engine = true;
    o->engine_in = (int)in;
    o->engine_out = (int)out;
    return EC_OK;
}
