#include "spec/cdi.h"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>

#include "base/text.h"
#include "spec/impl/binding.h"
#include "spec/json.h"
#include "spec/yaml.h"

namespace gantry::spec {

namespace impl {

GT_JSON(CdiDeviceNode, "DeviceNode",
        .field("path", &CdiDeviceNode::path)
            .field("hostPath", &CdiDeviceNode::host_path, Rule::kOmit)
            .field("type", &CdiDeviceNode::type, Rule::kOmit)
            .field("major", &CdiDeviceNode::major, Rule::kOmit)
            .field("minor", &CdiDeviceNode::minor, Rule::kOmit)
            .field("fileMode", &CdiDeviceNode::file_mode, Rule::kOmit)
            .field("permissions", &CdiDeviceNode::permissions, Rule::kOmit)
            .field("uid", &CdiDeviceNode::uid, Rule::kOmit)
            .field("gid", &CdiDeviceNode::gid, Rule::kOmit))

GT_JSON(CdiMount, "Mount",
        .field("hostPath", &CdiMount::host_path)
            .field("containerPath", &CdiMount::container_path)
            .field("type", &CdiMount::type, Rule::kOmit)
            .field("options", &CdiMount::options, Rule::kOmit))

GT_JSON(CdiHook, "Hook",
        .field("hookName", &CdiHook::hook_name)
            .field("path", &CdiHook::path)
            .field("args", &CdiHook::args, Rule::kOmit)
            .field("env", &CdiHook::env, Rule::kOmit)
            .field("timeout", &CdiHook::timeout, Rule::kOmit))

GT_JSON(CdiIntelRdt, "IntelRdt", .field("closID", &CdiIntelRdt::clos_id, Rule::kOmit))

GT_JSON(CdiEdits, "ContainerEdits",
        .field("env", &CdiEdits::env, Rule::kOmit)
            .field("deviceNodes", &CdiEdits::device_nodes, Rule::kOmit)
            .field("mounts", &CdiEdits::mounts, Rule::kOmit)
            .field("hooks", &CdiEdits::hooks, Rule::kOmit)
            .field("additionalGids", &CdiEdits::additional_gids, Rule::kOmit)
            .field("intelRdt", &CdiEdits::intel_rdt, Rule::kOmit))

GT_JSON(CdiDevice, "Device",
        .field("name", &CdiDevice::name).field("containerEdits", &CdiDevice::edits))

GT_JSON(CdiSpec, "Spec",
        .field("cdiVersion", &CdiSpec::version)
            .field("kind", &CdiSpec::kind)
            .field("devices", &CdiSpec::devices)
            .field("containerEdits", &CdiSpec::edits))

}  // namespace impl

namespace {

bool is_word(std::string_view text, std::string_view punctuation) {
    const auto alnum = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; };
    return !text.empty() && alnum(text.front()) && alnum(text.back()) &&
           std::all_of(text.begin(), text.end(), [&](char c) {
               return alnum(c) || punctuation.find(c) != std::string_view::npos;
           });
}

Result<> check_kind(std::string_view kind) {
    const auto [vendor, group, found] = cut(kind, '/');
    if (!found || !is_word(vendor, "_-.") || !is_word(group, "_-")) {
        return fail(Kind::kInvalid, fmt::format("invalid CDI kind \"{}\"", kind.substr(0, 256)));
    }
    return {};
}

Result<> check_edits(const CdiEdits& edits) {
    for (const std::string& variable : edits.env) {
        if (variable.find('=') == std::string::npos || variable.starts_with('=')) {
            return fail(Kind::kInvalid, fmt::format("invalid environment variable \"{}\"",
                                                    variable.substr(0, 256)));
        }
    }
    for (const CdiDeviceNode& node : edits.device_nodes) {
        if (!node.path.starts_with('/')) {
            return fail(Kind::kInvalid, "invalid (empty) device path");
        }
        if (node.permissions.find_first_not_of("rwm") != std::string::npos) {
            return fail(Kind::kInvalid, fmt::format("device \"{}\": invalid permissions \"{}\"",
                                                    node.path, node.permissions));
        }
    }
    for (const CdiMount& mount : edits.mounts) {
        if (mount.host_path.empty() || !mount.container_path.starts_with('/')) {
            return fail(Kind::kInvalid, "invalid mount, empty host or container path");
        }
    }
    for (const CdiHook& hook : edits.hooks) {
        if (hook.path.empty()) {
            return fail(Kind::kInvalid, "invalid hook, empty path");
        }
    }
    return {};
}

}  // namespace

Result<CdiSpec> parse_cdi_spec(std::string_view text, CdiFormat format) {
    std::string json(text);
    if (format == CdiFormat::kYaml) {
        GT_TRY_VAR(document, parse_yaml(text));
        json = document.serialize();
    }
    GT_TRY_VAR(spec, parse_json<CdiSpec>(json));
    if (!spec.version.starts_with("0.") && !spec.version.starts_with("1.")) {
        return fail(Kind::kInvalid, fmt::format("invalid CDI version \"{}\"", spec.version));
    }
    GT_TRY(check_kind(spec.kind));
    GT_TRY(check_edits(spec.edits));
    if (spec.devices.empty()) {
        return fail(Kind::kInvalid, "invalid spec, no devices");
    }
    for (const CdiDevice& device : spec.devices) {
        if (!is_word(device.name, "_-.:")) {
            return fail(Kind::kInvalid,
                        fmt::format("invalid device name \"{}\"", device.name.substr(0, 256)));
        }
        GT_TRY(check_edits(device.edits));
    }
    return std::move(spec);
}

Result<CdiName> parse_cdi_name(std::string_view text) {
    const auto [kind, device, found] = cut(text, '=');
    if (!found || kind.find('/') == std::string_view::npos) {
        return fail(Kind::kInvalid,
                    fmt::format("unqualified device \"{}\", missing {}", text.substr(0, 256),
                                found ? "vendor" : "device name"));
    }
    GT_TRY(check_kind(kind));
    if (!is_word(device, "_-.:")) {
        return fail(Kind::kInvalid,
                    fmt::format("invalid device name \"{}\"", device.substr(0, 256)));
    }
    return CdiName{.kind = std::string(kind), .device = std::string(device)};
}

}  // namespace gantry::spec
