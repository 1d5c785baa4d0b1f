# Compiler and linker flags as one interface target. Only src/shim does without it: that program is
# freestanding and brings flags of its own.
set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
# Everything ends up in programs, so -fPIE serves all (and one precompiled header fits all).
set(CMAKE_POSITION_INDEPENDENT_CODE OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

find_program(CCACHE ccache)
if(CCACHE)
    set(CMAKE_CXX_COMPILER_LAUNCHER
        ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros
        CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${CCACHE})
endif()

add_library(gantry_flags INTERFACE)
target_include_directories(gantry_flags INTERFACE ${CMAKE_SOURCE_DIR}/src)
target_compile_options(gantry_flags INTERFACE
    -Wall -Wextra -Wshadow -Wconversion -Wnon-virtual-dtor -Wold-style-cast -Wimplicit-fallthrough
    -Wthread-safety -Werror
    -fPIE -fstack-protector-strong -fcf-protection -fno-omit-frame-pointer)
# libstdc++ 12's own stable_sort calls a function that it has deprecated, and through a precompiled
# header clang takes that for our call.
target_compile_options(gantry_flags INTERFACE -Wno-deprecated-declarations)
# Leaving members out of a designated initializer is how a default is chosen.
target_compile_options(gantry_flags INTERFACE -Wno-missing-designated-field-initializers)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    # A precompiled header that ccache took from another checkout shall not be refused because the
    # same headers are older or newer there; ninja rebuilds it when they change.
    target_compile_options(gantry_flags INTERFACE
        "$<$<COMPILE_LANGUAGE:CXX>:SHELL:-Xclang -fno-pch-timestamp>")
endif()
target_compile_definitions(gantry_flags INTERFACE
    _GNU_SOURCE _GLIBCXX_ASSERTIONS BOOST_ALL_NO_LIB)
target_link_options(gantry_flags INTERFACE -Wl,-z,relro,-z,now -pie)

find_program(MOLD mold)
if(MOLD)
    target_link_options(gantry_flags INTERFACE -fuse-ld=mold)
else()
    target_link_options(gantry_flags INTERFACE -fuse-ld=lld)
endif()

if(GANTRY_SANITIZE)
    target_compile_options(gantry_flags INTERFACE -fsanitize=${GANTRY_SANITIZE} -fno-sanitize-recover=all)
    target_link_options(gantry_flags INTERFACE -fsanitize=${GANTRY_SANITIZE})
    target_compile_definitions(gantry_flags INTERFACE GANTRY_SANITIZED)
elseif(CMAKE_BUILD_TYPE STREQUAL "Release")
    target_compile_definitions(gantry_flags INTERFACE _FORTIFY_SOURCE=2)
    target_compile_options(gantry_flags INTERFACE -ffunction-sections -fdata-sections)
    target_link_options(gantry_flags INTERFACE -Wl,--gc-sections)
endif()

find_package(Threads REQUIRED)
target_link_libraries(gantry_flags INTERFACE Threads::Threads)
