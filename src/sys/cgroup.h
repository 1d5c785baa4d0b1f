#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"
#include "sys/cgroup_layout.h"
#include "sys/cgroup_support.h"
#include "sys/device_rule.h"

namespace gantry::sys {

/// A limit of block-device throughput for one device.
struct ThrottleLimit {
    uint32_t major = 0;
    uint32_t minor = 0;
    uint64_t rate = 0;
};

/// A share of one block device's time, 10 to 1000.
struct WeightLimit {
    uint32_t major = 0;
    uint32_t minor = 0;
    uint16_t weight = 0;
};

/// What a cgroup is held to; an absent member is not touched. Numbers are Docker's and OCI's (v1
/// units) and are translated for v2. -1 means unlimited where Docker says so.
struct CgroupLimits {
    std::optional<int64_t> memory;              // bytes
    std::optional<int64_t> memory_swap;         // memory and swap together
    std::optional<int64_t> memory_reservation;  // bytes
    std::optional<uint64_t> memory_swappiness;  // v1 only
    std::optional<bool> oom_kill_disable;       // v1 only
    std::optional<uint64_t> cpu_shares;
    bool standard_cpu_shares = false;    // those of a new group again; cpu_shares is absent
    std::optional<int64_t> cpu_quota;    // microseconds per period
    std::optional<uint64_t> cpu_period;  // microseconds
    std::optional<int64_t> cpu_rt_runtime;
    std::optional<uint64_t> cpu_rt_period;
    std::string cpuset_cpus;
    std::string cpuset_mems;
    std::optional<int64_t> pids;  // 0 and below: unlimited
    std::optional<uint16_t> blkio_weight;
    std::vector<WeightLimit> blkio_weight_device;
    std::map<std::string, uint64_t> hugetlb;  // bytes by page size ("2MB")
    std::vector<ThrottleLimit> read_bps, write_bps, read_iops, write_iops;
    std::map<std::string, std::string> unified;  // v2 files by name
    /// In the order of OCI: later rules win. Absent: nothing about devices is changed.
    std::optional<std::vector<DeviceRule>> devices;
};

/// One group of processes: a directory in every hierarchy of this machine. A name, not an owner: it
/// may be copied, holds no fd and removes nothing when it goes. Safe to share between threads.
class Cgroup {
public:
    /// "/gantry/<id>": the path below the root of each hierarchy (what Docker calls CgroupsPath).
    const std::string& path() const { return path_; }
    const CgroupLayout& layout() const { return *layout_; }

    /// One O_WRONLY fd of `tasks` per v1 hierarchy; a single-threaded process joins by writing "0"
    /// to each. Empty on v2.
    Result<std::vector<UniqueFd>> tasks_fds() const;
    /// The directory, for CLONE_INTO_CGROUP; an empty UniqueFd unless the layout is v2.
    Result<UniqueFd> v2_dir() const;

    /// Changes limits of a group that is in use (docker update). What the kernel cannot do here
    /// (no swap accounting, no such controller) is left out and said in WARNINGS; a value that the
    /// kernel refuses is an error that names the file.
    Result<> apply(const CgroupLimits& limits, std::vector<std::string>& warnings) const;

    /// What the kernel gave this group, which must exist, files for.
    CgroupSupport support() const;

    /// Stops and continues every process. Returns when all stand still; kTimeout if they do not
    /// within two seconds (they are thawed again).
    Result<> freeze() const;
    Result<> thaw() const;
    Result<bool> is_frozen() const;

    /// SIGKILL to every process in the group and below it, without missing what forks meanwhile.
    /// Returns when the signals are sent, not when the processes are gone. A missing group is fine.
    Result<> kill_all() const;

    /// The processes in the group and below it, as pids of the caller's namespace.
    Result<std::vector<pid_t>> processes() const;

    /// How often the kernel killed in here for want of memory.
    Result<uint64_t> oom_kill_count() const;
    /// Becomes readable when memory runs out (or the group goes); read the count then. An eventfd
    /// on v1, an inotify fd on v2.
    Result<UniqueFd> watch_oom() const;

    /// Removes the group and what processes inside may have made below it, from every hierarchy.
    /// While processes are still leaving, tries again until PATIENCE is over: then kTimeout, and
    /// the caller may come back. What is gone already is success.
    Result<> remove(std::chrono::milliseconds patience) const;

private:
    friend class Cgroups;
    Cgroup(std::shared_ptr<const CgroupLayout> layout, std::string path)
        : layout_(std::move(layout)), path_(std::move(path)) {}

    std::shared_ptr<const CgroupLayout> layout_;
    std::string path_;
};

/// The cgroup file systems of this machine, as found at start: every v1 hierarchy, or the one v2
/// tree, or both (hybrid: the v1 hierarchies do the work, like in Docker). Immutable, copyable.
///
/// INVARIANT: touches only directories below the parents that its callers name.
class Cgroups {
public:
    /// Reads /proc/self/mountinfo. kNotImplemented if nothing is mounted.
    static Result<Cgroups> probe();
    static Result<Cgroups> from_mountinfo(std::string_view mountinfo);

    const CgroupLayout& layout() const { return *layout_; }
    /// "1" or "2": what Docker's info shows as CgroupVersion.
    const char* version() const;

    /// Makes PARENT where it is missing and the group NAME in it, with LIMITS. PARENT is cleaned as
    /// an absolute path first, so that `..` never leads above the hierarchy's root (S35). kConflict
    /// if the group exists. On failure nothing of the group remains. Warnings as in apply().
    Result<Cgroup> create(std::string_view parent, std::string_view name,
                          const CgroupLimits& limits, std::vector<std::string>& warnings) const;

    /// Names a group without looking whether it exists.
    Cgroup at(std::string_view parent, std::string_view name) const;

    /// The names of the groups in PARENT, of any hierarchy, sorted. A missing parent has none.
    Result<std::vector<std::string>> list(std::string_view parent) const;

private:
    explicit Cgroups(std::shared_ptr<const CgroupLayout> layout) : layout_(std::move(layout)) {}

    std::shared_ptr<const CgroupLayout> layout_;
};

}  // namespace gantry::sys
