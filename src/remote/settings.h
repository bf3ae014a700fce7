/* How stores are reached and with what credentials: from the environment, as other programs of the stores know it, and
 * from the file of AWS's tools. Read when a connection is opened, wiped after it, shown to nobody.
 *
 *     AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN      or AWS_PROFILE of AWS_SHARED_CREDENTIALS_FILE
 *     AWS_REGION or AWS_DEFAULT_REGION    us-east-1 where none says it
 *     AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL    another store than Amazon's; http:// only where it says so
 *     AWS_CA_BUNDLE, AWS_MAX_ATTEMPTS
 *     HADOOP_USER_NAME                    who speaks to HDFS; without security, this is all there is
 *     ECLUSE_WEBHDFS_TOKEN_FILE           a file with a delegation token, for HDFS with Kerberos
 *     ECLUSE_WEBHDFS                      HTTP address of an hdfs:// namenode; http://HOST:9870 where none says it
 *     ECLUSE_REMOTE_TIMEOUT               seconds without a byte until a connection counts as dead
 */
#ifndef EC_REMOTE_SETTINGS_H
#define EC_REMOTE_SETTINGS_H

#include "base/err.h"

#include <stdbool.h>

struct ec_remote_settings {
    char access_key[160], secret_key[256];
    char token[4096]; /* of a session; "" for none */
    char region[64];
    char endpoint[512]; /* without a slash behind it; "" is Amazon's */
    char ca_file[1024]; /* "" is the system's */
    char webhdfs[512], hdfs_user[128], hdfs_token[4096];
    char keys_from[1100]; /* where the keys were found, fit to be shown; "" where there are none */
    unsigned tries, stall_s;
    bool (*cancelled)(void); /* NULL allowed; from several threads */
};

/* EC_CONFIG: a variable that cannot be meant. EC_REMOTE_DENIED: a file of credentials that is named and cannot be read,
 * or lacks the profile. That there are no keys is no error here. */
enum ec_status ec_remote_settings_load(struct ec_remote_settings *settings, struct ec_err *err) EC_MUST_USE;
void ec_remote_settings_wipe(struct ec_remote_settings *settings);

#endif
