/* Names and texts quoted for SQL. */
#ifndef EC_SQL_TEXT_H
#define EC_SQL_TEXT_H

#include "base/buf.h"

/* 'text' and "name", quoted and appended. */
void ec_sql_quote_text(struct ec_buf *out, const char *text);
void ec_sql_quote_name(struct ec_buf *out, const char *name);

#endif
