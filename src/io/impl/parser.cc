#include "io/impl/parser.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <cerrno>
#include <cstring>
#include <variant>

#include "base/text.h"

namespace gantry::io {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;
using Text = beast::string_view;

std::string to_string(Text text) {
    return {text.data(), text.size()};
}

/// Where the callbacks of Beast's parser leave what they are told.
struct Sink {
    MessageHead head;
    bool head_done = false;
    std::span<char> body;
    size_t produced = 0;
    /// Bytes of the present chunk that are still to come; 0 between chunks.
    uint64_t chunk_left = 0;
};

template <bool kIsRequest>
class BeastParser final : public http::basic_parser<kIsRequest> {
public:
    Sink sink;

private:
    void on_request_impl(http::verb, Text method, Text target, int version,
                         beast::error_code&) override {
        sink.head.method = to_string(method);
        sink.head.target = to_string(target);
        sink.head.minor = version - 10;
    }

    void on_response_impl(int status, Text reason, int version, beast::error_code&) override {
        sink.head.status = status;
        sink.head.reason = to_string(reason);
        sink.head.minor = version - 10;
    }

    void on_field_impl(http::field, Text name, Text value, beast::error_code&) override {
        // Trailers of a chunked body come here too. Nobody has asked for any.
        if (!sink.head_done) {
            sink.head.headers.add(to_string(name), to_string(value));
        }
    }

    void on_header_impl(beast::error_code& error) override {
        sink.head_done = true;
        if (kIsRequest) {
            check_transfer_encoding(error);
        }
    }

    /// Beast takes an unknown Transfer-Encoding for "no body"; a proxy in front of us may not, and
    /// the two would disagree on where the next request begins (request smuggling).
    void check_transfer_encoding(beast::error_code& error) {
        const std::string* encoding = sink.head.headers.find("Transfer-Encoding");
        if (encoding != nullptr &&
            (sink.head.minor == 0 || !equals_ignoring_case(*encoding, "chunked"))) {
            error = http::error::bad_transfer_encoding;
        }
    }

    void on_body_init_impl(const boost::optional<std::uint64_t>&, beast::error_code&) override {}

    std::size_t on_body_impl(Text data, beast::error_code&) override { return take(data); }

    void on_chunk_header_impl(std::uint64_t size, Text, beast::error_code&) override {
        sink.chunk_left = size;
    }

    std::size_t on_chunk_body_impl(std::uint64_t, Text data, beast::error_code&) override {
        const size_t count = take(data);
        sink.chunk_left -= count;
        return count;
    }

    void on_finish_impl(beast::error_code&) override {}

    size_t take(Text data) {
        const size_t count = std::min(data.size(), sink.body.size() - sink.produced);
        std::memcpy(sink.body.data() + sink.produced, data.data(), count);
        sink.produced += count;
        return count;
    }
};

Failure malformed(const beast::error_code& error) {
    if (error == http::error::header_limit) {
        return Failure(Error(Kind::kInvalid, "request header is too large", EMSGSIZE));
    }
    return fail(Kind::kInvalid, "malformed HTTP message: " + error.message());
}

}  // namespace

class Parser::Impl {
public:
    template <class F>
    decltype(auto) visit(F&& function) {
        return std::visit(std::forward<F>(function), parser_);
    }

    Impl(MessageKind kind, size_t head_limit, BodyRule rule) : head_limit_(head_limit) {
        if (kind == MessageKind::kResponse) {
            parser_.emplace<BeastParser<false>>();
        }
        visit([&](auto& parser) {
            parser.header_limit(static_cast<std::uint32_t>(head_limit));
            parser.body_limit(boost::none);
            parser.skip(rule == BodyRule::kNone);
            // One piece per put(): the caller's span must not overflow and the head must not
            // swallow the body.
            parser.eager(false);
        });
    }

    Sink& sink() {
        return visit([](auto& parser) -> Sink& { return parser.sink; });
    }
    bool message_done() {
        return visit([](auto& parser) { return parser.is_done(); });
    }

    Result<size_t> parse_head(std::string_view data) {
        beast::error_code error;
        const size_t used = put(data, error);
        head_size_ += used;
        if (error && error != http::error::need_more) {
            return malformed(error);
        }
        // Beast counts only what one put() sees; we count all of it.
        const size_t held = sink().head_done ? head_size_ : head_size_ + (data.size() - used);
        if (held > head_limit_) {
            return malformed(http::make_error_code(http::error::header_limit));
        }
        return used;
    }

    Result<BodyStep> parse_body(std::string_view data, std::span<char> into) {
        Sink& out = sink();
        out.body = into;
        out.produced = 0;
        size_t consumed = 0;
        while (!message_done() && consumed < data.size() && out.produced < into.size()) {
            // SAFETY: Beast 1.81 aborts when it sees the last chunk again with still less than a
            // whole one. Between chunks, nothing shorter than that can complete anything.
            if (chunked() && out.chunk_left == 0 && data.size() - consumed < kShortestEnd) {
                break;
            }
            beast::error_code error;
            const size_t used = put(data.substr(consumed), error);
            consumed += used;
            if (error == http::error::need_more) {
                break;
            }
            if (error) {
                return malformed(error);
            }
        }
        return BodyStep{consumed, out.produced};
    }

    Result<> end_of_input() {
        beast::error_code error = http::make_error_code(http::error::partial_message);
        visit([&](auto& parser) {
            if (parser.got_some()) {
                parser.put_eof(error);
            }
        });
        if (error) {
            return malformed(error);
        }
        return {};
    }

private:
    /// "0\r\n\r\n"
    static constexpr size_t kShortestEnd = 5;

    bool chunked() {
        return visit([](auto& parser) { return parser.chunked(); });
    }

    size_t put(std::string_view data, beast::error_code& error) {
        return visit([&](auto& parser) {
            return parser.put(boost::asio::const_buffer(data.data(), data.size()), error);
        });
    }

    std::variant<BeastParser<true>, BeastParser<false>> parser_;
    size_t head_limit_;
    size_t head_size_ = 0;
};

Parser::Parser(MessageKind kind, size_t head_limit, BodyRule rule)
    : impl_(std::make_unique<Impl>(kind, head_limit, rule)) {}
Parser::Parser(Parser&&) noexcept = default;
Parser& Parser::operator=(Parser&&) noexcept = default;
Parser::~Parser() = default;

Result<size_t> Parser::parse_head(std::string_view data) {
    return impl_->parse_head(data);
}

bool Parser::head_done() const {
    return impl_->sink().head_done;
}

MessageHead& Parser::head() {
    return impl_->sink().head;
}

bool Parser::keep_alive() const {
    return impl_->visit([](auto& parser) { return parser.keep_alive(); });
}

std::optional<uint64_t> Parser::content_length() const {
    return impl_->visit([](auto& parser) -> std::optional<uint64_t> {
        if (const auto length = parser.content_length()) {
            return *length;
        }
        return parser.is_done() ? std::optional<uint64_t>(0) : std::nullopt;
    });
}

Result<Parser::BodyStep> Parser::parse_body(std::string_view data, std::span<char> into) {
    return impl_->parse_body(data, into);
}

Result<> Parser::end_of_input() {
    return impl_->end_of_input();
}

bool Parser::message_done() const {
    return impl_->message_done();
}

}  // namespace gantry::io
