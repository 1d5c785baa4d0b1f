#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "cli/table/formatter.h"
#include "spec/api/disk_usage.h"

namespace gantry::cli {

extern const ListLayout kDiskUsageLayout;

/// Images, Containers, Local Volumes, Build Cache: how many there are, how many are in use, and
/// what their removal would free, by docker's arithmetic.
std::vector<Row> disk_usage_rows(const spec::DiskUsage& usage);

/// `system df -v`: a table of each kind.
Result<std::string> verbose_disk_usage(const spec::DiskUsage& usage);
/// The same by a template over .Images, .Containers, .Volumes and .BuildCache.
Result<std::string> format_verbose_disk_usage(const spec::DiskUsage& usage,
                                              std::string_view format);

}  // namespace gantry::cli
