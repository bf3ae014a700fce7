/* The events; their datasets are in openlineage_facets.c. */
#include "publish/openlineage_private.h"

#include "base/calendar.h"

static const char *const event_names[] = {"START", "COMPLETE", "FAIL", "ABORT"};

enum ec_status ec_lineage_run_id(const char *root, const char *run, char out[EC_UUID_TEXT], struct ec_err *err) {
    struct ec_buf text = ec_buf_make(16 * EC_KIB);
    char hex[EC_SHA256_HEX];
    ec_buf_addz(&text, root);
    ec_buf_add(&text, "", 1);
    ec_buf_addz(&text, run);
    enum ec_status status = ec_buf_check(&text, err);
    if (status == EC_OK) status = ec_sha256_bytes(text.p, text.n, hex, err);
    ec_buf_free(&text);
    if (status != EC_OK) return status;
    hex[12] = '8';                                                         /* version */
    hex[16] = "89ab"[(hex[16] <= '9' ? hex[16] - '0' : hex[16] - 'a') & 3]; /* variant */
    (void)snprintf(out, EC_UUID_TEXT, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
    return EC_OK;
}

static void write_time(struct ec_json_writer *w, const char *key, int64_t us) {
    char text[40];
    ec_json_text(w, key, (struct ec_str){text, ec_datetime_format(us, text)});
}

void ec_lineage_facet(struct ec_json_writer *w, const char *key, const char *version, const char *type) {
    char url[256];
    (void)snprintf(url, sizeof url, EC_LINEAGE_SPEC "facets/%s/%s.json#/$defs/%s", version, type, type);
    ec_json_object(w, key);
    ec_json_str(w, "_producer", EC_LINEAGE_PRODUCER);
    ec_json_str(w, "_schemaURL", url);
}

static void write_run(struct ec_json_writer *w, const struct ec_run_facts *run, const struct ec_lineage_options *o, const char *id) {
    ec_json_object(w, "run");
    ec_json_str(w, "runId", id);
    ec_json_object(w, "facets");
    ec_lineage_facet(w, "nominalTime", "1-0-1", "NominalTimeRunFacet");
    write_time(w, "nominalStartTime", run->as_of_us);
    ec_json_end(w);
    ec_lineage_facet(w, "processing_engine", "1-1-1", "ProcessingEngineRunFacet");
    ec_json_str(w, "name", "ecluse");
    ec_json_str(w, "version", EC_VERSION);
    ec_json_end(w);
    if (o->message) {
        ec_lineage_facet(w, "errorMessage", "1-0-1", "ErrorMessageRunFacet");
        ec_json_str(w, "message", o->message);
        ec_json_str(w, "programmingLanguage", "C");
        ec_json_end(w);
    }
    ec_json_end(w);
    ec_json_end(w);
}

static void write_job(struct ec_json_writer *w, const struct ec_lineage_options *o) {
    const struct ec_lineage *lineage = &o->config->lineage;
    const char *slash = strrchr(o->root, '/');
    const char *folder = slash && slash[1] ? slash + 1 : "ecluse";
    ec_json_object(w, "job");
    ec_json_str(w, "namespace", lineage->job_namespace);
    ec_json_str(w, "name", lineage->job ? lineage->job : folder);
    ec_json_object(w, "facets");
    ec_lineage_facet(w, "jobType", "2-0-4", "JobTypeJobFacet");
    ec_json_str(w, "processingType", "BATCH");
    ec_json_str(w, "integration", "ECLUSE");
    ec_json_str(w, "jobType", "PIPELINE");
    ec_json_end(w);
    ec_json_end(w);
    ec_json_end(w);
}

static bool has_units(const struct ec_run_facts *run, const struct ec_source *source) {
    for (size_t i = 0; i < run->unit_count; i++)
        if (run->unit[i].source == source) return true;
    return false;
}

static enum ec_status write_datasets(struct ec_json_writer *w, const struct ec_run_facts *run, const struct ec_lineage_options *o,
                                     enum ec_lineage_event event, struct ec_err *err) {
    ec_json_array(w, "inputs");
    for (size_t i = 0; event != EC_LINEAGE_START && i < o->config->source_count; i++)
        if (has_units(run, &o->config->source[i])) EC_TRY(ec_lineage_input(w, run, o, &o->config->source[i], err));
    ec_json_end_array(w);
    ec_json_array(w, "outputs");
    for (size_t i = 0; event == EC_LINEAGE_COMPLETE && i < run->table_count; i++) ec_lineage_output(w, o, &run->table[i]);
    ec_json_end_array(w);
    return EC_OK;
}

enum ec_status ec_lineage_write(const struct ec_run_facts *run, const struct ec_lineage_options *o, enum ec_lineage_event event,
                                struct ec_buf *out, struct ec_err *err) {
    char id[EC_UUID_TEXT];
    struct ec_json_writer w;
    EC_TRY(ec_lineage_run_id(o->root, run->run, id, err));
    ec_json_init(&w, out);
    ec_json_object(&w, NULL);
    ec_json_str(&w, "eventType", event_names[event]);
    write_time(&w, "eventTime", event == EC_LINEAGE_START ? run->started_us : o->at_us);
    write_run(&w, run, o, id);
    write_job(&w, o);
    EC_TRY(write_datasets(&w, run, o, event, err));
    ec_json_str(&w, "producer", EC_LINEAGE_PRODUCER);
    ec_json_str(&w, "schemaURL", EC_LINEAGE_SPEC "2-0-2/OpenLineage.json#/$defs/RunEvent");
    ec_json_end(&w);
    ec_buf_addc(out, '\n');
    return ec_buf_check(out, err);
}
