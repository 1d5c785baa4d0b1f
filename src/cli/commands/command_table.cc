#include <algorithm>

#include "base/text.h"
#include "cli/command.h"
#include "cli/commands/command_flags.h"
#include "cli/commands/handlers.h"
#include "cli/commands/run_flags.h"

namespace gantry::cli {
namespace {

namespace cf = command_flags;

constexpr ArgumentCount kNone = {0, 0};
constexpr ArgumentCount kOne = {1, 1};
constexpr ArgumentCount kTwo = {2, 2};
constexpr ArgumentCount kSome = {1, -1};

constexpr std::string_view kContainers = "CONTAINER [CONTAINER...]";
constexpr std::string_view kImages = "IMAGE [IMAGE...]";
constexpr std::string_view kVolumes = "VOLUME [VOLUME...]";

// clang-format off
constexpr Command kCommands[] = {
    {.path = "container attach", .shortcut = "attach", .arguments = "CONTAINER",
     .summary = "Connect STDIN, STDOUT and STDERR to a running container",
     .flags = cf::kAttach, .count = kOne, .run = run_attach},
    {.path = "container commit", .shortcut = "commit",
     .arguments = "CONTAINER [REPOSITORY[:TAG]]",
     .summary = "Make an image of a container and its changes",
     .flags = cf::kCommit, .count = {1, 2}, .run = run_commit},
    {.path = "container cp", .shortcut = "cp",
     .arguments = "CONTAINER:SRC_PATH DEST_PATH|-\nSRC_PATH|- CONTAINER:DEST_PATH",
     .summary = "Copy files between a container and the host",
     .flags = cf::kCp, .count = kTwo, .run = run_cp},
    {.path = "container create", .shortcut = "create", .arguments = "IMAGE [COMMAND] [ARG...]",
     .summary = "Make a container without starting it",
     .flags = kCreateFlags, .count = kSome, .interspersed = Interspersed::kNo, .run = run_create},
    {.path = "container diff", .shortcut = "diff", .arguments = "CONTAINER",
     .summary = "List the files that a container has changed",
     .count = kOne, .run = run_diff},
    {.path = "container exec", .shortcut = "exec", .arguments = "CONTAINER COMMAND [ARG...]",
     .summary = "Run a command in a running container",
     .flags = cf::kExec, .count = {2, -1}, .interspersed = Interspersed::kNo, .run = run_exec},
    {.path = "container export", .shortcut = "export", .arguments = "CONTAINER",
     .summary = "Write a container's file system as a tar archive",
     .flags = cf::kExport, .count = kOne, .run = run_export},
    {.path = "container inspect", .arguments = kContainers,
     .summary = "Print all that is known about containers",
     .flags = cf::kContainerInspect, .count = kSome, .run = run_container_inspect},
    {.path = "container kill", .shortcut = "kill", .arguments = kContainers,
     .summary = "Kill running containers",
     .flags = cf::kKill, .count = kSome, .run = run_kill},
    {.path = "container logs", .shortcut = "logs", .arguments = "CONTAINER",
     .summary = "Print a container's output",
     .flags = cf::kLogs, .count = kOne, .run = run_logs},
    {.path = "container ls", .aliases = {"container list", "container ps"}, .shortcut = "ps",
     .summary = "List containers",
     .flags = cf::kPs, .count = kNone, .run = run_ps},
    {.path = "container pause", .shortcut = "pause", .arguments = kContainers,
     .summary = "Suspend all processes of containers",
     .count = kSome, .run = run_pause},
    {.path = "container port", .shortcut = "port",
     .arguments = "CONTAINER [PRIVATE_PORT[/PROTO]]",
     .summary = "Print where a container's ports are published",
     .count = {1, 2}, .run = run_port},
    {.path = "container prune",
     .summary = "Remove all stopped containers",
     .flags = cf::kPrune, .count = kNone, .run = run_container_prune},
    {.path = "container rename", .shortcut = "rename", .arguments = "CONTAINER NEW_NAME",
     .summary = "Give a container another name",
     .count = kTwo, .run = run_rename},
    {.path = "container restart", .shortcut = "restart", .arguments = kContainers,
     .summary = "Stop containers and start them again",
     .flags = cf::kStop, .count = kSome, .run = run_restart},
    {.path = "container revisions", .aliases = {"container history"}, .shortcut = "revisions",
     .arguments = "CONTAINER",
     .summary = "Print what was changed of a container since it was made (Gantry)",
     .flags = cf::kRevisions, .count = kOne, .run = run_revisions},
    {.path = "container rm", .aliases = {"container remove"}, .shortcut = "rm",
     .arguments = kContainers, .summary = "Remove containers",
     .flags = cf::kRm, .count = kSome, .run = run_rm},
    {.path = "container rollback", .shortcut = "rollback", .arguments = "CONTAINER [REVISION]",
     .summary = "Make a container what it was at an earlier revision (Gantry)",
     .flags = cf::kRollback, .count = {1, 2}, .run = run_rollback},
    {.path = "container run", .shortcut = "run", .arguments = "IMAGE [COMMAND] [ARG...]",
     .summary = "Make a container of an image and start it",
     .flags = kRunFlags, .count = kSome, .interspersed = Interspersed::kNo, .run = run_run},
    {.path = "container start", .shortcut = "start", .arguments = kContainers,
     .summary = "Start stopped containers",
     .flags = cf::kStart, .count = kSome, .run = run_start},
    {.path = "container stats", .shortcut = "stats", .arguments = "[CONTAINER...]",
     .summary = "Print what containers use, again and again",
     .flags = cf::kStats, .run = run_stats},
    {.path = "container stop", .shortcut = "stop", .arguments = kContainers,
     .summary = "Stop running containers",
     .flags = cf::kStop, .count = kSome, .run = run_stop},
    {.path = "container top", .shortcut = "top", .arguments = "CONTAINER [ps OPTIONS]",
     .summary = "Print the processes of a container",
     .count = kSome, .interspersed = Interspersed::kNo, .run = run_top},
    {.path = "container unpause", .shortcut = "unpause", .arguments = kContainers,
     .summary = "Let paused containers go on",
     .count = kSome, .run = run_unpause},
    {.path = "container update", .shortcut = "update", .arguments = kContainers,
     .summary = "Change containers",
     .flags = cf::kUpdate, .count = kSome, .run = run_update},
    {.path = "container wait", .shortcut = "wait", .arguments = kContainers,
     .summary = "Wait until containers stop and print their exit codes",
     .count = kSome, .run = run_wait},
    {.path = "image history", .shortcut = "history", .arguments = "IMAGE",
     .summary = "Print how an image was made",
     .flags = cf::kHistory, .count = kOne, .run = run_history},
    {.path = "image import", .shortcut = "import", .arguments = "file|URL|- [REPOSITORY[:TAG]]",
     .summary = "Make an image of a tar archive's content",
     .flags = cf::kImport, .count = {1, -1}, .run = run_import},
    {.path = "image inspect", .arguments = kImages,
     .summary = "Print all that is known about images",
     .flags = cf::kImageInspect, .count = kSome, .run = run_image_inspect},
    {.path = "image load", .shortcut = "load",
     .summary = "Load images from a tar archive or STDIN",
     .flags = cf::kLoad, .count = kNone, .run = run_load},
    {.path = "image ls", .aliases = {"image list"}, .shortcut = "images",
     .arguments = "[REPOSITORY[:TAG]]", .summary = "List images",
     .flags = cf::kImages, .count = {0, 1}, .run = run_images},
    {.path = "image prune",
     .summary = "Remove unused images",
     .flags = cf::kPruneAll, .count = kNone, .run = run_image_prune},
    {.path = "image pull", .shortcut = "pull", .arguments = "NAME[:TAG|@DIGEST]",
     .summary = "Download an image from a registry",
     .flags = cf::kPull, .count = kOne, .run = run_pull},
    {.path = "image rm", .aliases = {"image remove"}, .shortcut = "rmi", .arguments = kImages,
     .summary = "Remove images",
     .flags = cf::kRmi, .count = kSome, .run = run_rmi},
    {.path = "image save", .shortcut = "save", .arguments = kImages,
     .summary = "Write images to a tar archive (to STDOUT by default)",
     .flags = cf::kSave, .count = kSome, .run = run_save},
    {.path = "image tag", .shortcut = "tag", .arguments = "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
     .summary = "Give an image another name",
     .count = kTwo, .run = run_tag},
    {.path = "inspect", .arguments = "NAME|ID [NAME|ID...]",
     .summary = "Print all that is known about objects",
     .flags = cf::kInspect, .count = kSome, .run = run_inspect},
    {.path = "system df",
     .summary = "Print how much disk images, containers and volumes use",
     .flags = cf::kSystemDf, .count = kNone, .run = run_system_df},
    {.path = "system events", .shortcut = "events",
     .summary = "Print events of the daemon as they happen",
     .flags = cf::kEvents, .count = kNone, .run = run_events},
    {.path = "system info", .shortcut = "info",
     .summary = "Print information about the daemon and its host",
     .flags = cf::kFormatOnly, .count = kNone, .run = run_info},
    {.path = "system prune",
     .summary = "Remove what is not used",
     .flags = cf::kSystemPrune, .count = kNone, .run = run_system_prune},
    {.path = "version",
     .summary = "Print the versions of client and daemon",
     .flags = cf::kFormatOnly, .count = kNone, .run = run_version},
    {.path = "volume create", .arguments = "[VOLUME]", .summary = "Make a volume",
     .flags = cf::kVolumeCreate, .count = {0, 1}, .run = run_volume_create},
    {.path = "volume inspect", .arguments = kVolumes,
     .summary = "Print all that is known about volumes",
     .flags = cf::kFormatOnly, .count = kSome, .run = run_volume_inspect},
    {.path = "volume ls", .aliases = {"volume list"}, .summary = "List volumes",
     .flags = cf::kVolumeLs, .count = kNone, .run = run_volume_ls},
    {.path = "volume prune", .summary = "Remove volumes that no container uses",
     .flags = cf::kVolumePrune, .count = kNone, .run = run_volume_prune},
    {.path = "volume rename", .arguments = "VOLUME NEW_NAME",
     .summary = "Give a volume another name (Gantry)",
     .count = kTwo, .run = run_volume_rename},
    {.path = "volume rm", .aliases = {"volume remove"}, .arguments = kVolumes,
     .summary = "Remove volumes",
     .flags = cf::kVolumeRm, .count = kSome, .run = run_volume_rm},
};
// clang-format on

constexpr CommandGroup kGroups[] = {
    {"container", "Manage containers"},
    {"image", "Manage images"},
    {"system", "Manage the daemon"},
    {"volume", "Manage volumes"},
};

}  // namespace

std::span<const Command> all_commands() {
    return kCommands;
}

std::span<const CommandGroup> all_groups() {
    return kGroups;
}

const CommandGroup* find_group(std::string_view name) {
    for (const CommandGroup& group : kGroups) {
        if (group.name == name) {
            return &group;
        }
    }
    return nullptr;
}

FoundCommand find_command(std::span<const std::string> words) {
    if (words.empty()) {
        return {};
    }
    for (const Command& command : kCommands) {
        if (words[0] == command.shortcut) {
            return {&command, command.shortcut, 1};
        }
        const auto matches = [&](std::string_view path) {
            const auto [first, second, nested] = cut(path, ' ');
            return words[0] == first && (!nested || (words.size() > 1 && words[1] == second));
        };
        if (matches(command.path)) {
            const bool nested = command.path.find(' ') != std::string_view::npos;
            return {&command, command.path, nested ? size_t{2} : size_t{1}};
        }
        for (const std::string_view alias : command.aliases) {
            if (!alias.empty() && matches(alias)) {
                return {&command, command.path, 2};
            }
        }
    }
    return {};
}

std::vector<std::string_view> paths_of(const Command& command) {
    std::vector<std::string_view> paths = {command.path};
    for (const std::string_view alias : command.aliases) {
        if (!alias.empty()) {
            paths.push_back(alias);
        }
    }
    if (!command.shortcut.empty()) {
        paths.push_back(command.shortcut);
    }
    return paths;
}

}  // namespace gantry::cli
