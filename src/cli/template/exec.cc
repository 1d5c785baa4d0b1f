#include "cli/template/exec.h"

#include <fmt/core.h>

#include <algorithm>
#include <deque>
#include <ranges>
#include <utility>
#include <vector>

#include "base/text.h"
#include "cli/quote.h"
#include "cli/template/escape.h"

namespace gantry::cli {
namespace {

using spec::Value;

constexpr size_t kMaxOutput = 64UL << 20;
/// Values live until the template ends; this bounds the text in them together.
constexpr size_t kMaxOwned = 4 * kMaxOutput;
constexpr int kMaxDepth = 100;
constexpr int64_t kMaxIterations = 1'000'000;

/// A value on its way through a pipeline.
struct Datum {
    const Value* value;
    /// There is no such key: prints as "<no value>".
    bool missing = false;
    /// The field it was read from, for TemplateOptions::null_text.
    std::string_view field = {};
};

class Executor {
public:
    Executor(const ast::Tree& tree, const Value& data, const TemplateOptions& options)
        : tree_(tree), root_(&data), options_(options) {
        variables_.push_back({"$", {&data}});
    }

    Result<std::string> run() {
        GT_TRY(walk(tree_.body, {root_}));
        return std::move(out_);
    }

private:
    /// Whether a loop goes on after a block.
    enum class Flow { kNext, kBreak, kContinue };

    struct Variable {
        std::string name;
        Datum datum;
    };

    Result<Flow> walk(const ast::Block& block, Datum dot);
    Result<Flow> walk_node(const ast::Node& node, Datum dot);
    Result<Flow> walk_branch(const ast::Node& node, Datum dot);
    Result<Flow> walk_range(const ast::Node& node, Datum dot);
    Result<Flow> iterate(const ast::Node& node, const Datum& key, const Datum& element);
    Result<> walk_template(const ast::Node& node, Datum dot);

    Result<Datum> evaluate(const ast::Pipeline& pipeline, Datum dot, bool bind = true);
    Result<Datum> evaluate_call(const ast::Call& call, Datum dot, const Datum* final);
    Result<Datum> evaluate_operand(const ast::Operand& operand, Datum dot);
    Result<Datum> evaluate_function(const ast::Call& call, Datum dot, const Datum* final);
    Result<Datum> evaluate_logic(const ast::Call& call, Datum dot, const Datum* final);
    Result<Datum> evaluate_fields(const ast::Operand& operand, Datum from, Datum dot,
                                  const ast::Call* call, const Datum* final);
    Result<Datum> evaluate_field(const ast::Operand& operand, std::string_view name, Datum from);
    Result<Datum> evaluate_method(const ast::Operand& operand, std::string_view name,
                                  const ast::Call& call, Datum dot, const Datum* final);

    const Value* find_field(const Value& object, std::string_view name) const;
    /// Whether VALUE is what OwnJson tells of: Go escapes HTML in its JSON.
    bool marshals_itself(const Value& value) const {
        switch (options_.own_json) {
            case TemplateOptions::OwnJson::kPlain: return false;
            case TemplateOptions::OwnJson::kEscapeRoot: return &value == root_;
            case TemplateOptions::OwnJson::kEscapeObjects:
                return value.is_object() || value.is_array();
        }
        return false;
    }
    Result<> print(const Datum& datum);
    Result<> append(std::string_view text);
    Datum own(Value value) { return {&owned_.emplace_back(std::move(value))}; }
    void set_variable(std::string_view name, const Datum& datum);
    void bind(const ast::Pipeline& pipeline, const Datum& datum);

    Failure error(const ast::Operand& at, std::string_view message) const {
        return error(at.column, at.source, message);
    }
    Failure error(int column, std::string_view source, std::string_view message) const {
        return fail(Kind::kInvalid,
                    fmt::format("template: {}:{}:{}: executing {} at <{}>: {}", tree_.name, line_,
                                column, quote(template_), source, message));
    }

    const ast::Tree& tree_;
    const Value* root_;
    const TemplateOptions& options_;
    std::string out_;
    std::vector<Variable> variables_;
    /// Values made on the way; a deque, so that pointers to them stay good.
    std::deque<Value> owned_;
    std::string_view template_ = tree_.name;
    int line_ = 1;
    int depth_ = 0;
    int64_t iterations_ = 0;
    size_t owned_text_ = 0;
};

Result<> Executor::append(std::string_view text) {
    if (out_.size() + text.size() > kMaxOutput) {
        return fail(Kind::kInvalid, fmt::format("template: {}: output is too large", tree_.name));
    }
    out_ += text;
    return {};
}

Result<> Executor::print(const Datum& datum) {
    if (datum.missing) {
        return append("<no value>");
    }
    if (datum.value->is_null() && !datum.field.empty() && options_.null_text != nullptr) {
        return append(options_.null_text(datum.field));
    }
    return append(print_value(*datum.value, datum.field, options_.is_map));
}

void Executor::set_variable(std::string_view name, const Datum& datum) {
    for (Variable& variable : std::views::reverse(variables_)) {
        if (variable.name == name) {
            variable.datum = datum;
            return;
        }
    }
}

void Executor::bind(const ast::Pipeline& pipeline, const Datum& datum) {
    for (const std::string& name : pipeline.variables) {
        if (pipeline.binding == ast::Pipeline::Binding::kDeclare) {
            variables_.push_back({name, datum});
        } else {
            set_variable(name, datum);
        }
    }
}

Result<Executor::Flow> Executor::walk(const ast::Block& block, Datum dot) {
    for (const ast::Node& node : block) {
        GT_TRY_VAR(flow, walk_node(node, dot));
        if (flow != Flow::kNext) {
            return flow;
        }
    }
    return Flow::kNext;
}

Result<Executor::Flow> Executor::walk_node(const ast::Node& node, Datum dot) {
    line_ = node.line;
    switch (node.type) {
        case ast::Node::Type::kText: GT_TRY(append(node.text)); return Flow::kNext;
        case ast::Node::Type::kAction: {
            GT_TRY_VAR(datum, evaluate(*node.pipeline, dot));
            if (node.pipeline->variables.empty()) {
                GT_TRY(print(datum));
            }
            return Flow::kNext;
        }
        case ast::Node::Type::kIf:
        case ast::Node::Type::kWith: return walk_branch(node, dot);
        case ast::Node::Type::kRange: return walk_range(node, dot);
        case ast::Node::Type::kTemplate: GT_TRY(walk_template(node, dot)); return Flow::kNext;
        case ast::Node::Type::kBreak: return Flow::kBreak;
        case ast::Node::Type::kContinue: return Flow::kContinue;
    }
    std::unreachable();
}

Result<Executor::Flow> Executor::walk_branch(const ast::Node& node, Datum dot) {
    const size_t declared = variables_.size();
    GT_TRY_VAR(datum, evaluate(*node.pipeline, dot));
    const bool taken = !datum.missing && is_true(*datum.value);
    const bool moves_dot = taken && node.type == ast::Node::Type::kWith;
    GT_TRY_VAR(flow, walk(taken ? node.body : node.otherwise, moves_dot ? datum : dot));
    variables_.resize(declared);
    return flow;
}

Result<Executor::Flow> Executor::iterate(const ast::Node& node, const Datum& key,
                                         const Datum& element) {
    if (++iterations_ > kMaxIterations) {
        return fail(Kind::kInvalid, fmt::format("template: {}: too many iterations", tree_.name));
    }
    const ast::Pipeline& pipeline = *node.pipeline;
    const size_t declared = variables_.size();
    for (size_t i = 0; i < pipeline.variables.size(); ++i) {
        const bool is_key = i == 0 && pipeline.variables.size() == 2;
        const Datum& value = is_key ? key : element;
        if (pipeline.binding == ast::Pipeline::Binding::kDeclare) {
            variables_.push_back({pipeline.variables[i], value});
        } else {
            set_variable(pipeline.variables[i], value);
        }
    }
    GT_TRY_VAR(flow, walk(node.body, element));
    variables_.resize(declared);
    return flow;
}

Result<Executor::Flow> Executor::walk_range(const ast::Node& node, Datum dot) {
    GT_TRY_VAR(datum, evaluate(*node.pipeline, dot, /*bind=*/false));
    const Value& value = *datum.value;
    bool any = false;
    // INVARIANT: what is ranged over lives in the data or in owned_, neither of which shrinks.
    const auto step = [&](Datum key, Datum element) -> Result<Flow> {
        any = true;
        return iterate(node, key, element);
    };
    if (value.is_array()) {
        int64_t index = 0;
        for (const Value& element : value.as_array()) {
            GT_TRY_VAR(flow, step(own(Value(index++)), {&element}));
            if (flow == Flow::kBreak) {
                return Flow::kNext;
            }
        }
    } else if (value.is_object()) {
        std::vector<std::pair<std::string_view, const Value*>> sorted;
        for (const auto& [key, element] : value.as_object()) {
            sorted.emplace_back(key, &element);
        }
        std::ranges::sort(sorted, {}, [](const auto& entry) { return entry.first; });
        for (const auto& [key, element] : sorted) {
            GT_TRY_VAR(flow, step(own(Value(std::string(key))), {element}));
            if (flow == Flow::kBreak) {
                return Flow::kNext;
            }
        }
    } else if (value.is_int()) {
        for (int64_t i = 0; i < value.as_int(); ++i) {
            const Datum index = own(Value(i));
            GT_TRY_VAR(flow, step(index, index));
            if (flow == Flow::kBreak) {
                return Flow::kNext;
            }
        }
    } else if (!value.is_null()) {
        return error(0, node.pipeline->source,
                     fmt::format("range can't iterate over {}", print_value(value)));
    }
    return any ? Result<Flow>(Flow::kNext) : walk(node.otherwise, dot);
}

Result<> Executor::walk_template(const ast::Node& node, Datum dot) {
    const auto found = tree_.definitions.find(node.text);
    if (found == tree_.definitions.end()) {
        return error(0, fmt::format("{{{{template {}}}}}", quote(node.text)),
                     fmt::format("template {} not defined", quote(node.text)));
    }
    if (depth_ >= kMaxDepth) {
        return error(0, fmt::format("{{{{template {}}}}}", quote(node.text)),
                     "exceeded maximum template depth");
    }
    Datum inner = own(Value());
    if (node.pipeline != nullptr) {
        GT_TRY_VAR(datum, evaluate(*node.pipeline, dot));
        inner = datum;
    }
    ++depth_;
    auto outer = std::exchange(variables_, {{"$", inner}});
    const std::string_view outer_name = std::exchange(template_, found->first);
    GT_TRY(walk(found->second, inner));
    template_ = outer_name;
    variables_ = std::move(outer);
    --depth_;
    return {};
}

Result<Datum> Executor::evaluate(const ast::Pipeline& pipeline, Datum dot, bool bind_variables) {
    Datum datum{root_};
    const Datum* final = nullptr;
    for (const ast::Call& call : pipeline.calls) {
        GT_TRY_VAR(result, evaluate_call(call, dot, final));
        datum = result;
        final = &datum;
    }
    if (bind_variables) {
        bind(pipeline, datum);
    }
    return datum;
}

Result<Datum> Executor::evaluate_call(const ast::Call& call, Datum dot, const Datum* final) {
    using Type = ast::Operand::Type;
    const ast::Operand& head = call.operands[0];
    if (head.type == Type::kFunction) {
        return evaluate_function(call, dot, final);
    }
    const bool has_arguments = call.operands.size() > 1 || final != nullptr;
    if (head.type == Type::kField) {
        return evaluate_fields(head, dot, dot, &call, final);
    }
    if (has_arguments) {
        if (head.type == Type::kNil) {
            return error(head, "nil is not a command");
        }
        return error(head, fmt::format("can't give argument to non-function {}", head.source));
    }
    if (head.type == Type::kNil) {
        return error(head, "nil is not a command");
    }
    return evaluate_operand(head, dot);
}

Result<Datum> Executor::evaluate_operand(const ast::Operand& operand, Datum dot) {
    using Type = ast::Operand::Type;
    switch (operand.type) {
        case Type::kDot: return dot;
        case Type::kNil: return own(Value());
        case Type::kBool: return own(Value(operand.boolean));
        case Type::kInt: return own(Value(operand.integer));
        case Type::kFloat: return own(Value(operand.real));
        case Type::kString: return own(Value(operand.text));
        case Type::kField: return evaluate_fields(operand, dot, dot, nullptr, nullptr);
        case Type::kVariable:
            for (const Variable& variable : std::views::reverse(variables_)) {
                if (variable.name == operand.text) {
                    return evaluate_fields(operand, variable.datum, dot, nullptr, nullptr);
                }
            }
            return error(operand, "undefined variable: " + operand.text);
        case Type::kPipeline: {
            GT_TRY_VAR(datum, evaluate(*operand.pipeline, dot));
            return evaluate_fields(operand, datum, dot, nullptr, nullptr);
        }
        case Type::kFunction: {
            ast::Call call;
            call.operands.push_back(operand);
            return evaluate_function(call, dot, nullptr);
        }
    }
    std::unreachable();
}

Result<Datum> Executor::evaluate_fields(const ast::Operand& operand, Datum from, Datum dot,
                                        const ast::Call* call, const Datum* final) {
    const bool has_arguments = (call != nullptr && call->operands.size() > 1) || final != nullptr;
    for (size_t i = 0; i < operand.fields.size(); ++i) {
        const std::string& name = operand.fields[i];
        if (has_arguments && i + 1 == operand.fields.size()) {
            return evaluate_method(operand, name, *call, dot, final);
        }
        GT_TRY_VAR(datum, evaluate_field(operand, name, from));
        from = datum;
    }
    return from;
}

const Value* Executor::find_field(const Value& object, std::string_view name) const {
    const Value* found = object.find(name);
    if (found == nullptr && options_.absent) {
        found = options_.absent(object, name);
    }
    const bool exported = !name.empty() && name[0] >= 'A' && name[0] <= 'Z';
    if (found != nullptr || !exported || options_.fields == TemplateOptions::Fields::kExact) {
        return found;
    }
    for (const auto& [key, value] : object.as_object()) {
        if (equals_ignoring_case(key, name)) {
            return &value;
        }
    }
    return nullptr;
}

Result<Datum> Executor::evaluate_field(const ast::Operand& operand, std::string_view name,
                                       Datum from) {
    if (from.missing || from.value->is_null()) {
        return error(operand, fmt::format("nil pointer evaluating interface {{}}.{}", name));
    }
    if (!from.value->is_object()) {
        return error(operand,
                     fmt::format("can't evaluate field {} in type {}", name, go_type(*from.value)));
    }
    if (const Value* found = find_field(*from.value, name); found != nullptr) {
        return Datum{found, false, name};
    }
    if (from.value == root_ && !options_.row_type.empty()) {
        return error(operand,
                     fmt::format("can't evaluate field {} in type {}", name, options_.row_type));
    }
    if (options_.missing_key == TemplateOptions::MissingKey::kError) {
        return error(operand, fmt::format("map has no entry for key {}", quote(name)));
    }
    Datum nothing = own(Value());
    nothing.missing = true;
    return nothing;
}

Result<Datum> Executor::evaluate_method(const ast::Operand& operand, std::string_view name,
                                        const ast::Call& call, Datum dot, const Datum* final) {
    std::vector<const Value*> arguments;
    for (size_t i = 1; i < call.operands.size(); ++i) {
        GT_TRY_VAR(datum, evaluate_operand(call.operands[i], dot));
        arguments.push_back(datum.value);
    }
    if (final != nullptr) {
        arguments.push_back(final->value);
    }
    if (options_.method) {
        if (auto value = options_.method(name, arguments)) {
            return own(std::move(*value));
        }
    }
    return error(operand, fmt::format("{} is not a method but has arguments", name));
}

Result<Datum> Executor::evaluate_logic(const ast::Call& call, Datum dot, const Datum* final) {
    const ast::Operand& head = call.operands[0];
    const bool stop_at = head.text == "or";
    Datum datum{root_};
    for (size_t i = 1; i < call.operands.size(); ++i) {
        GT_TRY_VAR(operand, evaluate_operand(call.operands[i], dot));
        datum = operand;
        if ((!datum.missing && is_true(*datum.value)) == stop_at) {
            return datum;
        }
    }
    if (final != nullptr) {
        return *final;
    }
    if (call.operands.size() == 1) {
        return error(head,
                     fmt::format("wrong number of args for {}: want at least 1 got 0", head.text));
    }
    return datum;
}

Result<Datum> Executor::evaluate_function(const ast::Call& call, Datum dot, const Datum* final) {
    const ast::Operand& head = call.operands[0];
    if (head.text == "and" || head.text == "or") {
        return evaluate_logic(call, dot, final);
    }
    std::vector<const Value*> arguments;
    for (size_t i = 1; i < call.operands.size(); ++i) {
        GT_TRY_VAR(datum, evaluate_operand(call.operands[i], dot));
        arguments.push_back(datum.value);
    }
    if (final != nullptr) {
        arguments.push_back(final->value);
    }
    size_t text = 0;
    for (const Value* argument : arguments) {
        text += argument->is_string() ? argument->as_string().size() : 0;
    }
    if (text > kMaxOutput || owned_text_ > kMaxOwned) {
        return error(head, "values are too large");
    }
    auto result = call_template_function(head.text, arguments, options_.functions);
    if (!result) {
        if (result.error().kind() == Kind::kConflict) {
            return error(head, result.error().text());
        }
        std::string source;
        for (const ast::Operand& operand : call.operands) {
            source += source.empty() ? "" : " ";
            source += operand.source;
        }
        return error(head.column, source,
                     fmt::format("error calling {}: {}", head.text, result.error().text()));
    }
    if (head.text == "json" && marshals_itself(*arguments[0])) {
        *result = Value(escape_json_html(result->as_string()));
    }
    owned_text_ += result->is_string() ? result->as_string().size() : 0;
    return evaluate_fields(head, own(std::move(*result)), dot, nullptr, nullptr);
}

}  // namespace

Result<std::string> run_template(const ast::Tree& tree, const Value& data,
                                 const TemplateOptions& options) {
    return Executor(tree, data, options).run();
}

}  // namespace gantry::cli
