#include "engine/image/glob.h"

#include <optional>

namespace gantry::engine {
namespace {

Failure syntax_error() {
    return fail(Kind::kInvalid, "syntax error in pattern");
}

/// Takes one character of a class off PATTERN.
Result<char> take_class_character(std::string_view& pattern) {
    if (pattern.empty() || pattern.front() == '-' || pattern.front() == ']') {
        return syntax_error();
    }
    if (pattern.front() == '\\') {
        pattern.remove_prefix(1);
        if (pattern.empty()) {
            return syntax_error();
        }
    }
    const char character = pattern.front();
    pattern.remove_prefix(1);
    if (pattern.empty()) {
        return syntax_error();
    }
    return character;
}

/// Takes a class, whose "[" is gone already, off PATTERN.
Result<bool> match_class(std::string_view& pattern, char character) {
    const bool negated = pattern.starts_with('^');
    pattern.remove_prefix(negated ? 1 : 0);
    bool matched = false;
    for (int ranges = 0;; ++ranges) {
        if (pattern.starts_with(']') && ranges > 0) {
            pattern.remove_prefix(1);
            return matched != negated;
        }
        GT_TRY_VAR(low, take_class_character(pattern));
        char high = low;
        if (pattern.starts_with('-')) {
            pattern.remove_prefix(1);
            GT_TRY_VAR(end, take_class_character(pattern));
            high = end;
        }
        matched = matched || (low <= character && character <= high);
    }
}

/// Takes what matches exactly one character off PATTERN, which is not empty and begins with no "*".
Result<bool> match_one(std::string_view& pattern, char character) {
    const char first = pattern.front();
    pattern.remove_prefix(1);
    switch (first) {
        case '?': return character != '/';
        case '[': return match_class(pattern, character);
        case '\\': {
            if (pattern.empty()) {
                return syntax_error();
            }
            const char literal = pattern.front();
            pattern.remove_prefix(1);
            return character == literal;
        }
        default: return character == first;
    }
}

}  // namespace

Result<bool> glob_match(std::string_view pattern, std::string_view name) {
    // Where the last "*" stood, and how much of the name it has taken: going back only to the last
    // one is enough, what stood before it has matched.
    std::optional<std::string_view> after_star;
    std::string_view star_rest;
    for (;;) {
        if (pattern.starts_with('*')) {
            pattern.remove_prefix(1);
            after_star = pattern;
            star_rest = name;
            continue;
        }
        if (pattern.empty() && name.empty()) {
            return true;
        }
        if (!pattern.empty()) {
            // At the end of the name the rest of the pattern is still looked at for its syntax.
            GT_TRY_VAR(matched, match_one(pattern, name.empty() ? '\0' : name.front()));
            if (matched && !name.empty()) {
                name.remove_prefix(1);
                continue;
            }
        }
        if (!after_star || star_rest.empty() || star_rest.front() == '/') {
            return false;
        }
        star_rest.remove_prefix(1);
        name = star_rest;
        pattern = *after_star;
    }
}

}  // namespace gantry::engine
