#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string_view>

#include "shim/impl/executor.h"
#include "shim/impl/next_part.h"

namespace gantry::shim {

namespace {

/// With the capabilities that the program will have: access(2) asks for the real uid, without them.
bool may_execute(const char* path) {
    if (syscall(SYS_faccessat2, AT_FDCWD, path, X_OK, AT_EACCESS) == 0) {
        return true;
    }
    // Linux before 5.8, or a seccomp filter that does not know the call.
    return (errno == ENOSYS || errno == EPERM) && access(path, X_OK) == 0;
}

/// As Go's exec.findExecutable, which runc uses.
ExecFailure check_executable(const char* path, int* error) {
    struct stat status = {};
    if (stat(path, &status) != 0) {
        *error = errno;
        return ExecFailure::kStat;
    }
    if (S_ISDIR(status.st_mode)) {
        *error = EISDIR;
        return ExecFailure::kIsDirectory;
    }
    if (!may_execute(path) || (status.st_mode & 0111) == 0) {
        *error = EACCES;
        return ExecFailure::kNotExecutable;
    }
    return ExecFailure::kNone;
}

std::string_view path_variable(const PlanView& plan, const Step& step) {
    const char* entry = plan.text(step.text[1]);
    for (int64_t i = 0; i < step.n[1]; ++i) {
        if (strncmp(entry, "PATH=", 5) == 0) {
            return entry + 5;
        }
        entry += strlen(entry) + 1;
    }
    return {};
}

int search(ChildContext& context, std::string_view name, std::string_view path) {
    while (!path.empty()) {
        const std::string_view dir = next_part(path, ':');
        // Directories relative to the working directory are not searched.
        if (!dir.starts_with('/') || dir.size() + name.size() + 2 > sizeof context.program) {
            continue;
        }
        memcpy(context.program, dir.data(), dir.size());
        context.program[dir.size()] = '/';
        memcpy(context.program + dir.size() + 1, name.data(), name.size());
        context.program[dir.size() + 1 + name.size()] = '\0';
        int error = 0;
        if (check_executable(context.program, &error) == ExecFailure::kNone) {
            return 0;
        }
    }
    context.exec_failure = ExecFailure::kNotInPath;
    return ENOENT;
}

/// Points TABLE at COUNT strings and ends it with a null pointer.
bool fill(const char** table, const PlanView& plan, const Text& text, int64_t count) {
    const char* entry = plan.text(text);
    const char* end = entry + text.size;
    for (int64_t i = 0; i < count; ++i) {
        if (entry >= end) {
            return false;
        }
        table[i] = entry;
        entry += strlen(entry) + 1;
    }
    table[count] = nullptr;
    return true;
}

}  // namespace

int find_program(ChildContext& context, const Step& step) {
    const std::string_view name(context.plan.text(step.text[0]));
    if (name.empty()) {
        context.exec_failure = ExecFailure::kNotInPath;
        return ENOENT;
    }
    if (name.find('/') == std::string_view::npos) {
        return search(context, name, path_variable(context.plan, step));
    }
    if (name.size() >= sizeof context.program) {
        return ENAMETOOLONG;
    }
    memcpy(context.program, name.data(), name.size() + 1);
    int error = 0;
    context.exec_failure = check_executable(context.program, &error);
    return error;
}

int wait_for_start(ChildContext& context, const Step& step) {
    ChildMessage message = {};
    message.kind = ChildMessageKind::kReady;
    if (step.fd < 0) {
        return tell_and_wait(context.sync_fd, message);
    }
    // write(2) and read(2), because a loaded seccomp filter may know no others. Our own end of the
    // FIFO is open for writing, too: the read ends by START alone.
    char start = 0;
    if (write(context.sync_fd, &message, sizeof message) < 0 || read(step.fd, &start, 1) != 1) {
        return errno;
    }
    return 0;
}

int exec_program(ChildContext& context, const Step& step) {
    const auto argc = static_cast<size_t>(step.n[0]);
    const auto envc = static_cast<size_t>(step.n[1]);
    const size_t bytes = (argc + envc + 2) * sizeof(char*);
    void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        return errno;
    }
    auto* table = static_cast<const char**>(memory);
    if (argc == 0 || !fill(table, context.plan, step.text[0], step.n[0]) ||
        !fill(table + argc + 1, context.plan, step.text[1], step.n[1])) {
        return EINVAL;
    }
    context.exec_failure = ExecFailure::kExec;
    // SAFETY: execve(2) takes char* const* for historical reasons and writes to neither.
    execve(context.program, const_cast<char**>(table), const_cast<char**>(table + argc + 1));
    return errno;
}

}  // namespace gantry::shim
