#include "pack/tar_reader.h"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/core.h>
#include <locale.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/check.h"

namespace gantry::pack {
namespace {

constexpr size_t kChunk = size_t{128} * 1024;

/// PAX records, long names and sparse maps of one entry together. libarchive keeps a list node of
/// some 40 bytes for as little as 4 bytes of a sparse map, so this bounds its memory too.
constexpr uint64_t kMaxHeaderBytes = uint64_t{4} << 20;

/// libarchive converts PAX names from UTF-8 to the thread's locale and reports names that the "C"
/// locale cannot hold as broken. This gives the thread a UTF-8 locale for a scope, without touching
/// the process.
class Utf8Locale {
public:
    Utf8Locale() : before_(::uselocale(utf8())) {}
    Utf8Locale(const Utf8Locale&) = delete;
    Utf8Locale& operator=(const Utf8Locale&) = delete;
    ~Utf8Locale() { ::uselocale(before_); }

private:
    static locale_t utf8() {
        static const locale_t locale = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", locale_t{});
        GT_CHECK(locale != locale_t{});  // built into glibc since 2.35
        return locale;
    }

    locale_t before_;
};

std::optional<TarType> type_of(archive_entry* entry) {
    if (archive_entry_hardlink(entry) != nullptr) {
        return TarType::kHardLink;
    }
    switch (archive_entry_filetype(entry)) {
        case AE_IFREG: return TarType::kFile;
        case AE_IFDIR: return TarType::kDirectory;
        case AE_IFLNK: return TarType::kSymlink;
        case AE_IFCHR: return TarType::kCharDevice;
        case AE_IFBLK: return TarType::kBlockDevice;
        case AE_IFIFO: return TarType::kFifo;
        case AE_IFSOCK: return TarType::kSocket;
        default: return std::nullopt;
    }
}

std::string text_or_empty(const char* text) {
    return text == nullptr ? std::string() : std::string(text);
}

Result<TarEntry> convert(archive_entry* entry) {
    TarEntry result;
    result.path = text_or_empty(archive_entry_pathname(entry));
    const auto type = type_of(entry);
    if (!type) {
        return fail(Kind::kInvalid, fmt::format("{}: unknown tar entry type", result.path));
    }
    result.type = *type;
    if (*type == TarType::kHardLink) {
        result.target = text_or_empty(archive_entry_hardlink(entry));
    } else if (*type == TarType::kSymlink) {
        result.target = text_or_empty(archive_entry_symlink(entry));
    }
    result.mode = archive_entry_perm(entry) & 07777;
    result.uid = archive_entry_uid(entry);
    result.gid = archive_entry_gid(entry);
    result.mtime = {archive_entry_mtime(entry), archive_entry_mtime_nsec(entry)};
    result.major = static_cast<uint32_t>(archive_entry_rdevmajor(entry));
    result.minor = static_cast<uint32_t>(archive_entry_rdevminor(entry));
    const int64_t size = archive_entry_size(entry);
    if (size < 0) {
        return fail(Kind::kInvalid, fmt::format("{}: negative size", result.path));
    }
    result.size = *type == TarType::kFile ? static_cast<uint64_t>(size) : 0;
    archive_entry_xattr_reset(entry);
    const char* name = nullptr;
    const void* value = nullptr;
    size_t length = 0;
    while (archive_entry_xattr_next(entry, &name, &value, &length) == ARCHIVE_OK) {
        result.xattrs.emplace_back(text_or_empty(name),
                                   std::string(static_cast<const char*>(value), length));
    }
    return result;
}

}  // namespace

void TarReader::Free::operator()(archive* reader) const {
    archive_read_free(reader);
}

TarReader::TarReader(Reader uncompressed)
    : stream_(std::move(uncompressed)), buffer_(kChunk, '\0'), archive_(archive_read_new()) {
    GT_CHECK(archive_ != nullptr);
    archive_read_support_format_tar(archive_.get());
    archive_read_support_format_empty(archive_.get());
}

TarReader::~TarReader() = default;

ssize_t TarReader::read_more(archive* reader, void* self, const void** buffer) {
    auto* me = static_cast<TarReader*>(self);
    auto count = me->stream_(me->buffer_);
    if (!count) {
        me->stream_error_.emplace(std::move(count).error());
        archive_set_error(reader, EIO, "the stream failed");
        return -1;
    }
    if (me->header_budget_) {
        if (*count > *me->header_budget_) {
            archive_set_error(reader, EINVAL, "tar header larger than %llu bytes",
                              static_cast<unsigned long long>(kMaxHeaderBytes));
            return -1;
        }
        *me->header_budget_ -= *count;
    }
    *buffer = me->buffer_.data();
    return static_cast<ssize_t>(*count);
}

Error TarReader::failure() const {
    if (stream_error_) {
        return Error(stream_error_->kind(), stream_error_->text(), stream_error_->sys_errno());
    }
    const char* reason = archive_error_string(archive_.get());
    return Error(Kind::kInvalid,
                 fmt::format("invalid tar: {}", reason == nullptr ? "unreadable" : reason));
}

Result<std::optional<TarEntry>> TarReader::next() {
    const Utf8Locale locale;
    header_budget_.reset();
    if (!opened_) {
        opened_ = true;
        if (archive_read_open(archive_.get(), this, nullptr, read_more, nullptr) != ARCHIVE_OK) {
            return Failure(failure());
        }
    } else if (archive_read_data_skip(archive_.get()) < ARCHIVE_WARN) {
        return Failure(failure());
    }
    header_budget_ = kMaxHeaderBytes;
    archive_entry* entry = nullptr;
    const int code = archive_read_next_header(archive_.get(), &entry);
    header_budget_.reset();
    if (code == ARCHIVE_EOF) {
        return std::optional<TarEntry>();
    }
    // A warning is about a name that is not UTF-8 (its bytes are given as they are) or an attribute
    // nobody needs.
    if (code < ARCHIVE_WARN) {
        return Failure(failure());
    }
    GT_TRY_VAR(converted, convert(entry));
    return std::optional<TarEntry>(std::move(converted));
}

Result<> TarReader::read_pieces(
    const std::function<Result<>(uint64_t offset, std::string_view)>& take) {
    for (;;) {
        const void* piece = nullptr;
        size_t size = 0;
        la_int64_t offset = 0;
        const int code = archive_read_data_block(archive_.get(), &piece, &size, &offset);
        if (code == ARCHIVE_EOF) {
            return {};
        }
        if (code < ARCHIVE_WARN) {
            return Failure(failure());
        }
        if (size > 0) {
            GT_TRY(take(static_cast<uint64_t>(offset), {static_cast<const char*>(piece), size}));
        }
    }
}

Reader TarReader::content() {
    return [this](std::span<char> into) -> Result<size_t> {
        const la_ssize_t count = archive_read_data(archive_.get(), into.data(), into.size());
        if (count < 0) {
            return Failure(failure());
        }
        return static_cast<size_t>(count);
    };
}

}  // namespace gantry::pack
