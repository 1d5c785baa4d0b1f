#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace gantry::store {

/// Writes what FROM holds from its beginning to TO as one gzip member. EXTRA, at most 256 bytes of
/// the caller's, goes into the header, where read_gzip_extra() finds it and other programs pass
/// over it.
Result<> gzip_file(int from, int to, std::string_view extra);

/// What gzip_file() was given; empty if FD holds nothing of the kind.
std::string read_gzip_extra(int fd);

}  // namespace gantry::store
