#include <bzlib.h>
#include <fmt/core.h>
#include <lzma.h>

#include <algorithm>
#include <cstdint>

#include "store/impl/buffered.h"

namespace gantry::store {
namespace {

/// xz -9 needs 65 MiB.
constexpr uint64_t kMaxXzMemory = uint64_t{128} << 20;
constexpr size_t kMaxPiece = size_t{1} << 20;

class Xz {
public:
    explicit Xz(Buffered input) : input_(std::move(input)) {
        state_ = lzma_stream_decoder(&stream_, kMaxXzMemory, LZMA_CONCATENATED);
    }
    Xz(const Xz&) = delete;
    Xz& operator=(const Xz&) = delete;
    ~Xz() { lzma_end(&stream_); }

    Result<size_t> read(std::span<char> into) {
        while (state_ == LZMA_OK) {
            GT_TRY_VAR(bytes, input_.peek());
            // SAFETY: characters are given as bytes.
            stream_.next_in = reinterpret_cast<const uint8_t*>(bytes.data());
            stream_.avail_in = bytes.size();
            stream_.next_out = reinterpret_cast<uint8_t*>(into.data());
            stream_.avail_out = into.size();
            state_ = lzma_code(&stream_, bytes.empty() ? LZMA_FINISH : LZMA_RUN);
            input_.skip(bytes.size() - stream_.avail_in);
            if (const size_t count = into.size() - stream_.avail_out; count > 0) {
                return count;
            }
        }
        if (state_ == LZMA_STREAM_END) {
            return size_t{0};
        }
        return fail(Kind::kInvalid,
                    state_ == LZMA_BUF_ERROR ? std::string("xz: unexpected EOF")
                    : state_ == LZMA_MEMLIMIT_ERROR
                        ? std::string("xz: too large a dictionary")
                        : fmt::format("xz: invalid data (code {})", static_cast<int>(state_)));
    }

private:
    Buffered input_;
    lzma_stream stream_ = LZMA_STREAM_INIT;
    lzma_ret state_ = LZMA_OK;
};

class Bzip2 {
public:
    explicit Bzip2(Buffered input) : input_(std::move(input)) { begin_member(); }
    Bzip2(const Bzip2&) = delete;
    Bzip2& operator=(const Bzip2&) = delete;
    ~Bzip2() { BZ2_bzDecompressEnd(&stream_); }

    Result<size_t> read(std::span<char> into) {
        for (;;) {
            GT_TRY_VAR(bytes, input_.peek());
            if (state_ == BZ_STREAM_END) {
                if (bytes.empty()) {
                    return size_t{0};
                }
                BZ2_bzDecompressEnd(&stream_);
                begin_member();
            }
            if (state_ != BZ_OK) {
                return fail(Kind::kInvalid, fmt::format("bzip2: invalid data (code {})", state_));
            }
            // SAFETY: the library reads from next_in only, its type merely lacks the const.
            stream_.next_in = const_cast<char*>(bytes.data());
            stream_.avail_in = static_cast<unsigned>(bytes.size());
            const auto room = static_cast<unsigned>(std::min(into.size(), kMaxPiece));
            stream_.next_out = into.data();
            stream_.avail_out = room;
            state_ = BZ2_bzDecompress(&stream_);
            input_.skip(bytes.size() - stream_.avail_in);
            if (const unsigned count = room - stream_.avail_out; count > 0) {
                return count;
            }
            if (bytes.empty() && state_ == BZ_OK) {
                return fail(Kind::kInvalid, "bzip2: unexpected EOF");
            }
        }
    }

private:
    void begin_member() {
        stream_ = {};
        state_ = BZ2_bzDecompressInit(&stream_, 0, 0);
    }

    Buffered input_;
    bz_stream stream_{};
    int state_ = BZ_OK;
};

}  // namespace

Reader read_xz(Buffered input) {
    return make_reader<Xz>(std::move(input));
}

Reader read_bzip2(Buffered input) {
    return make_reader<Bzip2>(std::move(input));
}

}  // namespace gantry::store
