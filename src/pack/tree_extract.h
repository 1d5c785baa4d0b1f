#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/stream.h"
#include "pack/limits.h"
#include "sys/root_dir.h"
#include "sys/user_namespace.h"

namespace gantry::pack {

struct ExtractOptions {
    /// What happens when a directory would take a file's place or a file a directory's.
    enum class Clash { kReplace, kRefuse };
    Clash clash = Clash::kReplace;
    /// Everything belongs to OWNER, whatever the archive says.
    struct Owner {
        uid_t uid = 0;
        gid_t gid = 0;
    };
    std::optional<Owner> owner = {};
    /// Owners, and what is made in between, are what these ids inside are outside; null: as the
    /// archive says. An owner without an id outside is kInvalid.
    const sys::IdMaps* ids = nullptr;
    /// Nothing is given to anybody: what is new belongs to the caller, who need not be root. File
    /// capabilities are left out where he is not.
    bool leave_owners = false;
    /// The name of an entry, or of a hard link's target, given the one in the archive.
    std::function<std::string(std::string_view name)> rename = {};
    /// What errors show before a path in ROOT.
    std::string shown_root = {};
    ArchiveLimits limits = {.max_stream_bytes = uint64_t{1} << 44};
};

/// Unpacks the tar ARCHIVE (not compressed) into DIRECTORY, a path in ROOT: a container's root, in
/// which its processes may be at work meanwhile, or a user's directory. Docker's rules: directories
/// are merged, everything else replaces what is there, owners, modes and times are the archive's.
/// `.wh.` names mean nothing here.
///
/// SAFETY: every name is resolved by the kernel with ROOT as the world; links of the container or
/// of the archive lead elsewhere in ROOT at most. ".." above DIRECTORY is kInvalid.
///
/// Each file appears complete, with its owner and time, or not at all, also when the daemon is
/// killed or the disk is full; what was unpacked before an error stays.
Result<> extract_tree(const Reader& archive, const sys::RootDir& root, std::string_view directory,
                      const ExtractOptions& options);

}  // namespace gantry::pack
