# Every library that Écluse stands on, with the oldest version that is known to work
# (Debian 12's). DuckDB comes from third_party/ (npm, pinned by its lock file).
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

pkg_check_modules(EC_DEPS REQUIRED IMPORTED_TARGET
  libisal>=2.30 libzip>=1.7 expat>=2.5 libfyaml>=0.7 jansson>=2.14 libzstd>=1.5
  libxxhash>=0.8 libcrypto>=3.0 libpcre2-8>=10.42 libarchive>=3.6)

# libcurl's header alone: the library is loaded when a connection is opened (src/remote/curl_load.h).
pkg_check_modules(EC_CURL REQUIRED libcurl>=7.85)

# Debian's libsnappy ships no pkg-config file.
find_library(EC_SNAPPY_LIBRARY NAMES snappy REQUIRED)
find_path(EC_SNAPPY_INCLUDE NAMES snappy-c.h REQUIRED)

if(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
  set(EC_DUCKDB_PACKAGE node-bindings-linux-arm64)
else()
  set(EC_DUCKDB_PACKAGE node-bindings-linux-x64)
endif()
set(EC_THIRD_PARTY ${CMAKE_SOURCE_DIR}/third_party/node_modules CACHE PATH "where npm has put DuckDB")
find_library(EC_DUCKDB_LIBRARY NAMES duckdb
  PATHS ${EC_THIRD_PARTY}/@duckdb/${EC_DUCKDB_PACKAGE} NO_DEFAULT_PATH NO_CMAKE_FIND_ROOT_PATH)
find_path(EC_DUCKDB_INCLUDE NAMES duckdb.h
  PATHS ${EC_THIRD_PARTY}/duckdb/src/duckdb/src/include NO_DEFAULT_PATH NO_CMAKE_FIND_ROOT_PATH)
if(NOT EC_DUCKDB_LIBRARY OR NOT EC_DUCKDB_INCLUDE)
  message(FATAL_ERROR "DuckDB is not installed: run scripts/install-dependencies")
endif()

add_library(ec_duckdb SHARED IMPORTED)
set_target_properties(ec_duckdb PROPERTIES
  IMPORTED_LOCATION ${EC_DUCKDB_LIBRARY}
  INTERFACE_INCLUDE_DIRECTORIES ${EC_DUCKDB_INCLUDE})

# The page is built by Node (dashboard/, npm, pinned by its lock file).
find_program(EC_NODE NAMES node nodejs REQUIRED)
if(NOT EXISTS ${CMAKE_SOURCE_DIR}/dashboard/node_modules/vite/bin/vite.js)
  message(FATAL_ERROR "the page's tools are not installed: run scripts/install-dependencies")
endif()

# The translations are compiled by GNU gettext (po/, docs/translating.md).
find_program(EC_MSGFMT NAMES msgfmt)
if(NOT EC_MSGFMT)
  message(FATAL_ERROR "msgfmt is not installed: run scripts/install-dependencies")
endif()
