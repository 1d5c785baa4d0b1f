#include "spec/api/container_config.h"

#include "spec/impl/binding.h"

namespace gantry::spec::impl {

GT_JSON(HealthConfig, "HealthcheckConfig",
        .field("Test", &HealthConfig::test, Rule::kOmit)
            .field("Interval", &HealthConfig::interval, Rule::kOmit)
            .field("Timeout", &HealthConfig::timeout, Rule::kOmit)
            .field("StartPeriod", &HealthConfig::start_period, Rule::kOmit)
            .field("StartInterval", &HealthConfig::start_interval, Rule::kOmit)
            .field("Retries", &HealthConfig::retries, Rule::kOmit))

GT_JSON(ContainerConfig, "Config",
        .field("Hostname", &ContainerConfig::hostname)
            .field("Domainname", &ContainerConfig::domainname)
            .field("User", &ContainerConfig::user)
            .field("AttachStdin", &ContainerConfig::attach_stdin)
            .field("AttachStdout", &ContainerConfig::attach_stdout)
            .field("AttachStderr", &ContainerConfig::attach_stderr)
            .field("ExposedPorts", &ContainerConfig::exposed_ports, Rule::kOmit)
            .field("Tty", &ContainerConfig::tty)
            .field("OpenStdin", &ContainerConfig::open_stdin)
            .field("StdinOnce", &ContainerConfig::stdin_once)
            .field("Env", &ContainerConfig::env, Rule::kNull)
            .field("Cmd", &ContainerConfig::cmd, Rule::kNull, string_or_list())
            .field("Healthcheck", &ContainerConfig::healthcheck, Rule::kOmit)
            .field("ArgsEscaped", &ContainerConfig::args_escaped, Rule::kOmit)
            .field("Image", &ContainerConfig::image)
            .field("Volumes", &ContainerConfig::volumes, Rule::kNull)
            .field("WorkingDir", &ContainerConfig::working_dir)
            .field("Entrypoint", &ContainerConfig::entrypoint, Rule::kAlways,
                   optional_string_or_list())
            .field("NetworkDisabled", &ContainerConfig::network_disabled, Rule::kOmit)
            .field("MacAddress", &ContainerConfig::mac_address, Rule::kOmit)
            .field("OnBuild", &ContainerConfig::on_build, Rule::kNull)
            .field("Labels", &ContainerConfig::labels)
            .field("StopSignal", &ContainerConfig::stop_signal, Rule::kOmit)
            .field("StopTimeout", &ContainerConfig::stop_timeout, Rule::kOmit)
            .field("Shell", &ContainerConfig::shell, Rule::kOmit, string_or_list()))

}  // namespace gantry::spec::impl
