# One interface target carries the flags of our own code, so that imported targets stay untouched.
add_library(vesto_flags INTERFACE)
target_include_directories(vesto_flags INTERFACE ${PROJECT_SOURCE_DIR}/src)
target_compile_options(vesto_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror -fno-omit-frame-pointer)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_compile_options(vesto_flags INTERFACE -Wthread-safety)
else()
  # g++ 12 sees both in libstdc++'s own string and optional when it optimises (GCC PR 105651, 105593).
  target_compile_options(vesto_flags INTERFACE -Wno-restrict -Wno-maybe-uninitialized)
endif()
if(VESTO_SANITIZE)
  target_compile_options(vesto_flags INTERFACE -fsanitize=${VESTO_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(vesto_flags INTERFACE -fsanitize=${VESTO_SANITIZE})
else()
  target_compile_options(vesto_flags INTERFACE
    $<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=2> -fstack-protector-strong)
  target_link_options(vesto_flags INTERFACE -Wl,-z,relro,-z,now)
endif()
if(VESTO_KILL_POINTS)
  target_compile_definitions(vesto_flags INTERFACE VESTO_KILL_POINTS=1)
endif()

# vesto_room(NAME SOURCES ... USES ...): one static library for one folder of src/.
# USES names the rooms and libraries that it may include: the arrows of docs/ARCHITECTURE.md.
function(vesto_room name)
  cmake_parse_arguments(ROOM "" "" "SOURCES;USES" ${ARGN})
  add_library(vesto_${name} STATIC ${ROOM_SOURCES})
  target_link_libraries(vesto_${name} PUBLIC vesto_flags ${ROOM_USES})
endfunction()
