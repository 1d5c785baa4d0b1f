#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/error.h"

namespace gantry::spec::impl {

/// A pull parser for JSON as Go's encoding/json reads it. Every call takes the next part of the
/// text; the first error stays and makes every later call fail, so that callers test only where
/// they loop. Linear, no recursion of its own but skip_value(), which kMaxJsonDepth bounds.
class Reader {
public:
    explicit Reader(std::string_view text) : rest_(text), empty_(true) {}

    enum class Type { kNull, kBool, kNumber, kString, kArray, kObject, kError };

    /// The type of the next value, which stays where it is.
    Type peek();

    // Each reads a value of its type, which peek() has seen.
    void read_null();
    bool read_bool();
    /// The literal as it stands, of valid JSON syntax.
    std::string_view read_number();
    /// Escapes resolved; invalid UTF-8 and lone surrogates become U+FFFD.
    std::string read_string();

    // for (reader.enter_object(); reader.next_member(name);) { read or skip one value }
    void enter_object();
    bool next_member(std::string& name);
    void enter_array();
    bool next_element();

    void skip_value();
    /// Only white space may be left.
    void finish();

    bool ok() const { return !failed_; }
    /// A syntax error, or any text of its own.
    void fail(std::string text);
    /// The value ("string", "number 1.5") does not fit the Go type. A path is put before it by
    /// in_field() on the way out.
    void fail_type(std::string_view value, std::string_view go_type);
    /// Says that the error came up in the member NAME of the object that is being read.
    void in_field(std::string_view name);
    /// Takes the error out; ROOT is the Go name of the document's type, "" if it is no struct.
    Error take_error(std::string_view root) const;

private:
    void skip_space();
    bool expect(char wanted, std::string_view place);
    void fail_character(std::string_view place);
    void read_literal(std::string_view literal);
    size_t digits();
    bool read_escape(std::string& out);
    int read_hex4();

    std::string_view rest_;
    /// No value has been seen yet: "EOF" instead of "unexpected EOF".
    bool empty_;
    /// A container was entered and nothing in it has been read.
    bool fresh_ = false;
    bool failed_ = false;
    size_t depth_ = 0;
    std::string error_;
    /// For fail_type(): the rest of the message behind the path.
    std::string error_type_;
    std::string error_path_;
};

/// "string", "number 1.5", ... for fail_type().
std::string_view go_value_name(Reader::Type type);

}  // namespace gantry::spec::impl
