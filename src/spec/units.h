#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace gantry::spec {

/// go-units HumanSize with four significant digits, powers of 1000: "1.234kB", "0B".
std::string human_size(double size);
/// As human_size() with PRECISION significant digits (the CLI's lists use 3: "5.59MB").
std::string human_size(double size, int precision);
/// go-units BytesSize, powers of 1024: "64MiB".
std::string bytes_size(double size);

/// go-units RAMInBytes: "512m", "1.5GiB", "1024", powers of 1024, any case. kInvalid "invalid size:
/// 'x'".
Result<int64_t> parse_ram(std::string_view text);
/// go-units FromHumanSize: the same in powers of 1000.
Result<int64_t> parse_size(std::string_view text);

/// go-units HumanDuration: "Less than a second", "About a minute", "3 weeks" (behaviours F1).
std::string human_duration(std::chrono::nanoseconds duration);

}  // namespace gantry::spec
