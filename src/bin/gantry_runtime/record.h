#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"
#include "spec/oci/runtime.h"
#include "sys/cgroup.h"

namespace gantry::standalone {

/// What is kept of a container between two calls: ROOT/<id>/state.json. The status is not stored
/// but read from the kernel: the process, its start time, the FIFO `start` that exists until START.
struct Record {
    std::string id;
    /// 0 until the container's process exists.
    pid_t pid = 0;
    /// Field 22 of /proc/PID/stat: tells the process from a later one with the same pid.
    uint64_t start_time = 0;
    std::string bundle;
    std::string created;
    uint32_t owner = 0;
    /// Empty: none was made.
    std::string cgroup;
    /// systemd's unit of that cgroup; empty: it is ours.
    std::string scope;
    /// As it was at create: what is in the bundle may change.
    spec::oci::Config config;
};

enum class Status { kCreating, kCreated, kRunning, kPaused, kStopped };
const char* status_name(Status status);

/// The directory with the containers of one --root. Every change to a container is made under its
/// lock; readers need none, because state.json is replaced as a whole.
class Containers {
public:
    explicit Containers(std::string root) : root_(std::move(root)) {}

    /// kInvalid for an id that is no name of a directory.
    static Result<> check_id(const std::string& id);

    std::string dir(const std::string& id) const { return root_ + "/" + id; }
    std::string start_fifo(const std::string& id) const { return dir(id) + "/start"; }

    /// Makes the directory, empty: from now on the id is taken. kConflict if it is already.
    Result<> reserve(const std::string& id) const;
    /// kNotFound "container does not exist". Waits for whoever has it.
    Result<UniqueFd> lock(const std::string& id) const;
    Result<> save(const Record& record) const;
    /// kNotFound "container does not exist".
    Result<Record> load(const std::string& id) const;
    Result<> remove(const std::string& id) const;
    /// Sorted ids.
    Result<std::vector<std::string>> list() const;

    Result<Status> status(const Record& record) const;
    /// The state as runtime-spec has it.
    spec::oci::State state(const Record& record, Status status) const;

private:
    std::string root_;
};

/// Start time of the process PID; empty if there is none (a zombie counts as none).
std::optional<uint64_t> process_start_time(pid_t pid);

/// The container's cgroup; empty without one.
Result<std::optional<sys::Cgroup>> cgroup_of(const Record& record);

}  // namespace gantry::standalone
