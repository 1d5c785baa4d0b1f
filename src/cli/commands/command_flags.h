#pragma once

// lint: table

#include <array>

#include "cli/flags/flag.h"
#include "cli/flags/flag_types.h"

// The flag tables of all commands but run and create.
namespace gantry::cli::command_flags {

inline constexpr std::string_view kTemplateHelp =
    "Print with a template:\n"
    "'json':             as JSON\n"
    "'TEMPLATE':         with this Go template";
inline constexpr std::string_view kTableHelp =
    "Print with a template:\n"
    "'table':            as a table with a header (default)\n"
    "'table TEMPLATE':   as a table of these columns\n"
    "'json':             as JSON\n"
    "'TEMPLATE':         with this Go template";
inline constexpr std::string_view kDetachKeysHelp = "Keys that detach from the container";
inline constexpr std::string_view kFilterHelp = "Show only what meets these conditions";
inline constexpr std::string_view kNoTruncHelp = "Do not shorten what is printed";
inline constexpr std::string_view kPlatformHelp =
    "Take this platform: \"os[/arch[/variant]]\" (\"linux/amd64\")";

inline constexpr auto kStart = std::to_array<Flag>({
    {"attach", 'a', &flag_type::kBool, "", "Connect to STDOUT and STDERR and pass signals on"},
    {"checkpoint", 0, &flag_type::kString, "", "Go on from this checkpoint",
     Flag::Visibility::kHidden},
    {"checkpoint-dir", 0, &flag_type::kString, "", "Directory where the checkpoint is",
     Flag::Visibility::kHidden},
    {"detach-keys", 0, &flag_type::kString, "", kDetachKeysHelp},
    {"interactive", 'i', &flag_type::kBool, "", "Connect to the container's STDIN"},
});

inline constexpr auto kAttach = std::to_array<Flag>({
    {"detach-keys", 0, &flag_type::kString, "", kDetachKeysHelp},
    {"no-stdin", 0, &flag_type::kBool, "", "Do not connect to STDIN"},
    {"sig-proxy", 0, &flag_type::kBool, "true", "Pass signals on to the container's process"},
});

inline constexpr auto kExec = std::to_array<Flag>({
    {"detach", 'd', &flag_type::kBool, "", "Leave the command in the background"},
    {"detach-keys", 0, &flag_type::kString, "", kDetachKeysHelp},
    {"env", 'e', &flag_type::kEnv, "", "Set an environment variable"},
    {"env-file", 0, &flag_type::kList, "", "Set the environment variables listed in a file"},
    {"interactive", 'i', &flag_type::kBool, "", "Keep STDIN open even when nobody is attached"},
    {"privileged", 0, &flag_type::kBool, "",
     "Give the command the rights that root has on the host"},
    {"tty", 't', &flag_type::kBool, "", "Give it a terminal"},
    {"user", 'u', &flag_type::kString, "", "User to run as (<name|uid>[:<group|gid>])"},
    {"workdir", 'w', &flag_type::kString, "", "Directory in the container to work in"},
});

inline constexpr auto kLogs = std::to_array<Flag>({
    {"clear", 0, &flag_type::kBool, "",
     "Remove what was logged so far instead of printing it (Gantry)"},
    {"details", 0, &flag_type::kBool, "", "Print the attributes that came with each line"},
    {"follow", 'f', &flag_type::kBool, "", "Go on as more output comes"},
    {"since", 0, &flag_type::kString, "",
     "Start at a time (\"2013-01-02T13:23:37Z\") or that long ago (\"42m\")"},
    {"tail", 'n', &flag_type::kString, "all", "How many lines from the end to print"},
    {"timestamps", 't', &flag_type::kBool, "", "Print the time of each line"},
    {"until", 0, &flag_type::kString, "",
     "Stop at a time (\"2013-01-02T13:23:37Z\") or that long ago (\"42m\")"},
});

inline constexpr auto kPs = std::to_array<Flag>({
    {"all", 'a', &flag_type::kBool, "", "List stopped containers too"},
    {"filter", 'f', &flag_type::kFilter, "", kFilterHelp},
    {"format", 0, &flag_type::kString, "", kTableHelp},
    {"last", 'n', &flag_type::kInt, "-1", "List the n containers made last, in any state"},
    {"latest", 'l', &flag_type::kBool, "", "List the container made last, in any state"},
    {"no-trunc", 0, &flag_type::kBool, "", kNoTruncHelp},
    {"quiet", 'q', &flag_type::kBool, "", "Print ids only"},
    {"size", 's', &flag_type::kBool, "", "Print how much disk each uses"},
});

inline constexpr auto kContainerInspect = std::to_array<Flag>({
    {"as", 0, &flag_type::kString, "",
     "Print what would make the containers again: 'run' or 'compose' (Gantry)"},
    {"format", 'f', &flag_type::kString, "", kTemplateHelp},
    {"size", 's', &flag_type::kBool, "", "Print how much disk it uses"},
});

inline constexpr auto kInspect = std::to_array<Flag>({
    {"as", 0, &flag_type::kString, "",
     "Print what would make the containers again: 'run' or 'compose' (Gantry)"},
    {"format", 'f', &flag_type::kString, "", kTemplateHelp},
    {"size", 's', &flag_type::kBool, "", "Print how much disk a container uses"},
    {"type", 0, &flag_type::kString, "", "Look among objects of this type only"},
});

inline constexpr std::string_view kApplyHelp =
    "'restart': restart the container for what cannot change while it runs (Gantry)";

inline constexpr auto kUpdate = std::to_array<Flag>({
    {"apply", 0, &flag_type::kString, "", kApplyHelp},
    {"blkio-weight", 0, &flag_type::kUint16, "",
     "Share of block I/O, from 10 to 1000; 0 for none given"},
    {"command", 0, &flag_type::kString, "",
     "The command with its arguments, quoted as in a shell or a JSON list (Gantry)"},
    {"cpu-period", 0, &flag_type::kInt64, "", "Period of the CPU quota in microseconds"},
    {"cpu-quota", 0, &flag_type::kInt64, "", "CPU time in each period in microseconds"},
    {"cpu-rt-period", 0, &flag_type::kInt64, "", "Period of the real-time quota in microseconds"},
    {"cpu-rt-runtime", 0, &flag_type::kInt64, "",
     "Real-time CPU time in each period in microseconds"},
    {"cpu-shares", 'c', &flag_type::kInt64, "", "Share of CPU time relative to others"},
    {"cpus", 0, &flag_type::kDecimal, "", "How many CPUs' worth of time it may use"},
    {"cpuset-cpus", 0, &flag_type::kString, "", "CPUs it may run on (0-3, 0,1)"},
    {"cpuset-mems", 0, &flag_type::kString, "", "Memory nodes it may use (0-3, 0,1)"},
    {"entrypoint", 0, &flag_type::kString, "",
     "The entrypoint, written as the command; \"\" for none (Gantry)"},
    {"env", 'e', &flag_type::kEnv, "", "Set an environment variable (Gantry)"},
    {"env-file", 0, &flag_type::kList, "",
     "Set the environment variables listed in a file (Gantry)"},
    {"env-rm", 0, &flag_type::kList, "", "Remove an environment variable (Gantry)"},
    {"kernel-memory", 0, &flag_type::kBytes, "", "Has no effect", Flag::Visibility::kHidden},
    {"label", 'l', &flag_type::kLabel, "", "Put a label on the container (Gantry)"},
    {"label-file", 0, &flag_type::kList, "",
     "Put the labels listed in a file on the container (Gantry)"},
    {"label-rm", 0, &flag_type::kList, "", "Remove a label (Gantry)"},
    {"memory", 'm', &flag_type::kBytes, "", "Bound its memory"},
    {"memory-reservation", 0, &flag_type::kBytes, "",
     "Memory it is pushed back to when memory is short"},
    {"memory-swap", 0, &flag_type::kSwapBytes, "",
     "Bound memory and swap together: '-1' for no bound on swap"},
    {"mount-add", 0, &flag_type::kList, "",
     "Mount a file system, written as for --mount or --volume (Gantry)"},
    {"mount-rm", 0, &flag_type::kList, "", "Unmount what is at this path (Gantry)"},
    {"pids-limit", 0, &flag_type::kInt64, "",
     "Bound the number of its processes (-1 for no bound)"},
    {"publish-add", 0, &flag_type::kList, "",
     "Make a container's port reachable on the host, written as for --publish (Gantry)"},
    {"publish-rm", 0, &flag_type::kList, "",
     "Take it back: PORT[/PROTO] for all, or as it was published (Gantry)"},
    {"restart", 0, &flag_type::kString, "", "Whether to restart the container when it exits"},
});

inline constexpr auto kRevisions = std::to_array<Flag>({
    {"format", 0, &flag_type::kString, "", kTableHelp},
    {"no-trunc", 0, &flag_type::kBool, "", kNoTruncHelp},
    {"quiet", 'q', &flag_type::kBool, "", "Print numbers only"},
});

inline constexpr auto kRollback = std::to_array<Flag>({
    {"apply", 0, &flag_type::kString, "", kApplyHelp},
});

inline constexpr auto kStop = std::to_array<Flag>({
    {"signal", 's', &flag_type::kString, "", "Signal to send"},
    {"time", 0, &flag_type::kInt, "", "See --timeout", Flag::Visibility::kHidden, "timeout",
     "use --timeout instead"},
    {"timeout", 't', &flag_type::kInt, "", "Seconds to wait before it is killed"},
});

inline constexpr auto kCommit = std::to_array<Flag>({
    {"author", 'a', &flag_type::kString, "", "Author of the image (\"Ada <ada@example.org>\")"},
    {"change", 'c', &flag_type::kList, "", "Apply an instruction of a Dockerfile to the image"},
    {"message", 'm', &flag_type::kString, "", "Comment of the image"},
    {"pause", 'p', &flag_type::kBool, "true", "Hold the container still meanwhile"},
});

inline constexpr auto kCp = std::to_array<Flag>({
    {"archive", 'a', &flag_type::kBool, "", "Give the copy to the container's user"},
    {"follow-link", 'L', &flag_type::kBool, "", "Copy what SRC_PATH leads to if it is a link"},
    {"quiet", 'q', &flag_type::kBool, "", "Do not print progress"},
});

inline constexpr auto kExport = std::to_array<Flag>({
    {"output", 'o', &flag_type::kString, "", "Write this file in place of STDOUT"},
});

inline constexpr auto kKill = std::to_array<Flag>({
    {"signal", 's', &flag_type::kString, "", "Signal to send"},
});

inline constexpr auto kRm = std::to_array<Flag>({
    {"force", 'f', &flag_type::kBool, "", "Kill a running container first"},
    {"link", 'l', &flag_type::kBool, "", "Remove the link of that name"},
    {"volumes", 'v', &flag_type::kBool, "", "Remove its anonymous volumes too"},
});

inline constexpr auto kImages = std::to_array<Flag>({
    {"all", 'a', &flag_type::kBool, "", "List intermediate images too"},
    {"digests", 0, &flag_type::kBool, "", "Print digests"},
    {"filter", 'f', &flag_type::kFilter, "", kFilterHelp},
    {"format", 0, &flag_type::kString, "", kTableHelp},
    {"no-trunc", 0, &flag_type::kBool, "", kNoTruncHelp},
    {"quiet", 'q', &flag_type::kBool, "", "Print ids only"},
    {"tree", 0, &flag_type::kBool, "", "List the platforms of each image below it (EXPERIMENTAL)"},
});

inline constexpr auto kImageInspect = std::to_array<Flag>({
    {"format", 'f', &flag_type::kString, "", kTemplateHelp},
    {"platform", 0, &flag_type::kString, "", kPlatformHelp},
});

inline constexpr auto kHistory = std::to_array<Flag>({
    {"format", 0, &flag_type::kString, "", kTableHelp},
    {"human", 'H', &flag_type::kBool, "true", "Print sizes and dates for people"},
    {"no-trunc", 0, &flag_type::kBool, "", kNoTruncHelp},
    {"platform", 0, &flag_type::kString, "", kPlatformHelp},
    {"quiet", 'q', &flag_type::kBool, "", "Print ids only"},
});

inline constexpr auto kRmi = std::to_array<Flag>({
    {"force", 'f', &flag_type::kBool, "", "Remove it even if it is in use"},
    {"no-prune", 0, &flag_type::kBool, "", "Keep parents that have no name"},
    {"platform", 0, &flag_type::kStrings, "", kPlatformHelp},
});

inline constexpr auto kLoad = std::to_array<Flag>({
    {"input", 'i', &flag_type::kString, "", "Read this file in place of STDIN"},
    {"platform", 0, &flag_type::kStrings, "", kPlatformHelp},
    {"quiet", 'q', &flag_type::kBool, "", "Do not print progress"},
});

inline constexpr auto kImport = std::to_array<Flag>({
    {"change", 'c', &flag_type::kList, "", "Apply an instruction of a Dockerfile to the image"},
    {"message", 'm', &flag_type::kString, "", "Comment of the image"},
    {"platform", 0, &flag_type::kString, "", "Platform of the image"},
});

inline constexpr auto kSave = std::to_array<Flag>({
    {"output", 'o', &flag_type::kString, "", "Write this file in place of STDOUT"},
    {"platform", 0, &flag_type::kStrings, "", kPlatformHelp},
});

inline constexpr auto kPull = std::to_array<Flag>({
    {"all-tags", 'a', &flag_type::kBool, "", "Pull every tag of the repository"},
    {"disable-content-trust", 0, &flag_type::kBool, "true", "Has no effect",
     Flag::Visibility::kHidden},
    {"platform", 0, &flag_type::kString, "", kPlatformHelp},
    {"quiet", 'q', &flag_type::kBool, "", "Do not print progress"},
});

inline constexpr auto kEvents = std::to_array<Flag>({
    {"filter", 'f', &flag_type::kFilter, "", kFilterHelp},
    {"format", 0, &flag_type::kString, "", kTemplateHelp},
    {"since", 0, &flag_type::kString, "", "Print the events since this time too"},
    {"until", 0, &flag_type::kString, "", "Stop at this time"},
});

inline constexpr auto kVolumeCreate = std::to_array<Flag>({
    {"driver", 'd', &flag_type::kString, "local", "Driver of the volume"},
    {"label", 0, &flag_type::kLabel, "", "Put a label on the volume"},
    {"name", 0, &flag_type::kString, "", "Name of the volume", Flag::Visibility::kHidden},
    {"opt", 'o', &flag_type::kMap, "", "Set an option of the driver"},
});

inline constexpr auto kVolumeLs = std::to_array<Flag>({
    {"filter", 'f', &flag_type::kFilter, "", kFilterHelp},
    {"format", 0, &flag_type::kString, "", kTableHelp},
    {"quiet", 'q', &flag_type::kBool, "", "Print names only"},
});

inline constexpr std::string_view kDryRunHelp = "Only print what would be removed (Gantry)";

inline constexpr auto kVolumePrune = std::to_array<Flag>({
    {"all", 'a', &flag_type::kBool, "", "Remove named volumes too"},
    {"dry-run", 0, &flag_type::kBool, "", kDryRunHelp},
    {"filter", 0, &flag_type::kFilter, "", "Remove only what meets these conditions"},
    {"force", 'f', &flag_type::kBool, "", "Do not ask"},
});

inline constexpr auto kVolumeRm = std::to_array<Flag>({
    {"force", 'f', &flag_type::kBool, "", "Do not mind volumes that are not there"},
});

inline constexpr auto kFormatOnly = std::to_array<Flag>({
    {"format", 'f', &flag_type::kString, "", kTemplateHelp},
});

inline constexpr auto kStats = std::to_array<Flag>({
    {"all", 'a', &flag_type::kBool, "", "Print stopped containers too"},
    {"format", 0, &flag_type::kString, "", kTableHelp},
    {"no-stream", 0, &flag_type::kBool, "", "Print once and end"},
    {"no-trunc", 0, &flag_type::kBool, "", kNoTruncHelp},
});

inline constexpr std::string_view kForceHelp = "Do not ask";

inline constexpr auto kPrune = std::to_array<Flag>({
    {"dry-run", 0, &flag_type::kBool, "", kDryRunHelp},
    {"filter", 0, &flag_type::kFilter, "", kFilterHelp},
    {"force", 'f', &flag_type::kBool, "", kForceHelp},
});

inline constexpr auto kPruneAll = std::to_array<Flag>({
    {"all", 'a', &flag_type::kBool, "", "Remove images with a name too"},
    {"dry-run", 0, &flag_type::kBool, "", kDryRunHelp},
    {"filter", 0, &flag_type::kFilter, "", kFilterHelp},
    {"force", 'f', &flag_type::kBool, "", kForceHelp},
});

inline constexpr auto kSystemPrune = std::to_array<Flag>({
    {"all", 'a', &flag_type::kBool, "", "Remove unused images with a name too"},
    {"dry-run", 0, &flag_type::kBool, "", kDryRunHelp},
    {"filter", 0, &flag_type::kFilter, "", kFilterHelp},
    {"force", 'f', &flag_type::kBool, "", kForceHelp},
    {"volumes", 0, &flag_type::kBool, "", "Remove unused anonymous volumes too"},
});

inline constexpr auto kSystemDf = std::to_array<Flag>({
    {"format", 0, &flag_type::kString, "", kTableHelp},
    {"verbose", 'v', &flag_type::kBool, "", "Print each object"},
});

}  // namespace gantry::cli::command_flags
