#pragma once

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/stream.h"

namespace gantry::store {

/// A stream with a buffer in front of it, so that its beginning can be looked at.
class Buffered {
public:
    explicit Buffered(Reader stream) : stream_(std::move(stream)), buffer_(kChunk, '\0') {}

    /// What is buffered; reads on if that is nothing. Empty at the end.
    Result<std::string_view> peek() {
        if (begin_ == end_) {
            GT_TRY(fill(1));
        }
        return std::string_view(buffer_).substr(begin_, end_ - begin_);
    }

    /// Reads until SIZE bytes are buffered or the stream ends.
    Result<std::string_view> peek_at_least(size_t size) {
        GT_TRY(fill(size));
        return std::string_view(buffer_).substr(begin_, end_ - begin_);
    }

    void skip(size_t count) { begin_ += count; }

private:
    static constexpr size_t kChunk = size_t{128} * 1024;

    Result<> fill(size_t size) {
        if (begin_ > 0 && end_ - begin_ < size) {
            std::copy(buffer_.data() + begin_, buffer_.data() + end_, buffer_.data());
            end_ -= begin_;
            begin_ = 0;
        }
        while (end_ - begin_ < size && !ended_) {
            GT_TRY_VAR(count, stream_(std::span(buffer_).subspan(end_)));
            end_ += count;
            ended_ = count == 0;
        }
        return {};
    }

    Reader stream_;
    std::string buffer_;
    size_t begin_ = 0;
    size_t end_ = 0;
    bool ended_ = false;
};

/// DECODER(Buffered) with `Result<size_t> read(std::span<char>)` as a Reader.
template <class Decoder>
Reader make_reader(Buffered input) {
    // std::function wants something copyable.
    return [decoder = std::make_shared<Decoder>(std::move(input))](std::span<char> into) {
        return decoder->read(into);
    };
}

/// The formats of old archives.
Reader read_xz(Buffered input);
Reader read_bzip2(Buffered input);

}  // namespace gantry::store
