#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace gantry {

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

/// Passes small writes on in larger pieces; flush() passes on the rest.
class Gathered {
public:
    explicit Gathered(Writer out) : out_(std::move(out)) {}

    Result<> write(std::string_view bytes);
    Result<> flush();

private:
    Writer out_;
    std::string buffer_;
};

}  // namespace gantry
