#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "cli/endpoint.h"
#include "io/client.h"
#include "io/url.h"

namespace gantry::cli {

/// The newest version of the API that this client speaks.
inline constexpr std::string_view kNewestApiVersion = "1.51";

/// One call of the Engine API. PATH carries no version: "/containers/json". Parts that come from
/// outside are percent-encoded by the caller (container_path() does it for ids and names).
struct ApiRequest {
    std::string method = "GET";
    std::string path;
    io::Query query = {};
    /// Sent as application/json unless it is empty.
    std::string body = {};
};

struct ApiReply {
    int status = 0;
    io::Headers headers;
    std::string body;
};

/// A response whose body is still to be read.
struct ApiStream {
    io::ClientConnection connection;
    io::ClientResponse head;
};

/// Talks to the daemon: keeps one idle connection between calls, prefixes paths with the API
/// version and turns answers of 400 and above into errors whose text is the daemon's message.
///
/// Paths carry this client's version without asking first. Only if the daemon answers that it is
/// too new, the version the daemon names is used from then on and the call is made again: that
/// saves every command the round trip of docker's HEAD /_ping.
///
/// Kinds of errors: kNotFound 404, kConflict 409, kForbidden 403, kInvalid other 4xx, kInternal
/// 5xx; kUnavailable if the daemon cannot be reached at all.
class ApiClient {
public:
    /// VERSION is fixed (DOCKER_API_VERSION) if it is not empty.
    ApiClient(Endpoint endpoint, std::string version);

    const Endpoint& endpoint() const { return endpoint_; }
    const std::string& version() const { return version_; }

    /// A whole exchange; 304 is a success.
    Result<ApiReply> call(const ApiRequest& request);

    /// For answers that come bit by bit. The connection is not reused.
    Result<ApiStream> stream(const ApiRequest& request);

    /// Sends a request whose body, a tar archive, the caller then writes to the connection;
    /// finish() gives the answer. Several may be under way at once, on connections of their own.
    /// Such a call cannot be made again, so the first one asks the daemon for its version.
    Result<io::ClientConnection> begin(const ApiRequest& request);
    Result<ApiStream> finish(io::ClientConnection connection);

    /// attach and exec start: the connection becomes the stream.
    Result<io::RawConnection> upgrade(const ApiRequest& request);

private:
    struct Exchange {
        io::ClientConnection connection;
        io::ClientResponse head;
    };
    Result<io::ClientConnection> take_connection();
    Result<io::ClientConnection> connect();
    Result<Exchange> exchange(const ApiRequest& request, const io::Headers& headers);
    Result<Exchange> negotiated_exchange(const ApiRequest& request, const io::Headers& headers);
    bool adopt_version(std::string_view message);
    Result<> settle_version();
    std::string target(const ApiRequest& request) const;
    void keep(io::ClientConnection connection);

    Endpoint endpoint_;
    std::string version_;
    bool version_is_fixed_;
    std::optional<io::ClientConnection> idle_;
};

/// "/containers/NAME/ACTION" with the name encoded; ACTION may be empty.
std::string container_path(std::string_view name, std::string_view action);
/// The same for images, whose names keep their slashes.
std::string image_path(std::string_view name, std::string_view action);

}  // namespace gantry::cli
