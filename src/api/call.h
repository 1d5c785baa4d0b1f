#pragma once

#include <string>
#include <string_view>

#include "api/services.h"
#include "api/version.h"
#include "base/error.h"
#include "io/http.h"
#include "io/url.h"
#include "spec/json.h"

namespace gantry::api {

inline constexpr std::string_view kJson = "application/json";

/// The head that every answer has (behaviours A3).
io::ResponseHead answer_head(int status, std::string_view content_type = {});

/// One request on its way through a route's handler.
struct Call {
    const Services& services;
    io::Request& request;
    io::Responder& responder;
    ApiVersion version;
    io::Query query;
    /// What stands at the {} of the route's pattern: a container, an image, an exec.
    std::string name;

    /// The body as T, under the rules of A7: Content-Type application/json, one document, not
    /// empty. kInvalid otherwise.
    template <class T>
    Result<T> json_body() const {
        GT_TRY_VAR(text, json_text());
        auto value = spec::parse_json<T>(text);
        if (!value) {
            return invalid_json(value.error());
        }
        return value;
    }

    /// Sends JSON with a newline at its end.
    Result<> send_json(int status, std::string json) const;
    /// Sends a status with nothing behind it.
    Result<> send_empty(int status) const;

private:
    Result<std::string> json_text() const;
    static Failure invalid_json(const Error& error);
};

/// Docker's rule for JSON bodies. LENGTH as Body::length().
Result<> check_content_type(std::string_view content_type, std::optional<uint64_t> length);

}  // namespace gantry::api
