#include "cli/api_client.h"

#include <fmt/core.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <chrono>

#include "cli/api_message.h"

namespace gantry::cli {
namespace {

constexpr std::chrono::seconds kConnectTimeout(30);
/// inspect of a container with a thousand labels is some 100 KB; lists are longer.
constexpr size_t kReplyLimit = 256UL << 20;
constexpr size_t kErrorLimit = 1UL << 20;

Kind kind_of(int status) {
    switch (status) {
        case 401: return Kind::kUnauthorized;
        case 403: return Kind::kForbidden;
        case 404: return Kind::kNotFound;
        case 409: return Kind::kConflict;
        case 501: return Kind::kNotImplemented;
        case 503: return Kind::kUnavailable;
        default: return status < 500 ? Kind::kInvalid : Kind::kInternal;
    }
}

Failure daemon_error(const io::ClientResponse& head, std::string_view body) {
    return fail(kind_of(head.status), "Error response from daemon: " + api_message(head, body));
}

io::Headers basic_headers(const ApiRequest& request) {
    io::Headers headers;
    headers.add("User-Agent", "Docker-Client/gantry (linux)");
    if (!request.body.empty()) {
        headers.add("Content-Type", "application/json");
    }
    return headers;
}

/// Nothing waits to be read from an idle connection but its end.
bool still_open(const io::ClientConnection& connection) {
    std::array<char, 1> byte = {};
    const ssize_t got = ::recv(connection.fd(), byte.data(), byte.size(), MSG_PEEK | MSG_DONTWAIT);
    return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

}  // namespace

ApiClient::ApiClient(Endpoint endpoint, std::string version)
    : endpoint_(std::move(endpoint)),
      version_(version.empty() ? std::string(kNewestApiVersion) : std::move(version)),
      version_is_fixed_(version_ != kNewestApiVersion) {}

Result<io::ClientConnection> ApiClient::connect() {
    auto connection = io::ClientConnection::connect(endpoint_.address, kConnectTimeout);
    if (connection) {
        return connection;
    }
    if (connection.error().sys_errno() == EACCES) {
        return fail(Kind::kUnavailable,
                    fmt::format("permission denied while trying to connect to the Docker daemon "
                                "socket at {}",
                                endpoint_.text));
    }
    return fail(Kind::kUnavailable,
                fmt::format("Cannot connect to the Docker daemon at {}. Is the docker daemon "
                            "running?",
                            endpoint_.text));
}

Result<io::ClientConnection> ApiClient::take_connection() {
    if (idle_ && still_open(*idle_)) {
        io::ClientConnection connection = std::move(*idle_);
        idle_.reset();
        return connection;
    }
    idle_.reset();
    return connect();
}

void ApiClient::keep(io::ClientConnection connection) {
    if (connection.reusable()) {
        idle_.emplace(std::move(connection));
    }
}

std::string ApiClient::target(const ApiRequest& request) const {
    std::string out = fmt::format("/v{}{}", version_, request.path);
    if (const std::string query = request.query.to_string(); !query.empty()) {
        out += '?';
        out += query;
    }
    return out;
}

Result<ApiClient::Exchange> ApiClient::exchange(const ApiRequest& request,
                                                const io::Headers& headers) {
    GT_TRY_VAR(connection, take_connection());
    io::ClientRequest wire;
    wire.method = request.method;
    wire.target = target(request);
    wire.headers = headers;
    GT_TRY_VAR(head, connection.send(wire, request.body));
    return Exchange{std::move(connection), std::move(head)};
}

bool ApiClient::adopt_version(std::string_view message) {
    constexpr std::string_view kMark = "is too new. Maximum supported API version is ";
    const size_t mark = message.find(kMark);
    if (version_is_fixed_ || mark == std::string_view::npos) {
        return false;
    }
    std::string_view version = message.substr(mark + kMark.size());
    version = version.substr(0, version.find_first_not_of("0123456789."));
    if (version.empty() || version == version_) {
        return false;
    }
    version_ = version;
    version_is_fixed_ = true;
    return true;
}

Result<ApiClient::Exchange> ApiClient::negotiated_exchange(const ApiRequest& request,
                                                           const io::Headers& headers) {
    GT_TRY_VAR(first, exchange(request, headers));
    if (first.head.status < 400) {
        return std::move(first);
    }
    GT_TRY_VAR(body, first.connection.read_all(kErrorLimit));
    keep(std::move(first.connection));
    if (first.head.status == 400 && adopt_version(api_message(first.head, body))) {
        return negotiated_exchange(request, headers);
    }
    return daemon_error(first.head, body);
}

Result<ApiReply> ApiClient::call(const ApiRequest& request) {
    GT_TRY_VAR(done, negotiated_exchange(request, basic_headers(request)));
    ApiReply reply;
    if (request.method != "HEAD") {
        GT_TRY_VAR(body, done.connection.read_all(kReplyLimit));
        reply.body = std::move(body);
    }
    reply.status = done.head.status;
    reply.headers = std::move(done.head.headers);
    keep(std::move(done.connection));
    return reply;
}

Result<ApiStream> ApiClient::stream(const ApiRequest& request) {
    GT_TRY_VAR(done, negotiated_exchange(request, basic_headers(request)));
    return ApiStream{std::move(done.connection), std::move(done.head)};
}

Result<> ApiClient::settle_version() {
    if (!version_is_fixed_) {
        // Any answer but "too new" will do.
        auto answer = call({.path = "/_ping"});
        if (!answer && answer.error().kind() == Kind::kUnavailable) {
            return Failure(std::move(answer).error());
        }
        version_is_fixed_ = true;
    }
    return {};
}

Result<io::ClientConnection> ApiClient::begin(const ApiRequest& request) {
    GT_TRY(settle_version());
    GT_TRY_VAR(connection, take_connection());
    io::ClientRequest wire;
    wire.method = request.method;
    wire.target = target(request);
    wire.headers = basic_headers(request);
    wire.headers.set("Content-Type", "application/x-tar");
    if (auto begun = connection.begin(wire); !begun) {
        return fail(Kind::kUnavailable, begun.error().text());
    }
    return std::move(connection);
}

Result<ApiStream> ApiClient::finish(io::ClientConnection connection) {
    GT_TRY(connection.finish_request());
    GT_TRY_VAR(head, connection.read_head());
    if (head.status >= 400) {
        GT_TRY_VAR(body, connection.read_all(kErrorLimit));
        return daemon_error(head, body);
    }
    return ApiStream{std::move(connection), std::move(head)};
}

Result<io::RawConnection> ApiClient::upgrade(const ApiRequest& request) {
    io::Headers headers = basic_headers(request);
    headers.set("Connection", "Upgrade");
    headers.set("Upgrade", "tcp");
    GT_TRY_VAR(done, negotiated_exchange(request, headers));
    return std::move(done.connection).into_raw();
}

std::string container_path(std::string_view name, std::string_view action) {
    return fmt::format("/containers/{}{}{}", io::percent_encode(name), action.empty() ? "" : "/",
                       action);
}

std::string image_path(std::string_view name, std::string_view action) {
    std::string encoded;
    for (const char c : name) {
        encoded += c == '/' ? "/" : io::percent_encode(std::string_view(&c, 1));
    }
    return fmt::format("/images/{}{}{}", encoded, action.empty() ? "" : "/", action);
}

}  // namespace gantry::cli
