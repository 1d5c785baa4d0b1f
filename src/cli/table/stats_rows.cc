#include "cli/table/stats_rows.h"

#include <fmt/core.h>

#include <array>

#include "base/text.h"
#include "cli/table/row_values.h"
#include "spec/units.h"

namespace gantry::cli {
namespace {

using spec::Value;

constexpr std::array kColumns = {
    Column{"Container", "CONTAINER"},
    Column{"Name", "NAME"},
    Column{"ID", "CONTAINER ID"},
    Column{"CPUPerc", "CPU %"},
    Column{"MemUsage", "MEM USAGE / LIMIT"},
    Column{"MemPerc", "MEM %"},
    Column{"NetIO", "NET I/O"},
    Column{"BlockIO", "BLOCK I/O"},
    Column{"PIDs", "PIDS"},
};

std::string human_pair(uint64_t first, uint64_t second) {
    return fmt::format("{} / {}", spec::human_size(static_cast<double>(first), 3),
                       spec::human_size(static_cast<double>(second), 3));
}

std::string network_text(const spec::ContainerStats& stats) {
    uint64_t received = 0;
    uint64_t sent = 0;
    for (const auto& [name, network] : stats.networks) {
        received += network.rx_bytes;
        sent += network.tx_bytes;
    }
    return human_pair(received, sent);
}

std::string block_text(const spec::ContainerStats& stats) {
    uint64_t read = 0;
    uint64_t written = 0;
    for (const spec::BlkioEntry& entry : stats.blkio.io_service_bytes) {
        const std::string operation = to_lower(entry.op);
        read += operation.starts_with('r') ? entry.value : 0;
        written += operation.starts_with('w') ? entry.value : 0;
    }
    return human_pair(read, written);
}

}  // namespace

constexpr ListLayout kStatsLayout = {
    "*container.statsContext", kColumns,
    "table {{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t{{.NetIO}}\t"
    "{{.BlockIO}}\t{{.PIDs}}"};

double cpu_percent(const spec::ContainerStats& stats) {
    const double used =
        static_cast<double>(stats.cpu.usage.total) - static_cast<double>(stats.precpu.usage.total);
    const double system = static_cast<double>(stats.cpu.system_usage) -
                          static_cast<double>(stats.precpu.system_usage);
    const double processors = stats.cpu.online_cpus > 0
                                  ? static_cast<double>(stats.cpu.online_cpus)
                                  : static_cast<double>(stats.cpu.usage.per_cpu.size());
    return system > 0 && used > 0 ? used / system * processors * 100 : 0;
}

uint64_t memory_in_use(const spec::MemoryStats& memory) {
    // v1 and v2 call it differently; whichever is there is meant.
    for (const char* key : {"total_inactive_file", "inactive_file"}) {
        const auto found = memory.stats.find(key);
        if (found != memory.stats.end() && found->second < memory.usage) {
            return memory.usage - found->second;
        }
    }
    return memory.usage;
}

Row stats_row(const spec::ContainerStats& stats, std::string_view called, Truncate truncate) {
    Row row{Value(Value::Object())};
    const auto set = [&](std::string_view name, std::string text) {
        row.fields.set(name, Value(std::move(text)));
    };
    const auto memory = static_cast<double>(memory_in_use(stats.memory));
    const auto limit = static_cast<double>(stats.memory.limit);
    set("Container", std::string(called));
    set("Name", stats.name.starts_with('/') ? stats.name.substr(1) : stats.name);
    set("ID", truncate == Truncate::kYes ? shorten_id(stats.id) : stats.id);
    set("CPUPerc", fmt::format("{:.2f}%", cpu_percent(stats)));
    set("MemUsage", fmt::format("{} / {}", spec::bytes_size(memory), spec::bytes_size(limit)));
    set("MemPerc", fmt::format("{:.2f}%", limit > 0 ? memory / limit * 100 : 0));
    set("NetIO", network_text(stats));
    set("BlockIO", block_text(stats));
    set("PIDs", std::to_string(stats.pids.current));
    return row;
}

}  // namespace gantry::cli
