#include <array>
#include <span>
#include <string>
#include <vector>

#include "api/progress.h"
#include "api/query_values.h"
#include "api/route.h"
#include "engine/image/image_service.h"
#include "spec/api/progress.h"

namespace gantry::api {
namespace {

constexpr std::string_view kTar = "application/x-tar";

Reader body_reader(Call& call) {
    return [&body = call.request.body](std::span<char> into) { return body.read(into); };
}

engine::ProgressSink progress_sink(ProgressStream& progress) {
    return [&progress](const spec::ProgressMessage& message) { return progress.write(message); };
}

Result<> load(Call& call) {
    engine::ImageLoadOptions options;
    options.quiet = bool_value(call.query, "quiet", true);
    options.platform = call.query.get("platform");
    ProgressStream progress(call);
    return progress.finish(
        call.services.images.load(body_reader(call), options, progress_sink(progress)));
}

Result<> import(Call& call) {
    engine::ImageImportOptions options;
    options.repo = call.query.get("repo");
    options.tag = call.query.get("tag");
    options.message = call.query.get("message");
    options.changes = call.query.all("changes");
    options.platform = call.query.get("platform");
    ProgressStream progress(call);
    return progress.finish(
        call.services.images.import(body_reader(call), options, progress_sink(progress)));
}

/// Two operations under one name: pull and import.
Result<> create(Call& call) {
    if (!call.query.get("fromImage").empty()) {
        return fail(Kind::kNotImplemented, "Gantry does not implement pulling images yet");
    }
    const std::string_view source = call.query.get("fromSrc");
    if (source.empty()) {
        return fail(Kind::kInvalid, "one of fromImage and fromSrc is required");
    }
    if (source != "-") {
        return fail(Kind::kNotImplemented, "Gantry does not implement importing from a URL yet");
    }
    return import(call);
}

Result<> save(Call& call, std::span<const std::string> names) {
    // Opened by the first byte: until then a failure is an HTTP error.
    io::ResponseStream* stream = nullptr;
    const auto write = [&](std::string_view bytes) -> Result<> {
        if (stream == nullptr) {
            GT_TRY_VAR(opened, call.responder.stream(answer_head(200, kTar)));
            stream = opened;
        }
        return stream->write(bytes);
    };
    // A failure behind the first byte breaks the answer off, and the client knows that the archive
    // is not whole.
    GT_TRY(call.services.images.save(names, write));
    return stream == nullptr ? call.send_empty(200) : stream->finish();
}

Result<> save_one(Call& call) {
    const std::vector<std::string> names{call.name};
    return save(call, names);
}

Result<> save_many(Call& call) {
    const std::vector<std::string> names = call.query.all("names");
    if (names.empty()) {
        return fail(Kind::kInvalid, "no images are named");
    }
    return save(call, names);
}

constexpr std::array kRoutes{
    Route{"POST", "/images/load", load},
    Route{"POST", "/images/create", create},
    Route{"GET", "/images/get", save_many},
    Route{"GET", "/images/{}/get", save_one},
};

}  // namespace

std::span<const Route> image_archive_routes() {
    return kRoutes;
}

}  // namespace gantry::api
