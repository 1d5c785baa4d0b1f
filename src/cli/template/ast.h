#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

// The parsed form of a Go text/template. Nodes own their children; a parsed template is immutable.
namespace gantry::cli::ast {

struct Pipeline;

/// One argument of a command, with the fields selected from it: `.A.B`, `$x.A`, `(pipeline).A`.
struct Operand {
    enum class Type {
        kDot,
        kNil,
        kBool,
        kInt,
        kFloat,
        kString,
        kField,
        kVariable,
        kFunction,
        kPipeline
    };

    Type type = Type::kDot;
    /// The string, the variable's name with its $, or the function's name.
    std::string text;
    bool boolean = false;
    int64_t integer = 0;
    double real = 0;
    std::vector<std::string> fields;
    std::shared_ptr<const Pipeline> pipeline;
    /// As it stands in the source: what error messages quote.
    std::string source;
    int column = 0;
};

/// A function, method or value with its arguments.
struct Call {
    std::vector<Operand> operands;
};

struct Pipeline {
    /// Variables set from the value, at most two (range's index and element).
    std::vector<std::string> variables;
    enum class Binding { kNone, kDeclare, kAssign } binding = Binding::kNone;
    std::vector<Call> calls;
    int line = 1;
    std::string source;
};

struct Node;
using Block = std::vector<Node>;

struct Node {
    enum class Type { kText, kAction, kIf, kRange, kWith, kTemplate, kBreak, kContinue };

    Type type = Type::kText;
    /// The literal text, or the name of the template to run.
    std::string text;
    /// Null for kTemplate without an argument.
    std::shared_ptr<const Pipeline> pipeline;
    Block body;
    Block otherwise;
    int line = 1;
};

struct Tree {
    /// The name error messages give the template; "" for --format, as docker has it.
    std::string name;
    Block body;
    /// What {{define}} and {{block}} declared.
    std::map<std::string, Block, std::less<>> definitions;
};

}  // namespace gantry::cli::ast
