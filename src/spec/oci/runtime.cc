#include "spec/oci/runtime.h"

#include "spec/impl/binding.h"

namespace gantry::spec::impl {

GT_JSON(oci::Rlimit, "POSIXRlimit",
        .field("type", &oci::Rlimit::type)
            .field("hard", &oci::Rlimit::hard)
            .field("soft", &oci::Rlimit::soft))

GT_JSON(oci::User, "User",
        .field("uid", &oci::User::uid)
            .field("gid", &oci::User::gid)
            .field("umask", &oci::User::umask, Rule::kOmit)
            .field("additionalGids", &oci::User::additional_gids, Rule::kOmit))

GT_JSON(oci::Capabilities, "LinuxCapabilities",
        .field("bounding", &oci::Capabilities::bounding, Rule::kOmit)
            .field("effective", &oci::Capabilities::effective, Rule::kOmit)
            .field("inheritable", &oci::Capabilities::inheritable, Rule::kOmit)
            .field("permitted", &oci::Capabilities::permitted, Rule::kOmit)
            .field("ambient", &oci::Capabilities::ambient, Rule::kOmit))

GT_JSON(oci::ConsoleSize, "Box",
        .field("height", &oci::ConsoleSize::height).field("width", &oci::ConsoleSize::width))

GT_JSON(oci::Scheduler, "Scheduler",
        .field("policy", &oci::Scheduler::policy)
            .field("nice", &oci::Scheduler::nice, Rule::kOmit)
            .field("priority", &oci::Scheduler::priority, Rule::kOmit)
            .field("flags", &oci::Scheduler::flags, Rule::kOmit)
            .field("runtime", &oci::Scheduler::runtime, Rule::kOmit)
            .field("deadline", &oci::Scheduler::deadline, Rule::kOmit)
            .field("period", &oci::Scheduler::period, Rule::kOmit))

GT_JSON(oci::IoPriority, "LinuxIOPriority",
        .field("class", &oci::IoPriority::class_name).field("priority", &oci::IoPriority::priority))

GT_JSON(oci::Process, "Process",
        .field("terminal", &oci::Process::terminal, Rule::kOmit)
            .field("consoleSize", &oci::Process::console_size, Rule::kOmit)
            .field("user", &oci::Process::user)
            .field("args", &oci::Process::args, Rule::kOmit)
            .field("env", &oci::Process::env, Rule::kOmit)
            .field("cwd", &oci::Process::cwd)
            .field("capabilities", &oci::Process::capabilities, Rule::kOmit)
            .field("rlimits", &oci::Process::rlimits, Rule::kOmit)
            .field("noNewPrivileges", &oci::Process::no_new_privileges, Rule::kOmit)
            .field("apparmorProfile", &oci::Process::apparmor_profile, Rule::kOmit)
            .field("oomScoreAdj", &oci::Process::oom_score_adj, Rule::kOmit)
            .field("selinuxLabel", &oci::Process::selinux_label, Rule::kOmit)
            .field("scheduler", &oci::Process::scheduler, Rule::kOmit)
            .field("ioPriority", &oci::Process::io_priority, Rule::kOmit))

GT_JSON(oci::Root, "Root",
        .field("path", &oci::Root::path).field("readonly", &oci::Root::readonly, Rule::kOmit))

GT_JSON(oci::Mount, "Mount",
        .field("destination", &oci::Mount::destination)
            .field("type", &oci::Mount::type, Rule::kOmit)
            .field("source", &oci::Mount::source, Rule::kOmit)
            .field("options", &oci::Mount::options, Rule::kOmit)
            .field("uidMappings", &oci::Mount::uid_mappings, Rule::kOmit)
            .field("gidMappings", &oci::Mount::gid_mappings, Rule::kOmit))

GT_JSON(oci::Hook, "Hook",
        .field("path", &oci::Hook::path)
            .field("args", &oci::Hook::args, Rule::kOmit)
            .field("env", &oci::Hook::env, Rule::kOmit)
            .field("timeout", &oci::Hook::timeout, Rule::kOmit))

GT_JSON(oci::Hooks, "Hooks",
        .field("prestart", &oci::Hooks::prestart, Rule::kOmit)
            .field("createRuntime", &oci::Hooks::create_runtime, Rule::kOmit)
            .field("createContainer", &oci::Hooks::create_container, Rule::kOmit)
            .field("startContainer", &oci::Hooks::start_container, Rule::kOmit)
            .field("poststart", &oci::Hooks::poststart, Rule::kOmit)
            .field("poststop", &oci::Hooks::poststop, Rule::kOmit))

GT_JSON(oci::State, "State",
        .field("ociVersion", &oci::State::oci_version)
            .field("id", &oci::State::id)
            .field("status", &oci::State::status)
            .field("pid", &oci::State::pid, Rule::kOmit)
            .field("bundle", &oci::State::bundle)
            .field("annotations", &oci::State::annotations, Rule::kOmit))

GT_JSON(oci::Config, "Spec",
        .field("ociVersion", &oci::Config::oci_version)
            .field("process", &oci::Config::process)
            .field("root", &oci::Config::root)
            .field("hostname", &oci::Config::hostname, Rule::kOmit)
            .field("domainname", &oci::Config::domainname, Rule::kOmit)
            .field("mounts", &oci::Config::mounts, Rule::kOmit)
            .field("linux", &oci::Config::linux)
            .field("annotations", &oci::Config::annotations, Rule::kOmit)
            .field("hooks", &oci::Config::hooks, Rule::kOmit))

}  // namespace gantry::spec::impl
