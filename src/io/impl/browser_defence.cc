#include "io/impl/browser_defence.h"

#include <arpa/inet.h>

#include <string>

#include "base/text.h"

namespace gantry::io {
namespace {

/// "127.0.0.1:2375", "[::1]:2375", "localhost:2375" → without the port and brackets.
std::string host_name(std::string_view host) {
    if (host.starts_with('[')) {
        return std::string(cut(host.substr(1), ']').before);
    }
    return std::string(cut(host, ':').before);
}

bool is_address(const std::string& name) {
    in6_addr scratch;
    return ::inet_pton(AF_INET, name.c_str(), &scratch) == 1 ||
           ::inet_pton(AF_INET6, name.c_str(), &scratch) == 1;
}

/// A client that is no browser names the server itself as origin of its web socket. Pages of the
/// daemon do not exist, and no other's page has an address of the daemon's as its origin; a name
/// could be made to point here by whoever owns it.
bool is_own_web_socket(const Headers& headers, std::string_view origin) {
    const std::string_view host = headers.get("Host");
    const std::string name = host_name(host);
    return equals_ignoring_case(headers.get("Upgrade"), "websocket") && !host.empty() &&
           (equals_ignoring_case(name, "localhost") || is_address(name)) &&
           (origin == "http://" + std::string(host) || origin == "https://" + std::string(host));
}

}  // namespace

std::string_view refuse_browser(const Headers& headers, HostRule rule) {
    const std::string* const origin = headers.find("Origin");
    if (origin != nullptr && !is_own_web_socket(headers, *origin)) {
        return "requests with an Origin header are refused";
    }
    const std::string* site = headers.find("Sec-Fetch-Site");
    if (site != nullptr && !equals_ignoring_case(*site, "none")) {
        return "requests from web pages are refused";
    }
    if (rule == HostRule::kLoopback) {
        const std::string name = host_name(headers.get("Host"));
        if (!name.empty() && !equals_ignoring_case(name, "localhost") && !is_address(name)) {
            return "the Host header must be an IP address or localhost";
        }
    }
    return "";
}

}  // namespace gantry::io
