#include "spec/api/info.h"

#include <fmt/core.h>

#include "base/text.h"
#include "cli/commands/handlers.h"
#include "cli/program.h"
#include "cli/session.h"
#include "cli/table/formatter.h"
#include "cli/template/parser.h"
#include "spec/json.h"
#include "spec/units.h"
#include "spec/value.h"

namespace gantry::cli {
namespace {

using spec::Value;

std::string client_text(const Session& session) {
    return fmt::format("Client:\n Version:    {}\n Context:    default\n Debug Mode: {}\n",
                       kClientVersion, session.options().debug);
}

/// Lines " Name: value"; a name with two blanks before it is a detail of the line above.
class Lines {
public:
    void add(std::string_view name, std::string_view value) {
        text_ += fmt::format(" {}: {}\n", name, value);
    }
    void add_known(std::string_view name, std::string_view value) {
        if (!value.empty()) {
            add(name, value);
        }
    }
    void add(std::string_view name, int64_t value) { add(name, std::to_string(value)); }
    void add_switch(std::string_view name, bool value) { add(name, fmt::format("{}", value)); }
    void title(std::string_view name) { text_ += fmt::format(" {}:\n", name); }
    void item(std::string_view text) { text_ += fmt::format("  {}\n", text); }

    std::string take() { return std::move(text_); }

private:
    std::string text_;
};

void add_security(Lines& lines, const spec::Info& info) {
    if (info.security_options.empty()) {
        return;
    }
    lines.title("Security Options");
    for (const std::string& option : info.security_options) {
        // "name=seccomp,profile=builtin"
        for (const std::string_view part : split(option, ',')) {
            const auto [key, value, assigned] = cut(part, '=');
            if (!assigned || key == "name") {
                lines.item(assigned ? value : part);
            } else {
                std::string name(key);
                name[0] = to_upper(name.substr(0, 1))[0];
                lines.item(fmt::format(" {}: {}", name, value));
            }
        }
    }
}

void add_plugins(Lines& lines, const spec::PluginsInfo& plugins) {
    lines.title("Plugins");
    lines.add(" Volume", join(plugins.volume, " "));
    lines.add(" Network", join(plugins.network, " "));
    lines.add_known(" Authorization", join(plugins.authorization, " "));
    lines.add(" Log", join(plugins.log, " "));
}

void add_engine(Lines& lines, const spec::Info& info) {
    lines.add("Containers", info.containers);
    lines.add(" Running", info.containers_running);
    lines.add(" Paused", info.containers_paused);
    lines.add(" Stopped", info.containers_stopped);
    lines.add("Images", info.images);
    lines.add("Server Version", info.server_version);
    lines.add("Storage Driver", info.driver);
    for (const auto& [name, value] : info.driver_status) {
        lines.add(" " + name, value);
    }
    lines.add("Logging Driver", info.logging_driver);
    lines.add("Cgroup Driver", info.cgroup_driver);
    lines.add("Cgroup Version", info.cgroup_version);
    add_plugins(lines, info.plugins);
    lines.add("Swarm", info.swarm.local_node_state);
    std::vector<std::string> runtimes;
    for (const auto& [name, runtime] : info.runtimes) {
        runtimes.push_back(name);
    }
    lines.add("Runtimes", join(runtimes, " "));
    lines.add("Default Runtime", info.default_runtime);
    lines.add("Init Binary", info.init_binary);
    lines.add("containerd version", info.containerd_commit.id);
    lines.add("runc version", info.runc_commit.id);
    lines.add("init version", info.init_commit.id);
    add_security(lines, info);
}

void add_host(Lines& lines, const spec::Info& info) {
    lines.add("Kernel Version", info.kernel_version);
    lines.add("Operating System", info.operating_system);
    lines.add("OSType", info.os_type);
    lines.add("Architecture", info.architecture);
    lines.add("CPUs", info.ncpu);
    lines.add("Total Memory", spec::bytes_size(static_cast<double>(info.mem_total)));
    lines.add("Name", info.name);
    lines.add("ID", info.id);
    lines.add("Docker Root Dir", info.docker_root_dir);
    lines.add_switch("Debug Mode", info.debug);
    lines.add_known("HTTP Proxy", info.http_proxy);
    lines.add_known("HTTPS Proxy", info.https_proxy);
    lines.add_known("No Proxy", info.no_proxy);
    if (!info.labels.empty()) {
        lines.title("Labels");
        for (const std::string& label : info.labels) {
            lines.item(label);
        }
    }
    lines.add_switch("Experimental", info.experimental_build);
    if (!info.registry_config.insecure_registry_cidrs.empty()) {
        lines.title("Insecure Registries");
        for (const std::string& network : info.registry_config.insecure_registry_cidrs) {
            lines.item(network);
        }
    }
    lines.add_switch("Live Restore Enabled", info.live_restore_enabled);
    if (!info.default_address_pools.empty()) {
        lines.title("Default Address Pools");
        for (const spec::AddressPool& pool : info.default_address_pools) {
            lines.item(fmt::format(" Base: {}, Size: {}", pool.base, pool.size));
        }
    }
    if (info.firewall_backend) {
        lines.add("Firewall Backend", info.firewall_backend->driver);
    }
}

int print_formatted(Session& session, const std::string& format, const Result<ApiReply>& reply) {
    Value info{Value::Object()};
    if (reply) {
        if (auto parsed = Value::parse(reply->body)) {
            info = std::move(*parsed);
        }
    } else {
        info.set("ServerErrors", Value(Value::Array{Value(reply.error().text())}));
    }
    info.set("ClientInfo", Value(Value::Object{{"Debug", Value(session.options().debug)},
                                               {"Version", Value(kClientVersion)},
                                               {"Context", Value("default")},
                                               {"Plugins", Value(Value::Array())},
                                               {"Warnings", Value()}}));
    auto text = apply_template("", format, info, "system.dockerInfo");
    if (!text) {
        session.out("\n");
        return session.fail_with(text.error());
    }
    session.out(*text + "\n");
    return 0;
}

}  // namespace

int run_info(Session& session, const ParsedArgs& args) {
    const std::string format = args.flags.text("format");
    if (!format.empty() && format != "json") {
        if (auto tree = parse_template("", format); !tree) {
            session.err("template parsing error: " + tree.error().text() + "\n");
            return kExitTemplate;
        }
    }
    auto reply = session.api().call({.path = "/info"});
    if (!format.empty()) {
        return print_formatted(session, format, reply);
    }
    session.out(client_text(session) + "\nServer:\n");
    if (!reply) {
        return session.fail_with(reply.error());
    }
    auto info = spec::parse_json<spec::Info>(reply->body);
    if (!info) {
        return session.fail_with(info.error());
    }
    Lines lines;
    add_engine(lines, *info);
    add_host(lines, *info);
    session.out(lines.take() + "\n");
    for (const std::string& warning : info->warnings) {
        session.err(warning + "\n");
    }
    return 0;
}

}  // namespace gantry::cli
