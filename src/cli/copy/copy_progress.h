#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "cli/session.h"

namespace gantry::cli {

/// What `cp` tells on standard error while it works: how much was copied, on a line of its own that
/// is written anew now and then, if that is a terminal, and a summary in the end.
class CopyProgress {
public:
    enum class Direction { kToContainer, kFromContainer };
    CopyProgress(Session& session, Direction direction, bool quiet);

    void add(size_t bytes);
    /// Once, whether the copy went well or not.
    void finish(std::string_view destination);

private:
    void show(std::string_view size);

    Session& session_;
    std::string_view header_;
    bool quiet_;
    bool live_;
    uint64_t bytes_ = 0;
    std::chrono::steady_clock::time_point shown_;
};

}  // namespace gantry::cli
