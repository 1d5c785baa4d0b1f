#include <fmt/core.h>

#include "cli/commands/handlers.h"
#include "cli/program.h"
#include "cli/session.h"
#include "cli/table/formatter.h"
#include "cli/table/tab_writer.h"
#include "cli/template/functions.h"
#include "cli/template/parser.h"
#include "spec/platform.h"
#include "spec/value.h"

namespace gantry::cli {
namespace {

using spec::Value;

/// What the program was built with and from; docker's field is named after its language.
constexpr std::string_view kBuiltWith = "clang " __clang_version__;

Value client_value(const Session& session, const std::string& api_version) {
    const spec::oci::Platform platform = spec::native_platform();
    Value client{Value::Object()};
    client.set("Platform",
               Value(Value::Object{{"Name", session.program() == "docker" ? "" : "Gantry"}}));
    client.set("Version", kClientVersion);
    client.set("ApiVersion", api_version);
    client.set("DefaultAPIVersion", kNewestApiVersion);
    client.set("GitCommit", "");
    client.set("GoVersion", kBuiltWith);
    client.set("Os", platform.os);
    client.set("Arch", platform.architecture);
    client.set("BuildTime", "");
    client.set("Context", "default");
    return client;
}

std::string text_of(const Value& object, std::string_view name) {
    const Value* value = object.find(name);
    return value == nullptr || value->is_null() ? "" : print_value(*value);
}

/// " Version:\t1.2\n" for each of the fields that are there.
std::string lines_of(const Value& object, std::string_view indent,
                     std::initializer_list<std::pair<std::string_view, std::string_view>> fields) {
    std::string out;
    for (const auto& [label, name] : fields) {
        if (const std::string text = text_of(object, name); !text.empty()) {
            out += fmt::format("{}{}:\t{}\n", indent, label, text);
        }
    }
    return out;
}

std::string title(std::string_view side, const Value& object) {
    const Value* platform = object.find("Platform");
    const std::string name = platform == nullptr ? "" : text_of(*platform, "Name");
    return fmt::format("{}:{}{}\n", side, name.empty() ? "" : " ", name);
}

std::string client_text(const Value& client) {
    return title("Client", client) +
           lines_of(client, " ",
                    {{"Version", "Version"},
                     {"API version", "ApiVersion"},
                     {"Go version", "GoVersion"},
                     {"Git commit", "GitCommit"},
                     {"Built", "BuildTime"}}) +
           fmt::format(" OS/Arch:\t{}/{}\n Context:\t{}\n", text_of(client, "Os"),
                       text_of(client, "Arch"), text_of(client, "Context"));
}

std::string engine_text(const Value& details, const std::string& version) {
    return fmt::format("  Version:\t{}\n  API version:\t{} (minimum version {})\n", version,
                       text_of(details, "ApiVersion"), text_of(details, "MinAPIVersion")) +
           lines_of(
               details, "  ",
               {{"Go version", "GoVersion"}, {"Git commit", "GitCommit"}, {"Built", "BuildTime"}}) +
           fmt::format("  OS/Arch:\t{}/{}\n  Experimental:\t{}\n", text_of(details, "Os"),
                       text_of(details, "Arch"), text_of(details, "Experimental"));
}

std::string server_text(const Value& server) {
    std::string out = "\n" + title("Server", server);
    const Value* components = server.find("Components");
    if (components == nullptr || !components->is_array()) {
        return out + " Engine:\n" + engine_text(server, text_of(server, "Version"));
    }
    for (const Value& component : components->as_array()) {
        const std::string name = text_of(component, "Name");
        const std::string version = text_of(component, "Version");
        const Value* details = component.find("Details");
        out += fmt::format(" {}:\n", name);
        if (name == "Engine" && details != nullptr) {
            out += engine_text(*details, version);
            continue;
        }
        out += fmt::format("  Version:\t{}\n", version);
        if (details != nullptr && details->is_object()) {
            for (const auto& [key, value] : details->as_object()) {
                out += fmt::format("  {}:\t{}\n", key, print_value(value));
            }
        }
    }
    return out;
}

Result<Value> fetch_server(Session& session) {
    GT_TRY_VAR(reply, session.api().call({.path = "/version"}));
    return Value::parse(reply.body);
}

}  // namespace

int run_version(Session& session, const ParsedArgs& args) {
    const std::string format = args.flags.text("format");
    if (!format.empty() && format != "json") {
        if (auto tree = parse_template("version", format); !tree) {
            session.err("template parsing error: " + tree.error().text() + "\n");
            return kExitTemplate;
        }
    }
    const auto server = fetch_server(session);
    const Value client = client_value(session, session.api().version());
    if (format.empty()) {
        const std::string text = client_text(client) + (server ? server_text(*server) : "");
        session.out(align_tabs(text, {.least_width = 20, .padding = 1}));
    } else {
        Value both{Value::Object()};
        both.set("Client", client);
        both.set("Server", server ? *server : Value());
        auto text = apply_template("version", format, both, "system.versionInfo");
        if (!text) {
            session.out("\n");
            return session.fail_with(text.error());
        }
        session.out(*text + "\n");
    }
    return server ? 0 : session.fail_with(server.error());
}

}  // namespace gantry::cli
