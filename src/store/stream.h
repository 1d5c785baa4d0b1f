#pragma once

#include <functional>
#include <span>
#include <string_view>

#include "base/error.h"

namespace gantry::store {

/// Gives up to INTO.size() of the next bytes; 0 at the end. May block. After an error or the end it
/// is not called again.
using Reader = std::function<Result<size_t>(std::span<char> into)>;

/// Takes all of BYTES or fails. May block.
using Writer = std::function<Result<>(std::string_view bytes)>;

/// Writes a whole stream to the writer that it is given.
using Producer = std::function<Result<>(const Writer&)>;

/// Reads what FD holds from its present offset on. FD must outlive the reader.
Reader read_from_fd(int fd);

/// Reads TEXT, which must outlive the reader.
Reader read_from_memory(std::string_view text);

}  // namespace gantry::store
