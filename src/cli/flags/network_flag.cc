#include "cli/flags/network_flag.h"

#include <arpa/inet.h>
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/text.h"
#include "cli/flags/flag_types.h"
#include "cli/quote.h"

namespace gantry::cli {
namespace {

/// The fields of a CSV line; a field may stand in double quotes, where "" is a quote.
std::vector<std::string> csv_fields(std::string_view text) {
    std::vector<std::string> fields(1);
    bool quoted = false;
    for (size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '"' && quoted && i + 1 < text.size() && text[i + 1] == '"') {
            fields.back() += c;
            ++i;
        } else if (c == '"') {
            quoted = !quoted;
        } else if (c == ',' && !quoted) {
            fields.emplace_back();
        } else {
            fields.back() += c;
        }
    }
    return fields;
}

Result<> set_field(NetworkAttachment& attachment, std::string_view key, std::string_view value) {
    spec::EndpointSettings& endpoint = attachment.endpoint;
    const auto ipam = [&]() -> spec::EndpointIpamConfig& {
        if (!endpoint.ipam_config) {
            endpoint.ipam_config.emplace();
        }
        return *endpoint.ipam_config;
    };
    if (key == "name") {
        attachment.network = value;
    } else if (key == "alias") {
        endpoint.aliases.emplace_back(value);
    } else if (key == "ip") {
        ipam().ipv4_address = value;
    } else if (key == "ip6") {
        ipam().ipv6_address = value;
    } else if (key == "link-local-ip") {
        ipam().link_local_ips.emplace_back(value);
    } else if (key == "mac-address") {
        endpoint.mac_address = value;
    } else if (key == "driver-opt") {
        const auto [name, option, assigned] = cut(value, '=');
        if (!assigned || name.empty()) {
            return fail(Kind::kInvalid, "invalid key value pair format in driver options");
        }
        endpoint.driver_opts[std::string(name)] = option;
    } else if (key == "gw-priority") {
        const auto priority = parse_int(value);
        if (!priority) {
            return fail(Kind::kInvalid,
                        fmt::format("invalid gw-priority ({}): invalid syntax", value));
        }
        endpoint.gw_priority = *priority;
    } else {
        return fail(Kind::kInvalid, fmt::format("invalid field key {}", key));
    }
    return {};
}

}  // namespace

Result<> check_address(std::string_view text) {
    std::array<unsigned char, sizeof(in6_addr)> bytes = {};
    const std::string address(trim(text));
    if (::inet_pton(AF_INET, address.c_str(), bytes.data()) != 1 &&
        ::inet_pton(AF_INET6, address.c_str(), bytes.data()) != 1) {
        return fail(Kind::kInvalid, fmt::format("IP address is not correctly formatted: {}", text));
    }
    return {};
}

Result<> check_network(std::string_view text) {
    GT_TRY(parse_network_flag(text));
    return {};
}

Result<> check_gpus(std::string_view text) {
    GT_TRY(parse_gpus_flag(text));
    return {};
}

Result<NetworkAttachment> parse_network_flag(std::string_view text) {
    NetworkAttachment attachment;
    if (text.find_first_of("=,") == std::string_view::npos) {
        attachment.network = text;
        return attachment;
    }
    for (const std::string& field : csv_fields(text)) {
        const auto [key, value, assigned] = cut(field, '=');
        if (!assigned) {
            return fail(Kind::kInvalid, fmt::format("invalid field {}", field));
        }
        GT_TRY(set_field(attachment, to_lower(trim(key)), trim(value)));
    }
    if (attachment.network.empty()) {
        return fail(Kind::kInvalid, "network name/id is not specified");
    }
    return attachment;
}

Result<spec::DeviceRequest> parse_gpus_flag(std::string_view text) {
    spec::DeviceRequest request;
    bool has_count = false;
    for (const std::string& field : csv_fields(text)) {
        const auto [key, value, assigned] = cut(field, '=');
        if (!assigned || key == "count") {
            const std::string_view count = assigned ? value : std::string_view(field);
            const auto number = count == "all" ? std::optional<int64_t>(-1) : parse_int(count);
            if (!number) {
                return fail(Kind::kInvalid,
                            fmt::format("invalid count ({}): value must be either \"all\" or an "
                                        "integer: invalid syntax",
                                        count));
            }
            request.count = *number;
            has_count = true;
        } else if (key == "driver") {
            request.driver = value;
        } else if (key == "device") {
            for (const std::string_view id : split(value, ',')) {
                request.device_ids.emplace_back(id);
            }
        } else if (key == "capabilities") {
            std::vector<std::string>& wanted = request.capabilities.emplace_back();
            wanted.emplace_back("gpu");
            for (const std::string_view capability : split(value, ',')) {
                if (std::ranges::find(wanted, capability) == wanted.end()) {
                    wanted.emplace_back(capability);
                }
            }
        } else if (key == "options") {
            for (const std::string_view option : split(value, ',')) {
                const auto [name, setting, found] = cut(option, '=');
                request.options[std::string(name)] = setting;
            }
        } else {
            return fail(Kind::kInvalid, fmt::format("unexpected key '{}' in '{}'", key, field));
        }
    }
    if (!has_count && request.device_ids.empty()) {
        request.count = 1;
    }
    if (request.capabilities.empty()) {
        request.capabilities.push_back({"gpu"});
    }
    return request;
}

}  // namespace gantry::cli
