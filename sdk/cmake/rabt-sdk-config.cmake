# find_package(rabt-sdk): from an install tree (cmake --install <build> --component sdk) and from the source tree
# (-Drabt-sdk_DIR=<hub>/sdk/cmake) alike. Gives
#   rabt::sdk          the headers rabt/abi.h, rabt/services.h, rabt/plugin.hpp, ...; a plugin built with rabt_add_plugin has them
#   rabt::testing      the fakes for a plugin's own tests, rabt/testing/...
#   rabt_add_plugin()  see RabtPlugin.cmake
if(EXISTS ${CMAKE_CURRENT_LIST_DIR}/../include/rabt/abi.h)
  get_filename_component(RABT_SDK_ROOT ${CMAKE_CURRENT_LIST_DIR}/.. ABSOLUTE)
  set(RABT_SDK_INCLUDE ${RABT_SDK_ROOT}/include)
  set(RABT_TESTING_INCLUDE ${RABT_SDK_ROOT}/testing/include)
else()
  get_filename_component(prefix ${CMAKE_CURRENT_LIST_DIR}/../../.. ABSOLUTE)
  set(RABT_SDK_ROOT ${prefix}/share/rabt-sdk)
  set(RABT_SDK_INCLUDE ${prefix}/include)
  set(RABT_TESTING_INCLUDE ${prefix}/include)
endif()
if(NOT EXISTS ${RABT_SDK_INCLUDE}/rabt/abi.h)
  set(rabt-sdk_FOUND FALSE)
  set(rabt-sdk_NOT_FOUND_MESSAGE "${RABT_SDK_INCLUDE}/rabt/abi.h is missing; install the component sdk again")
  return()
endif()
if(NOT TARGET rabt::sdk)
  add_library(rabt::sdk INTERFACE IMPORTED GLOBAL)
  target_include_directories(rabt::sdk INTERFACE ${RABT_SDK_INCLUDE})
  add_library(rabt::testing INTERFACE IMPORTED GLOBAL)
  target_include_directories(rabt::testing INTERFACE ${RABT_SDK_INCLUDE} ${RABT_TESTING_INCLUDE})
endif()
include(${CMAKE_CURRENT_LIST_DIR}/RabtPlugin.cmake)
