# gantry_musl_program(NAME SOURCES...)
#
# A freestanding program: static musl, no exceptions, no RTTI, nothing of libstdc++ but its headers.
# Such a program starts 0.3 to 0.4 ms sooner than a static glibc one and stays at some 30 KiB.
string(REGEX MATCH "^[a-z0-9_]+" musl_arch ${CMAKE_SYSTEM_PROCESSOR})
set(musl_include /usr/include/${musl_arch}-linux-musl)
set(musl_lib /usr/lib/${musl_arch}-linux-musl)
execute_process(COMMAND ${CMAKE_CXX_COMPILER} -print-resource-dir
    OUTPUT_VARIABLE clang_resources OUTPUT_STRIP_TRAILING_WHITESPACE)
file(GLOB gcc_libs /usr/lib/gcc/${musl_arch}-linux-gnu/*/libgcc.a)
list(GET gcc_libs -1 libgcc)
get_filename_component(gcc_version ${libgcc} DIRECTORY)
get_filename_component(gcc_version ${gcc_version} NAME)
if(NOT EXISTS ${musl_lib}/crt1.o)
    message(FATAL_ERROR "the freestanding programs need musl (Debian: musl-tools)")
endif()

function(gantry_musl_program name)
    add_executable(${name} ${ARGN})
    set_target_properties(${name} PROPERTIES CXX_STANDARD 23)
    target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/src)
    target_compile_definitions(${name} PRIVATE _GNU_SOURCE)
    target_compile_options(${name} PRIVATE
        -nostdinc
        "SHELL:-isystem /usr/include/c++/${gcc_version}"
        "SHELL:-isystem /usr/include/${musl_arch}-linux-gnu/c++/${gcc_version}"
        "SHELL:-isystem ${musl_include}" "SHELL:-isystem ${clang_resources}/include"
        "-D__GLIBC_PREREQ(a,b)=0"
        -fno-exceptions -fno-rtti -fno-threadsafe-statics -fno-asynchronous-unwind-tables
        -fno-pie -fstack-protector-strong -fcf-protection -ffunction-sections -fdata-sections
        -Wall -Wextra -Wshadow -Wconversion -Wold-style-cast -Wimplicit-fallthrough -Werror)
    target_link_options(${name} PRIVATE
        -static -nostdlib -fuse-ld=lld -Wl,--gc-sections -Wl,-z,noexecstack
        -Wl,-z,norelro -Wl,-z,separate-code)
    target_link_libraries(${name} PRIVATE
        ${musl_lib}/crt1.o ${musl_lib}/crti.o ${musl_lib}/libc.a ${libgcc} ${musl_lib}/crtn.o)
endfunction()
