#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"

namespace gantry::sys {

/// COUNT ids of a user namespace from INSIDE on are those from OUTSIDE on of its parent.
struct IdRange {
    uint32_t inside = 0;
    uint32_t outside = 0;
    uint32_t count = 0;

    bool operator==(const IdRange&) const = default;
};

/// All the ids of one user namespace.
struct IdMaps {
    std::vector<IdRange> uids;
    std::vector<IdRange> gids;
};

/// What ID inside is outside; empty when it is not mapped.
std::optional<uint32_t> map_id(std::span<const IdRange> ranges, uint32_t id);
/// What ID outside is inside; as the kernel shows it, "nobody" when it is not mapped.
uint32_t unmap_id(std::span<const IdRange> ranges, uint32_t id);

/// The text that /proc/PID/uid_map takes.
std::string id_map_text(std::span<const IdRange> ranges);

/// A user namespace and, if wanted, a network namespace that belongs to it.
struct UserNamespace {
    UniqueFd user;
    UniqueFd net;
};

enum class WithNetwork { kNo, kYes };

/// Makes namespaces with nobody in them; they live as long as somebody holds them. For idmapped
/// mounts, and for containers that join them. Needs a process, which shares our memory like that of
/// posix_spawn(3) and is gone at the return. kInvalid for mappings that the kernel refuses.
Result<UserNamespace> make_user_namespace(std::span<const IdRange> uids,
                                          std::span<const IdRange> gids, WithNetwork network);

/// A network namespace that belongs to the user namespace USER.
Result<UniqueFd> make_network_namespace(int user);

/// Lets the detached MOUNT (and those below it) show its owners as the namespace USER maps them:
/// what belongs to id N on disk belongs to what N inside is. The file system must support it (ext4,
/// xfs, btrfs, tmpfs, overlay layers...): kNotImplemented otherwise.
Result<> idmap_mount(int mount, int user);

}  // namespace gantry::sys
