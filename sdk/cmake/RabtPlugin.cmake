# rabt_add_plugin(<id> SOURCES <file>... [LIBS <library>...] [MANIFEST <manifest.yaml>] [SCHEMAS <folder>] [PACKAGE <folder>]
#                 [TARGET <name>])
#
# Builds the package of one plugin: a folder with
#     manifest.yaml  schemas/  LICENSE  bin/linux-<machine>/plugin.so
# It holds nothing else; `rabt plugin sign` adds sums, SBOM and signature, and `rabt plugin check --write-report` a report. A build
# that changes a file of the package takes these away: they speak of files that are no more.
# <build folder>/<target>.package holds the package's path on one line.
#   MANIFEST  default manifest.yaml. LICENSE is taken from beside it when it is there, and so are the schemas.
#   SCHEMAS   default the folder schemas beside the manifest, when there is one
#   PACKAGE   default <build folder>/<id>-<version>.rabtplugin; also the target's property RABT_PACKAGE
#   TARGET    default <id>
# The library exports its entry and nothing else. Where the linker can, it brings its own C++ library, so that it runs beside a
# hub that was built with another one; RABT_PLUGIN_STATIC_LIBSTDCXX=OFF turns that off.
include_guard(GLOBAL)
include(CheckLinkerFlag)
set(RABT_PLUGIN_STATEMENTS SHA256SUMS SHA256SUMS.minisig sbom.cdx.json check-report.json)  # about the package's other files
set(RABT_PLUGIN_MAP ${CMAKE_CURRENT_LIST_DIR}/plugin.map)
option(RABT_PLUGIN_STATIC_LIBSTDCXX "Link the C++ library into plugins" ON)

function(rabt_plugin_platform out)
  string(TOLOWER "${CMAKE_SYSTEM_PROCESSOR}" machine)
  if(machine STREQUAL "amd64")
    set(machine x86_64)
  elseif(machine STREQUAL "arm64")
    set(machine aarch64)
  endif()
  set(${out} linux-${machine} PARENT_SCOPE)
endfunction()

function(rabt_add_plugin id)
  cmake_parse_arguments(P "" "MANIFEST;SCHEMAS;PACKAGE;TARGET" "SOURCES;LIBS" ${ARGN})
  if(P_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "rabt_add_plugin(${id}): unknown arguments: ${P_UNPARSED_ARGUMENTS}")
  endif()
  if(NOT P_SOURCES)
    message(FATAL_ERROR "rabt_add_plugin(${id}): SOURCES is missing")
  endif()
  if(NOT P_MANIFEST)
    set(P_MANIFEST manifest.yaml)
  endif()
  get_filename_component(manifest ${P_MANIFEST} ABSOLUTE)
  if(NOT EXISTS ${manifest})
    message(FATAL_ERROR "rabt_add_plugin(${id}): there is no ${manifest}")
  endif()
  get_filename_component(beside ${manifest} DIRECTORY)
  if(NOT P_SCHEMAS)
    set(P_SCHEMAS ${beside}/schemas)
  endif()
  get_filename_component(schemas ${P_SCHEMAS} ABSOLUTE)
  if(NOT P_TARGET)
    set(P_TARGET ${id})
  endif()

  # An edited manifest configures anew: its digest is compiled into the entry, so that library and manifest cannot be mixed up.
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${manifest})
  file(SHA256 ${manifest} digest)
  file(STRINGS ${manifest} lines REGEX "^(id|version): *[^ #]+")
  set(found_id "")
  set(version "")
  foreach(line IN LISTS lines)
    if(line MATCHES "^id: *[\"']?([^\"' #]+)")
      set(found_id ${CMAKE_MATCH_1})
    elseif(line MATCHES "^version: *[\"']?([^\"' #]+)")
      set(version ${CMAKE_MATCH_1})
    endif()
  endforeach()
  if(NOT found_id STREQUAL id)
    message(FATAL_ERROR "rabt_add_plugin(${id}): ${manifest} says id: ${found_id}")
  endif()
  if(version STREQUAL "")
    message(FATAL_ERROR "rabt_add_plugin(${id}): ${manifest} has no line \"version: ...\"")
  endif()
  if(NOT P_PACKAGE)
    set(P_PACKAGE ${CMAKE_BINARY_DIR}/${id}-${version}.rabtplugin)
  endif()
  get_filename_component(package ${P_PACKAGE} ABSOLUTE BASE_DIR ${CMAKE_BINARY_DIR})
  file(WRITE ${CMAKE_BINARY_DIR}/${P_TARGET}.package "${package}\n")
  list(TRANSFORM RABT_PLUGIN_STATEMENTS PREPEND ${package}/ OUTPUT_VARIABLE statements)
  rabt_plugin_platform(platform)

  add_library(${P_TARGET} MODULE ${P_SOURCES})
  target_link_libraries(${P_TARGET} PRIVATE rabt::sdk ${P_LIBS})
  target_compile_definitions(${P_TARGET} PRIVATE RABT_MANIFEST_SHA256="${digest}")
  set_target_properties(${P_TARGET} PROPERTIES PREFIX "" SUFFIX ".so" OUTPUT_NAME plugin
    LIBRARY_OUTPUT_DIRECTORY "$<1:${package}/bin/${platform}>" RABT_PACKAGE ${package}
    C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
    CXX_STANDARD 20 CXX_STANDARD_REQUIRED ON CXX_EXTENSIONS OFF LINK_DEPENDS ${RABT_PLUGIN_MAP})
  target_link_options(${P_TARGET} PRIVATE -Wl,--exclude-libs,ALL -Wl,-z,now -Wl,-z,relro -Wl,-z,noexecstack
    -Wl,--version-script=${RABT_PLUGIN_MAP})
  get_property(languages GLOBAL PROPERTY ENABLED_LANGUAGES)
  if(RABT_PLUGIN_STATIC_LIBSTDCXX AND "CXX" IN_LIST languages AND NOT "${CMAKE_CXX_FLAGS}" MATCHES "-fsanitize|-stdlib=libc")
    check_linker_flag(CXX -static-libstdc++ RABT_HAVE_STATIC_LIBSTDCXX)
    if(RABT_HAVE_STATIC_LIBSTDCXX)
      target_link_options(${P_TARGET} PRIVATE $<$<LINK_LANGUAGE:CXX>:-static-libstdc++>)
    endif()
  endif()

  add_custom_command(TARGET ${P_TARGET} POST_BUILD COMMAND ${CMAKE_COMMAND} -E rm -f ${statements} VERBATIM)

  # The files beside the library follow their sources, also without a new link.
  set(from ${manifest})
  set(to ${package}/manifest.yaml)
  if(EXISTS ${beside}/LICENSE)
    list(APPEND from ${beside}/LICENSE)
    list(APPEND to ${package}/LICENSE)
  endif()
  file(GLOB_RECURSE names CONFIGURE_DEPENDS RELATIVE ${schemas} ${schemas}/*)
  file(GLOB_RECURSE old RELATIVE ${package}/schemas ${package}/schemas/*)
  foreach(name IN LISTS old)
    if(NOT name IN_LIST names)
      file(REMOVE ${package}/schemas/${name} ${statements})
    endif()
  endforeach()
  foreach(name IN LISTS names)
    list(APPEND from ${schemas}/${name})
    list(APPEND to ${package}/schemas/${name})
  endforeach()
  foreach(source target IN ZIP_LISTS from to)
    add_custom_command(OUTPUT ${target} DEPENDS ${source} COMMAND ${CMAKE_COMMAND} -E copy ${source} ${target}
      COMMAND ${CMAKE_COMMAND} -E rm -f ${statements} VERBATIM)
  endforeach()
  add_custom_target(${P_TARGET}_files DEPENDS ${to})
  add_dependencies(${P_TARGET} ${P_TARGET}_files)
endfunction()
