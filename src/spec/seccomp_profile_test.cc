#include "spec/seccomp_profile.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace gantry::spec {
namespace {

SeccompContext context(std::vector<std::string> capabilities = {}) {
    return {"x86_64", std::move(capabilities), {6, 18}};
}

/// The rules that mention NAME.
std::vector<oci::SeccompRule> rules_of(const oci::Seccomp& profile, std::string_view name) {
    std::vector<oci::SeccompRule> rules;
    for (const oci::SeccompRule& rule : profile.syscalls) {
        if (std::ranges::find(rule.names, name) != rule.names.end()) {
            rules.push_back(rule);
        }
    }
    return rules;
}

TEST(SeccompDefault, DeniesByDefault) {
    const auto profile = default_seccomp_profile(context());
    EXPECT_EQ(profile.default_action, "SCMP_ACT_ERRNO");
    EXPECT_EQ(profile.default_errno_ret, 1U);
    EXPECT_EQ(profile.architectures,
              (std::vector<std::string>{"SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"}));
    EXPECT_EQ(profile.syscalls[0].names.size(), 361U);
    for (const std::string_view never : {"io_uring_setup", "keyctl", "add_key", "userfaultfd",
                                         "kexec_load", "pivot_root", "move_pages", "swapon"}) {
        EXPECT_TRUE(rules_of(profile, never).empty()) << never;
    }
}

TEST(SeccompDefault, CapabilitiesOpenCalls) {
    const auto plain = default_seccomp_profile(context());
    EXPECT_TRUE(rules_of(plain, "mount").empty());
    EXPECT_TRUE(rules_of(plain, "bpf").empty());
    const auto clone3 = rules_of(plain, "clone3");
    ASSERT_EQ(clone3.size(), 1U);
    EXPECT_EQ(clone3[0].errno_ret, 38U);
    const auto clone = rules_of(plain, "clone");
    ASSERT_EQ(clone.size(), 1U);
    EXPECT_EQ(clone[0].args.at(0).op, "SCMP_CMP_MASKED_EQ");
    EXPECT_EQ(clone[0].args.at(0).value, 0x7e020000U);

    const auto admin = default_seccomp_profile(context({"CAP_SYS_ADMIN"}));
    EXPECT_FALSE(rules_of(admin, "mount").empty());
    EXPECT_EQ(rules_of(admin, "clone3").at(0).action, "SCMP_ACT_ALLOW");
    EXPECT_TRUE(rules_of(admin, "clone").at(0).args.empty());
}

TEST(SeccompDefault, KernelAndMachineOpenCalls) {
    EXPECT_FALSE(rules_of(default_seccomp_profile(context()), "ptrace").empty());
    auto old = context();
    old.kernel = {4, 7};
    EXPECT_TRUE(rules_of(default_seccomp_profile(old), "ptrace").empty());
    EXPECT_FALSE(rules_of(default_seccomp_profile(context()), "arch_prctl").empty());
    auto arm = context();
    arm.machine = "aarch64";
    EXPECT_TRUE(rules_of(default_seccomp_profile(arm), "arch_prctl").empty());
    EXPECT_EQ(default_seccomp_profile(arm).architectures,
              (std::vector<std::string>{"SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"}));
}

std::string error_of(std::string_view json) {
    const auto profile = parse_seccomp_profile(json, context());
    return profile ? "no error" : profile.error().text();
}

TEST(SeccompProfile, DecidesConditions) {
    const auto profile = parse_seccomp_profile(R"({
        "defaultAction": "SCMP_ACT_ALLOW",
        "archMap": [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86"]}],
        "syscalls": [
          {"names": ["mount"], "action": "SCMP_ACT_ERRNO", "errnoRet": 95},
          {"name": "umount2", "action": "SCMP_ACT_KILL", "includes": {"caps": ["CAP_SYS_ADMIN"]}},
          {"names": ["ptrace"], "action": "SCMP_ACT_LOG", "excludes": {"minKernel": "4.8"}},
          {"names": ["chmod"], "action": "SCMP_ACT_LOG", "includes": {"arches": ["amd64"]},
           "args": [{"index": 1, "value": 4, "op": "SCMP_CMP_MASKED_EQ", "valueTwo": 4}]}]})",
                                               context());
    ASSERT_TRUE(profile) << profile.error().text();
    EXPECT_EQ(profile->architectures.size(), 2U);
    ASSERT_EQ(profile->syscalls.size(), 2U);
    EXPECT_EQ(profile->syscalls[0].errno_ret, 95U);
    EXPECT_EQ(profile->syscalls[1].args[0].value_two, 4U);
}

TEST(SeccompProfile, RefusesWhatItDoesNotKnow) {
    EXPECT_TRUE(error_of("{").starts_with("decoding seccomp profile failed: "));
    EXPECT_EQ(error_of("{}"), "loading seccomp profile failed: unrecognized action: \"\"");
    EXPECT_NE(error_of(R"({"defaultAction":"SCMP_ACT_ALLOW","architectures":["a"],
                          "archMap":[{"architecture":"b"}]})")
                  .find("both 'architectures' and 'archMap'"),
              std::string::npos);
    const auto rule = [](std::string_view text) {
        return error_of(R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":[)" + std::string(text) +
                        "]}");
    };
    EXPECT_EQ(rule(R"({"names":["a"],"action":"SCMP_ACT_ALLOW"})"), "no error");
    EXPECT_NE(rule(R"({"names":["a"],"action":"ALLOW"})"), "no error");
    EXPECT_NE(rule(R"({"name":"a","names":["b"],"action":"SCMP_ACT_ALLOW"})"), "no error");
    EXPECT_NE(
        rule(
            R"({"names":["a"],"action":"SCMP_ACT_ALLOW","args":[{"index":6,"op":"SCMP_CMP_EQ"}]})"),
        "no error");
    EXPECT_NE(rule(R"({"names":["a"],"action":"SCMP_ACT_ALLOW","args":[{"index":0,"op":"=="}]})"),
              "no error");
    EXPECT_NE(
        rule(R"({"names":["a"],"action":"SCMP_ACT_ALLOW","includes":{"caps":["SYS_ADMIN"]}})"),
        "no error");
    EXPECT_NE(rule(R"({"names":["a"],"action":"SCMP_ACT_ALLOW","includes":{"minKernel":"x"}})"),
              "no error");
}

TEST(KernelVersion, IsRead) {
    EXPECT_EQ(parse_kernel_version("6.18.44-fc-v669"), (KernelVersion{6, 18}));
    EXPECT_EQ(parse_kernel_version("5.4"), (KernelVersion{5, 4}));
    EXPECT_EQ(parse_kernel_version(""), KernelVersion{});
    EXPECT_EQ(parse_kernel_version("x.y"), KernelVersion{});
    EXPECT_LT((KernelVersion{4, 20}), (KernelVersion{5, 0}));
}

}  // namespace
}  // namespace gantry::spec
