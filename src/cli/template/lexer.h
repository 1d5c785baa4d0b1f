#pragma once

#include <string>
#include <string_view>

namespace gantry::cli {

/// One token of a template.
struct Token {
    enum class Type {
        kEof,
        kError,  // text is the message
        kText,
        kLeft,   // {{
        kRight,  // }}
        kSpace,
        kIdentifier,
        kField,     // .Name
        kVariable,  // $, $name
        kString,    // text is the source with its quotes, "..." or `...`
        kCharacter,
        kNumber,
        kBool,
        kPipe,
        kDeclare,  // :=
        kAssign,   // =
        kLeftParen,
        kRightParen,
        kPunctuation,  // any other printable character
        kDot,
        kNil,
        kKeyword,
    };

    Type type = Type::kEof;
    std::string text;
    int line = 1;
    /// Byte offset from the start of the line's text, for messages at run time.
    int column = 0;

    /// As Go's parser names it in "unexpected X in Y".
    std::string describe() const;
};

/// Splits a template into tokens: text outside {{ }}, then what is inside, with trim markers and
/// comments already applied. Never fails to make progress; errors are tokens.
class Lexer {
public:
    explicit Lexer(std::string_view source) : source_(source) {}

    Token next();

private:
    Token next_text();
    Token next_in_action();
    Token left_delimiter();
    Token error(std::string message);
    Token make(Token::Type type, size_t length);
    Token word();
    Token field_or_variable(Token::Type type);
    Token quoted(char end, Token::Type type);
    Token number();
    bool at_right_delimiter() const;
    bool skip_comment(Token& failure);

    char peek(size_t ahead = 0) const {
        return position_ + ahead < source_.size() ? source_[position_ + ahead] : '\0';
    }

    std::string_view source_;
    size_t position_ = 0;
    size_t line_start_ = 0;
    int line_ = 1;
    int parens_ = 0;
    bool in_action_ = false;
    bool trim_next_ = false;
    bool failed_ = false;
};

}  // namespace gantry::cli
