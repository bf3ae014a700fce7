/* The quarantine of a run, put in place.
 *
 * `data/quality/quarantine/<source>/<file>.jsonl` is always that of the newest run that read a file
 * of this name, and is not there where that run rejected nothing. What an earlier run left under
 * the name is set aside as `<file>.<its run>.jsonl`: no rejected row is lost. Only where the very
 * same bytes were read again, so that all of their rows were judged anew, does it go.
 */
#ifndef EC_RUN_PLACE_H
#define EC_RUN_PLACE_H

#include "base/durable.h"
#include "quality/run_facts.h"
#include "run/manifest.h"

/* Places the staged files of every unit that was read; the ranges of one file become one. They are on the disk
 * when `durable` is committed. May be repeated as long as the staged files are there. */
enum ec_status ec_place_quarantine(const char *project, const struct ec_manifest *manifest,
                                   const struct ec_run_facts *facts, struct ec_durable *durable,
                                   struct ec_err *err) EC_MUST_USE;

#endif
