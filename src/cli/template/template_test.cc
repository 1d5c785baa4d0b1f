#include <gtest/gtest.h>

#include "cli/template/exec.h"
#include "cli/template/inspect_fields.h"
#include "cli/template/parser.h"

namespace gantry::cli {
namespace {

using spec::Value;

Value data() {
    auto value = Value::parse(R"({
        "Name": "/web", "Id": "0123456789abcdef", "Size": 1234, "Rate": 0.5, "On": true,
        "Nothing": null, "Empty": [], "Args": ["a", "b", "c"],
        "State": {"Status": "running", "Pid": 42},
        "Labels": {"b": "2", "a": "1"},
        "Ports": {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}], "99/tcp": null}
    })");
    EXPECT_TRUE(value);
    return value ? *value : Value();
}

std::string render(std::string_view source, const TemplateOptions& options = {}) {
    const auto tree = parse_template("", source);
    if (!tree) {
        return tree.error().text();
    }
    const Value value = data();
    const auto text = run_template(*tree, value, options);
    return text ? *text : text.error().text();
}

struct Case {
    const char* source;
    const char* expected;
};

class TemplateOutput : public testing::TestWithParam<Case> {};

TEST_P(TemplateOutput, IsThatOfGo) {
    EXPECT_EQ(render(GetParam().source), GetParam().expected) << GetParam().source;
}

INSTANTIATE_TEST_SUITE_P(
    Fields, TemplateOutput,
    testing::Values(Case{"plain", "plain"}, Case{"{{.Name}}", "/web"},
                    Case{"{{ .State.Pid }}", "42"}, Case{"{{.Nothing}}", "<nil>"},
                    Case{"{{.Rate}}", "0.5"}, Case{"{{.On}}", "true"}, Case{"{{.Args}}", "[a b c]"},
                    Case{"{{.Labels}}", "map[a:1 b:2]"}, Case{"{{$.State.Status}}", "running"},
                    Case{"{{(.State).Pid}}", "42"}, Case{"{{$x := .State}}{{$x.Pid}}", "42"},
                    Case{"{{$x := 1}}{{if true}}{{$x = 2}}{{end}}{{$x}}", "2"}));

INSTANTIATE_TEST_SUITE_P(
    Control, TemplateOutput,
    testing::Values(Case{"{{if .On}}a{{else}}b{{end}}", "a"},
                    Case{"{{if .Empty}}a{{else if eq .Size 1234}}b{{else}}c{{end}}", "b"},
                    Case{"{{if .Nothing}}a{{end}}", ""},
                    Case{"{{with .State}}{{.Status}}{{end}}", "running"},
                    Case{"{{with .Nothing}}a{{else with .Labels}}{{.a}}{{end}}", "1"},
                    Case{"{{range .Args}}<{{.}}>{{end}}", "<a><b><c>"},
                    Case{"{{range .Empty}}x{{else}}none{{end}}", "none"},
                    Case{"{{range $i, $v := .Args}}{{$i}}={{$v}} {{end}}", "0=a 1=b 2=c "},
                    Case{"{{range $k, $v := .Labels}}{{$k}}{{$v}}{{end}}", "a1b2"},
                    Case{"{{range 3}}{{.}}{{end}}", "012"},
                    Case{"{{range .Args}}{{if eq . \"b\"}}{{break}}{{end}}{{.}}{{end}}", "a"},
                    Case{"{{range .Args}}{{if eq . \"b\"}}{{continue}}{{end}}{{.}}{{end}}", "ac"},
                    Case{"{{define \"x\"}}<{{.}}>{{end}}{{template \"x\" .Name}}", "</web>"},
                    Case{"{{block \"y\" .State}}{{.Pid}}{{end}}", "42"},
                    Case{"a  {{- .Name -}}  b", "a/webb"}, Case{"a{{/* note */}}b", "ab"},
                    Case{"a {{- /* note */ -}} b", "ab"}));

INSTANTIATE_TEST_SUITE_P(
    Functions, TemplateOutput,
    testing::Values(
        Case{"{{json .Labels}}", R"({"b":"2","a":"1"})"}, Case{"{{json .Name}}", "\"/web\""},
        Case{"{{join .Args \"+\"}}", "a+b+c"},
        Case{"{{split \"a,b\" \",\"}}{{split \"/a\" \"/\"}}", "[a b][ a]"},
        Case{"{{upper .Name}}{{lower \"AB\"}}{{title \"ab cd\"}}", "/WEBabAb Cd"},
        Case{"{{truncate .Id 4}}", "0123"}, Case{"{{pad \"x\" 1 2}}|", " x  |"},
        Case{"{{len .Args}}{{len .Name}}{{len .Labels}}", "342"}, Case{"{{index .Args 1}}", "b"},
        Case{"{{index .Labels \"a\"}}", "1"}, Case{"{{index .Labels \"nosuch\"}}.", "."},
        Case{"{{(index (index .Ports \"80/tcp\") 0).HostPort}}", "8080"},
        Case{"{{slice .Args 1 3}}{{slice .Id 2 4}}", "[b c]23"},
        Case{"{{print 1 2 \"a\" \"b\" 3}}", "1 2ab3"}, Case{"{{println 1 \"x\"}}", "1 x\n"},
        Case{"{{printf \"%5s|%-5s|%05d|%x|%q|%v|%t|%.2f\" \"a\" \"b\" 42 \"ab\" \"c\" .Args true "
             ".Rate}}",
             "    a|b    |00042|6162|\"c\"|[a b c]|true|0.50"},
        Case{"{{printf \"%d\" \"a\"}} {{printf \"%s\"}} {{printf \"x\" 1}}",
             "%!d(string=a) %!s(MISSING) x%!(EXTRA int=1)"},
        Case{"{{.Size | printf \"%d-%d\" 1}}", "1-1234"}, Case{"{{\"a\" | upper | lower}}", "a"},
        Case{"{{and 1 0}}{{and 1 2}}{{or 0 \"x\"}}{{not 1}}", "02xfalse"},
        Case{"{{eq 1 2 1}}{{ne 1 2}}{{lt 1 2}}{{le 2 2}}{{gt 1 2}}{{ge \"b\" \"a\"}}",
             "truetruetruetruefalsetrue"},
        Case{"{{html \"<a>\"}}{{js \"it's\"}}{{urlquery \"a b\"}}", "&lt;a&gt;it\\'sa+b"},
        Case{"{{0x10}} {{1_000}} {{1e3}} {{'a'}} {{`raw\\n`}} {{\"\\u00e4\"}}",
             "16 1000 1000 97 raw\\n \u00e4"}));

INSTANTIATE_TEST_SUITE_P(
    ParseErrors, TemplateOutput,
    testing::Values(
        Case{"{{.Foo", "template: :1: unclosed action"},
        Case{"a\n{{if}}", "template: :2: missing value for if"},
        Case{"{{foo}}", "template: :1: function \"foo\" not defined"},
        Case{"{{end}}", "template: :1: unexpected {{end}}"},
        Case{"{{else}}", "template: :1: unexpected {{else}}"},
        Case{"{{if .X}}a", "template: :1: unexpected EOF"},
        Case{"{{\"abc}}", "template: :1: unterminated quoted string"},
        Case{"{{$x}}", "template: :1: undefined variable \"$x\""},
        Case{"{{.A | }}", "template: :1: missing value for command"},
        Case{"{{1.2.3}}", "template: :1: unexpected \".3\" in operand"},
        Case{"{{ .A..B }}", "template: :1: unexpected <.> in operand"},
        Case{"{{ (.A }}", "template: :1: unclosed left paren"},
        Case{"{{ ) }}", "template: :1: unexpected right paren"},
        Case{"{{ !x }}", "template: :1: unexpected \"!\" in command"},
        Case{"{{break}}", "template: :1: {{break}} outside {{range}}"},
        Case{"{{range .}}{{else}}{{else}}{{end}}", "template: :1: expected end; found {{else}}"},
        Case{"{{ 'ab' }}", "template: :1: malformed character constant: 'ab'"},
        Case{"{{.A | 1}}", "template: :1: non executable command in pipeline stage 2"}));

INSTANTIATE_TEST_SUITE_P(
    ExecErrors, TemplateOutput,
    testing::Values(
        Case{"{{.Nope}}",
             "template: :1:2: executing \"\" at <.Nope>: map has no entry for key \"Nope\""},
        Case{"{{.Name.Nope}}",
             "template: :1:7: executing \"\" at <.Name.Nope>: can't evaluate field Nope in type "
             "string"},
        Case{"{{json}}",
             "template: :1:2: executing \"\" at <json>: wrong number of args for json: want 1 got "
             "0"},
        Case{"{{index .Args 5}}",
             "template: :1:2: executing \"\" at <index .Args 5>: error calling index: index out of "
             "range: 5"},
        Case{"{{eq 1 \"a\"}}",
             "template: :1:2: executing \"\" at <eq 1 \"a\">: error calling eq: incompatible types "
             "for comparison"},
        Case{"{{len 3}}",
             "template: :1:2: executing \"\" at <len 3>: error calling len: len of type int"},
        Case{"{{nil}}", "template: :1:2: executing \"\" at <nil>: nil is not a command"}));

TEST(Template, MissingKeysMayBeNoValue) {
    TemplateOptions options;
    options.missing_key = TemplateOptions::MissingKey::kNoValue;
    EXPECT_EQ(render("{{.Nope}}", options), "<no value>");
}

TEST(Template, RowsHaveMethodsAndATypeInErrors) {
    TemplateOptions options;
    options.row_type = "*formatter.ContainerContext";
    options.method = [](std::string_view name, std::span<const Value* const> arguments) {
        return name == "Label" ? std::optional(Value("<" + arguments[0]->as_string() + ">"))
                               : std::nullopt;
    };
    EXPECT_EQ(render("{{.Label \"key\"}}", options), "<key>");
    EXPECT_EQ(render("{{.Nope}}", options),
              "template: :1:2: executing \"\" at <.Nope>: can't evaluate field Nope in type "
              "*formatter.ContainerContext");
}

TEST(Template, GoNamesFindFieldsThatJsonWritesOtherwise) {
    TemplateOptions options;
    options.fields = TemplateOptions::Fields::kGoNames;
    EXPECT_EQ(render("{{.ID}}", options), "0123456789abcdef");
    EXPECT_EQ(render("{{.name}}", options),
              "template: :1:2: executing \"\" at <.name>: map has no entry for key \"name\"");
}

TEST(Template, HeadersKeepArgumentsOfFunctions) {
    TemplateOptions options;
    options.functions = FunctionMode::kHeader;
    EXPECT_EQ(render("{{upper .Name}} {{truncate .Id 2}}", options), "/web 0123456789abcdef");
}

TEST(Template, BoundsDepthOutputAndIterations) {
    EXPECT_EQ(render("{{define \"x\"}}{{template \"x\"}}{{end}}{{template \"x\"}}"),
              "template: :1:0: executing \"x\" at <{{template \"x\"}}>: exceeded maximum template "
              "depth");
    const std::string deep = std::string(500, '(') + "1" + std::string(500, ')');
    EXPECT_EQ(render("{{" + deep + "}}"), "template: :1: max expression depth exceeded");
    EXPECT_NE(render("{{range 99999999}}{{end}}").find("too many iterations"), std::string::npos);
    EXPECT_NE(render("{{$x := \"abcd\"}}{{range 60}}{{$x = print $x $x $x}}{{end}}")
                  .find("values are too large"),
              std::string::npos);
    EXPECT_NE(render("{{range 99999}}{{printf \"%1000d\" 1}}{{end}}").find("too large"),
              std::string::npos);
}

TEST(InspectFields, AddsWhatGoStructsHave) {
    auto value = Value::parse(
        R"({"State":{"Status":"running","Running":true},"HostConfig":{"Binds":null,"Ports":{"80/tcp":[{"HostIp":"0.0.0.0","HostPort":"81"}]}}})");
    ASSERT_TRUE(value);
    const auto tree = parse_template(
        "",
        "{{if .State.Health}}x{{end}}{{.State.Health}} {{.HostConfig.Binds}} {{.State}} "
        "{{.HostConfig.Ports}} {{json .State}}");
    ASSERT_TRUE(tree);
    EXPECT_EQ(*run_template(*tree, *value, kContainerFields.options_for(*value)),
              "<nil> [] {running true} map[80/tcp:[{0.0.0.0 81}]] "
              "{\"Status\":\"running\",\"Running\":true}");
}

}  // namespace
}  // namespace gantry::cli
