#pragma once

#include "base/error.h"
#include "store/stream.h"

namespace gantry::store {

/// The uncompressed bytes of STREAM, which is gzip (any number of members), zstd (any number of
/// frames, window at most 128 MiB) or neither, told apart by its first bytes. xz and bzip2 are
/// kNotImplemented by name. STREAM is copied into the reader.
///
/// Checksums are checked; a stream that ends early or goes on with something else is kInvalid.
Result<Reader> decompressed(Reader stream);

}  // namespace gantry::store
