#pragma once

#include <string>
#include <vector>

namespace gantry::runtime {

/// Another program with the OCI runtime command line (runc, crun, youki...) that makes containers
/// under our shim. The container's process is a child of the shim as always; the runtime is called
/// to create, start, signal and delete it, and for execs.
struct ForeignRuntime {
    std::string path;
    /// Before all others that it gets.
    std::vector<std::string> arguments;
};

/// A container of such a runtime, for what happens to it later.
struct ForeignContainer {
    ForeignRuntime runtime;
    /// As LaunchOptions::id and ::shim_dir were.
    std::string id;
    std::string shim_dir;
};

}  // namespace gantry::runtime
