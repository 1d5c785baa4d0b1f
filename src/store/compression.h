#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/stream.h"

struct isal_zstream;

namespace gantry::store {

/// The uncompressed bytes of STREAM, which is gzip, zstd, xz or bzip2 (any number of members one
/// after the other) or none of these, told apart by its first bytes. STREAM is copied into the
/// reader. A stream cannot make the decoder take more than about 130 MiB of memory.
///
/// Checksums are checked; a stream that ends early or goes on with something else is kInvalid.
Result<Reader> decompressed(Reader stream);

/// Compresses what is written to it as one gzip member. Used by one thread; without finish() the
/// stream is cut off, and readers notice.
class GzipWriter {
public:
    explicit GzipWriter(Writer out);
    ~GzipWriter();

    Result<> write(std::string_view bytes);
    Result<> finish();

private:
    Result<> deflate(std::string_view bytes, bool end);

    Writer out_;
    std::unique_ptr<isal_zstream> stream_;
    std::string work_;
    std::string buffer_;
};

}  // namespace gantry::store
