#pragma once

#include "runtime/impl/plan_writer.h"
#include "runtime/plan_builder.h"
#include "spec/oci/runtime.h"

namespace gantry::runtime {

/// What the parts of build_container_plan() share.
struct BuildContext {
    BuildContext(const spec::oci::Config& container, const LaunchOptions& launch,
                 const StageOptions* by_stage);

    PlanWriter plan;
    const spec::oci::Config& config;
    const LaunchOptions& options;
    const StageOptions* stage;

    /// The container has a user namespace of its own, made or joined.
    bool user_namespace = false;
    /// Everything is set up in a child of the first process (kBirth).
    bool birth = false;
    /// What the host alone can name is opened before the birth.
    bool open_early = false;
    uint32_t next_slot = 0;
    uint32_t root_slot = 0;

    // Where plan descriptors end up; -1 for none.
    int v2_dir = -1;
    int root = -1;
    int netns = -1;
    int userns = -1;
    /// Of the first of LaunchOptions::mounts and ::idmap_fds.
    int mounts = -1;
    int idmaps = -1;
};

bool makes_namespace(const spec::oci::Config& config, std::string_view type);
/// Made or joined.
bool has_namespace(const spec::oci::Linux& linux, std::string_view type);

/// PATH without empty and "." parts; ".." is resolved as text, as the image cannot answer here.
std::string clean_path(std::string_view path);

/// namespace_plan.cc: from the first step to the namespaces that all else happens in.
Result<> add_namespaces(BuildContext& context);
/// Hands the plan's stdio to who the process will be, seen from outside of the user namespace.
void add_outer_stdio_owner(PlanWriter& plan, const spec::oci::Linux& linux,
                           const spec::oci::User& user);

/// mount_plan.cc: what is opened before the birth; mounts, devices and links.
Result<> add_early_mounts(BuildContext& context);
Result<> add_files(BuildContext& context);
/// A new file system at /dev that is to be read-only: it becomes so when all is in it.
bool is_readonly_dev(const spec::oci::Mount& mount);

}  // namespace gantry::runtime
