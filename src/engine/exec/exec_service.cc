#include "engine/exec/exec_service.h"

#include <fmt/core.h>

#include <string>
#include <utility>

#include "base/log.h"
#include "engine/container/attach_container.h"
#include "engine/container/container_service.h"
#include "engine/container/core.h"
#include "engine/container/exec_process.h"
#include "engine/container/exit.h"
#include "engine/container/links.h"
#include "engine/container/oci_config.h"
#include "engine/container/runtimes.h"
#include "engine/container/start.h"
#include "engine/exec/exec_registry.h"
#include "spec/stdcopy.h"
#include "sys/files.h"

namespace gantry::engine {

namespace {

/// A process whose container was killed with it.
constexpr int kKilledCode = 137;
constexpr int kNeverStartedCode = 128;

Result<std::shared_ptr<ContainerRun>> running_run(const ContainerEntry& entry) {
    const SnapshotPtr snapshot = entry.snapshot();
    const std::string& id = entry.id().str();
    switch (snapshot->life.phase) {
        case Phase::kPaused:
            return fail(
                Kind::kConflict,
                fmt::format("container {} is paused, unpause the container before exec", id));
        case Phase::kRestarting:
            return fail(Kind::kConflict,
                        fmt::format("container {} is restarting, wait until the container is "
                                    "running",
                                    id));
        case Phase::kRunning:
            if (auto run = entry.run()) {
                return run;
            }
            break;
        case Phase::kCreated:
        case Phase::kRemoving:
        case Phase::kExited:
        case Phase::kDead: break;
    }
    return fail(Kind::kConflict, fmt::format("container {} is not running", id));
}

/// Tells a client on its own stream why its exec did not start (C10).
void tell_in_band(int socket, const ExecInstance& exec, std::string_view reason) {
    std::string message = fmt::format("{}\r\n", reason);
    if (!exec.request().tty) {
        const auto head =
            spec::stdcopy_header(spec::StdStream::kStdout, static_cast<uint32_t>(message.size()));
        message.insert(0, head.data(), head.size());
    }
    // A client that is gone needs no telling.
    (void)sys::write_all(socket, message);
}

/// A claimed exec whose client never came has not run and never will.
class Claim {
public:
    explicit Claim(ExecPtr exec) : exec_(std::move(exec)) {}
    Claim(const Claim&) = delete;
    Claim& operator=(const Claim&) = delete;
    ~Claim() {
        if (!used_) {
            exec_->ended(kNeverStartedCode);
            exec_->container()->remove_exec(exec_->id());
        }
    }
    void use() { used_ = true; }

private:
    ExecPtr exec_;
    bool used_ = false;
};

std::string failure_text(const Error& error) {
    constexpr std::string_view kPrefix = "OCI runtime exec failed";
    return error.text().starts_with(kPrefix)
               ? error.text()
               : fmt::format("{}: exec failed: {}", kPrefix, error.text());
}

}  // namespace

/// The service without its public face. Held by tickets that wait for their sockets.
class ExecService::Impl : public std::enable_shared_from_this<ExecService::Impl> {
public:
    explicit Impl(ContainerService& containers)
        : core_(containers.core()), registry_(std::make_shared<ExecRegistry>(core_.parts.loop)) {}
    ~Impl() { registry_->close(); }

    ContainerCore& core() { return core_; }
    ExecRegistry& registry() { return *registry_; }

    /// Starts a claimed exec; CLIENT stays with the caller on failure.
    Result<> start(const ExecPtr& exec, const spec::ExecStartRequest& request, UniqueFd& client,
                   std::string_view early_input);

private:
    void watch_end(const ExecPtr& exec, const std::shared_ptr<ContainerRun>& run, uint32_t number);
    Result<> start_process(const ExecPtr& exec, const spec::ExecStartRequest& request,
                           UniqueFd& client, std::string_view early_input);

    ContainerCore& core_;
    std::shared_ptr<ExecRegistry> registry_;
};

void ExecService::Impl::watch_end(const ExecPtr& exec, const std::shared_ptr<ContainerRun>& run,
                                  uint32_t number) {
    run->execs.add(number, [&core = core_, exec](const std::optional<runtime::Exit>& exit) {
        const int code = exit ? exit->code : kKilledCode;
        exec->ended(code);
        exec->container()->remove_exec(exec->id());
        publish_event(core, *exec->container()->snapshot(), "exec_die",
                      {{"execID", exec->id().str()}, {"exitCode", fmt::format("{}", code)}});
    });
}

Result<> ExecService::Impl::start_process(const ExecPtr& exec,
                                          const spec::ExecStartRequest& request, UniqueFd& client,
                                          std::string_view early_input) {
    const EntryPtr& entry = exec->container();
    const SnapshotPtr snapshot = entry->snapshot();
    GT_TRY_VAR(run, running_run(*entry));
    const ContainerRecord& record = *snapshot->record;
    GT_TRY_VAR(
        process,
        record.host.links.empty()
            ? build_exec_process(record, *run, exec->request(), request, core_.settings.security)
            : build_exec_process(with_link_variables(core_, *snapshot), *run, exec->request(),
                                 request, core_.settings.security));
    GT_TRY_VAR(seccomp, make_seccomp(*snapshot->record, core_.settings.security));
    GT_TRY_VAR(foreign, foreign_container(core_, *snapshot->record));
    const spec::ExecCreateRequest& wanted = exec->request();
    runtime::ExecOptions options;
    options.foreign = std::move(foreign);
    options.process = &process;
    options.seccomp = seccomp ? &*seccomp : nullptr;
    const auto linux = exec_namespaces(core_.id_map(*snapshot->record));
    options.linux = linux ? &*linux : nullptr;
    options.open_stdin = wanted.attach_stdin && client.get() >= 0;
    options.client = std::move(client);
    options.attach.standard_input = wanted.attach_stdin;
    options.attach.standard_output = wanted.attach_stdout;
    options.attach.standard_error = wanted.attach_stderr;
    options.attach.framing =
        wanted.tty ? runtime::StreamFraming::kNone : runtime::StreamFraming::kStdcopy;
    options.attach.detach_keys = wanted.tty ? exec->detach_keys() : std::string();
    options.attach.early_input = std::string(early_input);
    publish_event(core_, *snapshot, "exec_start: " + exec->command_text(),
                  {{"execID", exec->id().str()}});
    auto started = run->shim.exec(options);
    if (!started) {
        client = std::move(options.client);
        return Failure(std::move(started).error());
    }
    // ORDER: whoever finds the exec running can count on its end being told.
    watch_end(exec, run, started->number);
    exec->started(run, started->number, started->pid);
    return {};
}

Result<> ExecService::Impl::start(const ExecPtr& exec, const spec::ExecStartRequest& request,
                                  UniqueFd& client, std::string_view early_input) {
    auto started = start_process(exec, request, client, early_input);
    if (!started) {
        exec->ended(start_failure_code(started.error().text()));
        exec->container()->remove_exec(exec->id());
    }
    return started;
}

ExecService::ExecService(ContainerService& containers)
    : impl_(std::make_shared<Impl>(containers)) {}

ExecService::~ExecService() = default;

Result<ExecId> ExecService::create(std::string_view container,
                                   const spec::ExecCreateRequest& request) {
    ContainerCore& core = impl_->core();
    GT_TRY_VAR(entry, core.table.find(container));
    GT_TRY(running_run(*entry));
    GT_TRY(check_exec_request(request));
    GT_TRY_VAR(keys, detach_key_bytes(request.detach_keys));
    const ExecId id(random_id());
    const auto exec = std::make_shared<ExecInstance>(id, entry, request, std::move(keys));
    entry->add_exec(id);
    impl_->registry().insert(exec);
    publish_event(core, *entry->snapshot(), "exec_create: " + exec->command_text(),
                  {{"execID", id.str()}});
    return id;
}

Result<StreamTicket> ExecService::start_attached(std::string_view exec_id,
                                                 const spec::ExecStartRequest& request) {
    GT_TRY_VAR(exec, impl_->registry().find(exec_id));
    GT_TRY(running_run(*exec->container()));
    GT_TRY(exec->claim());
    const auto claim = std::make_shared<Claim>(exec);
    return StreamTicket(exec->request().tty, [impl = impl_, exec, claim, request](
                                                 UniqueFd socket, std::string_view input) {
        claim->use();
        if (const auto started = impl->start(exec, request, socket, input); !started && socket) {
            tell_in_band(socket.get(), *exec, failure_text(started.error()));
        }
    });
}

Result<> ExecService::start_detached(std::string_view exec_id,
                                     const spec::ExecStartRequest& request) {
    GT_TRY_VAR(exec, impl_->registry().find(exec_id));
    GT_TRY(running_run(*exec->container()));
    GT_TRY(exec->claim());
    UniqueFd nobody;
    const auto started = impl_->start(exec, request, nobody, {});
    if (started) {
        return {};
    }
    const Error& error = started.error();
    const bool cannot_run = start_failure_code(error.text()) != 128;
    return fail(cannot_run ? Kind::kInvalid : error.kind(), failure_text(error));
}

Result<spec::ExecInspect> ExecService::inspect(std::string_view exec_id) const {
    GT_TRY_VAR(exec, impl_->registry().find(exec_id));
    ExecInstance::Status status = exec->settled_status();
    if (status.running && status.run != nullptr) {
        // ORDER: the shim tells us of the end before it closes the client's stream. A client that
        // saw its stream end must find the exit code here (cli-notes 2).
        flush_events(impl_->core(), exec->container(), status.run);
        status = exec->status();
    }
    const spec::ExecCreateRequest& request = exec->request();
    spec::ExecInspect inspect;
    inspect.id = exec->id().str();
    inspect.running = status.running;
    if (status.exit_code) {
        inspect.exit_code = *status.exit_code;
    }
    inspect.process_config.tty = request.tty;
    inspect.process_config.entrypoint = request.cmd.front();
    inspect.process_config.arguments.assign(request.cmd.begin() + 1, request.cmd.end());
    inspect.process_config.privileged = request.privileged;
    inspect.process_config.user = request.user;
    inspect.open_stdin = request.attach_stdin;
    inspect.open_stderr = request.attach_stderr;
    inspect.open_stdout = request.attach_stdout;
    inspect.container_id = exec->container()->id().str();
    inspect.detach_keys = request.detach_keys.empty() ? "" : exec->detach_keys();
    inspect.pid = status.pid;
    return inspect;
}

Result<> ExecService::resize(std::string_view exec_id, uint32_t rows, uint32_t columns) {
    GT_TRY_VAR(exec, impl_->registry().find(exec_id));
    // A client that sees the first output may resize before the start has come back to us.
    const ExecInstance::Status status = exec->settled_status();
    if (!status.running || status.run == nullptr) {
        return fail(Kind::kConflict,
                    fmt::format("exec process {} is not running", exec->id().str()));
    }
    return status.run->shim.resize(rows, columns, status.number);
}

}  // namespace gantry::engine
