#include "spec/regexp.h"

#include <algorithm>

#include "spec/impl/regexp_parser.h"

namespace gantry::spec {
namespace {

using State = Regexp::State;

/// The states that are active at one place in the text, each once.
class StateSet {
public:
    explicit StateSet(size_t size) : seen_(size, 0) {}

    void clear() {
        list_.clear();
        ++round_;
    }
    bool add(uint32_t state) {
        if (seen_[state] == round_) {
            return false;
        }
        seen_[state] = round_;
        list_.push_back(state);
        return true;
    }
    const std::vector<uint32_t>& list() const { return list_; }

private:
    std::vector<uint64_t> seen_;
    std::vector<uint32_t> list_;
    uint64_t round_ = 1;
};

struct Place {
    bool is_begin;
    bool is_end;
};

/// Adds START and all that is reached from it without a byte. Whether the match state is among it.
bool add_closure(const std::vector<State>& states, uint32_t start, Place place, StateSet& set) {
    std::vector<uint32_t> todo{start};
    bool matched = false;
    while (!todo.empty()) {
        const uint32_t at = todo.back();
        todo.pop_back();
        if (!set.add(at)) {
            continue;
        }
        const State& state = states[at];
        switch (state.op) {
            case State::Op::kSplit: todo.push_back(state.other); [[fallthrough]];
            case State::Op::kJump: todo.push_back(state.next); break;
            case State::Op::kBegin:
                if (place.is_begin) {
                    todo.push_back(state.next);
                }
                break;
            case State::Op::kEnd:
                if (place.is_end) {
                    todo.push_back(state.next);
                }
                break;
            case State::Op::kMatch: matched = true; break;
            case State::Op::kByte:
            case State::Op::kAny:
            case State::Op::kSet: break;
        }
    }
    return matched;
}

}  // namespace

Result<Regexp> Regexp::compile(std::string_view pattern) {
    Regexp regexp;
    impl::RegexpParser parser(pattern, regexp.states_, regexp.sets_);
    GT_TRY(parser.run());
    return regexp;
}

bool Regexp::search(std::string_view text) const {
    const auto takes = [&](const State& state, char c) {
        switch (state.op) {
            case State::Op::kByte: return state.byte == static_cast<uint8_t>(c);
            case State::Op::kAny: return c != '\n';
            case State::Op::kSet: return sets_[state.other].has(static_cast<uint8_t>(c));
            default: return false;
        }
    };
    StateSet now(states_.size());
    StateSet next(states_.size());
    for (size_t at = 0;; ++at) {
        // A match may begin at every place.
        if (add_closure(states_, 0, {at == 0, at == text.size()}, now)) {
            return true;
        }
        if (at == text.size()) {
            return false;
        }
        next.clear();
        const Place behind{false, at + 1 == text.size()};
        for (const uint32_t state : now.list()) {
            if (takes(states_[state], text[at]) &&
                add_closure(states_, states_[state].next, behind, next)) {
                return true;
            }
        }
        std::swap(now, next);
    }
}

}  // namespace gantry::spec
