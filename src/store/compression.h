#pragma once

#include "base/error.h"
#include "store/stream.h"

namespace gantry::store {

/// The uncompressed bytes of STREAM, which is gzip, zstd, xz or bzip2 (any number of members one
/// after the other) or none of these, told apart by its first bytes. STREAM is copied into the
/// reader. A stream cannot make the decoder take more than about 130 MiB of memory.
///
/// Checksums are checked; a stream that ends early or goes on with something else is kInvalid.
Result<Reader> decompressed(Reader stream);

}  // namespace gantry::store
