#include "bin/gantryd/options.h"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <map>

#include "base/text.h"
#include "bin/gantryd/container_options.h"
#include "bin/gantryd/dockerd_settings.h"
#include "bin/gantryd/runtime_options.h"
#include "cli/flags/flag_types.h"
#include "cli/flags/parser.h"
#include "spec/value.h"
#include "sys/files.h"
#include "sys/ipv4.h"

namespace gantry::daemon {
namespace {

using cli::Flag;

constexpr size_t kConfigFileLimit = 1024 * 1024;

/// One thing that can be set, by flag or in the file. `set` gets at least one value.
struct Setting {
    Flag flag;
    std::string_view key;
    Result<> (*set)(Options&, const Values&);
};

Result<bool> to_bool(const std::string& text) {
    if (text == "true" || text == "1") {
        return true;
    }
    if (text == "false" || text == "0") {
        return false;
    }
    return fail(Kind::kInvalid, fmt::format("\"{}\" is neither true nor false", text));
}

Result<std::string> to_absolute(const std::string& text) {
    if (!text.starts_with('/')) {
        return fail(Kind::kInvalid, fmt::format("\"{}\" is not an absolute path", text));
    }
    return text;
}

Result<> set_hosts(Options& options, const Values& values) {
    for (const std::string& host : values) {
        if (!host.starts_with("unix:///") && !host.starts_with("tcp://")) {
            return fail(Kind::kInvalid,
                        fmt::format("\"{}\" is neither unix:///path nor tcp://address:port", host));
        }
    }
    options.hosts = values;
    return {};
}

Result<> set_log_level(Options& options, const Values& values) {
    static const std::map<std::string_view, log::Level> kLevels{{"debug", log::Level::kDebug},
                                                                {"info", log::Level::kInfo},
                                                                {"warn", log::Level::kWarn},
                                                                {"error", log::Level::kError}};
    const auto level = kLevels.find(values.back());
    if (level == kLevels.end()) {
        return fail(Kind::kInvalid,
                    fmt::format("\"{}\" is not debug, info, warn or error", values.back()));
    }
    options.log_level = level->second;
    return {};
}

Result<> set_log_format(Options& options, const Values& values) {
    if (values.back() != "text" && values.back() != "json") {
        return fail(Kind::kInvalid, fmt::format("\"{}\" is not text or json", values.back()));
    }
    options.log_format = values.back() == "json" ? log::Format::kJson : log::Format::kText;
    return {};
}

Result<> set_debug(Options& options, const Values& values) {
    GT_TRY_VAR(debug, to_bool(values.back()));
    if (debug) {
        options.log_level = log::Level::kDebug;
    }
    return {};
}

Result<> set_plain_tcp(Options& options, const Values& values) {
    GT_TRY_VAR(on, to_bool(values.back()));
    options.plain_tcp = on;
    return {};
}

Result<> set_no_new_privileges(Options& options, const Values& values) {
    GT_TRY_VAR(on, to_bool(values.back()));
    options.no_new_privileges = on;
    return {};
}

Result<> set_default_init(Options& options, const Values& values) {
    GT_TRY_VAR(on, to_bool(values.back()));
    options.defaults.init = on;
    return {};
}

Result<> set_seccomp_profile(Options& options, const Values& values) {
    const std::string& profile = values.back();
    // COMPAT: "default" is the older name of the built-in one.
    options.seccomp_profile = profile.empty() || profile == "default" ? "builtin" : profile;
    return {};
}

Result<> set_cdi_spec_dirs(Options& options, const Values& values) {
    for (const std::string& dir : values) {
        if (!dir.empty()) {  // "" alone: none
            GT_TRY(to_absolute(dir));
        }
    }
    options.cdi_spec_dirs = values;
    std::erase(options.cdi_spec_dirs, "");
    return {};
}

Result<> set_mtu(Options& options, const Values& values) {
    const auto mtu = parse_int(values.back());
    if (!mtu || *mtu < 68 || *mtu > 65535) {
        return fail(Kind::kInvalid, fmt::format("\"{}\" is not an MTU", values.back()));
    }
    options.mtu = static_cast<int>(*mtu);
    return {};
}

Result<> set_bip(Options& options, const Values& values) {
    if (!sys::parse_prefix(values.back())) {
        return fail(Kind::kInvalid,
                    fmt::format("\"{}\" is not an address with a prefix length", values.back()));
    }
    options.bip = values.back();
    return {};
}

Result<> set_live_restore(Options& options, const Values& values) {
    GT_TRY_VAR(on, to_bool(values.back()));
    options.live_restore = on;
    return {};
}

template <std::string Options::* Member>
Result<> set_text(Options& options, const Values& values) {
    options.*Member = values.back();
    return {};
}

template <std::string Options::* Member>
Result<> set_path(Options& options, const Values& values) {
    GT_TRY_VAR(path, to_absolute(values.back()));
    options.*Member = path;
    return {};
}

template <Values Options::* Member>
Result<> set_list(Options& options, const Values& values) {
    options.*Member = values;
    return {};
}

Result<> set_group(Options& options, const Values& values) {
    options.group = values.back();
    return {};
}

Result<> set_log_driver(Options& options, const Values& values) {
    options.log.type = values.back();
    return {};
}

Result<> set_log_options(Options& options, const Values& values) {
    for (const std::string& option : values) {
        const auto [name, value, given] = cut(option, '=');
        if (!given || name.empty()) {
            return fail(Kind::kInvalid, fmt::format("\"{}\" is not name=value", option));
        }
        options.log.config[std::string(name)] = value;
    }
    return {};
}

using cli::flag_type::kBool;
using cli::flag_type::kInt;
using cli::flag_type::kList;
using cli::flag_type::kString;

constexpr Setting kSettings[] = {
    {{"add-runtime", 0, &kList, "", "Another OCI runtime for containers, NAME=PATH"},
     "runtimes",
     set_runtimes},
    {{"bip", 0, &kString, "", "Address and subnet of the default bridge, 172.17.0.1/16"},
     "bip",
     set_bip},
    {{"bridge", 'b', &kString, "", "Name of the default bridge"},
     "bridge",
     set_text<&Options::bridge>},
    {{"cdi-spec-dir", 0, &kList, "",
      "Directory with CDI specs (default /etc/cdi and /var/run/cdi)"},
     "cdi-spec-dirs",
     set_cdi_spec_dirs},
    {{"cgroup-parent", 0, &kString, "", "Parent of the containers' cgroups"},
     "cgroup-parent",
     set_text<&Options::cgroup_parent>},
    {{"data-root", 0, &kString, "", "Images and containers (default \"/var/lib/gantry\")"},
     "data-root",
     set_path<&Options::data_root>},
    {{"debug", 'D', &kBool, "", "Log more"}, "debug", set_debug},
    {{"default-cgroupns-mode", 0, &kString, "",
      "Cgroup namespace of containers (\"host\" or \"private\")"},
     "default-cgroupns-mode",
     set_default_cgroupns_mode},
    {{"default-ipc-mode", 0, &kString, "",
      "IPC namespace of containers (\"shareable\" or \"private\")"},
     "default-ipc-mode",
     set_default_ipc_mode},
    {{"default-shm-size", 0, &kString, "", "Size of containers' /dev/shm (default 64MiB)"},
     "default-shm-size",
     set_default_shm_size},
    {{"default-stop-timeout", 0, &kInt, "", "Seconds that containers have to stop in (default 10)"},
     "default-stop-timeout",
     set_default_stop_timeout},
    {{"default-ulimit", 0, &kList, "", "Limit of containers' processes, nofile=1024:2048"},
     "default-ulimits",
     set_default_ulimits},
    {{"default-runtime", 0, &kString, "", "Runtime of containers that name none"},
     "default-runtime",
     set_text<&Options::default_runtime>},
    {{"dns", 0, &kList, "", "DNS server of containers"}, "dns", set_list<&Options::dns>},
    {{"dns-opt", 0, &kList, "", "DNS option of containers"},
     "dns-opts",
     set_list<&Options::dns_options>},
    {{"dns-search", 0, &kList, "", "DNS search domain of containers"},
     "dns-search",
     set_list<&Options::dns_search>},
    {{"exec-opt", 0, &kList, "", "native.cgroupdriver=cgroupfs"}, "exec-opts", set_exec_options},
    {{"exec-root", 0, &kString, "",
      "Sockets and state of running containers (default \"/run/gantry\")"},
     "exec-root",
     set_path<&Options::exec_root>},
    {{"feature", 0, &kList, "", "Feature of the daemon, name=true or false"},
     "features",
     set_features},
    {{"group", 'G', &kString, "",
      "Group that may use the unix socket (default \"docker\", if it exists)"},
     "group",
     set_group},
    {{"host", 'H', &kList, "", "Where to listen: unix:///path or tcp://address:port"},
     "hosts",
     set_hosts},
    {{"host-gateway-ip", 0, &kList, "",
      "What \"host-gateway\" of --add-host is (default: the bridge's address)"},
     "host-gateway-ips",
     set_host_gateway_ips},
    {{"init", 0, &kBool, "", "Run an init process in containers"}, "init", set_default_init},
    {{"init-path", 0, &kString, "", "The gantry-init program (default: beside gantryd)"},
     "init-path",
     set_path<&Options::init_path>},
    {{"ip", 0, &kString, "", "Address of published ports that name none (default 0.0.0.0)"},
     "ip",
     set_publish_address},
    {{"label", 0, &kList, "", "Label of the daemon, key=value"},
     "labels",
     set_list<&Options::labels>},
    {{"live-restore", 0, &kBool, "true",
      "Containers outlive the daemon; false: they are stopped with it"},
     "live-restore",
     set_live_restore},
    {{"log-driver", 0, &kString, "", "Log driver of containers (default \"json-file\")"},
     "log-driver",
     set_log_driver},
    {{"log-format", 0, &kString, "", "\"text\" or \"json\""}, "log-format", set_log_format},
    {{"log-level", 'l', &kString, "", "\"debug\", \"info\", \"warn\" or \"error\""},
     "log-level",
     set_log_level},
    {{"log-opt", 0, &kList, "", "Option of the log driver, name=value"},
     "log-opts",
     set_log_options},
    {{"mtu", 0, &kInt, "", "MTU of the default bridge (default 1500)"}, "mtu", set_mtu},
    {{"no-new-privileges", 0, &kBool, "",
      "Containers gain no privileges unless they say otherwise"},
     "no-new-privileges",
     set_no_new_privileges},
    {{"pidfile", 'p', &kString, "", "File for the daemon's pid"},
     "pidfile",
     set_path<&Options::pidfile>},
    {{"plain-tcp", 0, &kBool, "", "Allow tcp:// without TLS: whoever reaches it is root here"},
     "plain-tcp",
     set_plain_tcp},
    {{"seccomp-profile", 0, &kString, "",
      "\"builtin\", \"unconfined\" or the file of containers' seccomp profile"},
     "seccomp-profile",
     set_seccomp_profile},
    {{"shutdown-timeout", 0, &kInt, "",
      "Seconds that containers have when they are stopped with the daemon (default 15)"},
     "shutdown-timeout",
     set_shutdown_timeout},
    {{"shim-path", 0, &kString, "", "The gantry-shim program (default: beside gantryd)"},
     "shim-path",
     set_path<&Options::shim_path>},
    {{"storage-driver", 's', &kString, "", "\"overlay2\""}, "storage-driver", set_storage_driver},
    {{"storage-opt", 0, &kList, "", "overlay2.size=SIZE: of containers' writable layers"},
     "storage-opts",
     set_storage_options},
    {{"userns-remap", 0, &kString, "",
      "User (user[:group] or \"default\") whose subordinate ids are containers'"},
     "userns-remap",
     set_text<&Options::userns_remap>},
};

/// Flags that are no settings.
constexpr Flag kModes[] = {
    {"config-file", 0, &kString, "/etc/gantry/daemon.json", "Configuration file"},
    {"validate", 0, &kBool, "", "Check the configuration and exit"},
    {"version", 'v', &kBool, "", "Print the version and exit"},
};

std::vector<Flag> flag_table() {
    std::vector<Flag> table(std::begin(kModes), std::end(kModes));
    for (const Setting& setting : kSettings) {
        table.push_back(setting.flag);
    }
    for (const DockerdSetting& setting : dockerd_settings()) {
        table.push_back(setting.flag);
    }
    std::ranges::sort(table, {}, &Flag::name);
    return table;
}

/// What "KEY": ITEM of an object says, as the flag has it: "key=value", "nofile=1024:2048" for a
/// ulimit.
Result<std::string> member_text(const std::string& key, const spec::Value& item) {
    if (item.is_string()) {
        return key + "=" + item.as_string();
    }
    if (item.is_bool() || item.is_number()) {
        return key + "=" + item.serialize();
    }
    const spec::Value* soft = item.is_object() ? item.find("Soft") : nullptr;
    const spec::Value* hard = item.is_object() ? item.find("Hard") : nullptr;
    if (soft == nullptr || hard == nullptr || !soft->is_number() || !hard->is_number()) {
        return fail(Kind::kInvalid, fmt::format("{}: must be a string or have Soft and Hard", key));
    }
    return fmt::format("{}={}:{}", key, soft->serialize(), hard->serialize());
}

Result<Values> values_of(const spec::Value& value) {
    Values values;
    if (value.is_array()) {
        for (const spec::Value& item : value.as_array()) {
            if (!item.is_string()) {
                return fail(Kind::kInvalid, "must be a list of strings");
            }
            values.push_back(item.as_string());
        }
        return values;
    }
    if (value.is_object()) {
        for (const auto& [key, item] : value.as_object()) {
            GT_TRY_VAR(text, member_text(key, item));
            values.push_back(std::move(text));
        }
        return values;
    }
    if (value.is_string()) {
        values.push_back(value.as_string());
    } else if (value.is_bool() || value.is_number()) {
        values.push_back(value.serialize());
    } else {
        return fail(Kind::kInvalid,
                    "must be a string, a number, true, false, a list or a map of strings");
    }
    return values;
}

/// What the file sets, by key.
Result<std::map<std::string, Values>> read_config_file(const std::string& path) {
    GT_TRY_VAR(text, sys::read_file(path.c_str(), kConfigFileLimit));
    auto document = spec::Value::parse(text);
    if (!document) {
        return Failure(std::move(document).error().in(path));
    }
    if (!document->is_object()) {
        return fail(Kind::kInvalid, fmt::format("{}: must be a JSON object", path));
    }
    std::map<std::string, Values> settings;
    for (const auto& [key, value] : document->as_object()) {
        const auto others = dockerd_settings();
        if (const auto other = std::ranges::find(others, key, &DockerdSetting::key);
            other != others.end()) {
            const auto values = values_of(value);
            if (auto checked = check_dockerd_setting(*other, fmt::format("\"{}\"", key),
                                                     values ? *values : Values{"an object"});
                !checked) {
                return Failure(std::move(checked).error().in(path));
            }
            continue;
        }
        if (std::ranges::find(kSettings, key, &Setting::key) == std::end(kSettings)) {
            return fail(Kind::kInvalid, fmt::format("{}: unknown key \"{}\"", path, key));
        }
        auto values = key == "runtimes" ? runtime_values(value) : values_of(value);
        if (!values) {
            return Failure(std::move(values).error().in(fmt::format("{}: {}", path, key)));
        }
        if (!values->empty()) {
            settings[key] = *std::move(values);
        }
    }
    return settings;
}

Result<cli::ParsedArgs> parse_flags(std::span<const std::string> args) {
    static const std::vector<Flag> kTable = flag_table();
    GT_TRY_VAR(parsed, cli::parse_args(kTable, args, cli::Interspersed::kYes));
    if (!parsed.arguments.empty()) {
        return fail(Kind::kInvalid, fmt::format("unexpected argument \"{}\"", parsed.arguments[0]));
    }
    for (const DockerdSetting& setting : dockerd_settings()) {
        const std::string_view name = setting.flag.name;
        if (parsed.flags.changed(name)) {
            const auto values = setting.flag.type == &kList ? parsed.flags.list(name)
                                                            : Values{parsed.flags.text(name)};
            GT_TRY(check_dockerd_setting(setting, fmt::format("--{}", name), values));
        }
    }
    return std::move(parsed);
}

/// Applies what flags and file say; the same thing in both is an error, as with dockerd.
Result<> apply(Options& options, const cli::FlagValues& flags,
               const std::map<std::string, Values>& file) {
    for (const Setting& setting : kSettings) {
        const auto in_file = file.find(std::string(setting.key));
        const bool by_flag = flags.changed(setting.flag.name);
        if (by_flag && in_file != file.end()) {
            return fail(Kind::kInvalid,
                        fmt::format("{} is set both as a flag and in the configuration file",
                                    setting.flag.name));
        }
        if (!by_flag && in_file == file.end()) {
            continue;
        }
        const Values values = !by_flag                      ? in_file->second
                              : setting.flag.type == &kList ? flags.list(setting.flag.name)
                                                            : Values{flags.text(setting.flag.name)};
        auto done = setting.set(options, values);
        if (!done) {
            return Failure(std::move(done).error().in(setting.flag.name));
        }
    }
    return {};
}

Result<> check_hosts(Options& options) {
    if (options.hosts.empty()) {
        options.hosts = {"unix://" + options.exec_root + "/gantry.sock"};
    }
    for (const std::string& host : options.hosts) {
        if (host.starts_with("tcp://") && !options.plain_tcp) {
            return fail(Kind::kInvalid,
                        fmt::format("{}: refused without TLS, which Gantry does not have yet; "
                                    "--plain-tcp allows it",
                                    host));
        }
    }
    return {};
}

}  // namespace

Result<Options> read_options(std::span<const std::string> args) {
    GT_TRY_VAR(parsed, parse_flags(args));
    Options options;
    if (parsed.help != cli::ParsedArgs::Help::kNone) {
        options.mode = Options::Mode::kHelp;
        return options;
    }
    if (parsed.flags.on("version")) {
        options.mode = Options::Mode::kVersion;
        return options;
    }
    options.mode = parsed.flags.on("validate") ? Options::Mode::kValidate : Options::Mode::kRun;
    options.config_file = parsed.flags.text("config-file");
    auto file = read_config_file(options.config_file);
    if (!file && (file.error().sys_errno() != ENOENT || parsed.flags.changed("config-file"))) {
        return Failure(std::move(file).error());
    }
    GT_TRY(apply(options, parsed.flags, file ? *file : std::map<std::string, Values>()));
    GT_TRY(check_default_runtime(options));
    GT_TRY(check_hosts(options));
    return options;
}

std::string options_help() {
    std::string text =
        "\nUsage:  gantryd [OPTIONS]\n\nA daemon that runs containers and serves the Engine "
        "API.\n\n"
        "Options:\n";
    for (const Flag& flag : flag_table()) {
        if (flag.visibility == Flag::Visibility::kHidden) {
            continue;
        }
        const std::string shorthand =
            flag.shorthand != 0 ? fmt::format("-{}, ", flag.shorthand) : "    ";
        text += fmt::format("  {}--{:<14} {:<7} {}\n", shorthand, flag.name, flag.type->name,
                            flag.help);
    }
    return text;
}

}  // namespace gantry::daemon
