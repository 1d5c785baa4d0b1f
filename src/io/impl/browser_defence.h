#pragma once

#include <string_view>

#include "io/headers.h"

namespace gantry::io {

enum class HostRule { kAny, kLoopback };

/// Why a request that came over TCP may be the doing of a web page, or "" if it is none. A browser
/// cannot leave out Origin on what changes state, Sec-Fetch-Site on anything, nor forge Host.
std::string_view refuse_browser(const Headers& headers, HostRule rule);

}  // namespace gantry::io
