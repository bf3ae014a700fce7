# EC_EPOCH, the time that everything written by the build carries: SOURCE_DATE_EPOCH where it is set, else that of the
# commit, else now. EC_DATE is its day. Two builds of one commit are the same bytes (docs/deploy.md).
if(DEFINED ENV{SOURCE_DATE_EPOCH})
  set(EC_EPOCH "$ENV{SOURCE_DATE_EPOCH}")
else()
  execute_process(COMMAND git -C ${CMAKE_SOURCE_DIR} log -1 --format=%ct
    OUTPUT_VARIABLE EC_EPOCH OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(NOT EC_EPOCH MATCHES "^[0-9]+$")
    string(TIMESTAMP EC_EPOCH %s UTC)
  endif()
endif()
set(ENV{SOURCE_DATE_EPOCH} ${EC_EPOCH})
string(TIMESTAMP EC_DATE %Y-%m-%d UTC)
