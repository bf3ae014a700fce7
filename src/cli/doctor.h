/* `ecluse doctor`: what each check says (doctor_project.c, doctor_machine.c). */
#ifndef EC_CLI_DOCTOR_H
#define EC_CLI_DOCTOR_H

#include "cli/cli.h"

enum ec_finding { EC_FINDING_OK, EC_FINDING_WARN, EC_FINDING_FAIL };

struct ec_diagnosis {
    const char *check; /* "configuration"; static */
    enum ec_finding finding;
    char message[1024];
    const char *fix; /* what to do; static, NULL where nothing is to be done */
};

#define EC_DIAGNOSES_MAX 32u

struct ec_doctor {
    const struct ec_cli *cli;
    struct ec_config *config; /* NULL where it could not be loaded; owned */
    struct ec_diagnosis diagnosis[EC_DIAGNOSES_MAX];
    size_t count;
};

/* Adds a diagnosis; `fix` is NULL for one that is fine. */
void ec_doctor_say(struct ec_doctor *doctor, const char *check, enum ec_finding finding, const char *fix,
                   const char *fmt, ...) EC_PRINTF(5, 6);

/* Configuration, models, runs that were interrupted, folders, lock. Loads doctor->config. */
void ec_doctor_project(struct ec_doctor *doctor);
/* Alerts: whether their secrets are there, none of which is shown; what waits to be delivered. */
void ec_doctor_alerts(struct ec_doctor *doctor);
/* Stores of objects that sources name: each is listed. */
void ec_doctor_remote(struct ec_doctor *doctor);
/* The store that tables are followed to: how far it is behind. */
void ec_doctor_store(struct ec_doctor *doctor);
/* Disk, links, memory, processors, libraries. */
void ec_doctor_machine(struct ec_doctor *doctor);

#endif
