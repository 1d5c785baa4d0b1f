#pragma once

namespace gantry::shim {

/// Opens the cgroup v2 directory that process PID is in, which is GROUP (a directory's fd) or below
/// it. A container that has divided its own group keeps no process in it any more, and the kernel
/// lets none in. -1 and errno if PID is elsewhere.
int open_cgroup_of(int pid, int group);

}  // namespace gantry::shim
