#pragma once

#include <string>

#include "base/error.h"
#include "spec/oci/runtime.h"

namespace gantry::standalone {

/// BUNDLE/config.json, checked as far as no kernel is needed for it, with an absolute root.
Result<spec::oci::Config> load_bundle(const std::string& bundle);

/// A process from a file, for exec --process.
Result<spec::oci::Process> load_process(const std::string& path);

/// "cgroup" mounts of CONFIG become what this machine has: the v2 tree, or a tmpfs with every v1
/// hierarchy. Without a cgroup namespace they show the container's own group, CGROUP, alone.
Result<> expand_cgroup_mounts(spec::oci::Config& config, const std::string& cgroup);

/// The devices that every container has, where the config does not name them.
void add_default_devices(spec::oci::Config& config);

/// COMPAT: runc. A process without HOME gets the one that the /etc/passwd below ROOT, a directory
/// of the host, has for its uid; "/" if it has none.
void add_home(spec::oci::Process& process, const std::string& root);

/// PATH as an absolute one, without links.
Result<std::string> absolute_path(const std::string& path);

}  // namespace gantry::standalone
