#include "store/gzip_file.h"

#include <isa-l/igzip_lib.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>

#include "sys/files.h"

namespace gantry::store {
namespace {

constexpr size_t kChunk = size_t{128} * 1024;
constexpr size_t kMaxExtra = 256;
/// Magic, deflate, FEXTRA, no time, no hints, Unix; then the extra field's size and its subfield's
/// name and size.
constexpr std::string_view kHead("\x1f\x8b\x08\x04\0\0\0\0\0\x03", 10);
constexpr std::string_view kName = "GT";
constexpr size_t kExtraAt = kHead.size() + 2 + kName.size() + 2;

std::string little_endian(size_t value) {
    return {static_cast<char>(value & 0xFF), static_cast<char>(value >> 8 & 0xFF)};
}

/// The two buffers and the compressor's tables: too much for a small stack.
struct Work {
    isal_zstream stream;
    std::array<uint8_t, ISAL_DEF_LVL1_DEFAULT> level;
    std::array<char, kChunk> in;
    std::array<char, kChunk> out;
};

Result<> write_compressed(Work& work, int to) {
    do {
        work.stream.next_out = reinterpret_cast<uint8_t*>(work.out.data());
        work.stream.avail_out = kChunk;
        if (const int code = isal_deflate(&work.stream); code != COMP_OK) {
            return fail(Kind::kInternal, "gzip: compression failed");
        }
        GT_TRY(
            sys::write_all(to, std::string_view(work.out.data(), kChunk - work.stream.avail_out)));
    } while (work.stream.avail_out == 0);
    return {};
}

}  // namespace

Result<> gzip_file(int from, int to, std::string_view extra) {
    extra = extra.substr(0, kMaxExtra);
    const std::string head = std::string(kHead) + little_endian(extra.size() + 4) +
                             std::string(kName) + little_endian(extra.size()) + std::string(extra);
    GT_TRY(sys::write_all(to, head));
    const auto work = std::make_unique<Work>();
    isal_deflate_init(&work->stream);
    work->stream.gzip_flag = IGZIP_GZIP_NO_HDR;
    work->stream.level = 1;
    work->stream.level_buf = work->level.data();
    work->stream.level_buf_size = static_cast<uint32_t>(work->level.size());
    off_t offset = 0;
    while (work->stream.end_of_stream == 0) {
        const ssize_t count = ::pread(from, work->in.data(), kChunk, offset);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            return fail_errno("read");
        }
        offset += count;
        work->stream.next_in = reinterpret_cast<uint8_t*>(work->in.data());
        work->stream.avail_in = static_cast<uint32_t>(count);
        work->stream.end_of_stream = count == 0 ? 1 : 0;
        GT_TRY(write_compressed(*work, to));
    }
    return {};
}

std::string read_gzip_extra(int fd) {
    std::array<char, kExtraAt + kMaxExtra> bytes{};
    const ssize_t count = ::pread(fd, bytes.data(), bytes.size(), 0);
    if (count < static_cast<ssize_t>(kExtraAt)) {
        return {};
    }
    const std::string_view head(bytes.data(), static_cast<size_t>(count));
    const auto byte = [&](size_t at) {
        return static_cast<size_t>(static_cast<uint8_t>(head[at]));
    };
    const size_t size = byte(kExtraAt - 2) | byte(kExtraAt - 1) << 8;
    if (!head.starts_with(kHead) || head.substr(kHead.size() + 2, kName.size()) != kName ||
        kExtraAt + size > head.size()) {
        return {};
    }
    return std::string(head.substr(kExtraAt, size));
}

}  // namespace gantry::store
