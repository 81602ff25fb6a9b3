# Language level, warnings, compiler cache and linker for every target of the project.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()

# Function calls of gRPC and protobuf make debug information enormous: line tables are enough for backtraces.
set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g1")
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1 -DNDEBUG")

# One CUDA runtime in the process: LibTorch's.
set(CMAKE_CUDA_RUNTIME_LIBRARY Shared)

find_program(ONDELETTE_CCACHE ccache)
if(ONDELETTE_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${ONDELETTE_CCACHE})
  set(CMAKE_CUDA_COMPILER_LAUNCHER ${ONDELETTE_CCACHE})
endif()
find_program(ONDELETTE_MOLD mold)
if(ONDELETTE_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

set(ONDELETTE_SANITIZE "" CACHE STRING "Sanitizers, as -fsanitize takes them: address,undefined or thread")
if(ONDELETTE_SANITIZE)
  add_compile_options(-fsanitize=${ONDELETTE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${ONDELETTE_SANITIZE})
endif()

include_directories(${PROJECT_SOURCE_DIR})

# The project's own code is compiled with every warning an error; generated code and packages are not.
function(ondelette_warnings target)
  target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra
    $<$<BOOL:${ONDELETTE_WERROR}>:-Werror>>)
endfunction()

# ondelette_library(NAME SOURCES... DEPS targets...): a static library named by its folder.
function(ondelette_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPS" ${ARGN})
  add_library(${name} STATIC ${arg_SOURCES})
  target_link_libraries(${name} PUBLIC ${arg_DEPS})
  ondelette_warnings(${name})
endfunction()

# ondelette_program(NAME SOURCES... DEPS targets...): all programs lie side by side in bin/, as they are installed,
# so that each finds the others beside itself.
function(ondelette_program name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_DEPS})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
  ondelette_warnings(${name})
  install(TARGETS ${name} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endfunction()

# ondelette_test(NAME SOURCES... DEPS targets... [LABELS labels...] [TIMEOUT seconds]): one GoogleTest program and
# one ctest entry. Tests see where the sources and the programs are through ONDELETTE_SOURCE_DIR and ONDELETTE_BIN_DIR.
function(ondelette_test name)
  cmake_parse_arguments(arg "" "TIMEOUT" "SOURCES;DEPS;LABELS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_DEPS} GTest::gtest GTest::gmock GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE ONDELETTE_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
    ONDELETTE_BIN_DIR="${CMAKE_BINARY_DIR}/bin")
  ondelette_warnings(${name})
  add_test(NAME ${name} COMMAND ${name})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  set_tests_properties(${name} PROPERTIES LABELS "${arg_LABELS}" TIMEOUT ${arg_TIMEOUT})
endfunction()
