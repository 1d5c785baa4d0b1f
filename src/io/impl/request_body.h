#pragma once

#include "io/http.h"
#include "io/impl/input_buffer.h"
#include "io/impl/parser.h"
#include "io/impl/stream.h"

namespace gantry::io {

/// Decodes the body of one request from its connection.
class RequestBody final : public Body {
public:
    RequestBody(Parser& parser, InputBuffer& input, Stream& stream, std::chrono::milliseconds idle);

    Result<size_t> read(std::span<char> into) override;
    Result<size_t> read_before(std::span<char> into, Deadline deadline) override;
    std::optional<uint64_t> length() const override { return parser_.content_length(); }

    bool done() const { return parser_.message_done(); }

    /// Skips what of the body was received already, without waiting: a handler may ignore a small
    /// body and the connection lives on. Then done() tells.
    void skip_received();

    /// The client waits for our word before it sends the body.
    bool awaits_continue() const { return awaits_continue_; }

private:
    Parser& parser_;
    InputBuffer& input_;
    Stream& stream_;
    std::chrono::milliseconds idle_;
    bool awaits_continue_;
};

}  // namespace gantry::io
