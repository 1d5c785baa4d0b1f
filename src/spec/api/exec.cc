#include "spec/api/exec.h"

#include "spec/impl/binding.h"

namespace gantry::spec::impl {

GT_JSON(ExecCreateRequest, "ExecCreateRequest",
        .field("User", &ExecCreateRequest::user)
            .field("Privileged", &ExecCreateRequest::privileged)
            .field("Tty", &ExecCreateRequest::tty)
            .field("ConsoleSize", &ExecCreateRequest::console_size, Rule::kOmit)
            .field("AttachStdin", &ExecCreateRequest::attach_stdin)
            .field("AttachStderr", &ExecCreateRequest::attach_stderr)
            .field("AttachStdout", &ExecCreateRequest::attach_stdout)
            .field("DetachKeys", &ExecCreateRequest::detach_keys)
            .field("Env", &ExecCreateRequest::env, Rule::kNull)
            .field("WorkingDir", &ExecCreateRequest::working_dir)
            .field("Cmd", &ExecCreateRequest::cmd, Rule::kNull, string_or_list()))

GT_JSON(ExecCreateResponse, "ExecCreateResponse", .field("Id", &ExecCreateResponse::id))

GT_JSON(ExecStartRequest, "ExecStartRequest",
        .field("Detach", &ExecStartRequest::detach)
            .field("Tty", &ExecStartRequest::tty)
            .field("ConsoleSize", &ExecStartRequest::console_size, Rule::kOmit))

GT_JSON(ExecProcessConfig, "ExecProcessConfig",
        .field("tty", &ExecProcessConfig::tty)
            .field("entrypoint", &ExecProcessConfig::entrypoint)
            .field("arguments", &ExecProcessConfig::arguments)
            .field("privileged", &ExecProcessConfig::privileged, Rule::kOmit)
            .field("user", &ExecProcessConfig::user, Rule::kOmit))

GT_JSON(ExecInspect, "ExecInspectResponse",
        .field("ID", &ExecInspect::id)
            .field("Running", &ExecInspect::running)
            .field("ExitCode", &ExecInspect::exit_code)
            .field("ProcessConfig", &ExecInspect::process_config)
            .field("OpenStdin", &ExecInspect::open_stdin)
            .field("OpenStderr", &ExecInspect::open_stderr)
            .field("OpenStdout", &ExecInspect::open_stdout)
            .field("CanRemove", &ExecInspect::can_remove)
            .field("ContainerID", &ExecInspect::container_id)
            .field("DetachKeys", &ExecInspect::detach_keys, Rule::kAlways, base64_bytes())
            .field("Pid", &ExecInspect::pid))

}  // namespace gantry::spec::impl
