#include "pack/tar_writer.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <string>

#include "base/check.h"

namespace gantry::pack {
namespace {

constexpr size_t kBlock = 512;
constexpr size_t kNameBytes = 100;
constexpr uint64_t kOctalLimit = uint64_t{1} << 33;

constexpr size_t kCopySize = size_t{256} * 1024;
constexpr int64_t kMaxId = 07777777;
constexpr int64_t kMaxTime = 077777777777;

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

/// The magic and, over everything else, the checksum.
void seal(Header& header) {
    put(header, 257,
        std::string_view("ustar\0"
                         "00",
                         8));
    put(header, 148, "        ");
    unsigned sum = 0;
    for (const char byte : header) {
        sum += static_cast<unsigned char>(byte);
    }
    put(header, 148, fmt::format("{:06o}", sum));
    header[154] = '\0';
}

char type_flag(TarType type) {
    switch (type) {
        case TarType::kFile:
        case TarType::kSocket: return '0';
        case TarType::kHardLink: return '1';
        case TarType::kSymlink: return '2';
        case TarType::kCharDevice: return '3';
        case TarType::kBlockDevice: return '4';
        case TarType::kDirectory: return '5';
        case TarType::kFifo: return '6';
    }
    return '0';
}

bool is_plain(std::string_view text) {
    return text.size() <= kNameBytes &&
           std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

/// "LENGTH key=value\n", where LENGTH counts itself.
std::string pax_record(std::string_view key, std::string_view value) {
    const size_t rest = key.size() + value.size() + 3;
    size_t length = rest + 1;
    while (std::to_string(length).size() + rest != length) {
        length = std::to_string(length).size() + rest;
    }
    return fmt::format("{} {}={}\n", length, key, value);
}

/// What does not fit into a plain header.
std::string pax_records(const TarEntry& entry) {
    std::string records;
    if (!is_plain(entry.path)) {
        records += pax_record("path", entry.path);
    }
    if (!is_plain(entry.target)) {
        records += pax_record("linkpath", entry.target);
    }
    if (entry.size >= kOctalLimit) {
        records += pax_record("size", fmt::format("{}", entry.size));
    }
    for (const auto& [key, id] : {std::pair("uid", entry.uid), std::pair("gid", entry.gid)}) {
        if (id < 0 || id > kMaxId) {
            records += pax_record(key, fmt::format("{}", id));
        }
    }
    if (entry.mtime.tv_sec < 0 || entry.mtime.tv_sec > kMaxTime) {
        records += pax_record("mtime", fmt::format("{}", entry.mtime.tv_sec));
    }
    for (const auto& [name, value] : entry.xattrs) {
        records += pax_record("SCHILY.xattr." + name, value);
    }
    return records;
}

uint64_t fitting(int64_t value, int64_t limit) {
    return value < 0 || value > limit ? 0 : static_cast<uint64_t>(value);
}

}  // namespace

Result<> TarWriter::add(const TarEntry& entry, const Reader& content) {
    if (const std::string records = pax_records(entry); !records.empty()) {
        GT_TRY(write_header("PaxHeaders.0/entry", 'x', 0644, records.size(), WallTime{}));
        GT_TRY(out_(records));
        GT_TRY(pad(records.size()));
    }
    Header header{};
    put(header, 0, std::string_view(entry.path).substr(0, kNameBytes));
    put_octal(header, 100, 8, entry.mode & 07777);
    put_octal(header, 108, 8, fitting(entry.uid, kMaxId));
    put_octal(header, 116, 8, fitting(entry.gid, kMaxId));
    put_size(header, entry.size);
    put_octal(header, 136, 12, fitting(entry.mtime.tv_sec, kMaxTime));
    header[156] = type_flag(entry.type);
    put(header, 157, std::string_view(entry.target).substr(0, kNameBytes));
    put_octal(header, 329, 8, entry.major);
    put_octal(header, 337, 8, entry.minor);
    seal(header);
    GT_TRY(out_({header.data(), header.size()}));
    return entry.size == 0 ? Result<>() : write_content(entry.size, content);
}

Result<> TarWriter::write_content(uint64_t size, const Reader& content) {
    std::string buffer(std::min<uint64_t>(size, kCopySize), '\0');
    uint64_t left = size;
    while (left > 0) {
        GT_TRY_VAR(count, content(std::span(buffer).first(std::min<uint64_t>(left, kCopySize))));
        if (count == 0) {
            break;
        }
        GT_TRY(out_(std::string_view(buffer).substr(0, count)));
        left -= count;
    }
    std::ranges::fill(buffer, '\0');
    while (left > 0) {
        const uint64_t count = std::min<uint64_t>(left, buffer.size());
        GT_TRY(out_(std::string_view(buffer).substr(0, count)));
        left -= count;
    }
    return pad(size);
}

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
    header[156] = type;
    seal(header);
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

}  // namespace gantry::pack
