#pragma once

#include <functional>

#include "base/error.h"
#include "engine/logdriver/log_driver.h"

namespace gantry::engine {

/// Puts the compressed form of the log file INODE, which is in "<log path>.gz.tmp", in its place.
/// While a shim writes the log, only it may do that.
using TakeCompressed = std::function<Result<>(uint64_t inode)>;

/// Compresses the newest rotated file of STORE that is not compressed yet. False: there is none.
/// One call for a log at a time.
Result<bool> compress_one(const LogStore& store, const TakeCompressed& take);

/// TakeCompressed for a log that nobody writes.
Result<> take_compressed(const LogStore& store, uint64_t inode);

/// Removes the files of a log that nobody writes.
Result<> remove_log_files(const LogStore& store);

}  // namespace gantry::engine
