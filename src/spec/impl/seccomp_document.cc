#include "spec/impl/seccomp_document.h"

#include "spec/impl/binding.h"

namespace gantry::spec::impl {

GT_JSON(SeccompCondition, "Filter",
        .field("caps", &SeccompCondition::caps, Rule::kOmit)
            .field("arches", &SeccompCondition::arches, Rule::kOmit)
            .field("minKernel", &SeccompCondition::min_kernel, Rule::kOmit))

GT_JSON(SeccompDocumentRule, "Syscall",
        .field("name", &SeccompDocumentRule::name, Rule::kOmit)
            .field("names", &SeccompDocumentRule::names, Rule::kOmit)
            .field("action", &SeccompDocumentRule::action)
            .field("errnoRet", &SeccompDocumentRule::errno_ret, Rule::kOmit)
            .field("args", &SeccompDocumentRule::args, Rule::kOmit)
            .field("includes", &SeccompDocumentRule::includes)
            .field("excludes", &SeccompDocumentRule::excludes))

GT_JSON(SeccompArchEntry, "Architecture",
        .field("architecture", &SeccompArchEntry::architecture)
            .field("subArchitectures", &SeccompArchEntry::sub_architectures))

GT_JSON(SeccompDocument, "Seccomp",
        .field("defaultAction", &SeccompDocument::default_action)
            .field("defaultErrnoRet", &SeccompDocument::default_errno_ret, Rule::kOmit)
            .field("architectures", &SeccompDocument::architectures, Rule::kOmit)
            .field("archMap", &SeccompDocument::arch_map, Rule::kOmit)
            .field("flags", &SeccompDocument::flags, Rule::kOmit)
            .field("listenerPath", &SeccompDocument::listener_path, Rule::kOmit)
            .field("listenerMetadata", &SeccompDocument::listener_metadata, Rule::kOmit)
            .field("syscalls", &SeccompDocument::syscalls))

}  // namespace gantry::spec::impl
