#include "store/compression.h"

#include <fmt/core.h>
#include <isa-l/igzip_lib.h>
#include <zstd.h>

#include <algorithm>
#include <memory>
#include <string_view>
#include <utility>

#include "store/impl/buffered.h"

namespace gantry::store {
namespace {

constexpr size_t kChunk = size_t{128} * 1024;
constexpr size_t kLongestMagic = 6;
constexpr int kMaxWindowLog = 27;

constexpr std::string_view kGzip("\x1f\x8b", 2);
constexpr std::string_view kZstd("\x28\xb5\x2f\xfd", 4);
constexpr std::string_view kXz("\xfd\x37zXZ\0", 6);
constexpr std::string_view kBzip2("BZh", 3);

class Plain {
public:
    explicit Plain(Buffered input) : input_(std::move(input)) {}

    Result<size_t> read(std::span<char> into) {
        GT_TRY_VAR(bytes, input_.peek());
        const size_t count = std::min(into.size(), bytes.size());
        std::copy_n(bytes.data(), count, into.data());
        input_.skip(count);
        return count;
    }

private:
    Buffered input_;
};

class Gzip {
public:
    explicit Gzip(Buffered input) : input_(std::move(input)) { begin_member(); }

    Result<size_t> read(std::span<char> into) {
        for (;;) {
            GT_TRY_VAR(bytes, input_.peek());
            if (between_members_) {
                if (bytes.empty()) {
                    return size_t{0};
                }
                GT_TRY_VAR(head, input_.peek_at_least(kGzip.size()));
                if (!head.starts_with(kGzip)) {
                    return fail(Kind::kInvalid, "gzip: invalid data after the end");
                }
                begin_member();
                continue;
            }
            GT_TRY_VAR(count, inflate(bytes, into));
            if (count > 0) {
                return count;
            }
            if (bytes.empty() && !between_members_) {
                return fail(Kind::kInvalid, "gzip: unexpected EOF");
            }
        }
    }

private:
    void begin_member() {
        isal_inflate_init(state_.get());
        state_->crc_flag = ISAL_GZIP;
        between_members_ = false;
    }

    Result<size_t> inflate(std::string_view bytes, std::span<char> into) {
        // SAFETY: the library reads from next_in only, its type merely lacks the const.
        state_->next_in = reinterpret_cast<uint8_t*>(const_cast<char*>(bytes.data()));
        state_->avail_in = static_cast<uint32_t>(bytes.size());
        state_->next_out = reinterpret_cast<uint8_t*>(into.data());
        const auto room = static_cast<uint32_t>(std::min(into.size(), kChunk));
        state_->avail_out = room;
        if (const int code = isal_inflate(state_.get()); code < 0) {
            return fail(Kind::kInvalid, code == ISAL_INCORRECT_CHECKSUM
                                            ? "gzip: invalid checksum"
                                            : fmt::format("gzip: invalid data (code {})", code));
        }
        input_.skip(bytes.size() - state_->avail_in);
        between_members_ = state_->block_state == ISAL_BLOCK_FINISH;
        return room - state_->avail_out;
    }

    Buffered input_;
    std::unique_ptr<inflate_state> state_ = std::make_unique<inflate_state>();
    bool between_members_ = false;
};

class Zstd {
public:
    explicit Zstd(Buffered input) : input_(std::move(input)), context_(ZSTD_createDCtx()) {
        ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, kMaxWindowLog);
    }

    Result<size_t> read(std::span<char> into) {
        for (;;) {
            GT_TRY_VAR(bytes, input_.peek());
            ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
            ZSTD_outBuffer out{into.data(), into.size(), 0};
            const size_t left = ZSTD_decompressStream(context_.get(), &out, &in);
            if (ZSTD_isError(left) != 0) {
                return fail(Kind::kInvalid, fmt::format("zstd: {}", ZSTD_getErrorName(left)));
            }
            input_.skip(in.pos);
            if (in.pos > 0 || out.pos > 0) {
                frame_done_ = left == 0;
            }
            if (out.pos > 0) {
                return out.pos;
            }
            if (bytes.empty()) {
                if (!frame_done_) {
                    return fail(Kind::kInvalid, "zstd: unexpected EOF");
                }
                return size_t{0};
            }
        }
    }

private:
    struct Free {
        void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
    };

    Buffered input_;
    std::unique_ptr<ZSTD_DCtx, Free> context_;
    bool frame_done_ = false;
};

}  // namespace

Result<Reader> decompressed(Reader stream) {
    Buffered input(std::move(stream));
    GT_TRY_VAR(head, input.peek_at_least(kLongestMagic));
    if (head.starts_with(kGzip)) {
        return make_reader<Gzip>(std::move(input));
    }
    if (head.starts_with(kZstd)) {
        return make_reader<Zstd>(std::move(input));
    }
    if (head.starts_with(kXz)) {
        return read_xz(std::move(input));
    }
    if (head.starts_with(kBzip2)) {
        return read_bzip2(std::move(input));
    }
    return make_reader<Plain>(std::move(input));
}

}  // namespace gantry::store
