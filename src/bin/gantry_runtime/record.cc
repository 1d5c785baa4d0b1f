#include "bin/gantry_runtime/record.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/text.h"
#include "spec/json.h"
#include "spec/value.h"
#include "sys/files.h"

namespace gantry::standalone {

namespace {

constexpr size_t kMaxState = size_t{16} << 20;
constexpr size_t kMaxId = 1024;

Failure no_container() {
    return fail(Kind::kNotFound, "container does not exist");
}

std::string text_member(const spec::Value& object, std::string_view name) {
    const spec::Value* member = object.find(name);
    return member != nullptr && member->is_string() ? member->as_string() : "";
}

int64_t number_member(const spec::Value& object, std::string_view name) {
    const spec::Value* member = object.find(name);
    return member != nullptr && member->is_int() ? member->as_int() : 0;
}

}  // namespace

const char* status_name(Status status) {
    switch (status) {
        case Status::kCreating: return "creating";
        case Status::kCreated: return "created";
        case Status::kRunning: return "running";
        case Status::kPaused: return "paused";
        case Status::kStopped: return "stopped";
    }
    return "";
}

Result<> Containers::check_id(const std::string& id) {
    if (id.empty()) {
        return fail(Kind::kInvalid, "container id cannot be empty");
    }
    const bool good = id.size() <= kMaxId && id != "." && id != ".." &&
                      std::ranges::all_of(id, [](unsigned char letter) {
                          return std::isalnum(letter) != 0 || letter == '_' || letter == '+' ||
                                 letter == '-' || letter == '.';
                      });
    if (!good) {
        return fail(Kind::kInvalid, "invalid container ID format");
    }
    return {};
}

Result<> Containers::reserve(const std::string& id) const {
    GT_TRY(sys::make_dirs(root_.c_str(), 0700));
    if (mkdir(dir(id).c_str(), 0711) != 0) {
        if (errno == EEXIST) {
            return fail(Kind::kConflict, "container with given ID already exists");
        }
        return fail_errno(dir(id));
    }
    return {};
}

Result<UniqueFd> Containers::lock(const std::string& id) const {
    UniqueFd dir_fd(open(dir(id).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!dir_fd) {
        return errno == ENOENT ? no_container() : fail_errno(dir(id));
    }
    while (flock(dir_fd.get(), LOCK_EX) != 0) {
        if (errno != EINTR) {
            return fail_errno("lock the container");
        }
    }
    struct stat status = {};
    if (fstat(dir_fd.get(), &status) != 0 || status.st_nlink == 0) {
        return no_container();  // deleted while we waited
    }
    return dir_fd;
}

Result<> Containers::save(const Record& record) const {
    spec::Value state;
    state.set("ociVersion", record.config.oci_version);
    state.set("id", record.id);
    state.set("init_process_pid", int64_t{record.pid});
    state.set("init_process_start", static_cast<int64_t>(record.start_time));
    state.set("bundle", record.bundle);
    state.set("created", record.created);
    state.set("owner", int64_t{record.owner});
    state.set("cgroup_path", record.cgroup);
    state.set("systemd_scope", record.scope);
    GT_TRY_VAR(config, spec::Value::parse(spec::to_json(record.config)));
    state.set("config", std::move(config));
    GT_TRY_VAR(dir_fd, sys::open_dir(dir(record.id).c_str()));
    // What a crash of the machine loses is gone anyway: the processes are.
    return sys::replace_file(dir_fd.get(), "state.json", state.serialize(), 0600,
                             sys::Durability::kVolatile);
}

Result<Record> Containers::load(const std::string& id) const {
    GT_TRY(check_id(id));
    const std::string path = dir(id) + "/state.json";
    const auto text = sys::read_file(path.c_str(), kMaxState);
    if (!text) {
        if (text.error().kind() != Kind::kNotFound) {
            return fail(Kind::kInternal, text.error().text());
        }
        if (access(dir(id).c_str(), F_OK) != 0) {
            return no_container();
        }
        // Its create is at this point, or died here.
        Record record;
        record.id = id;
        return record;
    }
    GT_TRY_VAR(state, spec::Value::parse(*text));
    Record record;
    record.id = id;
    record.pid = static_cast<pid_t>(number_member(state, "init_process_pid"));
    record.start_time = static_cast<uint64_t>(number_member(state, "init_process_start"));
    record.bundle = text_member(state, "bundle");
    record.created = text_member(state, "created");
    record.owner = static_cast<uint32_t>(number_member(state, "owner"));
    record.cgroup = text_member(state, "cgroup_path");
    record.scope = text_member(state, "systemd_scope");
    if (const spec::Value* config = state.find("config"); config != nullptr) {
        GT_TRY_VAR(parsed, spec::parse_json<spec::oci::Config>(config->serialize()));
        record.config = std::move(parsed);
    }
    return record;
}

Result<> Containers::remove(const std::string& id) const {
    GT_TRY_VAR(root, sys::open_dir(root_.c_str()));
    return sys::remove_tree(root.get(), id.c_str());
}

Result<std::vector<std::string>> Containers::list() const {
    auto names = sys::list_dir(AT_FDCWD, root_.c_str());
    if (!names) {
        return names.error().kind() == Kind::kNotFound ? std::vector<std::string>()
                                                       : std::move(names);
    }
    std::erase_if(*names, [](const std::string& name) { return !check_id(name); });
    std::ranges::sort(*names);
    return names;
}

Result<Status> Containers::status(const Record& record) const {
    if (record.pid == 0) {
        return record.bundle.empty() || access(dir(record.id).c_str(), F_OK) == 0
                   ? Status::kCreating
                   : Status::kStopped;
    }
    const auto started = process_start_time(record.pid);
    if (!started || *started != record.start_time) {
        return Status::kStopped;
    }
    if (access(start_fifo(record.id).c_str(), F_OK) == 0) {
        return Status::kCreated;
    }
    GT_TRY_VAR(cgroup, cgroup_of(record));
    if (cgroup) {
        const auto frozen = cgroup->is_frozen();
        if (frozen && *frozen) {
            return Status::kPaused;
        }
    }
    return Status::kRunning;
}

spec::oci::State Containers::state(const Record& record, Status status) const {
    spec::oci::State state;
    state.oci_version = record.config.oci_version;
    state.id = record.id;
    state.status = status_name(status);
    state.pid = status == Status::kStopped ? 0 : record.pid;
    state.bundle = record.bundle;
    state.annotations = record.config.annotations;
    return state;
}

std::optional<uint64_t> process_start_time(pid_t pid) {
    const auto stat = sys::read_file(fmt::format("/proc/{}/stat", pid).c_str(), 4096);
    if (!stat) {
        return std::nullopt;
    }
    // The name, in parentheses, may hold anything.
    const size_t end = stat->rfind(") ");
    if (end == std::string::npos) {
        return std::nullopt;
    }
    const auto fields = split(std::string_view(*stat).substr(end + 2), ' ');
    constexpr size_t kStartTime = 19;  // the 22nd, counted from the 3rd
    if (fields.size() <= kStartTime || fields[0] == "Z" || fields[0] == "X") {
        return std::nullopt;
    }
    return parse_uint(fields[kStartTime]);
}

Result<std::optional<sys::Cgroup>> cgroup_of(const Record& record) {
    if (record.cgroup.empty()) {
        return std::optional<sys::Cgroup>();
    }
    GT_TRY_VAR(cgroups, sys::Cgroups::probe());
    const size_t slash = record.cgroup.rfind('/');
    return std::optional(
        cgroups.at(record.cgroup.substr(0, slash), record.cgroup.substr(slash + 1)));
}

}  // namespace gantry::standalone
