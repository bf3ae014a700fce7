/* DuckDB's functions, found when the first session is opened.
 *
 * Its library is 70 MB with 77,000 relocations, which take a process some 15 ms. A command that needs no SQL, such as
 * `ecluse --help`, is not to wait for them: the library is not linked but loaded, and every duckdb_…() of this folder
 * is a call through this table. A function that is not in it yet is said by the linker; it is added to both lists.
 */
#ifndef EC_SQL_DUCK_CALLS_H
#define EC_SQL_DUCK_CALLS_H

#include "base/err.h"

/* Streaming, which DuckDB has no other call for, stands among the deprecated ones. Their getters of values are not in
 * the list: they crash on some types. */
#undef DUCKDB_API_NO_DEPRECATED
#include <duckdb.h>

/* clang-format off */
#define EC_DUCK_CALLS(X) \
    X(_append_data_chunk) X(_appender_create_ext) X(_appender_destroy) X(_appender_error) X(_bind_add_result_column) \
    X(_bind_get_extra_info) X(_bind_set_cardinality) X(_close) X(_column_count) X(_column_logical_type) \
    X(_column_name) X(_connect) X(_create_config) X(_create_data_chunk) X(_create_decimal_type) \
    X(_create_logical_type) X(_create_scalar_function) X(_create_table_function) X(_data_chunk_get_size) \
    X(_data_chunk_get_vector) X(_data_chunk_set_size) X(_decimal_internal_type) X(_decimal_scale) X(_decimal_width) \
    X(_destroy_config) X(_destroy_data_chunk) X(_destroy_extracted) X(_destroy_logical_type) X(_destroy_pending) \
    X(_destroy_prepare) X(_destroy_result) X(_destroy_scalar_function) X(_destroy_table_function) X(_disconnect) \
    X(_enum_dictionary_size) X(_enum_dictionary_value) X(_enum_internal_type) X(_execute_pending) \
    X(_execute_prepared) X(_extract_statements) X(_extract_statements_error) X(_fetch_chunk) X(_free) \
    X(_function_get_extra_info) X(_get_type_id) X(_init_get_column_count) X(_init_get_column_index) \
    X(_init_get_extra_info) X(_interrupt) X(_open_ext) X(_pending_error) X(_pending_execute_task) \
    X(_pending_execution_is_finished) X(_pending_prepared) X(_pending_prepared_streaming) X(_prepare) \
    X(_prepare_error) X(_prepare_extracted_statement) X(_prepared_statement_column_count) \
    X(_prepared_statement_column_logical_type) X(_prepared_statement_column_name) X(_register_scalar_function) \
    X(_register_table_function) X(_result_error) X(_scalar_function_add_parameter) X(_scalar_function_set_function) \
    X(_scalar_function_set_name) X(_scalar_function_set_return_type) X(_set_config) X(_table_function_set_bind) \
    X(_table_function_set_extra_info) X(_table_function_set_function) X(_table_function_set_init) \
    X(_table_function_set_name) X(_table_function_supports_projection_pushdown) X(_vector_ensure_validity_writable) \
    X(_vector_get_data) X(_vector_get_validity)

struct ec_duck_calls {
#define EC_DUCK_CALL(name) __typeof__(&duckdb##name) name;
    EC_DUCK_CALLS(EC_DUCK_CALL)
#undef EC_DUCK_CALL
};

extern struct ec_duck_calls ec_duck;

/* Loads the library, once; any thread. EC_ENGINE where it is not there. */
enum ec_status ec_duck_load(struct ec_err *err) EC_MUST_USE;

#define duckdb_append_data_chunk                           (*ec_duck._append_data_chunk)
#define duckdb_appender_create_ext                         (*ec_duck._appender_create_ext)
#define duckdb_appender_destroy                            (*ec_duck._appender_destroy)
#define duckdb_appender_error                              (*ec_duck._appender_error)
#define duckdb_bind_add_result_column                      (*ec_duck._bind_add_result_column)
#define duckdb_bind_get_extra_info                         (*ec_duck._bind_get_extra_info)
#define duckdb_bind_set_cardinality                        (*ec_duck._bind_set_cardinality)
#define duckdb_close                                       (*ec_duck._close)
#define duckdb_column_count                                (*ec_duck._column_count)
#define duckdb_column_logical_type                         (*ec_duck._column_logical_type)
#define duckdb_column_name                                 (*ec_duck._column_name)
#define duckdb_connect                                     (*ec_duck._connect)
#define duckdb_create_config                               (*ec_duck._create_config)
#define duckdb_create_data_chunk                           (*ec_duck._create_data_chunk)
#define duckdb_create_decimal_type                         (*ec_duck._create_decimal_type)
#define duckdb_create_logical_type                         (*ec_duck._create_logical_type)
#define duckdb_create_scalar_function                      (*ec_duck._create_scalar_function)
#define duckdb_create_table_function                       (*ec_duck._create_table_function)
#define duckdb_data_chunk_get_size                         (*ec_duck._data_chunk_get_size)
#define duckdb_data_chunk_get_vector                       (*ec_duck._data_chunk_get_vector)
#define duckdb_data_chunk_set_size                         (*ec_duck._data_chunk_set_size)
#define duckdb_decimal_internal_type                       (*ec_duck._decimal_internal_type)
#define duckdb_decimal_scale                               (*ec_duck._decimal_scale)
#define duckdb_decimal_width                               (*ec_duck._decimal_width)
#define duckdb_destroy_config                              (*ec_duck._destroy_config)
#define duckdb_destroy_data_chunk                          (*ec_duck._destroy_data_chunk)
#define duckdb_destroy_extracted                           (*ec_duck._destroy_extracted)
#define duckdb_destroy_logical_type                        (*ec_duck._destroy_logical_type)
#define duckdb_destroy_pending                             (*ec_duck._destroy_pending)
#define duckdb_destroy_prepare                             (*ec_duck._destroy_prepare)
#define duckdb_destroy_result                              (*ec_duck._destroy_result)
#define duckdb_destroy_scalar_function                     (*ec_duck._destroy_scalar_function)
#define duckdb_destroy_table_function                      (*ec_duck._destroy_table_function)
#define duckdb_disconnect                                  (*ec_duck._disconnect)
#define duckdb_enum_dictionary_size                        (*ec_duck._enum_dictionary_size)
#define duckdb_enum_dictionary_value                       (*ec_duck._enum_dictionary_value)
#define duckdb_enum_internal_type                          (*ec_duck._enum_internal_type)
#define duckdb_execute_pending                             (*ec_duck._execute_pending)
#define duckdb_execute_prepared                            (*ec_duck._execute_prepared)
#define duckdb_extract_statements                          (*ec_duck._extract_statements)
#define duckdb_extract_statements_error                    (*ec_duck._extract_statements_error)
#define duckdb_fetch_chunk                                 (*ec_duck._fetch_chunk)
#define duckdb_free                                        (*ec_duck._free)
#define duckdb_function_get_extra_info                     (*ec_duck._function_get_extra_info)
#define duckdb_get_type_id                                 (*ec_duck._get_type_id)
#define duckdb_init_get_column_count                       (*ec_duck._init_get_column_count)
#define duckdb_init_get_column_index                       (*ec_duck._init_get_column_index)
#define duckdb_init_get_extra_info                         (*ec_duck._init_get_extra_info)
#define duckdb_interrupt                                   (*ec_duck._interrupt)
#define duckdb_open_ext                                    (*ec_duck._open_ext)
#define duckdb_pending_error                               (*ec_duck._pending_error)
#define duckdb_pending_execute_task                        (*ec_duck._pending_execute_task)
#define duckdb_pending_execution_is_finished               (*ec_duck._pending_execution_is_finished)
#define duckdb_pending_prepared                            (*ec_duck._pending_prepared)
#define duckdb_pending_prepared_streaming                  (*ec_duck._pending_prepared_streaming)
#define duckdb_prepare                                     (*ec_duck._prepare)
#define duckdb_prepare_error                               (*ec_duck._prepare_error)
#define duckdb_prepare_extracted_statement                 (*ec_duck._prepare_extracted_statement)
#define duckdb_prepared_statement_column_count             (*ec_duck._prepared_statement_column_count)
#define duckdb_prepared_statement_column_logical_type      (*ec_duck._prepared_statement_column_logical_type)
#define duckdb_prepared_statement_column_name              (*ec_duck._prepared_statement_column_name)
#define duckdb_register_scalar_function                    (*ec_duck._register_scalar_function)
#define duckdb_register_table_function                     (*ec_duck._register_table_function)
#define duckdb_result_error                                (*ec_duck._result_error)
#define duckdb_scalar_function_add_parameter               (*ec_duck._scalar_function_add_parameter)
#define duckdb_scalar_function_set_function                (*ec_duck._scalar_function_set_function)
#define duckdb_scalar_function_set_name                    (*ec_duck._scalar_function_set_name)
#define duckdb_scalar_function_set_return_type             (*ec_duck._scalar_function_set_return_type)
#define duckdb_set_config                                  (*ec_duck._set_config)
#define duckdb_table_function_set_bind                     (*ec_duck._table_function_set_bind)
#define duckdb_table_function_set_extra_info               (*ec_duck._table_function_set_extra_info)
#define duckdb_table_function_set_function                 (*ec_duck._table_function_set_function)
#define duckdb_table_function_set_init                     (*ec_duck._table_function_set_init)
#define duckdb_table_function_set_name                     (*ec_duck._table_function_set_name)
#define duckdb_table_function_supports_projection_pushdown (*ec_duck._table_function_supports_projection_pushdown)
#define duckdb_vector_ensure_validity_writable             (*ec_duck._vector_ensure_validity_writable)
#define duckdb_vector_get_data                             (*ec_duck._vector_get_data)
#define duckdb_vector_get_validity                         (*ec_duck._vector_get_validity)
/* clang-format on */

#endif
