#include "store/tar_writer.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <string>

#include "base/check.h"

namespace gantry::store {
namespace {

constexpr size_t kBlock = 512;
constexpr size_t kNameBytes = 100;
constexpr uint64_t kOctalLimit = uint64_t{1} << 33;

using Header = std::array<char, kBlock>;

void put(Header& header, size_t offset, std::string_view text) {
    std::ranges::copy(text, header.begin() + static_cast<std::ptrdiff_t>(offset));
}

/// A number in a field of WIDTH bytes with a NUL at its end.
void put_octal(Header& header, size_t offset, size_t width, uint64_t number) {
    put(header, offset, fmt::format("{:0{}o}", number, width - 1));
}

void put_size(Header& header, uint64_t size) {
    constexpr size_t kOffset = 124;
    constexpr size_t kWidth = 12;
    if (size < kOctalLimit) {
        put_octal(header, kOffset, kWidth, size);
        return;
    }
    header[kOffset] = static_cast<char>(0x80);
    for (size_t i = 0; i < 8; ++i) {
        header[kOffset + kWidth - 1 - i] = static_cast<char>(size >> (8 * i) & 0xff);
    }
}

}  // namespace

Result<> TarWriter::write_header(std::string_view name, char type, uint32_t mode, uint64_t size,
                                 WallTime mtime) {
    GT_CHECK(name.size() <= kNameBytes);
    const auto seconds =
        std::chrono::duration_cast<std::chrono::seconds>(mtime.time_since_epoch()).count();
    Header header{};
    put(header, 0, name);
    put_octal(header, 100, 8, mode);
    put_octal(header, 108, 8, 0);
    put_octal(header, 116, 8, 0);
    put_size(header, size);
    put_octal(header, 136, 12,
              static_cast<uint64_t>(std::clamp<int64_t>(seconds, 0, 077777777777)));
    put(header, 148, "        ");
    header[156] = type;
    put(header, 257,
        std::string_view("ustar\0"
                         "00",
                         8));
    unsigned sum = 0;
    for (const char byte : header) {
        sum += static_cast<unsigned char>(byte);
    }
    put(header, 148, fmt::format("{:06o}", sum));
    header[154] = '\0';
    return out_({header.data(), header.size()});
}

Result<> TarWriter::pad(uint64_t size) {
    const size_t rest = size % kBlock;
    return rest == 0 ? Result<>() : out_(std::string(kBlock - rest, '\0'));
}

Result<> TarWriter::add_directory(std::string_view name, WallTime mtime) {
    return write_header(name, '5', 0755, 0, mtime);
}

Result<> TarWriter::add_file(std::string_view name, std::string_view content, WallTime mtime) {
    return add_file(name, content.size(), read_from_memory(content), mtime);
}

Result<> TarWriter::add_file(std::string_view name, uint64_t size, const Reader& content,
                             WallTime mtime) {
    GT_TRY(write_header(name, '0', 0644, size, mtime));
    std::string buffer(size_t{256} * 1024, '\0');
    uint64_t done = 0;
    for (;;) {
        GT_TRY_VAR(count, content(buffer));
        if (count == 0) {
            break;
        }
        done += count;
        if (done > size) {
            break;
        }
        GT_TRY(out_(std::string_view(buffer).substr(0, count)));
    }
    if (done != size) {
        return fail(Kind::kDataLoss, fmt::format("{}: its size is not {}", name, size));
    }
    return pad(size);
}

Result<> TarWriter::finish() {
    return out_(std::string(2 * kBlock, '\0'));
}

}  // namespace gantry::store
