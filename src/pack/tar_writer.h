#pragma once

#include <cstdint>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "base/stream.h"
#include "pack/tar_reader.h"

namespace gantry::pack {

/// Writes a tar archive (POSIX ustar; what does not fit goes into PAX records): plain files and
/// directories that belong to root, as `docker save` wants it, or any entry. The same calls give
/// the same bytes.
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

    /// Any entry. Its time counts in whole seconds, as in Docker's archives. CONTENT, for files,
    /// gives ENTRY.size bytes; what it gives too little is filled with zeros (the file shrank while
    /// it was read) and what it gives too much is left out.
    Result<> add(const TarEntry& entry, const Reader& content = {});

    /// The end mark.
    Result<> finish();

private:
    Result<> write_header(std::string_view name, char type, uint32_t mode, uint64_t size,
                          WallTime mtime);
    Result<> write_content(uint64_t size, const Reader& content);
    Result<> pad(uint64_t size);

    Writer out_;
};

}  // namespace gantry::pack
