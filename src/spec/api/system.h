#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "spec/api/container_config.h"
#include "spec/api/info.h"

namespace gantry::spec {

/// The body of every answer with a status of 400 and above.
struct ErrorResponse {
    std::string message;
};

/// GET /version.
struct Version {
    struct Platform {
        std::string name;
    };
    struct Component {
        std::string name;
        std::string version;
        StringMap details;
    };

    Platform platform;
    std::vector<Component> components;
    std::string version;
    std::string api_version;
    std::string min_api_version;
    std::string git_commit;
    std::string go_version;
    std::string os;
    std::string arch;
    std::string kernel_version;
    bool experimental = false;
    std::string build_time;
};

struct EventActor {
    std::string id;
    StringMap attributes;
};

/// One line of GET /events. The first three are for containers and images below API 1.52.
struct EventMessage {
    std::string status;
    std::string id;
    std::string from;
    std::string type;
    std::string action;
    EventActor actor;
    std::string scope;
    /// Seconds, and nanoseconds, since 1970.
    int64_t time = 0;
    int64_t time_nano = 0;
};

/// Request and answer of POST /auth.
struct AuthConfig {
    std::string username;
    std::string password;
    std::string auth;
    std::string server_address;
    std::string identity_token;
    std::string registry_token;
};

struct AuthResponse {
    std::string status;
    std::string identity_token;
};

}  // namespace gantry::spec
