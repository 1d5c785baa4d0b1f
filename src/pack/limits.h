#pragma once

#include <cstddef>
#include <cstdint>

namespace gantry::pack {

/// Bounds for one archive, against those made to fill disk or memory. The defaults are far above
/// any layer of a real image.
struct ArchiveLimits {
    uint64_t max_entries = 4'000'000;
    /// Of the uncompressed stream.
    uint64_t max_stream_bytes = uint64_t{1} << 38;
    /// Of all regular files together, holes included.
    uint64_t max_content_bytes = uint64_t{1} << 40;
    size_t max_path_bytes = 4096;
    size_t max_path_depth = 512;
    /// Of one entry.
    size_t max_xattr_bytes = size_t{1} << 20;
};

}  // namespace gantry::pack
