#include "cli/template/lexer.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "cli/quote.h"

namespace gantry::cli {
namespace {

constexpr std::string_view kSpaces = " \t\r\n";

bool is_space(char c) {
    return c != '\0' && kSpaces.find(c) != std::string_view::npos;
}

bool is_word(char c) {
    const auto byte = static_cast<unsigned char>(c);
    // Letters outside ASCII may be part of a name; Go asks the Unicode tables.
    return std::isalnum(byte) != 0 || c == '_' || byte >= 0x80;
}

bool is_keyword(std::string_view word) {
    constexpr std::array<std::string_view, 10> kKeywords = {
        "block", "break", "continue", "define", "else", "end", "if", "range", "template", "with"};
    return std::ranges::find(kKeywords, word) != kKeywords.end();
}

std::string code_point(char c) {
    return fmt::format("U+{:04X} '{}'", static_cast<unsigned char>(c), c);
}

}  // namespace

std::string Token::describe() const {
    switch (type) {
        case Type::kEof: return "EOF";
        case Type::kError: return text;
        case Type::kKeyword:
        case Type::kDot:
        case Type::kNil: return "<" + text + ">";
        default: break;
    }
    if (count_characters(text) > 10) {
        return quote(first_characters(text, 10)) + "...";
    }
    return quote(text);
}

Token Lexer::next() {
    if (failed_) {
        return {};
    }
    return in_action_ ? next_in_action() : next_text();
}

Token Lexer::error(std::string message) {
    failed_ = true;
    return {Token::Type::kError, std::move(message), line_, 0};
}

Token Lexer::make(Token::Type type, size_t length) {
    Token token{type, std::string(source_.substr(position_, length)), line_,
                static_cast<int>(position_ - line_start_)};
    for (size_t i = position_; i < position_ + length; ++i) {
        if (source_[i] == '\n') {
            ++line_;
            line_start_ = i + 1;
        }
    }
    position_ += length;
    return token;
}

Token Lexer::next_text() {
    size_t begin = position_;
    if (std::exchange(trim_next_, false)) {
        begin = std::min(source_.find_first_not_of(kSpaces, begin), source_.size());
        (void)make(Token::Type::kText, begin - position_);
    }
    const size_t open = std::min(source_.find("{{", begin), source_.size());
    size_t end = open;
    const bool trims_left =
        open + 3 < source_.size() && source_[open + 2] == '-' && is_space(source_[open + 3]);
    if (trims_left) {
        while (end > begin && is_space(source_[end - 1])) {
            --end;
        }
    }
    if (end > begin) {
        return make(Token::Type::kText, end - begin);
    }
    (void)make(Token::Type::kText, open - position_);
    if (open == source_.size()) {
        return {Token::Type::kEof, {}, line_, 0};
    }
    return left_delimiter();
}

Token Lexer::left_delimiter() {
    Token token = make(Token::Type::kLeft, 2);
    if (peek() == '-' && is_space(peek(1))) {
        (void)make(Token::Type::kSpace, 2);
    }
    if (source_.substr(position_, 2) == "/*") {
        Token failure;
        return skip_comment(failure) ? next_text() : failure;
    }
    in_action_ = true;
    parens_ = 0;
    return token;
}

bool Lexer::skip_comment(Token& failure) {
    const size_t end = source_.find("*/", position_ + 2);
    if (end == std::string_view::npos) {
        failure = error("unclosed comment");
        return false;
    }
    (void)make(Token::Type::kSpace, end + 2 - position_);
    if (is_space(peek()) && peek(1) == '-' && source_.substr(position_ + 2, 2) == "}}") {
        trim_next_ = true;
        (void)make(Token::Type::kSpace, 2);
    }
    if (source_.substr(position_, 2) != "}}") {
        failure = error("comment ends before closing delimiter");
        return false;
    }
    (void)make(Token::Type::kRight, 2);
    return true;
}

bool Lexer::at_right_delimiter() const {
    return source_.substr(position_, 2) == "}}" ||
           (is_space(peek()) && source_.substr(position_ + 1, 3) == "-}}");
}

Token Lexer::next_in_action() {
    if (position_ >= source_.size()) {
        return error("unclosed action");
    }
    if (at_right_delimiter()) {
        if (parens_ > 0) {
            return error("unclosed left paren");
        }
        if (peek() != '}') {
            trim_next_ = true;
            (void)make(Token::Type::kSpace, 2);
        }
        in_action_ = false;
        return make(Token::Type::kRight, 2);
    }
    const char c = peek();
    if (is_space(c)) {
        size_t length = 0;
        while (is_space(peek(length)) && source_.substr(position_ + length + 1, 3) != "-}}") {
            ++length;
        }
        return make(Token::Type::kSpace, std::max<size_t>(length, 1));
    }
    switch (c) {
        case '=': return make(Token::Type::kAssign, 1);
        case ':': return peek(1) == '=' ? make(Token::Type::kDeclare, 2) : error("expected :=");
        case '|': return make(Token::Type::kPipe, 1);
        case '"': return quoted('"', Token::Type::kString);
        case '`': return quoted('`', Token::Type::kString);
        case '\'': return quoted('\'', Token::Type::kCharacter);
        case '$': return field_or_variable(Token::Type::kVariable);
        case '(': ++parens_; return make(Token::Type::kLeftParen, 1);
        case ')':
            if (--parens_ < 0) {
                return error("unexpected right paren");
            }
            return make(Token::Type::kRightParen, 1);
        default: break;
    }
    const bool digit_next = std::isdigit(static_cast<unsigned char>(peek(1))) != 0;
    if (c == '.' && !digit_next) {
        return field_or_variable(Token::Type::kField);
    }
    if (c == '+' || c == '-' || c == '.' || std::isdigit(static_cast<unsigned char>(c)) != 0) {
        return number();
    }
    if (is_word(c)) {
        return word();
    }
    if (std::isprint(static_cast<unsigned char>(c)) != 0) {
        return make(Token::Type::kPunctuation, 1);
    }
    return error("unrecognized character in action: " +
                 fmt::format("U+{:04X}", static_cast<unsigned char>(c)));
}

Token Lexer::word() {
    size_t length = 0;
    while (is_word(peek(length))) {
        ++length;
    }
    const std::string_view text = source_.substr(position_, length);
    if (constexpr std::string_view kEnders = ".,|:()}= \t\r\n";
        peek(length) != '\0' && kEnders.find(peek(length)) == std::string_view::npos) {
        return error("bad character " + code_point(peek(length)));
    }
    if (is_keyword(text)) {
        return make(Token::Type::kKeyword, length);
    }
    if (text == "true" || text == "false") {
        return make(Token::Type::kBool, length);
    }
    return make(text == "nil" ? Token::Type::kNil : Token::Type::kIdentifier, length);
}

Token Lexer::field_or_variable(Token::Type type) {
    size_t length = 1;
    while (is_word(peek(length))) {
        ++length;
    }
    if (length == 1 && type == Token::Type::kField) {
        return make(Token::Type::kDot, 1);
    }
    if (constexpr std::string_view kEnders = ".,|:()}= \t\r\n";
        peek(length) != '\0' && kEnders.find(peek(length)) == std::string_view::npos) {
        return error("bad character " + code_point(peek(length)));
    }
    return make(type, length);
}

Token Lexer::quoted(char end, Token::Type type) {
    for (size_t length = 1; position_ + length < source_.size(); ++length) {
        const char c = peek(length);
        if (c == end) {
            return make(type, length + 1);
        }
        if (c == '\n' && end != '`') {
            break;
        }
        if (c == '\\' && end != '`') {
            ++length;
        }
    }
    switch (end) {
        case '`': return error("unterminated raw quoted string");
        case '\'': return error("unterminated character constant");
        default: return error("unterminated quoted string");
    }
}

Token Lexer::number() {
    size_t length = 0;
    if (peek() == '+' || peek() == '-') {
        ++length;
    }
    const bool hex = peek(length) == '0' && (peek(length + 1) == 'x' || peek(length + 1) == 'X');
    bool seen_dot = false;
    while (true) {
        const char c = peek(length);
        const bool exponent = !hex && (c == 'e' || c == 'E');
        if (std::isdigit(static_cast<unsigned char>(c)) != 0 || c == '_' || exponent ||
            (hex && (std::isxdigit(static_cast<unsigned char>(c)) != 0 || c == 'x' || c == 'X'))) {
            ++length;
            if (exponent && (peek(length) == '+' || peek(length) == '-')) {
                ++length;
            }
        } else if (c == '.' && !std::exchange(seen_dot, true)) {
            ++length;
        } else {
            break;
        }
    }
    if (is_word(peek(length))) {
        return error("bad number syntax: " + quote(source_.substr(position_, length + 1)));
    }
    return make(Token::Type::kNumber, length);
}

}  // namespace gantry::cli
