#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace gantry::spec {

/// Body of POST /containers/{id}/exec.
struct ExecCreateRequest {
    std::string user;
    bool privileged = false;
    bool tty = false;
    /// Height, width.
    std::optional<std::array<uint32_t, 2>> console_size;
    bool attach_stdin = false;
    bool attach_stderr = false;
    bool attach_stdout = false;
    std::string detach_keys;
    std::vector<std::string> env;
    std::string working_dir;
    /// A single string is accepted in place of a list.
    std::vector<std::string> cmd;
};

struct ExecCreateResponse {
    std::string id;
};

/// Body of POST /exec/{id}/start.
struct ExecStartRequest {
    bool detach = false;
    bool tty = false;
    std::optional<std::array<uint32_t, 2>> console_size;
};

struct ExecProcessConfig {
    bool tty = false;
    std::string entrypoint;
    std::vector<std::string> arguments;
    std::optional<bool> privileged;
    std::string user;
};

/// GET /exec/{id}/json.
struct ExecInspect {
    std::string id;
    bool running = false;
    /// Null while running.
    std::optional<int64_t> exit_code;
    ExecProcessConfig process_config;
    bool open_stdin = false;
    bool open_stderr = false;
    bool open_stdout = false;
    bool can_remove = false;
    std::string container_id;
    /// Bytes, printed as base64 ("" when the default applies).
    std::string detach_keys;
    int64_t pid = 0;
};

}  // namespace gantry::spec
