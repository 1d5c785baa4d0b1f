#pragma once

namespace gantry::sys {

/// What a cgroup of this machine can be held to, by the files that the kernel gives it.
struct CgroupSupport {
    bool memory = false;
    bool swap = false;
    bool memory_reservation = false;
    bool memory_swappiness = false;
    bool oom_kill_disable = false;
    bool cpu_shares = false;
    bool cpu_quota = false;
    bool cpu_realtime = false;
    bool cpuset = false;
    bool pids = false;
    bool io_weight = false;
    bool io_weight_device = false;
    bool io_throttle = false;
};

}  // namespace gantry::sys
