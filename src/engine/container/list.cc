#include "engine/container/list.h"

#include <algorithm>
#include <utility>

#include "engine/container/config_merge.h"
#include "engine/container/inspect.h"
#include "engine/container/links.h"
#include "engine/container/list_filter.h"
#include "engine/container/mount_plan.h"
#include "engine/container/ports.h"
#include "engine/container/status_text.h"

namespace gantry::engine {

namespace {

Result<SnapshotPtr> find_named(const ContainerCore& core, const spec::Filters& filters,
                               std::string_view key) {
    SnapshotPtr found;
    for (const std::string& ref : filters.values(key)) {
        GT_TRY_VAR(entry, core.table.find(ref));
        found = entry->snapshot();
    }
    return found;
}

/// An image that only changes its base's config is a sibling, not a child: the layers do not tell.
bool stands_on(const store::Image& image, const store::Image& base) {
    return image.id == base.id || (!base.chain.empty() && image.chain.size() > base.chain.size() &&
                                   image.chain[base.chain.size() - 1] == base.chain.back());
}

/// COMPAT: a name that no image has matches nothing; it is no error.
std::set<ImageId> find_ancestors(const ContainerCore& core, const spec::Filters& filters) {
    std::set<ImageId> ancestors;
    for (const std::string& ref : filters.values("ancestor")) {
        const auto base = core.parts.images.find(ref);
        if (!base) {
            continue;
        }
        for (const store::ImagePtr& image : core.parts.images.list()) {
            if (stands_on(*image, **base)) {
                ancestors.insert(image->id);
            }
        }
    }
    return ancestors;
}

Result<ListFilter> make_filter(const ContainerCore& core, const spec::Filters& filters) {
    // Unknown keys are told before unknown containers.
    GT_TRY(ListFilter::make(filters, {}));
    ListFilter::Names names;
    names.volumes = &core.parts.volumes;
    GT_TRY_VAR(before, find_named(core, filters, "before"));
    names.before = std::move(before);
    GT_TRY_VAR(since, find_named(core, filters, "since"));
    names.since = std::move(since);
    names.ancestors = find_ancestors(core, filters);
    return ListFilter::make(filters, std::move(names));
}

/// The name that the container was created with, or the id once that name means another image.
std::string image_text(const ContainerCore& core, const ContainerRecord& record) {
    const auto image = core.parts.images.find(record.config.image);
    return image && (*image)->id == record.image ? record.config.image : record.image.str();
}

Result<spec::ContainerSummary> summarize(const ContainerCore& core,
                                         const ContainerSnapshot& container,
                                         std::vector<std::string> further_names, SizeInfo size,
                                         WallTime now) {
    const ContainerRecord& record = *container.record;
    spec::ContainerSummary summary;
    summary.id = record.id.str();
    summary.names = std::move(further_names);
    summary.names.insert(summary.names.begin(), "/" + container.name);
    summary.image = image_text(core, record);
    summary.image_id = record.image.str();
    summary.command = command_text(command_line(record.config));
    summary.created =
        std::chrono::duration_cast<std::chrono::seconds>(record.created.time_since_epoch()).count();
    summary.ports = port_summaries(record, container.life);
    summary.labels = record.config.labels;
    summary.state = phase_name(container.life.phase);
    summary.status = status_text(container.life, now);
    summary.host_config.network_mode = record.host.network_mode;
    summary.host_config.annotations = record.host.annotations;
    summary.network_settings.networks = endpoint_map(record, container.life);
    summary.mounts = mount_points(record.mounts, &core.parts.volumes);
    if (size == SizeInfo::kCompute) {
        GT_TRY_VAR(measured, measure_container(core, record));
        summary.size_rw = measured.writable;
        summary.size_root_fs = measured.total;
    }
    return summary;
}

bool newer(const SnapshotPtr& a, const SnapshotPtr& b) {
    return std::pair(a->record->created, b->record->id) >
           std::pair(b->record->created, a->record->id);
}

}  // namespace

Result<std::vector<spec::ContainerSummary>> list_containers(const ContainerCore& core,
                                                            const ListOptions& options,
                                                            const spec::Filters& filters) {
    GT_TRY_VAR(filter, make_filter(core, filters));
    std::vector<SnapshotPtr> containers;
    for (const EntryPtr& entry : core.table.all()) {
        containers.push_back(entry->snapshot());
    }
    std::sort(containers.begin(), containers.end(), newer);
    // COMPAT: a limit counts containers of every state.
    const bool all = options.all || options.limit > 0 || filter.implies_all();
    const WallTime now = wall_now();
    auto further_names = link_names(core.table);
    std::vector<spec::ContainerSummary> summaries;
    for (const SnapshotPtr& container : containers) {
        if ((!all && !container->life.running()) || !filter.matches(*container)) {
            continue;
        }
        auto summary = summarize(core, *container, std::move(further_names[container->record->id]),
                                 options.size, now);
        if (!summary) {
            // It went away while we looked.
            continue;
        }
        summaries.push_back(std::move(*summary));
        if (options.limit > 0 && std::cmp_greater_equal(summaries.size(), options.limit)) {
            break;
        }
    }
    return summaries;
}

}  // namespace gantry::engine
