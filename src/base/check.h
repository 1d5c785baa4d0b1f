#pragma once

namespace gantry {

[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace gantry

/// An invariant of ours, checked in every build. Never for what a client, an image or the kernel
/// can cause: those are errors, not bugs.
#define GT_CHECK(condition)                                         \
    do {                                                            \
        if (!(condition)) [[unlikely]]                              \
            ::gantry::check_failed(#condition, __FILE__, __LINE__); \
    } while (false)
