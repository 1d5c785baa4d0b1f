#include "spec/api/change.h"

#include "spec/impl/binding.h"

namespace gantry::spec::impl {

GT_JSON(ContainerChange, "ContainerChange",
        .field("Env", &ContainerChange::env, Rule::kOmit)
            .field("EnvRemove", &ContainerChange::env_remove, Rule::kOmit)
            .field("Labels", &ContainerChange::labels, Rule::kOmit)
            .field("LabelsRemove", &ContainerChange::labels_remove, Rule::kOmit)
            .field("Cmd", &ContainerChange::cmd, Rule::kOmit, optional_string_or_list())
            .field("Entrypoint", &ContainerChange::entrypoint, Rule::kOmit,
                   optional_string_or_list())
            .field("PortsAdd", &ContainerChange::ports_add, Rule::kOmit)
            .field("PortsRemove", &ContainerChange::ports_remove, Rule::kOmit)
            .field("BindsAdd", &ContainerChange::binds_add, Rule::kOmit)
            .field("MountsAdd", &ContainerChange::mounts_add, Rule::kOmit)
            .field("MountsRemove", &ContainerChange::mounts_remove, Rule::kOmit)
            .field("Apply", &ContainerChange::apply, Rule::kOmit))

GT_JSON(ChangeOutcome, "ChangeOutcome",
        .field("Revision", &ChangeOutcome::revision)
            .field("Live", &ChangeOutcome::live)
            .field("NextStart", &ChangeOutcome::next_start)
            .field("Restarted", &ChangeOutcome::restarted))

GT_JSON(ContainerRevision, "ContainerRevision",
        .field("Revision", &ContainerRevision::revision)
            .field("Created", &ContainerRevision::created)
            .field("Changes", &ContainerRevision::changes)
            .field("Current", &ContainerRevision::current)
            .field("Config", &ContainerRevision::config)
            .field("HostConfig", &ContainerRevision::host_config))

GT_JSON_DOCUMENT(std::vector<ContainerRevision>)

}  // namespace gantry::spec::impl
