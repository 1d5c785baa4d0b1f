// GzipWriter of store/compression.h.

#include <fmt/core.h>
#include <isa-l/igzip_lib.h>

#include <utility>

#include "store/compression.h"

namespace gantry::store {
namespace {

constexpr size_t kChunk = size_t{64} * 1024;

}  // namespace

GzipWriter::GzipWriter(Writer out)
    : out_(std::move(out)),
      stream_(std::make_unique<isal_zstream>()),
      work_(ISAL_DEF_LVL1_DEFAULT, '\0'),
      buffer_(kChunk, '\0') {
    isal_deflate_init(stream_.get());
    stream_->level = 1;
    // SAFETY: scratch memory of the library.
    stream_->level_buf = reinterpret_cast<uint8_t*>(work_.data());
    stream_->level_buf_size = static_cast<uint32_t>(work_.size());
    stream_->gzip_flag = IGZIP_GZIP;
}

GzipWriter::~GzipWriter() = default;

Result<> GzipWriter::write(std::string_view bytes) {
    return bytes.empty() ? Result<>() : deflate(bytes, false);
}

Result<> GzipWriter::finish() {
    return deflate({}, true);
}

Result<> GzipWriter::deflate(std::string_view bytes, bool end) {
    // SAFETY: the library reads from next_in only, its type merely lacks the const.
    stream_->next_in = reinterpret_cast<uint8_t*>(const_cast<char*>(bytes.data()));
    stream_->avail_in = static_cast<uint32_t>(bytes.size());
    stream_->end_of_stream = end ? 1 : 0;
    stream_->flush = NO_FLUSH;
    for (;;) {
        stream_->next_out = reinterpret_cast<uint8_t*>(buffer_.data());
        stream_->avail_out = static_cast<uint32_t>(buffer_.size());
        if (const int code = isal_deflate(stream_.get()); code != COMP_OK) {
            return fail(Kind::kInternal, fmt::format("gzip: code {}", code));
        }
        const size_t made = buffer_.size() - stream_->avail_out;
        if (made > 0) {
            GT_TRY(out_(std::string_view(buffer_).substr(0, made)));
        }
        if (stream_->avail_out != 0 && stream_->avail_in == 0) {
            return {};
        }
    }
}

}  // namespace gantry::store
