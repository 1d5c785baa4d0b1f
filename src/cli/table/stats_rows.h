#pragma once

#include "cli/table/container_rows.h"
#include "cli/table/formatter.h"
#include "spec/api/stats.h"

namespace gantry::cli {

extern const ListLayout kStatsLayout;

/// One container's use by docker's arithmetic; CALLED is what the user called it.
Row stats_row(const spec::ContainerStats& stats, std::string_view called, Truncate truncate);

/// Percent of one processor that was used between the two samples in STATS.
double cpu_percent(const spec::ContainerStats& stats);
/// Memory without the part of the page cache that the kernel would give back first.
uint64_t memory_in_use(const spec::MemoryStats& memory);

}  // namespace gantry::cli
