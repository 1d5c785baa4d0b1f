#pragma once

#include <string>

#include "base/error.h"
#include "base/unique_fd.h"

namespace gantry::store {

/// Disk space that is set aside, in a file of that size, so that what frees space can still be
/// written down when the disk is full. Not thread-safe.
class Reserve {
public:
    /// Makes the file at PATH (mode 0600) and takes the space, if there is any.
    static Result<Reserve> open(const std::string& path);

    /// Before a write that must not fail for want of space: on a disk that is nearly full, the
    /// reserve is given up.
    void give();

    /// Before any other write: takes the space again once there is plenty.
    void take();

private:
    explicit Reserve(UniqueFd file) : file_(std::move(file)) {}

    UniqueFd file_;
    bool held_ = false;
};

}  // namespace gantry::store
