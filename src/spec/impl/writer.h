#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace gantry::spec::impl {

/// Appends JSON text as Go's encoding/json prints it without HTML escaping. The caller keeps the
/// grammar: separate() before each member or element, comma and line breaks are put here.
class Writer {
public:
    /// INDENT spaces a level, one member or element a line; 0 for compact text.
    explicit Writer(int indent = 0) : indent_(indent) {}

    void null() { text_ += "null"; }
    void boolean(bool value) { text_ += value ? "true" : "false"; }
    void integer(int64_t value);
    void unsigned_integer(uint64_t value);
    void number(double value);
    /// Invalid UTF-8 is written as U+FFFD.
    void string(std::string_view value);

    // open('{'); for each member { separate(); name("x"); value } close('}');
    void open(char bracket);
    void separate();
    void name(std::string_view name);
    void close(char bracket);

    std::string take() { return std::move(text_); }

private:
    void break_line();

    std::string text_;
    int indent_;
    int depth_ = 0;
    bool fresh_ = true;
};

}  // namespace gantry::spec::impl
