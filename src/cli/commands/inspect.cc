#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <functional>
#include <optional>

#include "cli/commands/handlers.h"
#include "cli/commands/recreate.h"
#include "cli/platform_parameter.h"
#include "cli/session.h"
#include "cli/table/formatter.h"
#include "cli/template/exec.h"
#include "cli/template/inspect_fields.h"
#include "cli/template/parser.h"
#include "spec/value.h"

namespace gantry::cli {
namespace {

using spec::Value;

/// A kind of object that can be inspected by name or id, and where.
struct ObjectType {
    std::string_view name;
    std::string_view prefix;
    std::string_view suffix;
    const InspectFields* fields;
};

constexpr std::array kTypes = {
    ObjectType{"container", "/containers/", "/json", &kContainerFields},
    ObjectType{"image", "/images/", "/json", &kImageFields},
    ObjectType{"network", "/networks/", "", &kPlainFields},
    ObjectType{"volume", "/volumes/", "", &kPlainFields},
};

struct Inspected {
    const ObjectType* type;
    Value value;
};

/// Prints objects one after the other, or as one JSON array at the end.
class Printer {
public:
    explicit Printer(std::string format) : format_(std::move(format)) {}

    Result<> prepare() {
        if (format_.empty() || format_ == "json") {
            return {};
        }
        auto tree = parse_template("", format_);
        if (!tree) {
            return fail(Kind::kInvalid, "template parsing error: " + tree.error().text());
        }
        tree_ = std::move(*tree);
        return {};
    }

    Result<> add(Inspected object) {
        if (!tree_) {
            objects_.push_back(std::move(object.value));
            return {};
        }
        auto text =
            run_template(*tree_, object.value, object.type->fields->options_for(object.value));
        if (!text) {
            return fail(Kind::kInvalid, "template parsing error: " + text.error().text());
        }
        out_ += *text + "\n";
        return {};
    }

    std::string finish() {
        if (tree_) {
            return out_.empty() ? "\n" : std::move(out_);
        }
        const Value all(std::move(objects_));
        return (format_ == "json" ? all.serialize() : all.pretty(4)) + "\n";
    }

private:
    std::string format_;
    std::optional<ast::Tree> tree_;
    Value::Array objects_;
    std::string out_;
};

Result<Value> fetch(Session& session, const ObjectType& type, const std::string& name,
                    const FlagValues& flags) {
    ApiRequest request{
        .path = fmt::format("{}{}{}", type.prefix, io::percent_encode(name), type.suffix)};
    if (type.name == "image") {
        request.path = image_path(name, "json");
    }
    if (type.name == "container" && flags.on("size")) {
        request.query.add("size", "1");
    }
    GT_TRY_VAR(reply, session.api().call(request));
    return Value::parse(reply.body);
}

/// Tries the types in their order until one has an object of that name.
Result<Inspected> find_object(Session& session, const std::string& name, const FlagValues& flags,
                              std::string_view wanted) {
    for (const ObjectType& type : kTypes) {
        if (!wanted.empty() && wanted != type.name) {
            continue;
        }
        auto value = fetch(session, type, name, flags);
        if (value) {
            return Inspected{&type, std::move(*value)};
        }
        // A daemon without some kind of object, or a name that this kind cannot have, is no error
        // while another kind may have it.
        const Kind kind = value.error().kind();
        const bool go_on = wanted.empty() && (kind == Kind::kNotFound || kind == Kind::kInvalid ||
                                              kind == Kind::kNotImplemented);
        if (!go_on && (wanted.empty() || kind != Kind::kNotFound)) {
            return Failure(std::move(value).error());
        }
    }
    return fail(Kind::kNotFound, wanted.empty()
                                     ? fmt::format("Error: No such object: {}", name)
                                     : fmt::format("Error: No such {}: {}", wanted, name));
}

int print_all(Session& session, const ParsedArgs& args,
              const std::function<Result<Inspected>(const std::string&)>& find) {
    Printer printer(args.flags.text("format"));
    if (auto prepared = printer.prepare(); !prepared) {
        return session.fail_with(prepared.error(), kExitTemplate);
    }
    std::string errors;
    for (const std::string& name : args.arguments) {
        auto object = find(name);
        if (!object) {
            errors += object.error().text() + "\n";
        } else if (auto added = printer.add(std::move(*object)); !added) {
            errors += added.error().text() + "\n";
        }
    }
    session.out(printer.finish());
    session.err(errors);
    return errors.empty() ? 0 : kExitFailure;
}

int run_recreation(Session& session, const ParsedArgs& args) {
    const auto printed = print_recreation(session, args.arguments, args.flags.text("as"));
    return printed ? 0 : session.fail_with(printed.error());
}

}  // namespace

int run_inspect(Session& session, const ParsedArgs& args) {
    if (args.flags.changed("as")) {
        return run_recreation(session, args);
    }
    const std::string wanted = args.flags.text("type");
    const bool known = std::ranges::find(kTypes, wanted, &ObjectType::name) != kTypes.end();
    if (args.flags.changed("type") && !known) {
        session.err(fmt::format("\"{}\" is not a valid value for --type\n", wanted));
        return kExitFailure;
    }
    return print_all(session, args, [&](const std::string& name) {
        return find_object(session, name, args.flags, wanted);
    });
}

int run_container_inspect(Session& session, const ParsedArgs& args) {
    if (args.flags.changed("as")) {
        return run_recreation(session, args);
    }
    return print_all(session, args, [&](const std::string& name) -> Result<Inspected> {
        GT_TRY_VAR(value, fetch(session, kTypes[0], name, args.flags));
        return Inspected{&kTypes[0], std::move(value)};
    });
}

int run_volume_inspect(Session& session, const ParsedArgs& args) {
    return print_all(session, args, [&](const std::string& name) -> Result<Inspected> {
        const ObjectType& type = kTypes[3];
        GT_TRY_VAR(reply, session.api().call({.path = fmt::format("{}{}", type.prefix,
                                                                  io::percent_encode(name))}));
        GT_TRY_VAR(value, Value::parse(reply.body));
        return Inspected{&type, std::move(value)};
    });
}

int run_image_inspect(Session& session, const ParsedArgs& args) {
    return print_all(session, args, [&](const std::string& name) -> Result<Inspected> {
        ApiRequest request{.path = image_path(name, "json")};
        if (const std::string platform = args.flags.text("platform"); !platform.empty()) {
            GT_TRY_VAR(parameter, platform_parameter(platform));
            request.query.add("platform", parameter);
        }
        GT_TRY_VAR(reply, session.api().call(request));
        GT_TRY_VAR(value, Value::parse(reply.body));
        return Inspected{&kTypes[1], std::move(value)};
    });
}

}  // namespace gantry::cli
