#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/id.h"
#include "engine/container/attach.h"
#include "engine/container/container_settings.h"
#include "engine/container/wait.h"
#include "engine/logdriver/log_driver.h"
#include "engine/system/prune_gate.h"

namespace gantry::spec {
struct ContainerCreateRequest;
struct ContainerCreateResponse;
struct ContainerInspect;
struct ContainerRevision;
struct ContainerUpdateRequest;
struct ContainerUpdateResponse;
struct ContainerSummary;
struct ContainersPruneReport;
class Filters;
}  // namespace gantry::spec

namespace gantry::sys {
struct CgroupSupport;
}

namespace gantry::engine {

class BootStart;
class ContainerCore;

/// The query of POST /containers/create.
struct CreateOptions {
    /// "" chooses one (E3). A leading "/" is allowed.
    std::string name;
    /// os[/arch[/variant]]; "" accepts the image as it is.
    std::string platform;
};

/// The query of stop and restart.
struct StopOptions {
    /// "" is the container's StopSignal.
    std::string signal;
    /// Seconds before SIGKILL; -1 waits for ever; absent is the container's StopTimeout, else 10.
    std::optional<int> timeout;
};

struct RemoveOptions {
    bool force = false;
    /// Anonymous volumes too.
    bool volumes = false;
    /// Remove a link instead of the container (legacy).
    bool link = false;
};

enum class SizeInfo { kSkip, kCompute };

/// Whether what cannot be changed while a container runs is done at once all the same.
enum class Apply { kWhatIsLive, kRestart };

/// The query of GET /containers/json.
struct ListOptions {
    bool all = false;
    /// The newest N, whatever their state; <= 0 is no limit.
    int limit = 0;
    SizeInfo size = SizeInfo::kSkip;
};

/// How many containers there are (GET /info).
struct ContainerCounts {
    int running = 0;
    int paused = 0;
    int stopped = 0;
    int total() const { return running + paused + stopped; }
};

/// What other services may know about a container: a cheap copy from its present snapshot.
struct ContainerFacts {
    ContainerId id;
    std::string name;
    ImageId image;
    bool running = false;
    bool tty = false;
    /// Where its log can be read, if anywhere.
    LogStore log;
};

/// The containers of one daemon: everything that the API does with them, by reference (full id,
/// name with or without "/", unique id prefix: E1).
///
/// Thread-safe. Readers (list, inspect, find, counts) take immutable snapshots and never wait for
/// an operation; changes of one container happen one after the other. Every change is in the
/// database before it is announced. Containers outlive the service: destroying it leaves them
/// running, and the next open() adopts them.
class ContainerService {
public:
    /// Reads the database, then makes kernel, disk and database agree: adopts running containers,
    /// takes the exit status of those that ended, removes what belongs to no container. Blocks for
    /// as long as that takes. One bad container is reported in the log and does not stop the
    /// others.
    static Result<std::unique_ptr<ContainerService>> open(const ContainerParts& parts,
                                                          ContainerSettings settings);
    ~ContainerService();

    /// kNotFound "No such image: x:tag", kConflict for a name in use, kInvalid with Docker's
    /// wording, kNotImplemented naming a field that Gantry does not have yet. Nothing is left on
    /// failure.
    Result<spec::ContainerCreateResponse> create(const spec::ContainerCreateRequest& request,
                                                 const CreateOptions& options);

    /// kNotModified when it runs already. On failure the exit code (126, 127 or 128) and the text
    /// are in the container's state, and the container is as it was otherwise.
    Result<> start(std::string_view ref);

    /// kNotModified when it does not run. Bounded: a process that SIGKILL does not end within 12 s
    /// gives an error, and its end is noticed whenever it comes.
    Result<> stop(std::string_view ref, const StopOptions& options);
    Result<> restart(std::string_view ref, const StopOptions& options);

    /// SIGNAL is a name or a number; "" is SIGKILL. Returns when it is sent, for SIGKILL when the
    /// container has ended. kConflict when it does not run.
    Result<> kill(std::string_view ref, std::string_view signal);

    /// Changes limits, restart policy and what the request's Change names; what it leaves out
    /// stays. A running container is held to the new limits when this returns, and the answer says
    /// what else it has and what waits for its next start. kInvalid and kConflict in Docker's
    /// words, and the container is as it was.
    Result<spec::ContainerUpdateResponse> update(std::string_view ref,
                                                 const spec::ContainerUpdateRequest& request);

    /// What the container was and is, oldest first.
    Result<std::vector<spec::ContainerRevision>> revisions(std::string_view ref) const;
    /// Makes it what it was at revision TO (absent: the one before), by a new revision. kNotFound,
    /// kConflict for a container that was never changed.
    Result<spec::ContainerUpdateResponse> rollback(std::string_view ref, std::optional<int64_t> to,
                                                   Apply apply);

    /// Every process stands still. kConflict when it does not run or is paused already.
    Result<> pause(std::string_view ref);
    /// kConflict when it is not paused.
    Result<> unpause(std::string_view ref);

    /// kInvalid for a bad or the same name, kConflict for one in use.
    Result<> rename(std::string_view ref, std::string_view new_name);

    Result<> remove(std::string_view ref, const RemoveOptions& options);

    /// Removes what does not run. kConflict while another prune of containers runs.
    Result<spec::ContainersPruneReport> prune(const spec::Filters& filters, PruneMode mode);

    /// From now on no exit or removal is missed. kNotRunning on a container that does not run calls
    /// back at once.
    Result<WaitHandle> subscribe_wait(std::string_view ref, WaitCondition condition,
                                      WaitCallback callback);

    /// kConflict when it is paused or restarting; kInvalid for bad detach keys. A container that
    /// was not started yet is accepted: the client gets its first byte.
    Result<StreamTicket> attach(std::string_view ref, const AttachRequest& request);

    /// kConflict when it does not run.
    Result<> resize(std::string_view ref, uint32_t rows, uint32_t columns);

    /// Removes what was logged so far. kNotImplemented when the driver keeps nothing to read.
    Result<> clear_log(std::string_view ref);

    Result<spec::ContainerInspect> inspect(std::string_view ref, SizeInfo size) const;

    /// Newest first. kInvalid for filters that do not exist or whose values make no sense.
    Result<std::vector<spec::ContainerSummary>> list(const ListOptions& options,
                                                     const spec::Filters& filters) const;

    /// kNotFound "No such container: x"; kInvalid for an ambiguous prefix.
    Result<ContainerFacts> find(std::string_view ref) const;
    std::vector<ContainerFacts> all() const;
    ContainerCounts counts() const;
    /// What this machine's cgroups can do, as found at start.
    const sys::CgroupSupport& cgroup_support() const;

    /// Ends all containers, for a daemon whose containers do not outlive it: each gets its stop
    /// signal and, TIMEOUT seconds later at most unless its own stop timeout says otherwise,
    /// SIGKILL. The next open() starts what the restart policies want. Nothing can be started
    /// afterwards.
    void shut_down(int timeout);

    /// What engine/exec builds on.
    ContainerCore& core() { return *core_; }

private:
    explicit ContainerService(std::unique_ptr<ContainerCore> core);

    std::unique_ptr<ContainerCore> core_;
    std::shared_ptr<BootStart> boot_;
};

}  // namespace gantry::engine
