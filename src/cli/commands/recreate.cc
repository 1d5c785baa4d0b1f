#include "cli/commands/recreate.h"

#include <fmt/core.h>

#include <utility>
#include <vector>

#include "cli/quote.h"
#include "cli/recreate/compose.h"
#include "cli/recreate/run_words.h"
#include "cli/session.h"
#include "spec/api/info.h"
#include "spec/json.h"

namespace gantry::cli {
namespace {

template <class T>
Result<T> get(Session& session, const std::string& path) {
    GT_TRY_VAR(reply, session.api().call({.path = path}));
    return spec::parse_json<T>(reply.body);
}

Result<RecreateSource> find_source(Session& session, const std::string& name,
                                   const spec::Info& info) {
    GT_TRY_VAR(container, get<spec::ContainerInspect>(session, container_path(name, "json")));
    RecreateSource source{.container = std::move(container),
                          .image = {},
                          .log_driver = info.logging_driver,
                          .runtime = info.default_runtime,
                          .cgroupns = info.cgroup_version == "2" ? "private" : "host"};
    if (auto image = get<spec::ImageInspect>(session, image_path(source.container.image, "json"))) {
        source.image = std::move(image->config);
    } else if (image.error().kind() != Kind::kNotFound) {
        return Failure(std::move(image).error());
    }
    return source;
}

}  // namespace

Result<> print_recreation(Session& session, std::span<const std::string> containers,
                          const std::string& form) {
    if (form != "run" && form != "compose") {
        return fail(Kind::kInvalid,
                    fmt::format("{} is not a valid value for --as: use \"run\" or \"compose\"",
                                quote(form)));
    }
    GT_TRY_VAR(info, get<spec::Info>(session, "/info"));
    std::vector<RecreateSource> sources;
    for (const std::string& name : containers) {
        GT_TRY_VAR(source, find_source(session, name, info));
        sources.push_back(std::move(source));
    }
    if (form == "compose") {
        session.out(compose_file(sources));
        return {};
    }
    for (const RecreateSource& source : sources) {
        const RunWords words = run_words(source);
        session.out(run_command(session.program(), words));
        for (const std::string& note : words.notes) {
            session.err(fmt::format("NOTE: {}: {}\n", source.name(), note));
        }
    }
    return {};
}

}  // namespace gantry::cli
