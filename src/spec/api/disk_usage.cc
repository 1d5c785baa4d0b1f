#include "spec/api/disk_usage.h"

#include "spec/impl/binding.h"

namespace gantry::spec::impl {

GT_JSON(BuildCacheItem, "CacheRecord",
        .field("ID", &BuildCacheItem::id)
            .field("Type", &BuildCacheItem::type)
            .field("Description", &BuildCacheItem::description)
            .field("InUse", &BuildCacheItem::in_use)
            .field("Shared", &BuildCacheItem::shared)
            .field("Size", &BuildCacheItem::size))

GT_JSON(DiskUsage, "DiskUsage",
        .field("LayersSize", &DiskUsage::layers_size)
            .field("Images", &DiskUsage::images)
            .field("Containers", &DiskUsage::containers)
            .field("Volumes", &DiskUsage::volumes)
            .field("BuildCache", &DiskUsage::build_cache))

}  // namespace gantry::spec::impl
