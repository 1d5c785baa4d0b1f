#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <cstdio>

#include "bin/gantry_runtime/commands.h"
#include "runtime/default_config.h"
#include "spec/json.h"
#include "spec/value.h"
#include "sys/capability.h"
#include "sys/files.h"

namespace gantry::standalone {

namespace {

/// As runc's: a shell on a terminal, with few powers.
Result<spec::oci::Config> example_config() {
    runtime::ConfigOptions options;
    options.terminal = true;
    options.root = runtime::RootAccess::kReadOnly;
    options.cgroup = runtime::CgroupView::kNone;
    GT_TRY_VAR(config, runtime::default_config(options));
    config.process.args = {"sh"};
    config.process.env = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                          "TERM=xterm"};
    config.process.no_new_privileges = true;
    config.process.rlimits = {{"RLIMIT_NOFILE", 1024, 1024}};
    spec::oci::Capabilities few;
    few.bounding = {"CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"};
    few.effective = few.permitted = few.bounding;
    config.process.capabilities = std::move(few);
    config.root.path = "rootfs";
    config.hostname = "gantry";
    config.linux.devices.clear();
    config.linux.sysctl.clear();
    config.linux.resources.devices = {{false, "", std::nullopt, std::nullopt, "rwm"}};
    config.mounts.push_back(
        {"/sys/fs/cgroup", "cgroup", "cgroup", {"nosuid", "noexec", "nodev", "relatime", "ro"}});
    return std::move(config);
}

/// What somebody without privileges can run: a user namespace with him as root, the host's network.
void make_rootless(spec::oci::Config& config) {
    std::erase_if(config.linux.namespaces, [](const spec::oci::Namespace& entry) {
        return entry.type == "network" || entry.type == "user" || entry.type == "cgroup";
    });
    config.linux.namespaces.push_back({"user", ""});
    config.linux.uid_mappings = {{0, geteuid(), 1}};
    config.linux.gid_mappings = {{0, getegid(), 1}};
    config.linux.resources = {};
    std::erase_if(config.mounts,
                  [](const spec::oci::Mount& mount) { return mount.type == "cgroup"; });
    for (spec::oci::Mount& mount : config.mounts) {
        if (mount.type == "sysfs") {
            // A sysfs needs a network namespace of one's own.
            mount = {"/sys", "none", "/sys", {"rbind", "nosuid", "noexec", "nodev", "ro"}};
        }
        std::erase_if(mount.options, [](const std::string& option) {
            return option.starts_with("gid=") || option.starts_with("uid=");
        });
    }
}

Result<int> spec_file(const Globals& /*globals*/, const CommandLine& line) {
    GT_TRY_VAR(config, example_config());
    if (line.has("rootless")) {
        make_rootless(config);
    }
    const std::string path = line.get("bundle", ".") + "/config.json";
    UniqueFd file(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
    if (!file) {
        if (errno == EEXIST) {
            return fail(Kind::kConflict, "File config.json exists. Remove it first");
        }
        return fail_errno(path);
    }
    GT_TRY_VAR(value, spec::Value::parse(spec::to_json(config)));
    GT_TRY(sys::write_all(file.get(), value.pretty(4) + "\n"));
    return 0;
}

spec::Value strings(std::initializer_list<const char*> list) {
    spec::Value::Array values;
    for (const char* text : list) {
        values.emplace_back(text);
    }
    return {std::move(values)};
}

spec::Value enabled(bool value) {
    spec::Value object;
    object.set("enabled", value);
    return object;
}

spec::Value seccomp_features() {
    spec::Value seccomp = enabled(true);
    seccomp.set("actions", strings({"SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", "SCMP_ACT_KILL",
                                    "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_LOG",
                                    "SCMP_ACT_NOTIFY", "SCMP_ACT_TRACE", "SCMP_ACT_TRAP"}));
    seccomp.set("operators", strings({"SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_LE",
                                      "SCMP_CMP_LT", "SCMP_CMP_MASKED_EQ", "SCMP_CMP_NE"}));
    seccomp.set("archs", strings({"SCMP_ARCH_X32", "SCMP_ARCH_X86", "SCMP_ARCH_X86_64"}));
    const auto flags =
        strings({"SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
                 "SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"});
    seccomp.set("knownFlags", flags);
    seccomp.set("supportedFlags", flags);
    return seccomp;
}

Result<spec::Value> linux_features() {
    spec::Value part;
    part.set("namespaces",
             strings({"cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts"}));
    GT_TRY_VAR(all, sys::all_capabilities());
    spec::Value::Array capabilities;
    for (const std::string& name : sys::capability_names(all)) {
        capabilities.emplace_back(name);
    }
    part.set("capabilities", std::move(capabilities));
    spec::Value cgroup;
    cgroup.set("v1", true);
    cgroup.set("v2", true);
    cgroup.set("systemd", true);
    cgroup.set("systemdUser", true);
    cgroup.set("rdma", true);
    part.set("cgroup", std::move(cgroup));
    part.set("seccomp", seccomp_features());
    part.set("apparmor", enabled(true));
    part.set("selinux", enabled(false));
    part.set("intelRdt", enabled(false));
    spec::Value extensions;
    extensions.set("idmap", enabled(true));
    part.set("mountExtensions", std::move(extensions));
    return part;
}

Result<int> features(const Globals& /*globals*/, const CommandLine& /*line*/) {
    spec::Value value;
    value.set("ociVersionMin", "1.0.0");
    value.set("ociVersionMax", "1.2.0");
    value.set("hooks", strings({"prestart", "createRuntime", "createContainer", "startContainer",
                                "poststart", "poststop"}));
    value.set("mountOptions",
              strings({"async",        "atime",       "bind",        "defaults",     "dev",
                       "diratime",     "dirsync",     "exec",        "idmap",        "lazytime",
                       "noatime",      "nodev",       "nodiratime",  "noexec",       "nosuid",
                       "nosymfollow",  "private",     "ratime",      "rbind",        "rdev",
                       "rdiratime",    "relatime",    "remount",     "rexec",        "ridmap",
                       "rnoatime",     "rnodev",      "rnodiratime", "rnoexec",      "rnosuid",
                       "rnosymfollow", "ro",          "rprivate",    "rrelatime",    "rro",
                       "rrw",          "rshared",     "rslave",      "rstrictatime", "rsuid",
                       "rsymfollow",   "runbindable", "rw",          "shared",       "slave",
                       "strictatime",  "suid",        "symfollow",   "sync",         "tmpcopyup",
                       "unbindable"}));
    GT_TRY_VAR(part, linux_features());
    value.set("linux", std::move(part));
    const std::string text = value.pretty(4) + "\n";
    (void)std::fwrite(text.data(), 1, text.size(), stdout);
    return 0;
}

}  // namespace

void add_describe_commands(std::vector<Command>& commands) {
    commands.push_back({"spec",
                        "",
                        "create a new specification file",
                        {{"bundle,b", Takes::kValue, "path to the root of the bundle directory"},
                         {"rootless", Takes::kNothing, "for a user without privileges"}},
                        Flags::kAnywhere,
                        &spec_file});
    commands.push_back(
        {"features", "", "show the enabled features", {}, Flags::kAnywhere, &features});
}

}  // namespace gantry::standalone
