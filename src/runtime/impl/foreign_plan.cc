#include "runtime/impl/foreign_plan.h"

#include <fmt/core.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/text.h"
#include "runtime/impl/build_context.h"
#include "runtime/impl/plan_header.h"
#include "spec/json.h"
#include "spec/value.h"
#include "sys/files.h"

namespace gantry::runtime {

namespace {

using shim::StepKind;
using spec::oci::Config;

constexpr size_t kMaxLog = size_t{1} << 20;

const std::vector<std::string>& environment() {
    static const std::vector<std::string> list = {
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"};
    return list;
}

/// The runtime's command line up to the command. A state directory for each run: nothing that a
/// crash has left can be in the way of the next.
std::vector<std::string> command_line(const ForeignRuntime& runtime, const std::string& shim_dir,
                                      const std::string& log) {
    std::vector<std::string> words = {runtime.path};
    words.insert(words.end(), runtime.arguments.begin(), runtime.arguments.end());
    for (const std::string& word :
         {std::string("--root"), shim_dir + "/state", std::string("--log"), log,
          std::string("--log-format"), std::string("json")}) {
        words.push_back(word);
    }
    return words;
}

void append(std::vector<std::string>& words, std::initializer_list<std::string> more) {
    words.insert(words.end(), more);
}

/// WORDS and the environment, as a kCommand step wants them.
shim::Text command_text(PlanWriter& plan, std::vector<std::string> words) {
    words.insert(words.end(), environment().begin(), environment().end());
    return plan.strings(words);
}

shim::Step& add_command(PlanWriter& plan, const std::vector<std::string>& words,
                        const std::string& log, std::string_view input = {}) {
    const shim::Text text = command_text(plan, words);
    shim::Step& step = plan.add(StepKind::kCommand, {}, log, input);
    step.text[0] = text;
    step.n[0] = static_cast<int64_t>(words.size());
    step.n[1] = static_cast<int64_t>(environment().size());
    return step;
}

void add_later_commands(PlanWriter& plan, const ForeignRuntime& runtime,
                        const LaunchOptions& options) {
    std::vector<std::string> kill =
        command_line(runtime, options.shim_dir, options.shim_dir + "/kill.log");
    append(kill, {"kill", options.id.str()});
    std::vector<std::string> remove =
        command_line(runtime, options.shim_dir, options.shim_dir + "/delete.log");
    append(remove, {"delete", "--force", options.id.str()});
    shim::PlanHeader& header = plan.header();
    header.kill_arguments = static_cast<uint32_t>(kill.size());
    header.delete_arguments = static_cast<uint32_t>(remove.size());
    header.command_environment = static_cast<uint32_t>(environment().size());
    header.kill_command = command_text(plan, kill);
    header.delete_command = command_text(plan, remove);
}

std::string descriptor_path(int fd) {
    return fmt::format("/proc/{}/fd/{}", getpid(), fd);
}

}  // namespace

Result<> write_bundle(const Config& config, const LaunchOptions& options) {
    if (options.userns_fd >= 0) {
        return fail(Kind::kNotImplemented,
                    "a remapped user namespace is not supported with another runtime");
    }
    Config own = config;
    own.oci_version = "1.0.2";
    own.root.path = options.shim_dir + "/rootfs";
    for (size_t i = 0; i < options.mounts.size(); ++i) {
        const auto mount = std::ranges::find(own.mounts, options.mounts[i].destination,
                                             &spec::oci::Mount::destination);
        if (mount != own.mounts.end()) {
            mount->source = fmt::format("{}/mount{}", options.shim_dir, i);
        }
    }
    if (options.netns_fd >= 0) {
        std::erase_if(own.linux.namespaces,
                      [](const auto& entry) { return entry.type == "network"; });
        own.linux.namespaces.push_back({"network", descriptor_path(options.netns_fd)});
    }
    const std::string bundle = options.shim_dir + "/bundle";
    if (mkdir(bundle.c_str(), 0700) != 0) {
        return fail_errno(bundle);
    }
    GT_TRY_VAR(dir, sys::open_dir(bundle.c_str()));
    return sys::replace_file(dir.get(), "config.json", spec::to_json(own), 0600,
                             sys::Durability::kVolatile);
}

Result<std::string> build_foreign_plan(const Config& config, const LaunchOptions& options) {
    const BuildContext numbers(config, options, nullptr);
    const ForeignRuntime& runtime = *options.foreign;
    const std::string& dir = options.shim_dir;
    PlanWriter plan;
    fill_header(plan, options);
    plan.header().terminal = config.process.terminal ? 1 : 0;
    plan.header().clone_flags = CLONE_NEWNS;
    // The first process is none of the container's.
    plan.header().has_birth = 1;
    add_later_commands(plan, runtime, options);
    // ORDER: before the mounts, so that the host sees none of them.
    plan.add(StepKind::kPropagation).flags = MS_SLAVE | MS_REC;
    plan.add(StepKind::kPlace, dir + "/rootfs").fd = numbers.root;
    for (size_t i = 0; i < options.mounts.size(); ++i) {
        plan.add(StepKind::kPlace, fmt::format("{}/mount{}", dir, i)).fd =
            numbers.mounts + static_cast<int>(i);
    }
    const std::string log = dir + "/create.log";
    const std::string console = dir + "/c";
    std::vector<std::string> create = command_line(runtime, dir, log);
    append(create, {"create", "--bundle", dir + "/bundle", "--pid-file", dir + "/pid"});
    if (config.process.terminal) {
        plan.add(StepKind::kListenConsole, console);
        append(create, {"--console-socket", console});
    }
    append(create, {options.id.str()});
    add_command(plan, create, log);
    plan.add(StepKind::kAdopt, dir + "/pid");
    if (config.process.terminal) {
        plan.add(StepKind::kTakeConsole, console);
    }
    plan.add(StepKind::kWaitForStart).fd = -1;
    const std::string start_log = dir + "/start.log";
    std::vector<std::string> start = command_line(runtime, dir, start_log);
    append(start, {"start", options.id.str()});
    add_command(plan, start, start_log).flags = shim::kCommandQuiet;
    plan.add(StepKind::kLeave);
    return plan.finish();
}

Result<std::string> build_foreign_exec_plan(const spec::oci::Process& process, StdinMode stdin_mode,
                                            const ForeignContainer& container,
                                            std::string_view tag) {
    const std::string& dir = container.shim_dir;
    const std::string pid_file = fmt::format("{}/{}.pid", dir, tag);
    const std::string console = fmt::format("{}/{}.c", dir, tag);
    const std::string log = fmt::format("{}/{}.log", dir, tag);
    PlanWriter plan;
    plan.header().terminal = process.terminal ? 1 : 0;
    plan.header().stdin_mode = static_cast<shim::StdinMode>(stdin_mode);
    std::vector<std::string> words = command_line(container.runtime, dir, log);
    append(words, {"exec", "--detach", "--pid-file", pid_file, "--process",
                   fmt::format("/proc/self/fd/{}", shim::kCommandInput)});
    if (process.terminal) {
        plan.add(StepKind::kListenConsole, console);
        append(words, {"--console-socket", console});
    }
    append(words, {container.id});
    add_command(plan, words, log, spec::to_json(process));
    plan.add(StepKind::kAdopt, pid_file);
    if (process.terminal) {
        plan.add(StepKind::kTakeConsole, console);
    }
    plan.add(StepKind::kLeave);
    return plan.finish();
}

std::string read_runtime_error(const std::string& log) {
    const auto text = sys::read_file(log.c_str(), kMaxLog);
    std::string message;
    for (const std::string_view line : split(text ? std::string_view(*text) : "", '\n')) {
        const auto record = spec::Value::parse(line);
        if (!record || !record->is_object()) {
            continue;
        }
        const spec::Value* level = record->find("level");
        const spec::Value* said = record->find("msg");
        if (level != nullptr && said != nullptr && level->is_string() && said->is_string() &&
            (level->as_string() == "error" || level->as_string() == "fatal")) {
            message = said->as_string();
        }
    }
    return message;
}

}  // namespace gantry::runtime
