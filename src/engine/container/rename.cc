#include "engine/container/rename.h"

#include <fmt/core.h>

#include <memory>
#include <utility>

#include "base/failpoint.h"
#include "engine/container/names.h"
#include "net/networks.h"

namespace gantry::engine {

namespace {

constexpr std::string_view kWhere = "Error when allocating new name";

SnapshotPtr with_name(const ContainerSnapshot& old, const std::string& name) {
    auto renamed = std::make_shared<ContainerSnapshot>(old);
    renamed->name = name;
    if (renamed->life.endpoint && renamed->life.endpoint->container_name == old.name) {
        renamed->life.endpoint->container_name = name;
    }
    return renamed;
}

}  // namespace

Result<> rename_container(ContainerCore& core, const EntryPtr& entry, std::string_view new_name) {
    if (new_name.empty()) {
        return fail(Kind::kInvalid, "Neither old nor new names may be empty");
    }
    auto parsed = parse_container_name(new_name);
    if (!parsed) {
        return Failure(std::move(parsed).error().in(kWhere));
    }
    const auto operation = entry->begin();
    const SnapshotPtr before = entry->snapshot();
    if (core.table.find_id(entry->id()) != entry) {
        return fail(Kind::kNotFound, fmt::format("No such container: {}", before->name));
    }
    if (*parsed == before->name) {
        return fail(Kind::kInvalid, "Renaming a container with the same name as its current name");
    }
    auto reserved = core.table.reserve(*parsed, entry->id());
    if (!reserved) {
        return Failure(std::move(reserved).error().in(kWhere));
    }
    const SnapshotPtr renamed = with_name(*before, *parsed);
    GT_TRY(core.records.rename(*renamed));
    (void)failpoint("container.rename.committed");
    // ORDER: a reader that finds it by its new name sees that name in it.
    entry->publish(operation, renamed);
    core.table.rename(*entry, before->name, std::move(*reserved));
    core.parts.networks.rename(entry->id(), before->name, *parsed);
    publish_event(core, *renamed, "rename", {{"oldName", "/" + before->name}});
    return {};
}

}  // namespace gantry::engine
