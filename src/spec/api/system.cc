#include "spec/api/system.h"

#include "spec/impl/binding.h"

namespace gantry::spec::impl {

GT_JSON(ErrorResponse, "ErrorResponse", .field("message", &ErrorResponse::message))

GT_JSON(Version::Platform, "PlatformInfo", .field("Name", &Version::Platform::name))

GT_JSON(Version::Component, "ComponentVersion",
        .field("Name", &Version::Component::name)
            .field("Version", &Version::Component::version)
            .field("Details", &Version::Component::details, Rule::kOmit))

GT_JSON(Version, "VersionResponse",
        .field("Platform", &Version::platform)
            .field("Components", &Version::components)
            .field("Version", &Version::version)
            .field("ApiVersion", &Version::api_version)
            .field("MinAPIVersion", &Version::min_api_version)
            .field("GitCommit", &Version::git_commit)
            .field("GoVersion", &Version::go_version)
            .field("Os", &Version::os)
            .field("Arch", &Version::arch)
            .field("KernelVersion", &Version::kernel_version)
            .field("Experimental", &Version::experimental, Rule::kOmit)
            .field("BuildTime", &Version::build_time, Rule::kOmit))

GT_JSON(EventActor, "Actor",
        .field("ID", &EventActor::id).field("Attributes", &EventActor::attributes))

GT_JSON(EventMessage, "Message",
        .field("status", &EventMessage::status, Rule::kOmit)
            .field("id", &EventMessage::id, Rule::kOmit)
            .field("from", &EventMessage::from, Rule::kOmit)
            .field("Type", &EventMessage::type)
            .field("Action", &EventMessage::action)
            .field("Actor", &EventMessage::actor)
            .field("scope", &EventMessage::scope, Rule::kOmit)
            .field("time", &EventMessage::time, Rule::kOmit)
            .field("timeNano", &EventMessage::time_nano, Rule::kOmit))

GT_JSON(AuthConfig, "AuthConfig",
        .field("username", &AuthConfig::username, Rule::kOmit)
            .field("password", &AuthConfig::password, Rule::kOmit)
            .field("auth", &AuthConfig::auth, Rule::kOmit)
            .field("serveraddress", &AuthConfig::server_address, Rule::kOmit)
            .field("identitytoken", &AuthConfig::identity_token, Rule::kOmit)
            .field("registrytoken", &AuthConfig::registry_token, Rule::kOmit))

GT_JSON(
    AuthResponse, "AuthResponse",
    .field("Status", &AuthResponse::status).field("IdentityToken", &AuthResponse::identity_token))

GT_JSON_DOCUMENT(std::map<std::string, AuthConfig>)

}  // namespace gantry::spec::impl
