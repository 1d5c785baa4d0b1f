#include "spec/impl/regexp_parser.h"

#include <fmt/core.h>

#include <utility>

namespace gantry::spec::impl {
namespace {

using ByteSet = Regexp::ByteSet;

constexpr int kMaxDepth = 100;
/// As in RE2.
constexpr int kMaxCount = 1000;
constexpr size_t kMaxWrites = 4 * Regexp::kMaxStates;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

void add_range(ByteSet& set, unsigned first, unsigned last) {
    for (unsigned byte = first; byte <= last; ++byte) {
        set.add(static_cast<uint8_t>(byte));
    }
}

ByteSet inverted(ByteSet set) {
    for (uint64_t& word : set.words) {
        word = ~word;
    }
    return set;
}

/// Adds the class of \d, \w or \s (or of the upper-case complement); false for other letters.
bool add_class(ByteSet& set, char name) {
    ByteSet members;
    switch (name | 0x20) {
        case 'd': add_range(members, '0', '9'); break;
        case 'w':
            add_range(members, '0', '9');
            add_range(members, 'A', 'Z');
            add_range(members, 'a', 'z');
            members.add('_');
            break;
        case 's':
            for (const char c : std::string_view("\t\n\f\r ")) {
                members.add(static_cast<uint8_t>(c));
            }
            break;
        default: return false;
    }
    if (name < 'a') {
        members = inverted(members);
    }
    for (size_t word = 0; word < std::size(set.words); ++word) {
        set.words[word] |= members.words[word];
    }
    return true;
}

}  // namespace

Failure RegexpParser::error(std::string_view what, std::string_view where) const {
    return fail(Kind::kInvalid, fmt::format("error parsing regexp: {}: `{}`", what, where));
}

Result<> RegexpParser::run() {
    if (pattern_.size() > Regexp::kMaxLength) {
        return fail(Kind::kInvalid, "error parsing regexp: expression too long");
    }
    GT_TRY_VAR(root, choice());
    if (!rest_.empty()) {
        return error("unexpected )", pattern_);
    }
    write(*root);
    add({Op::kMatch});
    if (writes_ > kMaxWrites || states_.size() > Regexp::kMaxStates) {
        return fail(Kind::kInvalid, "error parsing regexp: expression too large");
    }
    return {};
}

bool RegexpParser::take(char c) {
    if (!rest_.starts_with(c)) {
        return false;
    }
    rest_.remove_prefix(1);
    return true;
}

RegexpParser::NodePtr RegexpParser::leaf(Op op, uint8_t byte) const {
    auto node = std::make_unique<Node>();
    node->type = Node::Type::kLeaf;
    node->state = {op, byte};
    return node;
}

RegexpParser::NodePtr RegexpParser::set_leaf(const ByteSet& set) {
    auto node = leaf(Op::kSet);
    node->state.other = static_cast<uint32_t>(sets_.size());
    sets_.push_back(set);
    return node;
}

Result<RegexpParser::NodePtr> RegexpParser::choice() {
    auto node = std::make_unique<Node>();
    node->type = Node::Type::kChoice;
    do {
        GT_TRY_VAR(part, sequence());
        node->parts.push_back(std::move(part));
    } while (take('|'));
    return node;
}

Result<RegexpParser::NodePtr> RegexpParser::sequence() {
    auto node = std::make_unique<Node>();
    while (!rest_.empty() && rest_[0] != '|' && rest_[0] != ')') {
        GT_TRY_VAR(part, repeated());
        node->parts.push_back(std::move(part));
    }
    return node;
}

/// The counts of "{2}", "{2,}" or "{2,5}" at the front. Anything else is a literal brace.
bool RegexpParser::take_counts(int& least, int& most) {
    std::string_view text = rest_.substr(1);
    const auto number = [&](int& value) {
        const size_t before = text.size();
        for (value = 0; !text.empty() && is_digit(text[0]); text.remove_prefix(1)) {
            value = std::min(value * 10 + (text[0] - '0'), kMaxCount + 1);
        }
        return text.size() != before;
    };
    if (!number(least)) {
        return false;
    }
    most = least;
    if (text.starts_with(',')) {
        text.remove_prefix(1);
        if (!number(most)) {
            most = -1;
        }
    }
    if (!text.starts_with('}')) {
        return false;
    }
    rest_ = text.substr(1);
    return true;
}

Result<RegexpParser::NodePtr> RegexpParser::repeated() {
    GT_TRY_VAR(part, atom());
    int least = 0;
    int most = -1;
    const std::string_view start = rest_;
    if (take('*')) {
    } else if (take('+')) {
        least = 1;
    } else if (take('?')) {
        most = 1;
    } else if (!rest_.starts_with('{') || !take_counts(least, most)) {
        return std::move(part);
    }
    if (least > kMaxCount || most > kMaxCount || (most >= 0 && most < least)) {
        return error("invalid repeat count", start.substr(0, start.size() - rest_.size()));
    }
    // The lazy forms find the same texts.
    take('?');
    if (!rest_.empty() && std::string_view("*+?").find(rest_[0]) != std::string_view::npos) {
        return error("invalid nested repetition operator",
                     start.substr(0, start.size() - rest_.size() + 1));
    }
    auto node = std::make_unique<Node>();
    node->type = Node::Type::kRepeat;
    node->parts.push_back(std::move(part));
    node->least = least;
    node->most = most;
    return node;
}

Result<RegexpParser::NodePtr> RegexpParser::atom() {
    const char c = rest_[0];
    switch (c) {
        case '*':
        case '+':
        case '?': return error("missing argument to repetition operator", rest_.substr(0, 1));
        case '(': return group();
        case '[': return bracket();
        case '\\': return escape();
        default: break;
    }
    rest_.remove_prefix(1);
    switch (c) {
        case '.': return leaf(Op::kAny);
        case '^': return leaf(Op::kBegin);
        case '$': return leaf(Op::kEnd);
        default: return leaf(Op::kByte, static_cast<uint8_t>(c));
    }
}

Result<RegexpParser::NodePtr> RegexpParser::group() {
    rest_.remove_prefix(1);
    if (take('?') && !take(':')) {
        return error("invalid or unsupported Perl syntax", "(?");
    }
    if (++depth_ > kMaxDepth) {
        return fail(Kind::kInvalid, "error parsing regexp: expression nests too deeply");
    }
    auto node = choice();
    --depth_;
    if (node && !take(')')) {
        return error("missing closing )", pattern_);
    }
    return node;
}

Result<uint8_t> RegexpParser::escaped_byte() {
    if (rest_.empty()) {
        return error("trailing backslash at end of expression", "");
    }
    const char c = rest_[0];
    rest_.remove_prefix(1);
    constexpr std::string_view kNames = "aftnrv";
    constexpr std::string_view kBytes = "\a\f\t\n\r\v";
    if (const size_t at = kNames.find(c); at != kNames.npos) {
        return static_cast<uint8_t>(kBytes[at]);
    }
    if (is_letter(c) || is_digit(c)) {
        return error("invalid escape sequence", fmt::format("\\{}", c));
    }
    return static_cast<uint8_t>(c);
}

Result<RegexpParser::NodePtr> RegexpParser::escape() {
    rest_.remove_prefix(1);
    ByteSet set;
    if (!rest_.empty() && add_class(set, rest_[0])) {
        rest_.remove_prefix(1);
        return set_leaf(set);
    }
    // \A and \z are ^ and $ here: there is no multi-line mode.
    if (take('A')) {
        return leaf(Op::kBegin);
    }
    if (take('z')) {
        return leaf(Op::kEnd);
    }
    GT_TRY_VAR(byte, escaped_byte());
    return leaf(Op::kByte, byte);
}

/// One byte, range or class inside brackets.
Result<> RegexpParser::bracket_item(ByteSet& set) {
    const auto one = [&]() -> Result<uint8_t> {
        if (take('\\')) {
            return escaped_byte();
        }
        const auto byte = static_cast<uint8_t>(rest_[0]);
        rest_.remove_prefix(1);
        return byte;
    };
    const std::string_view start = rest_;
    if (rest_.starts_with("[:")) {
        return error("invalid character class range", rest_);
    }
    if (rest_.size() > 1 && rest_[0] == '\\' && add_class(set, rest_[1])) {
        rest_.remove_prefix(2);
        return {};
    }
    GT_TRY_VAR(first, one());
    uint8_t last = first;
    if (rest_.size() > 1 && rest_[0] == '-' && rest_[1] != ']') {
        rest_.remove_prefix(1);
        GT_TRY_VAR(end, one());
        last = end;
    }
    if (last < first) {
        return error("invalid character class range", start.substr(0, start.size() - rest_.size()));
    }
    add_range(set, first, last);
    return {};
}

Result<RegexpParser::NodePtr> RegexpParser::bracket() {
    const std::string_view start = rest_;
    rest_.remove_prefix(1);
    const bool is_inverted = take('^');
    ByteSet set;
    // A bracket in the first place is a literal.
    for (bool is_first = true; is_first || !rest_.starts_with(']'); is_first = false) {
        if (rest_.empty()) {
            return error("missing closing ]", start);
        }
        GT_TRY(bracket_item(set));
    }
    rest_.remove_prefix(1);
    return set_leaf(is_inverted ? inverted(set) : set);
}

uint32_t RegexpParser::add(Regexp::State state) {
    const uint32_t at = here();
    // Beyond the limit run() refuses the pattern; until then nothing may grow without end.
    if (states_.size() <= Regexp::kMaxStates) {
        state.next = state.next == 0 ? at + 1 : state.next;
        states_.push_back(state);
    }
    return at;
}

void RegexpParser::write(const Node& node) {
    // Repetitions of what writes no state would not be stopped by the number of states.
    if (++writes_ > kMaxWrites || states_.size() > Regexp::kMaxStates) {
        return;
    }
    switch (node.type) {
        case Node::Type::kLeaf: add(node.state); return;
        case Node::Type::kSequence:
            for (const NodePtr& part : node.parts) {
                write(*part);
            }
            return;
        case Node::Type::kChoice: write_choice(node); return;
        case Node::Type::kRepeat: write_repeat(node); return;
    }
}

void RegexpParser::write_choice(const Node& node) {
    std::vector<uint32_t> ends;
    for (size_t at = 0; at < node.parts.size(); ++at) {
        const bool is_last = at + 1 == node.parts.size();
        const uint32_t split = is_last ? 0 : add({Op::kSplit});
        write(*node.parts[at]);
        if (!is_last) {
            ends.push_back(add({Op::kJump}));
            if (split < states_.size()) {
                states_[split].other = here();
            }
        }
    }
    for (const uint32_t end : ends) {
        if (end < states_.size()) {
            states_[end].next = here();
        }
    }
}

void RegexpParser::write_repeat(const Node& node) {
    const Node& part = *node.parts[0];
    for (int count = 0; count < node.least; ++count) {
        write(part);
    }
    if (node.most < 0) {
        const uint32_t split = add({Op::kSplit});
        write(part);
        const uint32_t back = add({Op::kJump});
        if (back < states_.size()) {
            states_[back].next = split;
            states_[split].other = here();
        }
        return;
    }
    std::vector<uint32_t> splits;
    for (int count = node.least; count < node.most; ++count) {
        splits.push_back(add({Op::kSplit}));
        write(part);
    }
    for (const uint32_t split : splits) {
        if (split < states_.size()) {
            states_[split].other = here();
        }
    }
}

}  // namespace gantry::spec::impl
