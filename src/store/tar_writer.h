#pragma once

#include <cstdint>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "store/stream.h"

namespace gantry::store {

/// Writes a tar archive (POSIX ustar; sizes from 8 GiB on in GNU's binary form) of plain files and
/// directories that belong to root, as `docker save` wants it. The same calls give the same bytes.
///
/// Used by one thread. An archive without finish() is cut off, and readers notice.
class TarWriter {
public:
    explicit TarWriter(Writer out) : out_(std::move(out)) {}

    /// NAME is at most 100 bytes and ours. For directories it ends in "/".
    Result<> add_directory(std::string_view name, WallTime mtime);
    Result<> add_file(std::string_view name, std::string_view content, WallTime mtime);
    /// CONTENT must give exactly SIZE bytes; kDataLoss if it does not.
    Result<> add_file(std::string_view name, uint64_t size, const Reader& content, WallTime mtime);

    /// The end mark.
    Result<> finish();

private:
    Result<> write_header(std::string_view name, char type, uint32_t mode, uint64_t size,
                          WallTime mtime);
    Result<> pad(uint64_t size);

    Writer out_;
};

}  // namespace gantry::store
