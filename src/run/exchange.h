/* The exchange of a run: a folder in a store through which the machines of an engine hand files to each other, where they
 * share no other (docs/spark.md).
 *
 *     s3://lake/shop/_ecluse/20250718_133402-00000004.9f8e7d6c5b4a3928/in/…  out/…  next/…  model-…
 *
 * It belongs to one run and is of no use after it. The driver notes it in data/runs/exchange.json before anything is put
 * there, and removes what lies in it when the run ends, whatever ended it. The note stays until a later run has looked once
 * more: a run that was killed removes nothing, and a machine of the engine that hears late of the end may still have put
 * something. Who reads the notes holds the project's lock, so every run that they name is over. */
#ifndef EC_RUN_EXCHANGE_H
#define EC_RUN_EXCHANGE_H

#include "base/err.h"

#include <stdbool.h>

/* Whether the address can be the exchange of that run: "…/_ecluse/<run>." and 16 hexadecimal digits; EC_PROTOCOL. */
enum ec_status ec_exchange_check(const char *address, const char *run, struct ec_err *err) EC_MUST_USE;
/* Adds it to the project's notes, which are on the disk then. */
enum ec_status ec_exchange_note(const char *project, const char *address, struct ec_err *err) EC_MUST_USE;
/* Removes what lies in every exchange that is noted, and the notes of all but `own`, the one of the run that is ending (NULL:
 * of all). What cannot be removed keeps its note and is logged: it harms nobody. Asks no store where nothing is noted. */
void ec_exchange_clear(const char *project, const char *own);

#endif
