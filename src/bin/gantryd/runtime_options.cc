#include "bin/gantryd/runtime_options.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/text.h"
#include "engine/container/runtimes.h"

namespace gantry::daemon {

namespace {

Result<> check_name(std::string_view name) {
    const bool good = !name.empty() && std::ranges::all_of(name, [](unsigned char letter) {
        return std::isalnum(letter) != 0 || letter == '.' || letter == '_' || letter == '-';
    });
    if (!good) {
        return fail(Kind::kInvalid, fmt::format("\"{}\" is no name for a runtime", name));
    }
    if (name == engine::kOwnRuntime) {
        return fail(Kind::kInvalid, fmt::format("runtime name '{}' is reserved", name));
    }
    return {};
}

Result<runtime::ForeignRuntime> parse_object(const std::string& text) {
    GT_TRY_VAR(object, spec::Value::parse(text));
    runtime::ForeignRuntime runtime;
    for (const auto& [key, value] : object.as_object()) {
        if (key == "path" && value.is_string()) {
            runtime.path = value.as_string();
        } else if (key == "runtimeArgs" && value.is_array()) {
            for (const spec::Value& argument : value.as_array()) {
                if (!argument.is_string()) {
                    return fail(Kind::kInvalid, "runtimeArgs must be a list of strings");
                }
                runtime.arguments.push_back(argument.as_string());
            }
        } else {
            return fail(Kind::kInvalid, fmt::format("\"{}\" is not supported", key));
        }
    }
    return runtime;
}

}  // namespace

Result<std::vector<std::string>> runtime_values(const spec::Value& runtimes) {
    if (!runtimes.is_object()) {
        return fail(Kind::kInvalid, "must be an object with a member for each runtime");
    }
    std::vector<std::string> values;
    for (const auto& [name, runtime] : runtimes.as_object()) {
        if (!runtime.is_object()) {
            return fail(Kind::kInvalid, fmt::format("\"{}\" must be an object", name));
        }
        values.push_back(fmt::format("{}={}", name, runtime.serialize()));
    }
    return values;
}

Result<> set_runtimes(Options& options, const std::vector<std::string>& values) {
    for (const std::string& value : values) {
        const Cut parts = cut(value, '=');
        if (!parts.found) {
            return fail(Kind::kInvalid,
                        fmt::format("invalid runtime \"{}\": use NAME=PATH", value));
        }
        GT_TRY(check_name(parts.before));
        runtime::ForeignRuntime runtime{.path = std::string(parts.after), .arguments = {}};
        if (parts.after.starts_with('{')) {
            GT_TRY_VAR(parsed, parse_object(std::string(parts.after)));
            runtime = std::move(parsed);
        }
        if (!runtime.path.starts_with('/')) {
            return fail(Kind::kInvalid,
                        fmt::format("the path of runtime {} must be absolute", parts.before));
        }
        if (!options.runtimes.emplace(parts.before, std::move(runtime)).second) {
            return fail(Kind::kInvalid,
                        fmt::format("runtime '{}' was already registered", parts.before));
        }
    }
    return {};
}

Result<> check_default_runtime(const Options& options) {
    const std::string& name = options.default_runtime;
    if (name != engine::kOwnRuntime && !options.runtimes.contains(name)) {
        return fail(Kind::kInvalid,
                    fmt::format("specified default runtime '{}' does not exist", name));
    }
    return {};
}

}  // namespace gantry::daemon
