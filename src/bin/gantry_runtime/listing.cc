#include <fcntl.h>
#include <fmt/core.h>
#include <pwd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "base/text.h"
#include "bin/gantry_runtime/commands.h"
#include "spec/value.h"
#include "sys/files.h"
#include "sys/process.h"

namespace gantry::standalone {

namespace {

constexpr size_t kMaxOutput = size_t{64} << 20;

void print(const std::string& text) {
    (void)std::fwrite(text.data(), 1, text.size(), stdout);
}

Result<spec::Value> describe(const Globals& globals, const Record& record) {
    GT_TRY_VAR(status, globals.containers.status(record));
    spec::Value value;
    value.set("ociVersion", record.config.oci_version);
    value.set("id", record.id);
    value.set("pid", int64_t{status == Status::kStopped ? 0 : record.pid});
    value.set("status", status_name(status));
    value.set("bundle", record.bundle);
    value.set("rootfs", record.config.root.path);
    value.set("created", record.created);
    if (!record.config.annotations.empty()) {
        spec::Value annotations;
        for (const auto& [key, text] : record.config.annotations) {
            annotations.set(key, text);
        }
        value.set("annotations", std::move(annotations));
    }
    // SAFETY: no threads, so getpwuid(3)'s static buffer is ours.
    const passwd* user = getpwuid(record.owner);
    value.set("owner",
              user != nullptr ? std::string(user->pw_name) : fmt::format("#{}", record.owner));
    return value;
}

Result<int> state(const Globals& globals, const CommandLine& line) {
    GT_TRY_VAR(id, container_operand(line, "state"));
    GT_TRY_VAR(record, globals.containers.load(id));
    GT_TRY_VAR(value, describe(globals, record));
    print(value.pretty(2) + "\n");
    return 0;
}

/// Rows with columns as wide as their widest cell.
std::string format_table(const std::vector<std::vector<std::string>>& rows) {
    std::vector<size_t> widths;
    for (const auto& row : rows) {
        widths.resize(std::max(widths.size(), row.size()));
        for (size_t i = 0; i < row.size(); ++i) {
            widths[i] = std::max(widths[i], row[i].size());
        }
    }
    std::string text;
    for (const auto& row : rows) {
        for (size_t i = 0; i < row.size(); ++i) {
            text += i + 1 == row.size() ? row[i] : fmt::format("{:{}}", row[i], widths[i] + 3);
        }
        text += "\n";
    }
    return text;
}

Result<int> list(const Globals& globals, const CommandLine& line) {
    GT_TRY_VAR(ids, globals.containers.list());
    const std::string format = line.get("format", "table");
    if (format != "table" && format != "json") {
        return fail(Kind::kInvalid, "invalid format option");
    }
    spec::Value::Array values;
    for (const std::string& id : ids) {
        const auto record = globals.containers.load(id);
        if (!record || record->bundle.empty()) {
            continue;  // gone meanwhile, or not there yet
        }
        GT_TRY_VAR(value, describe(globals, *record));
        values.push_back(std::move(value));
    }
    if (line.has("quiet")) {
        for (const spec::Value& value : values) {
            print(value.find("id")->as_string() + "\n");
        }
    } else if (format == "json") {
        print(values.empty() ? "null" : spec::Value(std::move(values)).serialize());
    } else {
        std::vector<std::vector<std::string>> rows = {
            {"ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"}};
        for (const spec::Value& value : values) {
            rows.push_back({value.find("id")->as_string(),
                            std::to_string(value.find("pid")->as_int()),
                            value.find("status")->as_string(), value.find("bundle")->as_string(),
                            value.find("created")->as_string(), value.find("owner")->as_string()});
        }
        print(format_table(rows));
    }
    return 0;
}

Result<std::string> run_ps(std::vector<std::string> arguments) {
    UniqueFd output(memfd_create("ps", MFD_CLOEXEC));
    const UniqueFd null(open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (!output || !null) {
        return fail_errno("run ps");
    }
    sys::SpawnRequest request;
    request.path = access("/bin/ps", X_OK) == 0 ? "/bin/ps" : "/usr/bin/ps";
    request.argv = std::move(arguments);
    request.fds = {{null.get(), 0}, {output.get(), 1}, {STDERR_FILENO, 2}};
    GT_TRY_VAR(child, sys::spawn(request));
    GT_TRY_VAR(status, sys::wait_child(child.pidfd.get(), sys::Wait::kBlock, sys::Reap::kYes));
    if (status->code != 0 || lseek(output.get(), 0, SEEK_SET) != 0) {
        return fail(Kind::kInternal, fmt::format("ps: exit status {}", status->docker_code()));
    }
    return sys::read_all(output.get(), kMaxOutput);
}

std::vector<std::string_view> words(std::string_view line) {
    std::vector<std::string_view> list = split(line, ' ');
    std::erase(list, "");
    return list;
}

/// The lines of ps for PROCESSES, with the titles.
Result<std::string> select_lines(std::string_view output, const std::vector<pid_t>& processes) {
    const auto lines = split(output, '\n');
    const auto titles = words(lines.front());
    const auto column = static_cast<size_t>(std::ranges::find(titles, "PID") - titles.begin());
    if (column == titles.size()) {
        return fail(Kind::kInvalid, "couldn't find PID field in ps output");
    }
    std::string selected = std::string(lines.front()) + "\n";
    for (size_t i = 1; i < lines.size(); ++i) {
        const auto fields = words(lines[i]);
        const auto pid = column < fields.size() ? parse_int(fields[column]) : std::nullopt;
        if (pid && std::ranges::find(processes, static_cast<pid_t>(*pid)) != processes.end()) {
            selected += std::string(lines[i]) + "\n";
        }
    }
    return selected;
}

Result<int> ps(const Globals& globals, const CommandLine& line) {
    if (line.operands().empty()) {
        return fail(Kind::kInvalid, "\"ps\" requires a minimum of 1 argument");
    }
    GT_TRY_VAR(record, globals.containers.load(line.operands()[0]));
    GT_TRY_VAR(cgroup, cgroup_of(record));
    if (!cgroup) {
        return fail(Kind::kNotImplemented, "the container has no cgroup");
    }
    GT_TRY_VAR(processes, cgroup->processes());
    std::ranges::sort(processes);
    const std::string format = line.get("format", "table");
    if (format == "json") {
        spec::Value::Array pids;
        for (const pid_t pid : processes) {
            pids.emplace_back(int64_t{pid});
        }
        print(spec::Value(std::move(pids)).serialize());
        return 0;
    }
    if (format != "table") {
        return fail(Kind::kInvalid, "invalid format option");
    }
    std::vector<std::string> arguments = {"ps"};
    arguments.insert(arguments.end(), line.operands().begin() + 1, line.operands().end());
    if (arguments.size() == 1) {
        arguments.emplace_back("-ef");
    }
    GT_TRY_VAR(output, run_ps(std::move(arguments)));
    GT_TRY_VAR(selected, select_lines(output, processes));
    print(selected);
    return 0;
}

}  // namespace

void add_listing_commands(std::vector<Command>& commands) {
    commands.push_back({"state",
                        "<container-id>",
                        "output the state of a container",
                        {},
                        Flags::kAnywhere,
                        &state});
    commands.push_back({"list",
                        "",
                        "list containers started with the given root",
                        {{"format,f", Takes::kValue, "table or json"},
                         {"quiet,q", Takes::kNothing, "display only container IDs"}},
                        Flags::kAnywhere,
                        &list});
    commands.push_back({"ps",
                        "<container-id> [ps options]",
                        "display the processes inside a container",
                        {{"format,f", Takes::kValue, "table or json"}},
                        Flags::kFirst,
                        &ps});
}

}  // namespace gantry::standalone
