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
            .field("selinuxLabel", &oci::Process::selinux_label, Rule::kOmit))

GT_JSON(oci::Root, "Root",
        .field("path", &oci::Root::path).field("readonly", &oci::Root::readonly, Rule::kOmit))

GT_JSON(oci::Mount, "Mount",
        .field("destination", &oci::Mount::destination)
            .field("type", &oci::Mount::type, Rule::kOmit)
            .field("source", &oci::Mount::source, Rule::kOmit)
            .field("options", &oci::Mount::options, Rule::kOmit))

GT_JSON(oci::Config, "Spec",
        .field("ociVersion", &oci::Config::oci_version)
            .field("process", &oci::Config::process)
            .field("root", &oci::Config::root)
            .field("hostname", &oci::Config::hostname, Rule::kOmit)
            .field("domainname", &oci::Config::domainname, Rule::kOmit)
            .field("mounts", &oci::Config::mounts, Rule::kOmit)
            .field("linux", &oci::Config::linux)
            .field("annotations", &oci::Config::annotations, Rule::kOmit))

}  // namespace gantry::spec::impl
