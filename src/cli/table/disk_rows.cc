#include "cli/table/disk_rows.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "cli/table/container_rows.h"
#include "cli/table/image_rows.h"
#include "cli/table/row_values.h"
#include "cli/table/volume_rows.h"
#include "spec/units.h"

namespace gantry::cli {
namespace {

using spec::Value;

constexpr std::array kUsageColumns = {
    Column{"Type", "TYPE"}, Column{"TotalCount", "TOTAL"},        Column{"Active", "ACTIVE"},
    Column{"Size", "SIZE"}, Column{"Reclaimable", "RECLAIMABLE"},
};

constexpr std::string_view kVolumeTable = "table {{.Name}}\t{{.Links}}\t{{.Size}}";

constexpr std::array kCacheColumns = {
    Column{"ID", "CACHE ID"},
    Column{"CacheType", "CACHE TYPE"},
    Column{"Size", "SIZE"},
    Column{"CreatedSince", "CREATED"},
    Column{"LastUsedSince", "LAST USED"},
    Column{"UsageCount", "USAGE"},
    Column{"Shared", "SHARED"},
};
constexpr ListLayout kCacheLayout = {
    "*formatter.buildCacheContext", kCacheColumns,
    "table {{.ID}}\t{{.CacheType}}\t{{.Size}}\t{{.CreatedSince}}\t{{.LastUsedSince}}\t"
    "{{.UsageCount}}\t{{.Shared}}"};

constexpr std::string_view kImageTable =
    "table {{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}\t{{.SharedSize}}\t"
    "{{.UniqueSize}}\t{{.Containers}}";
constexpr std::string_view kContainerTable =
    "table {{.ID}}\t{{.Image}}\t{{.Command}}\t{{.LocalVolumes}}\t{{.Size}}\t{{.RunningFor}}\t"
    "{{.Status}}\t{{.Names}}";

/// One kind of object, added up.
struct Total {
    std::string_view type;
    size_t count = 0;
    size_t active = 0;
    int64_t size = 0;
    int64_t reclaimable = 0;
    bool percent = true;
};

template <class T>
const std::vector<T>& items(const std::optional<std::vector<T>>& list) {
    static const std::vector<T> nothing;
    return list ? *list : nothing;
}

Total total_images(const spec::DiskUsage& usage) {
    Total total{.type = "Images", .count = items(usage.images).size(), .size = usage.layers_size};
    int64_t used = 0;
    for (const spec::ImageSummary& image : items(usage.images)) {
        if (image.containers > 0) {
            ++total.active;
        }
        if (image.containers != 0 && image.size != -1 && image.shared_size != -1) {
            used += image.size - image.shared_size;
        }
    }
    total.reclaimable = usage.layers_size - used;
    return total;
}

Total total_containers(const spec::DiskUsage& usage) {
    Total total{.type = "Containers", .count = items(usage.containers).size()};
    for (const spec::ContainerSummary& container : items(usage.containers)) {
        const bool active = container.state == "running" || container.state == "paused" ||
                            container.state == "restarting";
        total.size += container.size_rw;
        total.active += active ? 1 : 0;
        total.reclaimable += active ? 0 : container.size_rw;
    }
    return total;
}

Total total_volumes(const spec::DiskUsage& usage) {
    Total total{.type = "Local Volumes", .count = items(usage.volumes).size()};
    for (const spec::Volume& volume : items(usage.volumes)) {
        const spec::VolumeUsage data = volume.usage_data.value_or(spec::VolumeUsage());
        const int64_t size = std::max<int64_t>(data.size, 0);
        total.size += size;
        total.active += data.ref_count > 0 ? 1 : 0;
        total.reclaimable += data.ref_count == 0 ? size : 0;
    }
    return total;
}

Total total_cache(const spec::DiskUsage& usage) {
    Total total{.type = "Build Cache", .count = items(usage.build_cache).size(), .percent = false};
    for (const spec::BuildCacheItem& item : items(usage.build_cache)) {
        total.active += item.in_use ? 1 : 0;
        total.size += item.shared ? 0 : item.size;
        total.reclaimable += item.in_use || item.shared ? 0 : item.size;
    }
    return total;
}

Row total_row(const Total& total) {
    Row row{Value(Value::Object())};
    std::string reclaimable = spec::human_size(static_cast<double>(total.reclaimable));
    if (total.percent && total.size > 0) {
        reclaimable += fmt::format(" ({}%)", total.reclaimable * 100 / total.size);
    }
    row.fields.set("Type", Value(total.type));
    row.fields.set("TotalCount", Value(std::to_string(total.count)));
    row.fields.set("Active", Value(std::to_string(total.active)));
    row.fields.set("Size", Value(spec::human_size(static_cast<double>(total.size))));
    row.fields.set("Reclaimable", Value(std::move(reclaimable)));
    return row;
}

std::vector<Row> image_usage_rows(const spec::DiskUsage& usage, Truncate truncate) {
    std::vector<Row> rows;
    for (const spec::ImageSummary& image : items(usage.images)) {
        std::ranges::move(image_rows(image, truncate, Digests::kHide), std::back_inserter(rows));
    }
    for (Row& row : rows) {
        row.fields.set("Digest", Value(""));  // docker does not fill it in here
    }
    return rows;
}

std::vector<Row> container_usage_rows(const spec::DiskUsage& usage, Truncate truncate) {
    std::vector<Row> rows;
    for (spec::ContainerSummary container : items(usage.containers)) {
        container.size_root_fs = 0;  // what it has written is the point
        rows.push_back(container_row(container, truncate));
    }
    return rows;
}

std::vector<Row> volume_usage_rows(const spec::DiskUsage& usage) {
    std::vector<Row> rows;
    for (const spec::Volume& volume : items(usage.volumes)) {
        rows.push_back(volume_row(volume));
    }
    return rows;
}

std::vector<Row> cache_rows(const spec::DiskUsage& usage) {
    std::vector<Row> rows;
    for (const spec::BuildCacheItem& item : items(usage.build_cache)) {
        Row row{Value(Value::Object())};
        row.fields.set("ID", Value(shorten_id(item.id)));
        row.fields.set("CacheType", Value(item.type));
        row.fields.set("Size", Value(spec::human_size(static_cast<double>(item.size))));
        row.fields.set("CreatedSince", Value(std::string()));
        row.fields.set("LastUsedSince", Value(std::string()));
        row.fields.set("UsageCount", Value(std::string()));
        row.fields.set("Shared", Value(fmt::format("{}", item.shared)));
        rows.push_back(std::move(row));
    }
    return rows;
}

Value rows_value(std::vector<Row> rows) {
    Value::Array values;
    for (Row& row : rows) {
        // Go prints maps by key.
        std::ranges::sort(row.fields.as_object(), {}, &Value::Member::first);
        values.push_back(std::move(row.fields));
    }
    return Value(std::move(values));
}

}  // namespace

constexpr ListLayout kDiskUsageLayout = {
    "*formatter.diskUsageContext", kUsageColumns,
    "table {{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}"};

std::vector<Row> disk_usage_rows(const spec::DiskUsage& usage) {
    return {total_row(total_images(usage)), total_row(total_containers(usage)),
            total_row(total_volumes(usage)), total_row(total_cache(usage))};
}

Result<std::string> verbose_disk_usage(const spec::DiskUsage& usage) {
    GT_TRY_VAR(images,
               format_list(kImageLayout, kImageTable, image_usage_rows(usage, Truncate::kYes)));
    GT_TRY_VAR(containers, format_list(kContainerLayout, kContainerTable,
                                       container_usage_rows(usage, Truncate::kYes)));
    GT_TRY_VAR(volumes, format_list(kVolumeLayout, kVolumeTable, volume_usage_rows(usage)));
    GT_TRY_VAR(cache, format_list(kCacheLayout, "", cache_rows(usage)));
    const std::string cache_size = spec::human_size(static_cast<double>(total_cache(usage).size));
    return fmt::format(
        "Images space usage:\n\n{}\nContainers space usage:\n\n{}\nLocal Volumes space "
        "usage:\n\n{}\nBuild cache usage: {}\n\n{}",
        images, containers, volumes, cache_size, cache);
}

Result<std::string> format_verbose_disk_usage(const spec::DiskUsage& usage,
                                              std::string_view format) {
    Value data(Value::Object{});
    data.set("Images", rows_value(image_usage_rows(usage, Truncate::kNo)));
    data.set("Containers", rows_value(container_usage_rows(usage, Truncate::kNo)));
    data.set("Volumes", rows_value(volume_usage_rows(usage)));
    data.set("BuildCache", rows_value(cache_rows(usage)));
    return apply_template("", format, data, "*formatter.diskUsageContext",
                          TemplateOptions::OwnJson::kEscapeObjects);
}

}  // namespace gantry::cli
