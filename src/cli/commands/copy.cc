// cp: files from here to a container and back.

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "base/stream.h"
#include "base/text.h"
#include "cli/commands/download.h"
#include "cli/commands/handlers.h"
#include "cli/copy/copy_path.h"
#include "cli/copy/copy_progress.h"
#include "cli/read_file.h"
#include "cli/session.h"
#include "cli/stream/terminal.h"
#include "pack/tree_archive.h"
#include "pack/tree_extract.h"
#include "spec/api/container.h"
#include "spec/base64.h"
#include "spec/json.h"

namespace gantry::cli {
namespace {

// Bits of Go's file modes, in which the API describes files.
constexpr uint32_t kGoDirectory = 1U << 31;
constexpr uint32_t kGoSymlink = 1U << 27;
constexpr uint32_t kGoDevice = 1U << 26;
constexpr uint32_t kGoIrregular = 1U << 19;

struct CopyRequest {
    std::string container;
    std::string source;
    std::string destination;
    bool follow = false;
    bool to_container_user = false;
    bool quiet = false;
};

/// "CONTAINER:PATH"; the container is empty for a path of the host, which has no ":", or begins
/// with "/" or ".".
std::pair<std::string, std::string> split_argument(const std::string& argument) {
    const size_t colon = argument.find(':');
    if (argument.starts_with('/') || colon == argument.npos || argument.starts_with('.')) {
        return {"", argument};
    }
    return {argument.substr(0, colon), argument.substr(colon + 1)};
}

ApiRequest archive_request(std::string method, const std::string& container,
                           const std::string& path) {
    ApiRequest request{.method = std::move(method), .path = container_path(container, "archive")};
    request.query.add("path", path);
    return request;
}

Result<spec::PathStat> stat_of(const io::Headers& headers) {
    const auto text = spec::decode_base64(headers.get("X-Docker-Container-Path-Stat"));
    if (!text) {
        return fail(Kind::kInvalid, "unable to decode container path stat header");
    }
    return spec::parse_json<spec::PathStat>(*text);
}

Result<spec::PathStat> stat_in_container(Session& session, const std::string& container,
                                         const std::string& path) {
    GT_TRY_VAR(reply, session.api().call(archive_request("HEAD", container, path)));
    return stat_of(reply.headers);
}

Result<> extract_here(const Reader& archive, const CopyPlace& place) {
    GT_TRY_VAR(root, sys::RootDir::open(place.directory.c_str()));
    return pack::extract_tree(
        archive, root, "",
        {.clash = pack::ExtractOptions::Clash::kRefuse,
         .leave_owners = true,
         .rename = [&](std::string_view name) { return renamed_entry(place, name); },
         .shown_root = place.directory});
}

Result<> copy_from_container(Session& session, CopyRequest copy) {
    const bool to_output = copy.destination == "-";
    const std::string destination = to_output ? copy.destination : absolute_path(copy.destination);
    GT_TRY(check_output_path(destination));
    CopyEnd source{.path = copy.source, .exists = true};
    if (copy.follow) {
        const auto stat = stat_in_container(session, copy.container, copy.source);
        if (stat && (stat->mode & kGoSymlink) != 0) {
            source = renamed_end(copy.source, follow_link(copy.source, stat->link_target));
        }
    }
    GT_TRY_VAR(stream, session.api().stream(archive_request("GET", copy.container, source.path)));
    GT_TRY_VAR(stat, stat_of(stream.head.headers));
    if (to_output) {
        return download(stream.connection, "");
    }
    source.is_directory = (stat.mode & kGoDirectory) != 0;
    CopyProgress progress(session, CopyProgress::Direction::kFromContainer, copy.quiet);
    const Reader archive = [&](std::span<char> into) -> Result<size_t> {
        GT_TRY_VAR(count, stream.connection.read(into));
        progress.add(count);
        return count;
    };
    const auto unpack = [&]() -> Result<> {
        GT_TRY_VAR(end, local_destination(destination));
        GT_TRY_VAR(place, place_copy(source, end));
        return extract_here(archive, place);
    };
    auto done = unpack();
    progress.finish(destination);
    return done;
}

/// Writes what is at SOURCE as an archive whose topmost entry is called NAME.
Result<> pack_source(const CopyEnd& source, const std::string& name, const Writer& out) {
    const UniqueFd fd(::open(source.path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    if (!fd) {
        return file_failure("open", source.path);
    }
    Gathered gathered(out);
    pack::TarWriter tar([&](std::string_view bytes) { return gathered.write(bytes); });
    pack::TreeArchive archive(tar, {});
    GT_TRY(source.is_directory ? archive.add_directory(fd.get(), name)
                               : archive.add_node(fd.get(), name));
    GT_TRY(tar.finish());
    return gathered.flush();
}

/// Sends what PRODUCER writes. What the daemon says when it stops reading tells more than the
/// failed write.
Result<> send_archive(Session& session, const CopyRequest& copy, const std::string& directory,
                      const Producer& producer) {
    ApiRequest request = archive_request("PUT", copy.container, directory);
    request.query.add("noOverwriteDirNonDir", "true");
    if (copy.to_container_user) {
        request.query.add("copyUIDGID", "true");
    }
    GT_TRY_VAR(connection, session.api().begin(request));
    bool refused = false;
    auto produced = producer([&](std::string_view bytes) {
        auto written = connection.write(bytes);
        refused = !written;
        return written;
    });
    if (!produced && !refused) {
        return produced;  // without the end of the request the daemon knows that it is cut off
    }
    GT_TRY_VAR(answer, session.api().finish(std::move(connection)));
    GT_TRY(answer.connection.read_all(size_t{1} << 20));
    return {};
}

/// Where in the container the copy goes. What cannot be found out is left to the daemon to refuse.
Result<CopyEnd> container_destination(Session& session, const CopyRequest& copy) {
    CopyEnd end{.path = copy.destination};
    auto stat = stat_in_container(session, copy.container, end.path);
    if (stat && (stat->mode & kGoSymlink) != 0) {
        end.path = follow_link(copy.destination, stat->link_target);
        stat = stat_in_container(session, copy.container, end.path);
    }
    if (stat && (stat->mode & (kGoDevice | kGoIrregular)) != 0) {
        return fail(
            Kind::kInvalid,
            fmt::format("destination \"{}:{}\" must be a directory or a regular file: {}",
                        copy.container, copy.destination,
                        (stat->mode & kGoDevice) != 0 ? "got a device" : "got an irregular file"));
    }
    end.exists = static_cast<bool>(stat);
    end.is_directory = stat && (stat->mode & kGoDirectory) != 0;
    return end;
}

Result<> copy_to_container(Session& session, const CopyRequest& copy) {
    const bool from_input = copy.source == "-";
    GT_TRY_VAR(destination, container_destination(session, copy));
    if (from_input) {
        if (!destination.is_directory) {
            return fail(Kind::kInvalid, fmt::format("destination \"{}:{}\" must be a directory",
                                                    copy.container, copy.destination));
        }
        return send_archive(session, copy, destination.path, [](const Writer& out) -> Result<> {
            const Reader input = read_from_fd(STDIN_FILENO);
            std::string buffer(size_t{64} * 1024, '\0');
            for (;;) {
                GT_TRY_VAR(count, input(buffer));
                if (count == 0) {
                    return {};
                }
                GT_TRY(out(std::string_view(buffer).substr(0, count)));
            }
        });
    }
    GT_TRY_VAR(source, local_source(absolute_path(copy.source), copy.follow));
    GT_TRY_VAR(place, place_copy(source, destination));
    CopyProgress progress(session, CopyProgress::Direction::kToContainer, copy.quiet);
    auto done = send_archive(session, copy, place.directory, [&](const Writer& out) {
        return pack_source(source, place.new_name, [&](std::string_view bytes) {
            progress.add(bytes.size());
            return out(bytes);
        });
    });
    progress.finish(fmt::format("{}:{}", copy.container, destination.path));
    return done;
}

Result<> copy(Session& session, const ParsedArgs& args) {
    if (args.arguments[0].empty()) {
        return fail(Kind::kInvalid, "source can not be empty");
    }
    if (args.arguments[1].empty()) {
        return fail(Kind::kInvalid, "destination can not be empty");
    }
    CopyRequest request;
    request.follow = args.flags.on("follow-link");
    request.to_container_user = args.flags.on("archive");
    request.quiet =
        args.flags.changed("quiet") ? args.flags.on("quiet") : !is_terminal(STDOUT_FILENO);
    auto [from, source] = split_argument(args.arguments[0]);
    auto [to, destination] = split_argument(args.arguments[1]);
    request.source = std::move(source);
    request.destination = std::move(destination);
    if (!from.empty() && !to.empty()) {
        return fail(Kind::kInvalid, "copying between containers is not supported");
    }
    if (from.empty() && to.empty()) {
        return fail(Kind::kInvalid, "must specify at least one container source");
    }
    request.container = from.empty() ? to : from;
    return from.empty() ? copy_to_container(session, request)
                        : copy_from_container(session, std::move(request));
}

}  // namespace

int run_cp(Session& session, const ParsedArgs& args) {
    const auto done = copy(session, args);
    return done ? 0 : session.fail_with(done.error());
}

}  // namespace gantry::cli
