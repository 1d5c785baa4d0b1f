#pragma once

#include <fmt/core.h>

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace gantry::log {

enum class Level { kDebug, kInfo, kWarn, kError };
enum class Format { kText, kJson };

/// Sets what is written from now on, for the whole process. Call before the first thread starts.
void configure(Level minimum, Format format);

bool enabled(Level level);

/// One name and value of a structured record.
using Field = std::pair<std::string_view, std::string_view>;

/// Writes one record to standard error in one write(2), so that records of different threads never
/// mix: `time=... level=info msg="..." container=...` or the same as a JSON object. Control
/// characters are escaped. Only engine, api and bin log; the folders below return errors.
void write(Level level, std::string_view message, std::initializer_list<Field> fields = {});

inline void debug(std::string_view message, std::initializer_list<Field> fields = {}) {
    if (enabled(Level::kDebug)) {
        write(Level::kDebug, message, fields);
    }
}
inline void info(std::string_view message, std::initializer_list<Field> fields = {}) {
    write(Level::kInfo, message, fields);
}
inline void warn(std::string_view message, std::initializer_list<Field> fields = {}) {
    write(Level::kWarn, message, fields);
}
inline void error(std::string_view message, std::initializer_list<Field> fields = {}) {
    write(Level::kError, message, fields);
}

}  // namespace gantry::log
