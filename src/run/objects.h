/* Inputs that lie in stores: `files: ["s3://bucket/drop/…"]`.
 *
 *     list        every object that a source's addresses name, with size, time and tag
 *     known?      data/runs/objects.json says what content a tag stood for: an object whose content was applied under the
 *                 same rules is not fetched
 *     fetch       the others, into data/staging/<run>/objects/<n>/<address>: from there on they are files as any other, read
 *                 by workers that have neither network nor credentials
 *     remember    what content each tag stood for
 *
 * What is in objects.json saves fetching and decides nothing: whether content was applied is asked of the manifests, as for
 * a file of data/raw. Where it is lost or damaged, everything is fetched once more and found to be applied.
 */
#ifndef EC_RUN_OBJECTS_H
#define EC_RUN_OBJECTS_H

#include "base/address.h"
#include "run/plan.h"

/* Adds the objects of the sources that are selected to plan->inputs. An object that cannot be fetched is an input with its
 * status; a store that cannot be listed ends the run: EC_REMOTE, EC_REMOTE_DENIED. Without options->fetch nothing is
 * written, and an object whose content is not known has no root and no hash. */
enum ec_status ec_objects_discover(struct ec_plan *plan, const struct ec_plan_options *options, struct ec_err *err) EC_MUST_USE;
/* When the units are hashed. */
enum ec_status ec_objects_remember(const struct ec_plan *plan, const struct ec_plan_options *options, struct ec_err *err) EC_MUST_USE;

/* Whether any source names an address. */
bool ec_objects_configured(const struct ec_config *config);
/* Whether a source's `files:` name the address. */
bool ec_objects_names(const struct ec_config *config, const char *address);
/* What of a glob stands before its first wildcard, as an address that lives in the arena; *deep: it reaches below the
 * folder that this names. */
enum ec_status ec_objects_prefix(const char *glob, struct ec_arena *arena, struct ec_address *prefix, bool *deep, struct ec_err *err) EC_MUST_USE;

#endif
