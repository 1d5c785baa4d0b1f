#include "api/progress.h"

#include "spec/api/progress.h"

namespace gantry::api {

Result<> ProgressStream::open() {
    if (stream_ == nullptr) {
        GT_TRY_VAR(stream, call_.responder.stream(answer_head(200, kJson)));
        stream_ = stream;
    }
    return {};
}

Result<> ProgressStream::write(const spec::ProgressMessage& message) {
    GT_TRY(open());
    return stream_->write(spec::to_json(message) + "\r\n");
}

Result<> ProgressStream::finish(Result<> done) {
    if (!done && stream_ == nullptr) {
        return done;
    }
    if (!done) {
        spec::ProgressMessage message;
        message.error = done.error().text();
        message.error_detail = spec::ProgressError{0, done.error().text()};
        GT_TRY(write(message));
    }
    GT_TRY(open());
    GT_TRY(stream_->finish());
    return done;
}

}  // namespace gantry::api
