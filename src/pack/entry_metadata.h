#pragma once

#include <array>
#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "pack/limits.h"
#include "pack/tar_reader.h"

namespace gantry::pack {

// What layers and archives that are unpacked into a container do alike with one entry.

inline constexpr std::string_view kCapability = "security.capability";

/// As an owner: whose the file is already.
inline constexpr int64_t kLeaveOwner = -1;

/// kInvalid for an owner that chown(2) has no number for, and for attributes over the limit.
Result<> check_metadata(const TarEntry& entry, const ArchiveLimits& limits);

/// The directory part of a PATH without a slash at its ends, and its last part.
std::pair<std::string, std::string> split_last(const std::string& path);

/// Access and modification time as futimens(2) wants them.
std::array<timespec, 2> both_times(const TarEntry& entry);

/// Attributes but `*.overlay.*`, which would steer the overlay mount. As Docker, what the file
/// system cannot have is left out, but never a file's capabilities.
Result<> set_xattrs(int fd, const TarEntry& entry);

/// Owner, attributes and mode of an open file or directory.
Result<> set_metadata(int fd, const TarEntry& entry);

/// Makes the link, device or FIFO that ENTRY is as NAME, where nothing is, with all that belongs to
/// it.
Result<> make_special(const TarEntry& entry, int dir, const std::string& name);

/// Writes what READER has of ENTRY to FD, an empty file; holes stay holes.
Result<> write_content(int fd, const TarEntry& entry, TarReader& reader);

}  // namespace gantry::pack
