#pragma once

#include "api/call.h"

namespace gantry::spec {
struct ProgressMessage;
}

namespace gantry::api {

/// The stream of progress lines of load, import and pull (behaviours C15). The head goes out with
/// the first line: what fails before it is an ordinary HTTP error, what fails after it is a line of
/// its own.
class ProgressStream {
public:
    explicit ProgressStream(Call& call) : call_(call) {}

    Result<> write(const spec::ProgressMessage& message);

    /// Ends the answer of an operation that ended with DONE.
    Result<> finish(Result<> done);

private:
    Result<> open();

    Call& call_;
    io::ResponseStream* stream_ = nullptr;
};

}  // namespace gantry::api
