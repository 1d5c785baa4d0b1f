#pragma once

#include <sys/types.h>

#include <ctime>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/stream.h"

struct archive;
struct archive_entry;

namespace gantry::pack {

enum class TarType {
    kFile,
    kDirectory,
    kSymlink,
    kHardLink,
    kCharDevice,
    kBlockDevice,
    kFifo,
    kSocket,
};

/// One entry's header. Nothing in it can be trusted but that strings hold no NUL.
struct TarEntry {
    std::string path;
    TarType type = TarType::kFile;
    /// Of a symbolic or hard link.
    std::string target;
    mode_t mode = 0;  // permission bits with set-id and sticky
    int64_t uid = 0;
    int64_t gid = 0;
    timespec mtime{};
    uint32_t major = 0;
    uint32_t minor = 0;
    uint64_t size = 0;
    std::vector<std::pair<std::string, std::string>> xattrs;
};

/// Reads a tar stream (ustar, GNU, PAX, with sparse files) by libarchive, and keeps libarchive from
/// being led into large allocations by it. All errors about the content are kInvalid.
///
/// Used by one thread.
class TarReader {
public:
    explicit TarReader(Reader uncompressed);
    TarReader(const TarReader&) = delete;
    TarReader& operator=(const TarReader&) = delete;
    ~TarReader();

    /// The next header; empty at the end. What is left of the entry before is skipped.
    Result<std::optional<TarEntry>> next();

    /// Gives the present entry's bytes in pieces, each with its place in the file; what lies
    /// between pieces is a hole.
    Result<> read_pieces(const std::function<Result<>(uint64_t offset, std::string_view)>& take);

    /// The present entry's bytes in a row, holes as zeros. Ends with the next call of next().
    Reader content();

private:
    static ssize_t read_more(archive* reader, void* self, const void** buffer);
    Error failure() const;

    Reader stream_;
    std::string buffer_;
    std::optional<Error> stream_error_;
    /// How many more bytes the header that is being read may take.
    std::optional<uint64_t> header_budget_;
    struct Free {
        void operator()(archive* reader) const;
    };
    std::unique_ptr<archive, Free> archive_;
    bool opened_ = false;
};

}  // namespace gantry::pack
