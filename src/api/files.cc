#include <fmt/core.h>

#include <array>
#include <memory>
#include <string>

#include "api/query_values.h"
#include "api/route.h"
#include "base/stream.h"
#include "base/text.h"
#include "engine/files/file_service.h"
#include "spec/api/image.h"
#include "spec/base64.h"
#include "store/compression.h"

namespace gantry::api {
namespace {

constexpr std::string_view kTar = "application/x-tar";
constexpr std::string_view kStatHeader = "X-Docker-Container-Path-Stat";

Result<std::string> path_of(const Call& call) {
    std::string path(call.query.get("path"));
    if (path.empty()) {
        // COMPAT: the missing blank is Docker's.
        return fail(Kind::kInvalid, "bad parameter: pathcannot be empty");
    }
    return path;
}

void add_stat(io::ResponseHead& head, const spec::PathStat& stat) {
    head.headers.add(std::string(kStatHeader), spec::encode_base64(spec::to_json(stat)));
}

/// Whether ACCEPTED, an Accept-Encoding, names gzip and does not weigh it 0.
bool accepts_gzip(std::string_view accepted) {
    for (const std::string_view part : split(accepted, ',')) {
        const Cut words = cut(part, ';');
        if (!equals_ignoring_case(trim(words.before), "gzip")) {
            continue;
        }
        const std::string_view weight = trim(cut(words.after, '=').after);
        return weight.empty() || weight.find_first_not_of("0.") != weight.npos;
    }
    return false;
}

/// The head goes out with the first byte: until then a failure is an HTTP error.
Result<> send_archive(Call& call, io::ResponseHead head, engine::ArchiveSource& source,
                      bool compress) {
    if (compress) {
        head.headers.add("Content-Encoding", "gzip");
    }
    io::ResponseStream* stream = nullptr;
    const Writer out = [&](std::string_view bytes) -> Result<> {
        if (stream == nullptr) {
            GT_TRY_VAR(opened, call.responder.stream(head));
            stream = opened;
        }
        return stream->write(bytes);
    };
    Gathered gathered(out);
    const Writer gather = [&](std::string_view bytes) { return gathered.write(bytes); };
    if (compress) {
        store::GzipWriter gzip(gather);
        GT_TRY(source.write([&](std::string_view bytes) { return gzip.write(bytes); }));
        GT_TRY(gzip.finish());
    } else {
        GT_TRY(source.write(gather));
    }
    GT_TRY(gathered.flush());
    return stream->finish();
}

Result<> stat_path(Call& call) {
    GT_TRY_VAR(path, path_of(call));
    GT_TRY_VAR(stat, call.services.files.stat(call.name, path));
    io::ResponseHead head = answer_head(200);
    add_stat(head, stat);
    return call.responder.send(head, "");
}

Result<> read_path(Call& call) {
    GT_TRY_VAR(path, path_of(call));
    GT_TRY_VAR(source, call.services.files.read(call.name, path));
    io::ResponseHead head = answer_head(200, kTar);
    add_stat(head, source->stat());
    return send_archive(call, std::move(head), *source,
                        accepts_gzip(call.request.headers.get("Accept-Encoding")));
}

Result<> extract(Call& call) {
    engine::ExtractRequest request;
    GT_TRY_VAR(path, path_of(call));
    request.path = std::move(path);
    request.no_overwrite = bool_value(call.query, "noOverwriteDirNonDir");
    request.to_container_user = bool_value(call.query, "copyUIDGID");
    GT_TRY(call.services.files.extract(
        call.name, request,
        [&body = call.request.body](std::span<char> into) { return body.read(into); }));
    return call.send_empty(200);
}

Result<> export_root(Call& call) {
    GT_TRY_VAR(source, call.services.files.export_root(call.name));
    return send_archive(call, answer_head(200, "application/octet-stream"), *source, false);
}

Result<> changes(Call& call) {
    GT_TRY_VAR(found, call.services.files.changes(call.name));
    return call.send_json(200, spec::to_json(found));
}

Result<> commit(Call& call) {
    engine::CommitRequest request;
    request.container = call.query.get("container");
    request.repo = call.query.get("repo");
    request.tag = call.query.get("tag");
    request.author = call.query.get("author");
    request.comment = call.query.get("comment");
    request.pause = bool_value(call.query, "pause", true);
    request.changes = call.query.all("changes");
    // COMPAT: clients that have no config to give send nothing or "null".
    constexpr uint64_t kLongestEmptyBody = 7;
    const auto length = call.request.body.length();
    if (!length || *length > kLongestEmptyBody) {
        GT_TRY_VAR(config, call.json_body<spec::ContainerConfig>());
        request.config = std::move(config);
    }
    GT_TRY_VAR(id, call.services.files.commit(request));
    return call.send_json(201, spec::to_json(spec::IdResponse{.id = id.str()}));
}

constexpr std::array kRoutes{
    Route{"HEAD", "/containers/{}/archive", stat_path},
    Route{"GET", "/containers/{}/archive", read_path},
    Route{"PUT", "/containers/{}/archive", extract},
    Route{"GET", "/containers/{}/export", export_root},
    Route{"GET", "/containers/{}/changes", changes},
    Route{"POST", "/commit", commit},
};

}  // namespace

std::span<const Route> file_routes() {
    return kRoutes;
}

}  // namespace gantry::api
