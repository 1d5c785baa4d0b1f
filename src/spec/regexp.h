#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace gantry::spec {

/// A regular expression in the common part of RE2's syntax: literals, `.`, `[a-z]`, `[^a]`, `\d \w
/// \s` and their complements, escapes, groups (also `(?:`), `|`, `*`, `+`, `?`, `{m,n}`, `^`, `$`.
/// Bytes, not code points. Searching is linear in the text (a set of states is carried along, no
/// backtracking); what the expression may cost is bounded when it is compiled.
class Regexp {
public:
    /// kInvalid "error parsing regexp: ..." for syntax that is wrong or not known here, for more
    /// than kMaxLength bytes and for one that would need more than kMaxStates states.
    static Result<Regexp> compile(std::string_view pattern);

    /// Whether any part of TEXT matches.
    bool search(std::string_view text) const;

    static constexpr size_t kMaxLength = 1024;
    static constexpr size_t kMaxStates = 4096;

    /// One state of the compiled machine.
    struct State {
        enum class Op : uint8_t { kByte, kAny, kSet, kSplit, kJump, kBegin, kEnd, kMatch };
        Op op = Op::kMatch;
        uint8_t byte = 0;
        /// Index of a byte set, or of the second branch of a split.
        uint32_t other = 0;
        /// The next state.
        uint32_t next = 0;
    };
    /// A set of bytes: bit N of word N / 64.
    struct ByteSet {
        uint64_t words[4] = {};
        void add(uint8_t byte) { words[byte >> 6] |= uint64_t{1} << (byte & 63); }
        bool has(uint8_t byte) const { return (words[byte >> 6] >> (byte & 63) & 1) != 0; }
    };

private:
    std::vector<State> states_;
    std::vector<ByteSet> sets_;
};

}  // namespace gantry::spec
