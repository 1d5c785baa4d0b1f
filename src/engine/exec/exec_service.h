#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "base/error.h"
#include "base/id.h"
#include "engine/container/attach.h"

namespace gantry::spec {
struct ExecCreateRequest;
struct ExecInspect;
struct ExecStartRequest;
}  // namespace gantry::spec

namespace gantry::engine {

class ContainerService;

/// Further processes in running containers (POST /containers/{id}/exec and /exec/{id}/...).
///
/// Thread-safe. Execs live in memory only, as in Docker: a daemon that restarts forgets them. A
/// record is kept for at least five minutes after the process ended (C10). Destroy it before the
/// ContainerService.
class ExecService {
public:
    explicit ExecService(ContainerService& containers);
    ~ExecService();

    /// kConflict when the container does not run or is paused; kInvalid "No exec command
    /// specified". CONTAINER is a reference as everywhere.
    Result<ExecId> create(std::string_view container, const spec::ExecCreateRequest& request);

    /// For Detach=false: checked and claimed; the caller answers the request and connects the
    /// socket. From the claim on the exec counts as started: a second start is kConflict. A process
    /// that cannot be started is told in-band, and inspect shows 126, 127 or 128.
    Result<StreamTicket> start_attached(std::string_view exec_id,
                                        const spec::ExecStartRequest& request);

    /// For Detach=true: returns when the process runs. A process that cannot be started is an
    /// error.
    Result<> start_detached(std::string_view exec_id, const spec::ExecStartRequest& request);

    /// kNotFound "No such exec instance: x".
    Result<spec::ExecInspect> inspect(std::string_view exec_id) const;

    /// kConflict when it does not run.
    Result<> resize(std::string_view exec_id, uint32_t rows, uint32_t columns);

private:
    class Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace gantry::engine
