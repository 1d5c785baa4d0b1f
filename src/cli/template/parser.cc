#include "cli/template/parser.h"

#include <fmt/core.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "cli/quote.h"
#include "cli/template/functions.h"
#include "cli/template/lexer.h"
#include "cli/template/literal.h"

namespace gantry::cli {
namespace {

using Type = Token::Type;

constexpr size_t kMaxSource = 1 << 20;
constexpr int kMaxDepth = 200;

class Parser {
public:
    Parser(std::string_view name, std::string_view source) : name_(name), lexer_(source) {}

    Result<ast::Tree> run();

private:
    /// What stopped a list of nodes.
    enum class End { kEof, kEnd, kElse };

    const Token& peek();
    Token take();
    const Token& peek_past_space();
    Token take_past_space();
    void skip_space() { (void)peek_past_space(); }
    Failure error(std::string_view message) const;
    Failure unexpected(const Token& token, std::string_view context) const;

    Result<End> parse_nodes(ast::Block& block);
    Result<std::optional<End>> parse_action(ast::Block& block);
    Result<std::optional<End>> parse_keyword(const Token& keyword, ast::Block& block);
    Result<> parse_control(ast::Node::Type type, std::string_view word, ast::Block& block);
    Result<> parse_else(ast::Node::Type type, std::string_view word, ast::Block& block);
    Result<> parse_template_call(ast::Block& block);
    Result<> parse_definition(std::string_view word, ast::Block* place);
    Result<> parse_jump(ast::Node::Type type, std::string_view word, ast::Block& block);
    Result<std::string> parse_name(std::string_view context);
    Result<std::shared_ptr<const ast::Pipeline>> parse_pipeline(std::string_view context, Type end);
    Result<> parse_variables(ast::Pipeline& pipeline, std::string_view context);
    Result<> check_pipeline(const ast::Pipeline& pipeline, std::string_view context) const;
    Result<ast::Call> parse_call();
    Result<std::optional<ast::Operand>> parse_operand();
    Result<std::optional<ast::Operand>> parse_term();
    Result<> read_literal(const Token& token, ast::Operand& operand) const;

    bool is_declared(std::string_view name) const {
        return std::ranges::find(variables_, name) != variables_.end();
    }

    std::string name_;
    Lexer lexer_;
    std::vector<Token> ahead_;
    int line_ = 1;
    int depth_ = 0;
    int range_depth_ = 0;
    std::vector<std::string> variables_ = {"$"};
    ast::Tree tree_;
};

const Token& Parser::peek() {
    if (ahead_.empty()) {
        ahead_.push_back(lexer_.next());
    }
    return ahead_.front();
}

Token Parser::take() {
    (void)peek();
    Token token = std::move(ahead_.front());
    ahead_.erase(ahead_.begin());
    line_ = token.line;
    return token;
}

const Token& Parser::peek_past_space() {
    while (peek().type == Type::kSpace) {
        (void)take();
    }
    return peek();
}

Token Parser::take_past_space() {
    skip_space();
    return take();
}

Failure Parser::error(std::string_view message) const {
    return fail(Kind::kInvalid, fmt::format("template: {}:{}: {}", name_, line_, message));
}

Failure Parser::unexpected(const Token& token, std::string_view context) const {
    if (token.type == Type::kError) {
        return error(token.text);
    }
    return error(fmt::format("unexpected {} in {}", token.describe(), context));
}

Result<ast::Tree> Parser::run() {
    tree_.name = name_;
    GT_TRY_VAR(end, parse_nodes(tree_.body));
    if (end != End::kEof) {
        return error(end == End::kEnd ? "unexpected {{end}}" : "unexpected {{else}}");
    }
    return std::move(tree_);
}

Result<Parser::End> Parser::parse_nodes(ast::Block& block) {
    if (++depth_ > kMaxDepth) {
        return error("max expression depth exceeded");
    }
    while (true) {
        Token token = take();
        switch (token.type) {
            case Type::kEof: --depth_; return End::kEof;
            case Type::kError: return error(token.text);
            case Type::kText: {
                ast::Node& node = block.emplace_back();
                node.text = std::move(token.text);
                node.line = token.line;
                break;
            }
            default: {
                GT_TRY_VAR(end, parse_action(block));
                if (end) {
                    --depth_;
                    return *end;
                }
            }
        }
    }
}

Result<std::optional<Parser::End>> Parser::parse_action(ast::Block& block) {
    if (peek_past_space().type == Type::kKeyword) {
        const Token keyword = take();
        return parse_keyword(keyword, block);
    }
    ast::Node node;
    node.type = ast::Node::Type::kAction;
    node.line = peek().line;
    GT_TRY_VAR(pipeline, parse_pipeline("command", Type::kRight));
    node.pipeline = std::move(pipeline);
    block.push_back(std::move(node));
    return std::nullopt;
}

Result<std::optional<Parser::End>> Parser::parse_keyword(const Token& keyword, ast::Block& block) {
    using NodeType = ast::Node::Type;
    const std::string& word = keyword.text;
    if (word == "end") {
        if (const Token token = take_past_space(); token.type != Type::kRight) {
            return unexpected(token, "end");
        }
        return End::kEnd;
    }
    if (word == "else") {
        // `else if` and `else with` stay for parse_else().
        if (const Token& token = peek_past_space(); token.type == Type::kRight) {
            (void)take();
        } else if (token.type != Type::kKeyword || (token.text != "if" && token.text != "with")) {
            return unexpected(take(), "else");
        }
        return End::kElse;
    }
    if (word == "if") {
        GT_TRY(parse_control(NodeType::kIf, word, block));
    } else if (word == "with") {
        GT_TRY(parse_control(NodeType::kWith, word, block));
    } else if (word == "range") {
        GT_TRY(parse_control(NodeType::kRange, word, block));
    } else if (word == "template") {
        GT_TRY(parse_template_call(block));
    } else if (word == "define") {
        if (depth_ > 1) {
            return unexpected(keyword, "command");
        }
        GT_TRY(parse_definition(word, nullptr));
    } else if (word == "block") {
        GT_TRY(parse_definition(word, &block));
    } else {
        GT_TRY(parse_jump(word == "break" ? NodeType::kBreak : NodeType::kContinue, word, block));
    }
    return std::nullopt;
}

Result<> Parser::parse_control(ast::Node::Type type, std::string_view word, ast::Block& block) {
    const size_t declared = variables_.size();
    ast::Node node;
    node.type = type;
    node.line = line_;
    GT_TRY_VAR(pipeline, parse_pipeline(word, Type::kRight));
    node.pipeline = std::move(pipeline);
    range_depth_ += type == ast::Node::Type::kRange ? 1 : 0;
    GT_TRY_VAR(end, parse_nodes(node.body));
    range_depth_ -= type == ast::Node::Type::kRange ? 1 : 0;
    if (end == End::kEof) {
        return error("unexpected EOF");
    }
    if (end == End::kElse) {
        GT_TRY(parse_else(type, word, node.otherwise));
    }
    variables_.resize(declared);
    block.push_back(std::move(node));
    return {};
}

Result<> Parser::parse_else(ast::Node::Type type, std::string_view word, ast::Block& block) {
    if (const Token& token = peek();
        token.type == Type::kKeyword && token.text == word && type != ast::Node::Type::kRange) {
        (void)take();
        if (++depth_ > kMaxDepth) {
            return error("max expression depth exceeded");
        }
        GT_TRY(parse_control(type, word, block));
        --depth_;
        return {};
    }
    if (peek().type == Type::kKeyword && (peek().text == "if" || peek().text == "with")) {
        return unexpected(take(), "else");
    }
    GT_TRY_VAR(end, parse_nodes(block));
    if (end == End::kEof) {
        return error("unexpected EOF");
    }
    if (end == End::kElse) {
        return error("expected end; found {{else}}");
    }
    return {};
}

Result<std::string> Parser::parse_name(std::string_view context) {
    const Token token = take_past_space();
    if (token.type != Type::kString) {
        return unexpected(token, context);
    }
    auto name = unquote(token.text);
    if (!name) {
        return error("invalid syntax");
    }
    return std::move(*name);
}

Result<> Parser::parse_template_call(ast::Block& block) {
    ast::Node node;
    node.type = ast::Node::Type::kTemplate;
    node.line = line_;
    GT_TRY_VAR(name, parse_name("template clause"));
    node.text = std::move(name);
    if (peek_past_space().type == Type::kRight) {
        (void)take();
    } else {
        GT_TRY_VAR(pipeline, parse_pipeline("template clause", Type::kRight));
        node.pipeline = std::move(pipeline);
    }
    block.push_back(std::move(node));
    return {};
}

Result<> Parser::parse_definition(std::string_view word, ast::Block* place) {
    const std::string context = std::string(word) + " clause";
    GT_TRY_VAR(name, parse_name(context));
    if (place != nullptr) {
        ast::Node& node = place->emplace_back();
        node.type = ast::Node::Type::kTemplate;
        node.text = name;
        node.line = line_;
        GT_TRY_VAR(pipeline, parse_pipeline(context, Type::kRight));
        node.pipeline = std::move(pipeline);
    } else if (const Token token = take_past_space(); token.type != Type::kRight) {
        return unexpected(token, context);
    }
    auto outer_variables = std::exchange(variables_, {"$"});
    const int outer_range = std::exchange(range_depth_, 0);
    ast::Block body;
    GT_TRY_VAR(end, parse_nodes(body));
    if (end != End::kEnd) {
        return error(end == End::kEof ? "unexpected EOF" : "unexpected {{else}} in " + context);
    }
    variables_ = std::move(outer_variables);
    range_depth_ = outer_range;
    tree_.definitions[name] = std::move(body);
    return {};
}

Result<> Parser::parse_jump(ast::Node::Type type, std::string_view word, ast::Block& block) {
    if (const Token token = take_past_space(); token.type != Type::kRight) {
        return unexpected(token, fmt::format("{{{{{}}}}}", word));
    }
    if (range_depth_ == 0) {
        return error(fmt::format("{{{{{}}}}} outside {{{{range}}}}", word));
    }
    ast::Node& node = block.emplace_back();
    node.type = type;
    node.line = line_;
    return {};
}

Result<> Parser::parse_variables(ast::Pipeline& pipeline, std::string_view context) {
    // A variable may start a declaration or be an operand: what follows decides, so tokens wait
    // in ahead_ until then.
    while (peek_past_space().type == Type::kVariable) {
        std::vector<Token> held = {take()};
        while (peek().type == Type::kSpace) {
            held.push_back(take());
        }
        const Token& after = peek();
        if (after.type == Type::kDeclare || after.type == Type::kAssign) {
            pipeline.variables.push_back(held[0].text);
            pipeline.binding = after.type == Type::kDeclare ? ast::Pipeline::Binding::kDeclare
                                                            : ast::Pipeline::Binding::kAssign;
            (void)take();
            if (pipeline.binding == ast::Pipeline::Binding::kAssign) {
                for (const std::string& name : pipeline.variables) {
                    if (!is_declared(name)) {
                        return error("undefined variable " + quote(name));
                    }
                }
            }
            return {};
        }
        if (after.type == Type::kPunctuation && after.text == ",") {
            if (context != "range" || !pipeline.variables.empty()) {
                return error(fmt::format("too many declarations in {}", context));
            }
            pipeline.variables.push_back(held[0].text);
            (void)take();
            if (peek_past_space().type != Type::kVariable) {
                return error("range can only initialize variables");
            }
            continue;
        }
        ahead_.insert(ahead_.begin(), held.begin(), held.end());
        if (!pipeline.variables.empty()) {
            return unexpected(held[0], context);
        }
        return {};
    }
    return {};
}

Result<> Parser::check_pipeline(const ast::Pipeline& pipeline, std::string_view context) const {
    if (pipeline.calls.empty()) {
        return error(fmt::format("missing value for {}", context));
    }
    for (size_t stage = 1; stage < pipeline.calls.size(); ++stage) {
        switch (pipeline.calls[stage].operands[0].type) {
            case ast::Operand::Type::kBool:
            case ast::Operand::Type::kDot:
            case ast::Operand::Type::kNil:
            case ast::Operand::Type::kInt:
            case ast::Operand::Type::kFloat:
            case ast::Operand::Type::kString:
                return error(fmt::format("non executable command in pipeline stage {}", stage + 1));
            default: break;
        }
    }
    return {};
}

Result<std::shared_ptr<const ast::Pipeline>> Parser::parse_pipeline(std::string_view context,
                                                                    Type end) {
    if (++depth_ > kMaxDepth) {
        return error("max expression depth exceeded");
    }
    auto pipeline = std::make_shared<ast::Pipeline>();
    pipeline->line = peek_past_space().line;
    GT_TRY(parse_variables(*pipeline, context));
    if (pipeline->binding == ast::Pipeline::Binding::kDeclare) {
        variables_.insert(variables_.end(), pipeline->variables.begin(), pipeline->variables.end());
    }
    while (true) {
        const Token& token = peek_past_space();
        if (token.type == end) {
            (void)take();
            break;
        }
        switch (token.type) {
            case Type::kBool:
            case Type::kCharacter:
            case Type::kDot:
            case Type::kField:
            case Type::kIdentifier:
            case Type::kNumber:
            case Type::kNil:
            case Type::kString:
            case Type::kVariable:
            case Type::kLeftParen: break;
            default: return unexpected(take(), context);
        }
        GT_TRY_VAR(call, parse_call());
        pipeline->calls.push_back(std::move(call));
    }
    GT_TRY(check_pipeline(*pipeline, context));
    for (const ast::Call& call : pipeline->calls) {
        for (const ast::Operand& operand : call.operands) {
            pipeline->source += pipeline->source.empty() ? "" : " ";
            pipeline->source += operand.source;
        }
    }
    --depth_;
    return std::shared_ptr<const ast::Pipeline>(std::move(pipeline));
}

Result<ast::Call> Parser::parse_call() {
    ast::Call call;
    while (true) {
        skip_space();
        GT_TRY_VAR(operand, parse_operand());
        if (operand) {
            call.operands.push_back(std::move(*operand));
        }
        const Token& token = peek();
        if (token.type == Type::kSpace) {
            continue;
        }
        if (token.type == Type::kPipe) {
            (void)take();
            if (const Type next = peek_past_space().type;
                next == Type::kRight || next == Type::kRightParen) {
                return error("missing value for command");
            }
        } else if (token.type != Type::kRight && token.type != Type::kRightParen) {
            return unexpected(take(), "operand");
        }
        break;
    }
    if (call.operands.empty()) {
        return error("empty command");
    }
    return call;
}

Result<std::optional<ast::Operand>> Parser::parse_operand() {
    GT_TRY_VAR(operand, parse_term());
    if (!operand) {
        return std::nullopt;
    }
    bool chained = false;
    while (peek().type == Type::kField) {
        switch (operand->type) {
            case ast::Operand::Type::kBool:
            case ast::Operand::Type::kString:
            case ast::Operand::Type::kInt:
            case ast::Operand::Type::kFloat:
            case ast::Operand::Type::kNil:
            case ast::Operand::Type::kDot:
                return error(fmt::format("unexpected {} after term {}", peek().describe(),
                                         quote(operand->source)));
            default: break;
        }
        const Token field = take();
        if (!chained && (operand->type == ast::Operand::Type::kField ||
                         operand->type == ast::Operand::Type::kVariable)) {
            // COMPAT: Go gives a chain the place of its first link.
            operand->column = field.column;
        }
        chained = true;
        operand->fields.push_back(field.text.substr(1));
        operand->source += field.text;
    }
    return operand;
}

Result<> Parser::read_literal(const Token& token, ast::Operand& operand) const {
    if (token.type == Type::kCharacter) {
        return parse_character(token.text, operand)
                   ? Result<>()
                   : error("malformed character constant: " + token.text);
    }
    if (token.type == Type::kNumber) {
        return parse_number(token.text, operand)
                   ? Result<>()
                   : error("illegal number syntax: " + quote(token.text));
    }
    auto text = unquote(token.text);
    if (!text) {
        return error("invalid syntax");
    }
    operand.type = ast::Operand::Type::kString;
    operand.text = std::move(*text);
    return {};
}

Result<std::optional<ast::Operand>> Parser::parse_term() {
    using OperandType = ast::Operand::Type;
    const Token& next = peek_past_space();
    ast::Operand operand;
    operand.source = next.text;
    operand.column = next.column;
    switch (next.type) {
        case Type::kIdentifier:
            line_ = next.line;
            if (!is_template_function(next.text)) {
                return error(fmt::format("function {} not defined", quote(next.text)));
            }
            operand.type = OperandType::kFunction;
            operand.text = next.text;
            break;
        case Type::kDot: operand.type = OperandType::kDot; break;
        case Type::kNil: operand.type = OperandType::kNil; break;
        case Type::kVariable:
            line_ = next.line;
            if (!is_declared(next.text)) {
                return error("undefined variable " + quote(next.text));
            }
            operand.type = OperandType::kVariable;
            operand.text = next.text;
            break;
        case Type::kField:
            operand.type = OperandType::kField;
            operand.fields.push_back(next.text.substr(1));
            break;
        case Type::kBool:
            operand.type = OperandType::kBool;
            operand.boolean = next.text == "true";
            break;
        case Type::kCharacter:
        case Type::kNumber:
        case Type::kString: GT_TRY(read_literal(next, operand)); break;
        case Type::kLeftParen: {
            (void)take();
            GT_TRY_VAR(pipeline, parse_pipeline("parenthesized pipeline", Type::kRightParen));
            operand.type = OperandType::kPipeline;
            operand.source = "(" + pipeline->source + ")";
            operand.pipeline = std::move(pipeline);
            return operand;
        }
        default: return std::nullopt;
    }
    (void)take();
    return operand;
}

}  // namespace

Result<ast::Tree> parse_template(std::string_view name, std::string_view source) {
    if (source.size() > kMaxSource) {
        return fail(Kind::kInvalid, "template: source is too large");
    }
    return Parser(name, source).run();
}

}  // namespace gantry::cli
