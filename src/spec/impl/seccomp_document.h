#pragma once

#include <optional>
#include <string>
#include <vector>

#include "spec/oci/seccomp.h"

namespace gantry::spec::impl {

/// When a rule of a profile applies: includes need all of it, excludes need none of it.
struct SeccompCondition {
    std::vector<std::string> caps;
    /// Go's names: "amd64".
    std::vector<std::string> arches;
    /// "4.8".
    std::string min_kernel;
};

struct SeccompDocumentRule {
    /// The old form of `names`.
    std::string name;
    std::vector<std::string> names;
    std::string action;
    std::optional<uint32_t> errno_ret;
    std::vector<oci::SeccompArg> args;
    SeccompCondition includes;
    SeccompCondition excludes;
};

struct SeccompArchEntry {
    std::string architecture;
    std::vector<std::string> sub_architectures;
};

/// A profile in Docker's JSON format before its conditions are decided.
struct SeccompDocument {
    std::string default_action;
    std::optional<uint32_t> default_errno_ret;
    std::vector<std::string> architectures;
    std::vector<SeccompArchEntry> arch_map;
    std::vector<std::string> flags;
    std::string listener_path;
    std::string listener_metadata;
    std::vector<SeccompDocumentRule> syscalls;
};

/// Docker's default profile.
const SeccompDocument& default_seccomp_document();

}  // namespace gantry::spec::impl
