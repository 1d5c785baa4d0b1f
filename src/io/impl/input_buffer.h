#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace gantry::io {

/// Bytes that were received and not used yet. Starts small, so that an idle connection costs
/// little, and grows to its limit only under a large head or a full socket.
class InputBuffer {
public:
    static constexpr size_t kLimit = 64 * 1024;

    std::string_view data() const { return std::string_view(bytes_).substr(begin_, end_ - begin_); }
    bool empty() const { return begin_ == end_; }

    void consume(size_t count) {
        begin_ += count;
        if (begin_ == end_) {
            begin_ = end_ = 0;
        }
    }

    /// Room behind the data, at least one byte unless kLimit bytes are held.
    std::span<char> room() {
        if (end_ == bytes_.size() && begin_ > 0) {
            bytes_.erase(0, begin_);
            end_ -= begin_;
            begin_ = 0;
        }
        if (end_ == bytes_.size()) {
            bytes_.resize(std::clamp<size_t>(bytes_.size() * 2, kInitial, kLimit));
        }
        return std::span(bytes_).subspan(end_);
    }

    void added(size_t count) { end_ += count; }

    /// All of the data, for a connection that stops being HTTP.
    std::string take() {
        std::string out(data());
        begin_ = end_ = 0;
        return out;
    }

private:
    static constexpr size_t kInitial = 4096;

    std::string bytes_;
    size_t begin_ = 0;
    size_t end_ = 0;
};

}  // namespace gantry::io
