#include "runtime/shim_handle.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <vector>

#include "base/text.h"
#include "runtime/impl/failure_text.h"
#include "runtime/impl/foreign_plan.h"
#include "runtime/impl/shim_reaper.h"
#include "runtime/impl/shim_socket.h"
#include "runtime/plan_builder.h"
#include "runtime/seccomp_program.h"
#include "spec/oci/runtime.h"
#include "sys/files.h"

namespace gantry::runtime {

namespace {

using shim::RequestKind;
using std::chrono::milliseconds;

constexpr milliseconds kPatience{10000};
/// A cold disk may take long to give the program.
constexpr milliseconds kExecPatience{60000};

shim::Request make_request(RequestKind kind, uint32_t process) {
    shim::Request request = {};
    request.kind = kind;
    request.process = process;
    return request;
}

Exit make_exit(int32_t code, int64_t time, uint32_t oom_killed) {
    return {code, WallTime(std::chrono::nanoseconds(time)), oom_killed != 0};
}

Failure refused(const char* what, int error) {
    switch (error) {
        case ESRCH: return fail(Kind::kNotFound, "the process has ended");
        case ENOENT: return fail(Kind::kNotFound, "the file is gone");
        case ENOTTY: return fail(Kind::kConflict, "the process has no terminal");
        default:
            return Failure(
                Error(Kind::kInternal, fmt::format("{}: {}", what, std::strerror(error)), error));
    }
}

/// A request whose answer is only yes or no.
Result<> command(int socket, const shim::Request& request, const char* what) {
    GT_TRY_VAR(reply, ask(socket, request, {}, {}, kPatience));
    if (reply.answer.error != 0) {
        return refused(what, reply.answer.error);
    }
    return {};
}

uint32_t framing_flags(StreamFraming framing) {
    switch (framing) {
        case StreamFraming::kNone: return 0;
        case StreamFraming::kStdcopy: return shim::kAttachFramed;
        case StreamFraming::kWebSocket: return shim::kAttachWebSocket;
        case StreamFraming::kWebSocketText:
            return shim::kAttachWebSocket | shim::kAttachWebSocketText;
    }
    return 0;
}

uint32_t attach_flags(const AttachOptions& options) {
    return (options.standard_input ? shim::kAttachStdin : 0) |
           (options.standard_output ? shim::kAttachStdout : 0) |
           (options.standard_error ? shim::kAttachStderr : 0) | framing_flags(options.framing);
}

Result<std::string> fill_attach(shim::Request& request, const AttachOptions& options) {
    if (options.detach_keys.size() > shim::kMaxDetachKeys ||
        options.early_input.size() > shim::kMaxEarlyInput) {
        return fail(Kind::kInvalid, "too many detach keys or too much early input");
    }
    request.flags |= attach_flags(options);
    request.a = static_cast<uint32_t>(options.detach_keys.size());
    request.b = static_cast<uint32_t>(options.early_input.size());
    request.c = options.notify_id;
    return options.detach_keys + options.early_input;
}

/// A name for the files of one exec in the shim's directory, which no exec of an earlier daemon
/// has. Short: one of them is a socket, whose address has no room for a long path.
std::string exec_tag() {
    using std::chrono::duration_cast;
    static std::atomic<int64_t> next{
        duration_cast<milliseconds>(wall_now().time_since_epoch()).count()};
    return fmt::format("e{:x}", next++);
}

Result<std::string> compile_exec(const ExecOptions& options) {
    const StdinMode stdin_mode = options.open_stdin ? StdinMode::kOnce : StdinMode::kNone;
    if (options.foreign) {
        return build_foreign_exec_plan(*options.process, stdin_mode, *options.foreign, exec_tag());
    }
    GT_TRY_VAR(filter, seccomp_program(options.seccomp));
    ExecPlanOptions plan_options;
    plan_options.stdin_mode = stdin_mode;
    plan_options.linux = options.linux;
    return build_exec_plan(*options.process, filter, plan_options);
}

}  // namespace

ShimHandle::ShimHandle(ShimHandle&&) noexcept = default;
ShimHandle& ShimHandle::operator=(ShimHandle&&) noexcept = default;

ShimHandle::~ShimHandle() {
    socket_.reset();
    remember_shim(std::move(shim_pidfd_));
}

Result<> ShimHandle::greet() {
    shim::Request request = make_request(RequestKind::kHello, 0);
    request.a = shim::kProtocolVersion;
    GT_TRY_VAR(reply, ask(socket_.get(), request, {}, {}, kExecPatience));
    const shim::Answer& answer = reply.answer;
    if (answer.version != shim::kProtocolVersion) {
        return fail(Kind::kUnavailable,
                    fmt::format("the container's shim speaks version {}, not {}", answer.version,
                                shim::kProtocolVersion));
    }
    if (answer.error != 0) {
        return Failure(launch_failure(answer));
    }
    switch (answer.phase) {
        case shim::Phase::kPreparing:
        case shim::Phase::kFailed: return fail(Kind::kUnavailable, "the container was not started");
        case shim::Phase::kReady: phase_ = Phase::kReady; break;
        case shim::Phase::kRunning: phase_ = Phase::kRunning; break;
        case shim::Phase::kExited: phase_ = Phase::kExited; break;
    }
    pid_ = answer.pid;
    init_pidfd_ = std::move(reply.fd);
    exit_ = make_exit(answer.exit_code, answer.exit_time, answer.oom_killed);
    return {};
}

Result<> ShimHandle::start() {
    GT_TRY_VAR(reply,
               ask(socket_.get(), make_request(RequestKind::kStart, 0), {}, {}, kExecPatience));
    if (reply.answer.error != 0) {
        return Failure(launch_failure(reply.answer));
    }
    return {};
}

Result<> ShimHandle::kill(int signal, uint32_t exec) {
    shim::Request request = make_request(RequestKind::kSignal, exec);
    request.a = static_cast<uint32_t>(signal);
    return command(socket_.get(), request, "kill");
}

Result<> ShimHandle::resize(uint32_t rows, uint32_t columns, uint32_t exec) {
    shim::Request request = make_request(RequestKind::kResize, exec);
    request.a = rows;
    request.b = columns;
    return command(socket_.get(), request, "resize");
}

Result<> ShimHandle::close_stdin(uint32_t exec) {
    return command(socket_.get(), make_request(RequestKind::kCloseStdin, exec), "close stdin");
}

Result<> ShimHandle::attach(UniqueFd client, const AttachOptions& options) {
    shim::Request request = make_request(RequestKind::kAttach, 0);
    GT_TRY_VAR(payload, fill_attach(request, options));
    const int fds[] = {client.get()};
    GT_TRY_VAR(reply, ask(socket_.get(), request, payload, fds, kPatience));
    if (reply.answer.error != 0) {
        return refused("attach", reply.answer.error);
    }
    return {};
}

Result<UniqueFd> ShimHandle::begin_exec(const ExecOptions& options) {
    GT_TRY_VAR(plan, compile_exec(options));
    GT_TRY_VAR(memfd, sealed_memfd("gantry-exec", plan));
    shim::Request request = make_request(RequestKind::kExec, 0);
    std::vector<int> fds = {memfd.get()};
    std::string payload;
    if (options.client) {
        request.flags = shim::kExecClient;
        fds.push_back(options.client.get());
        GT_TRY_VAR(bytes, fill_attach(request, options.attach));
        payload = bytes;
    }
    return send_question(socket_.get(), request, payload, fds);
}

Result<ExecStarted> ShimHandle::finish_exec(UniqueFd pending) {
    GT_TRY_VAR(reply, receive_reply(pending.get(), kExecPatience));
    shim::Answer& answer = reply.answer;
    if (answer.error != 0) {
        if (answer.step == 0 && answer.error == ESRCH) {
            return fail(Kind::kConflict, "container is not running");
        }
        answer.process = std::max(answer.process, 1U);  // the words for an exec
        return Failure(launch_failure(answer));
    }
    return ExecStarted{answer.process, answer.pid};
}

Result<ExecStarted> ShimHandle::exec(ExecOptions& options) {
    GT_TRY_VAR(pending, begin_exec(options));
    auto started = finish_exec(std::move(pending));
    if (started) {
        options.client.reset();
    }
    return started;
}

Result<> ShimHandle::forget_exec(uint32_t exec) {
    return command(socket_.get(), make_request(RequestKind::kForgetExec, exec), "forget exec");
}

Result<> ShimHandle::take_compressed_log(uint64_t inode) {
    shim::Request request = make_request(RequestKind::kTakeCompressedLog, 0);
    request.c = inode;
    return command(socket_.get(), request, "take compressed log");
}

Result<> ShimHandle::clear_log() {
    return command(socket_.get(), make_request(RequestKind::kClearLog, 0), "clear log");
}

Result<> ShimHandle::release() {
    return command(socket_.get(), make_request(RequestKind::kRelease, 0), "release");
}

Result<std::optional<Event>> ShimHandle::receive() {
    shim::EventMessage message = {};
    ssize_t size = -1;
    do {
        size = recv(socket_.get(), &message, sizeof message, MSG_DONTWAIT);
    } while (size < 0 && errno == EINTR);
    if (size < 0 && errno == EAGAIN) {
        return std::optional<Event>();
    }
    Event event;
    if (size <= 0) {
        // Its last act is to become a zombie, a moment after its sockets closed.
        remember_shim(std::move(shim_pidfd_));
        event.type = Event::Type::kGone;
        return event;
    }
    if (size != static_cast<ssize_t>(sizeof message)) {
        return fail(Kind::kInternal, "the container's shim sent an event of unknown size");
    }
    switch (message.kind) {
        case shim::EventKind::kExited: event.type = Event::Type::kExited; break;
        case shim::EventKind::kExecExited: event.type = Event::Type::kExecExited; break;
        case shim::EventKind::kDetached: event.type = Event::Type::kDetached; break;
        case shim::EventKind::kAttachClosed: event.type = Event::Type::kAttachClosed; break;
        case shim::EventKind::kAttachDropped: event.type = Event::Type::kAttachDropped; break;
        case shim::EventKind::kLogRotated: event.type = Event::Type::kLogRotated; break;
        case shim::EventKind::kLogDropped: event.type = Event::Type::kLogDropped; break;
        default: return fail(Kind::kInternal, "the container's shim sent an unknown event");
    }
    event.exec = message.process;
    event.exit = make_exit(message.exit_code, message.exit_time, message.oom_killed);
    event.notify_id = message.notify_id;
    event.error = message.exit_code;
    return event;
}

Result<ShimHandle> reconnect(const std::string& shim_dir) {
    ShimHandle handle;
    GT_TRY_VAR(socket, connect_to(shim_dir));
    handle.socket_ = std::move(socket);
    GT_TRY(handle.greet());
    return handle;
}

Result<std::optional<Exit>> read_exit_record(const std::string& container_dir) {
    const std::string path = container_dir + "/exit";
    UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) {
        if (errno == ENOENT) {
            return std::optional<Exit>();
        }
        return fail_errno(path);
    }
    char text[128];
    const ssize_t size = read(fd.get(), text, sizeof text);
    if (size < 0) {
        return fail_errno(path);
    }
    const std::vector<std::string_view> parts =
        split(trim(std::string_view(text, static_cast<size_t>(size))), ' ');
    const auto code = parse_int(parts[0]);
    const auto time = parts.size() == 3 ? parse_int(parts[1]) : std::nullopt;
    if (!code || !time || *code < 0 || *code > 255) {
        return fail(Kind::kDataLoss, path + ": not an exit record");
    }
    return make_exit(static_cast<int32_t>(*code), *time, parts[2] == "1" ? 1 : 0);
}

Result<> remove_shim_dir(const std::string& shim_dir) {
    if (unlink((shim_dir + "/s").c_str()) != 0 && errno != ENOENT && errno != ENOTDIR) {
        return fail_errno(shim_dir);
    }
    if (rmdir(shim_dir.c_str()) == 0 || errno == ENOENT) {
        return {};
    }
    // Another runtime's container has more in it.
    return errno == ENOTEMPTY ? sys::remove_tree(AT_FDCWD, shim_dir.c_str()) : fail_errno(shim_dir);
}

}  // namespace gantry::runtime
