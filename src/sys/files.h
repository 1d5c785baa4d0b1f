#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"

namespace gantry::sys {

// Files of our own: under data-root, exec-root, /proc and /sys. What images and containers control
// is named through RootDir only. All of these block, retry EINTR and never log.

/// Opens with O_CLOEXEC added. DIR may be AT_FDCWD.
Result<UniqueFd> open_file(int dir, const char* path, int flags, mode_t mode = 0);
/// An O_PATH directory fd.
Result<UniqueFd> open_dir(const char* path);

/// All that FD has left, kInvalid if that is more than LIMIT bytes.
Result<std::string> read_all(int fd, size_t limit);
/// The content of a file, kInvalid if it is larger than LIMIT bytes.
Result<std::string> read_file(const char* path, size_t limit);
Result<std::string> read_file_at(int dir, const char* path, size_t limit);

/// Writes every byte or fails. SIGPIPE is the caller's business (ignored in all our programs).
Result<> write_all(int fd, std::string_view bytes);

/// Writes BYTES in one write(2) to an existing file: what /proc and cgroup files want. A short
/// write is an error.
Result<> write_value_at(int dir, const char* path, std::string_view bytes);
Result<> write_value(const char* path, std::string_view bytes);

/// Creates or truncates NAME in DIR. Not durable and not atomic.
Result<> write_file_at(int dir, const char* name, std::string_view bytes, mode_t mode);

/// Whether an operation must survive a power cut before it returns.
enum class Durability { kDurable, kVolatile };

/// Replaces NAME in DIR by a file with BYTES and MODE, so that a reader sees the old or the new
/// content and nothing between. kDurable: the content is on disk before the rename and the rename
/// before the return. A temporary name next to it is used and removed on failure.
Result<> replace_file(int dir, const char* name, std::string_view bytes, mode_t mode,
                      Durability durability);

/// fsync of a directory: makes the names in it durable.
Result<> sync_dir(int dir);

/// Makes PATH and what is missing above it. Existing directories keep their mode.
Result<> make_dirs(const char* path, mode_t mode);

/// Removes NAME in DIR and all that is below it, without following links and without leaving the
/// file system of NAME's own directory (a mount below makes it fail with EBUSY, what is mounted
/// there stays untouched). A missing NAME is success. Continues past errors and returns the first.
Result<> remove_tree(int dir, const char* name);

/// The names in the directory PATH below DIR, without "." and "..", in no order.
Result<std::vector<std::string>> list_dir(int dir, const char* path);

/// Takes an exclusive flock(2) on PATH, made if missing. kConflict if another process holds it. The
/// lock lasts as long as the fd.
Result<UniqueFd> lock_file(const char* path);

/// An anonymous file with BYTES, sealed against every change: safe to hand to another process.
Result<UniqueFd> make_sealed_memfd(const char* name, std::string_view bytes);

}  // namespace gantry::sys
