#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "io/headers.h"

namespace gantry::io {

/// What stands before the body of a message, request or response.
struct MessageHead {
    std::string method;
    std::string target;
    int status = 0;
    std::string reason;
    /// 0 for HTTP/1.0, 1 for HTTP/1.1.
    int minor = 1;
    Headers headers;
};

enum class MessageKind { kRequest, kResponse };

/// Whether the response that is read answers a HEAD request and so has no body whatever it says.
enum class BodyRule { kAsDeclared, kNone };

/// Reads one HTTP/1 message out of bytes that the caller receives (push parser). Pure: no I/O.
///
/// Both functions take the bytes received so far and say how many of them they have used up; the
/// caller drops those and keeps the rest for the next call. Errors are kInvalid, with errno
/// EMSGSIZE when the head is too large; the parser is of no use afterwards.
class Parser {
public:
    Parser(MessageKind kind, size_t head_limit, BodyRule rule = BodyRule::kAsDeclared);
    Parser(Parser&&) noexcept;
    Parser& operator=(Parser&&) noexcept;
    ~Parser();

    /// Goes on with the head. Until head_done() the caller must come again with more.
    Result<size_t> parse_head(std::string_view data);

    bool head_done() const;
    /// Valid after head_done().
    MessageHead& head();
    /// The sender keeps the connection open after this message.
    bool keep_alive() const;
    /// Empty for a chunked body and for one that ends with the connection.
    std::optional<uint64_t> content_length() const;

    struct BodyStep {
        size_t consumed;
        size_t produced;
    };
    /// Decodes body bytes into INTO. Nothing consumed and nothing produced means that more input is
    /// needed, unless message_done().
    Result<BodyStep> parse_body(std::string_view data, std::span<char> into);

    /// The connection ended. An error if the message needed more.
    Result<> end_of_input();

    bool message_done() const;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace gantry::io
