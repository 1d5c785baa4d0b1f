#include "runtime/id_maps.h"

#include <fmt/core.h>

#include "runtime/plan_builder.h"
#include "spec/oci/runtime.h"
#include "sys/user_namespace.h"

namespace gantry::runtime {

namespace {

std::vector<sys::IdRange> ranges(const std::vector<spec::oci::IdMapping>& own,
                                 const std::vector<spec::oci::IdMapping>& containers) {
    std::vector<sys::IdRange> list;
    for (const spec::oci::IdMapping& mapping : own.empty() ? containers : own) {
        list.push_back({mapping.container_id, mapping.host_id, mapping.size});
    }
    return list;
}

}  // namespace

Result<std::vector<UniqueFd>> make_idmaps(const spec::oci::Config& config) {
    std::vector<UniqueFd> made;
    for (const spec::oci::Mount& mount : config.mounts) {
        if (!wants_idmap(mount)) {
            continue;
        }
        const auto uids = ranges(mount.uid_mappings, config.linux.uid_mappings);
        const auto gids = ranges(mount.gid_mappings, config.linux.gid_mappings);
        if (uids.empty() || gids.empty()) {
            return fail(Kind::kInvalid, fmt::format("mount {:?} is to be idmapped without mappings",
                                                    mount.destination));
        }
        GT_TRY_VAR(space, sys::make_user_namespace(uids, gids, sys::WithNetwork::kNo));
        made.push_back(std::move(space.user));
    }
    return made;
}

}  // namespace gantry::runtime
