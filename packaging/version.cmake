# Writes OUT, a C++ source with VERSION and the commit of the sources in SOURCE, when one of them has changed. The commit is
# $RABT_COMMIT where it is set (a source tree without its history), and empty where nobody knows it.
set(commit "$ENV{RABT_COMMIT}")
find_program(git git)
if(commit STREQUAL "" AND git AND EXISTS "${SOURCE}/.git")
  execute_process(COMMAND ${git} -C ${SOURCE} describe --always --dirty=+changes --abbrev=12 --exclude=*
    OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
if(NOT commit MATCHES "^[0-9A-Za-z.+-]*$")
  set(commit "")
endif()
set(text "#include \"hub/version.hpp\"\nnamespace rabt {\nconst Build kBuild{.version = \"${VERSION}\", .commit = \"${commit}\"};\n}  // namespace rabt\n")
set(old "")
if(EXISTS "${OUT}")
  file(READ "${OUT}" old)
endif()
if(NOT old STREQUAL text)
  file(WRITE "${OUT}" "${text}")
endif()
