#include "spec/oci/seccomp.h"

#include "spec/impl/binding.h"

namespace gantry::spec::impl {

GT_JSON(oci::SeccompArg, "LinuxSeccompArg",
        .field("index", &oci::SeccompArg::index)
            .field("value", &oci::SeccompArg::value)
            .field("valueTwo", &oci::SeccompArg::value_two, Rule::kOmit)
            .field("op", &oci::SeccompArg::op))

GT_JSON(oci::SeccompRule, "LinuxSyscall",
        .field("names", &oci::SeccompRule::names)
            .field("action", &oci::SeccompRule::action)
            .field("errnoRet", &oci::SeccompRule::errno_ret, Rule::kOmit)
            .field("args", &oci::SeccompRule::args, Rule::kOmit))

GT_JSON(oci::Seccomp, "LinuxSeccomp",
        .field("defaultAction", &oci::Seccomp::default_action)
            .field("defaultErrnoRet", &oci::Seccomp::default_errno_ret, Rule::kOmit)
            .field("architectures", &oci::Seccomp::architectures, Rule::kOmit)
            .field("flags", &oci::Seccomp::flags, Rule::kOmit)
            .field("listenerPath", &oci::Seccomp::listener_path, Rule::kOmit)
            .field("listenerMetadata", &oci::Seccomp::listener_metadata, Rule::kOmit)
            .field("syscalls", &oci::Seccomp::syscalls, Rule::kOmit))

}  // namespace gantry::spec::impl
