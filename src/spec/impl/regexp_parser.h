#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "spec/regexp.h"

namespace gantry::spec::impl {

/// Reads a pattern by recursive descent into a tree and writes the tree out as states, beginning
/// with state 0. Repetitions are written out, so the tree is kept and not the states.
class RegexpParser {
public:
    RegexpParser(std::string_view pattern, std::vector<Regexp::State>& states,
                 std::vector<Regexp::ByteSet>& sets)
        : pattern_(pattern), rest_(pattern), states_(states), sets_(sets) {}

    Result<> run();

private:
    using Op = Regexp::State::Op;

    struct Node;
    using NodePtr = std::unique_ptr<Node>;
    struct Node {
        enum class Type { kLeaf, kSequence, kChoice, kRepeat };
        Type type = Type::kSequence;
        /// Of a leaf.
        Regexp::State state;
        std::vector<NodePtr> parts;
        /// Of a repetition; most is -1 for any number.
        int least = 0;
        int most = 0;
    };

    Result<NodePtr> choice();
    Result<NodePtr> sequence();
    Result<NodePtr> repeated();
    Result<NodePtr> atom();
    Result<NodePtr> group();
    Result<NodePtr> bracket();
    Result<> bracket_item(Regexp::ByteSet& set);
    Result<NodePtr> escape();
    /// A byte behind a backslash, which is already taken.
    Result<uint8_t> escaped_byte();
    bool take_counts(int& least, int& most);
    bool take(char c);

    NodePtr leaf(Op op, uint8_t byte = 0) const;
    NodePtr set_leaf(const Regexp::ByteSet& set);
    Failure error(std::string_view what, std::string_view where) const;

    void write(const Node& node);
    void write_choice(const Node& node);
    void write_repeat(const Node& node);
    uint32_t add(Regexp::State state);
    uint32_t here() const { return static_cast<uint32_t>(states_.size()); }

    std::string_view pattern_;
    std::string_view rest_;
    std::vector<Regexp::State>& states_;
    std::vector<Regexp::ByteSet>& sets_;
    int depth_ = 0;
    size_t writes_ = 0;
};

}  // namespace gantry::spec::impl
