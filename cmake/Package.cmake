# The Debian package: `make deb`. Its dependencies are what dpkg-shlibdeps reads out of the program and DuckDB's library.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME ecluse)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT "The Ecluse maintainers <maintainers@ecluse.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "e-commerce data pipeline: checked rows, open tables")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION "Files that shops drop are decoded, checked row by row, written to Delta tables,
aggregated, reported and archived, in one command, with no row lost or
counted twice. DuckDB's library comes with the package.")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION database)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "logrotate, systemd")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  ${CMAKE_SOURCE_DIR}/packaging/deb/postinst ${CMAKE_SOURCE_DIR}/packaging/deb/postrm ${CMAKE_SOURCE_DIR}/packaging/deb/conffiles)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_PACKAGE_DIRECTORY ${CMAKE_BINARY_DIR})
# The same bytes whenever it is made: the archive's times are the commit's (both files are read by cpack itself).
configure_file(${CMAKE_SOURCE_DIR}/packaging/deb/cpack.cmake.in ${CMAKE_BINARY_DIR}/cpack-project.cmake @ONLY)
configure_file(${CMAKE_SOURCE_DIR}/packaging/deb/times.cmake.in ${CMAKE_BINARY_DIR}/cpack-times.cmake @ONLY)
set(CPACK_PROJECT_CONFIG_FILE ${CMAKE_BINARY_DIR}/cpack-project.cmake)
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_BINARY_DIR}/cpack-times.cmake)
include(CPack)
