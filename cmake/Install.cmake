# What `make install` and the package hold, and where. DuckDB's library is private to the program: no other finds it.
include(GNUInstallDirs)
include(${CMAKE_SOURCE_DIR}/cmake/Date.cmake)

set(EC_LIBRARY_DIR ${CMAKE_INSTALL_LIBDIR}/ecluse)
file(RELATIVE_PATH EC_LIBRARY_FROM_BIN /${CMAKE_INSTALL_BINDIR} /${EC_LIBRARY_DIR})
set_target_properties(ecluse PROPERTIES INSTALL_RPATH "$ORIGIN/${EC_LIBRARY_FROM_BIN}")
install(TARGETS ecluse RUNTIME)
get_filename_component(EC_DUCKDB_FILE ${EC_DUCKDB_LIBRARY} REALPATH)
install(FILES ${EC_DUCKDB_FILE} DESTINATION ${EC_LIBRARY_DIR} RENAME libduckdb.so)
# --strip reaches targets alone, and a seventh of this file are names that nobody looks up.
install(CODE "if(CMAKE_INSTALL_DO_STRIP)
  execute_process(COMMAND \"${CMAKE_STRIP}\" --strip-unneeded
    \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${EC_LIBRARY_DIR}/libduckdb.so\" COMMAND_ERROR_IS_FATAL ANY)
endif()")

# Man pages and completions, made by a program that is linked with the option tables.
set(EC_DOCS ${CMAKE_BINARY_DIR}/docs)
add_custom_command(OUTPUT ${EC_DOCS}/ecluse.1
  COMMAND ${CMAKE_COMMAND} -E rm -rf ${EC_DOCS}
  COMMAND ecluse-docs ${EC_DOCS} ${EC_DATE}
  DEPENDS ecluse-docs COMMENT "Writing man pages and completions" VERBATIM)
add_custom_target(docs ALL DEPENDS ${EC_DOCS}/ecluse.1)
install(DIRECTORY ${EC_DOCS}/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 FILES_MATCHING PATTERN "*.1" PATTERN fr EXCLUDE)
install(DIRECTORY ${EC_DOCS}/fr/ DESTINATION ${CMAKE_INSTALL_MANDIR}/fr/man1 FILES_MATCHING PATTERN "*.1")
install(FILES ${EC_DOCS}/ecluse.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME ecluse)
install(FILES ${EC_DOCS}/_ecluse DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions)
install(FILES ${EC_DOCS}/ecluse.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)

# What the program is made of, with versions and checksums (SPDX).
find_program(EC_NODE NAMES node nodejs)
if(EC_NODE)
  add_custom_command(OUTPUT ${CMAKE_BINARY_DIR}/ecluse.spdx.json
    COMMAND ${EC_NODE} ${CMAKE_SOURCE_DIR}/scripts/sbom.mjs --version ${PROJECT_VERSION} --epoch ${EC_EPOCH}
            --program $<TARGET_FILE:ecluse> --library ${EC_DUCKDB_FILE} --source ${CMAKE_SOURCE_DIR}
            --out ${CMAKE_BINARY_DIR}/ecluse.spdx.json
    DEPENDS ecluse ${CMAKE_SOURCE_DIR}/scripts/sbom.mjs ${CMAKE_SOURCE_DIR}/third_party/package-lock.json
            ${CMAKE_SOURCE_DIR}/dashboard/package-lock.json
    COMMENT "Writing the bill of materials" VERBATIM)
  add_custom_target(sbom ALL DEPENDS ${CMAKE_BINARY_DIR}/ecluse.spdx.json)
  install(FILES ${CMAKE_BINARY_DIR}/ecluse.spdx.json DESTINATION ${CMAKE_INSTALL_DATADIR}/ecluse)
else()
  message(STATUS "node is not installed: no bill of materials")
endif()

# The job of `ecluse run --engine spark`; PySpark itself is the user's to install (docs/spark.md).
install(DIRECTORY spark/ DESTINATION ${CMAKE_INSTALL_DATADIR}/ecluse/spark FILES_MATCHING PATTERN "*.py" PATTERN requirements.txt
        PATTERN __pycache__ EXCLUDE)

# The service, for instances: a project in /var/lib/ecluse/NAME.
foreach(unit ecluse@.service ecluse@.timer ecluse-watch@.service)
  configure_file(${CMAKE_SOURCE_DIR}/packaging/systemd/${unit}.in ${CMAKE_BINARY_DIR}/systemd/${unit} @ONLY)
  install(FILES ${CMAKE_BINARY_DIR}/systemd/${unit} DESTINATION lib/systemd/system)
endforeach()
install(FILES packaging/systemd/ecluse.sysusers DESTINATION lib/sysusers.d RENAME ecluse.conf)
install(FILES packaging/systemd/ecluse.tmpfiles DESTINATION lib/tmpfiles.d RENAME ecluse.conf)
install(FILES packaging/logrotate/ecluse DESTINATION ${CMAKE_INSTALL_FULL_SYSCONFDIR}/logrotate.d)

file(READ ${CMAKE_SOURCE_DIR}/LICENSE EC_LICENSE)
file(READ ${EC_THIRD_PARTY}/@duckdb/${EC_DUCKDB_PACKAGE}/LICENSE EC_DUCKDB_LICENSE)
configure_file(${CMAKE_SOURCE_DIR}/packaging/deb/copyright.in ${CMAKE_BINARY_DIR}/copyright @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/copyright CHANGELOG.md SECURITY.md DESTINATION ${CMAKE_INSTALL_DOCDIR})

include(${CMAKE_SOURCE_DIR}/cmake/Package.cmake)
