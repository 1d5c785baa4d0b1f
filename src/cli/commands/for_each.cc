#include "cli/commands/for_each.h"

#include <algorithm>
#include <vector>

namespace gantry::cli {
namespace {

constexpr size_t kAtOnce = 16;
constexpr size_t kReplyLimit = 1UL << 20;

/// Errors are printed behind all successes, as docker does.
class Report {
public:
    explicit Report(Session& session) : session_(session) {}

    void add(const Result<>& result, const std::string& printed) {
        if (result) {
            session_.out(printed);
        } else {
            errors_ += result.error().text() + "\n";
        }
    }

    int finish() {
        session_.err(errors_);
        return errors_.empty() ? 0 : kExitFailure;
    }

private:
    Session& session_;
    std::string errors_;
};

Result<> finish_call(ApiClient& api, Result<io::ClientConnection> connection) {
    if (!connection) {
        return Failure(std::move(connection).error());
    }
    GT_TRY_VAR(stream, api.finish(std::move(*connection)));
    GT_TRY(stream.connection.read_all(kReplyLimit));
    return {};
}

}  // namespace

int for_each_argument(Session& session, std::span<const std::string> arguments,
                      const std::function<ApiRequest(const std::string&)>& request) {
    Report report(session);
    while (!arguments.empty()) {
        const auto batch = arguments.first(std::min(arguments.size(), kAtOnce));
        arguments = arguments.subspan(batch.size());
        if (batch.size() == 1) {
            auto reply = session.api().call(request(batch[0]));
            report.add(reply ? Result<>() : Failure(std::move(reply).error()), batch[0] + "\n");
            continue;
        }
        std::vector<Result<io::ClientConnection>> calls;
        for (const std::string& argument : batch) {
            calls.push_back(session.api().begin(request(argument)));
        }
        for (size_t i = 0; i < batch.size(); ++i) {
            report.add(finish_call(session.api(), std::move(calls[i])), batch[i] + "\n");
        }
    }
    return report.finish();
}

int for_each_in_turn(Session& session, std::span<const std::string> arguments,
                     const std::function<Result<std::string>(const std::string&)>& work) {
    Report report(session);
    for (const std::string& argument : arguments) {
        auto printed = work(argument);
        report.add(printed ? Result<>() : Failure(std::move(printed).error()),
                   printed ? *printed : std::string());
    }
    return report.finish();
}

}  // namespace gantry::cli
