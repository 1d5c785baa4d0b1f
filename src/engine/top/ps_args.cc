#include "engine/top/ps_args.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/text.h"

namespace gantry::engine {

namespace {

constexpr size_t kMaxArgs = 4096;

/// A format of ps: an option, with or without its dash, and its columns; a header where it is not
/// the column's own.
struct Format {
    std::string_view option;
    std::string_view columns;
};

constexpr std::array<Format, 11> kFormats = {{
    {"", "pid tname=TTY time ucmd"},
    {"-f", "user=UID pid ppid c stime tname time cmd"},
    {"-F", "user=UID pid ppid c sz rss psr stime tname time cmd"},
    {"-l", "f s uid pid ppid c opri ni addr sz wchan tname time ucmd"},
    {"-fl", "f s user=UID pid ppid c opri ni addr sz wchan stime tname time cmd"},
    {"-j", "pid pgid sid tname time ucmd"},
    {"-fj", "user=UID pid ppid pgid sid c stime tname time cmd"},
    {"x", "pid tname stat bsdtime args"},
    {"u", "user pid %cpu %mem vsz rss tname stat start_time bsdtime args"},
    {"j", "ppid pid pgid sid tname tpgid stat uid bsdtime args"},
    {"l", "f uid pid ppid priority ni vsz rss wchan stat tname bsdtime args"},
}};

/// Accepted because they choose more processes than the container has, or only lay out text.
constexpr std::string_view kHarmlessUnix = "eAadwHy";
constexpr std::string_view kHarmlessBsd = "axwfeg";

Failure refuse(std::string why) {
    return fail(Kind::kInvalid, "ps: " + std::move(why));
}

/// Collects what the options say, one word after the other.
class Parser {
public:
    Result<std::vector<PsField>> parse(std::string_view args) {
        for (const std::string_view word : split(args, ' ')) {
            if (!word.empty()) {
                words_.push_back(word);
            }
        }
        while (next_ < words_.size()) {
            GT_TRY(read(words_[next_++]));
        }
        if (fields_.empty()) {
            add_format();
        }
        return std::move(fields_);
    }

private:
    Result<> read(std::string_view word) {
        if (word.starts_with("--")) {
            return read_long(word);
        }
        const bool dashed = word.starts_with('-') && word.size() > 1;
        return dashed ? read_short(word.substr(1), Style::kUnix) : read_short(word, Style::kBsd);
    }

    enum class Style { kUnix, kBsd };

    Result<> read_short(std::string_view letters, Style style) {
        const bool is_unix = style == Style::kUnix;
        for (size_t i = 0; i < letters.size(); ++i) {
            const char letter = letters[i];
            if (letter == 'o' || (letter == 'O' && is_unix)) {
                const std::string_view rest = letters.substr(i + 1);
                if (letter == 'O') {
                    return read_extra_list(rest);
                }
                return read_list(rest);
            }
            if (is_unix && (letter == 'f' || letter == 'F' || letter == 'l' || letter == 'j')) {
                unix_format_ += letter;
            } else if (!is_unix && (letter == 'u' || letter == 'j' || letter == 'l')) {
                bsd_format_ = letter;
            } else if ((is_unix ? kHarmlessUnix : kHarmlessBsd).find(letter) ==
                       std::string_view::npos) {
                return refuse(
                    fmt::format("option {}{} is not supported", is_unix ? "-" : "", letter));
            }
            bsd_ = bsd_ || !is_unix;
        }
        return {};
    }

    Result<> read_long(std::string_view word) {
        const Cut parts = cut(word, '=');
        if (parts.before == "--format") {
            return read_list(parts.found ? parts.after : std::string_view());
        }
        if (word == "--forest" || word == "--headers") {
            return {};
        }
        return refuse(fmt::format("option {} is not supported", word));
    }

    /// The list behind -o: LIST itself, or the next word.
    Result<std::string_view> list_of(std::string_view list) {
        if (!list.empty()) {
            return list;
        }
        if (next_ == words_.size()) {
            return refuse("a list of columns must follow -o");
        }
        return words_[next_++];
    }

    /// "pid,user=WHO,comm": a header takes the rest of the list, commas and all.
    Result<> read_list(std::string_view given) {
        GT_TRY_VAR(list, list_of(given));
        std::string_view rest = list;
        while (!rest.empty()) {
            const size_t end = rest.find_first_of(",=");
            const bool has_header = end != rest.npos && rest[end] == '=';
            const std::string_view header = has_header ? rest.substr(end + 1) : "";
            GT_TRY(add(rest.substr(0, end),
                       has_header ? std::optional(std::string(header)) : std::nullopt));
            rest = end == rest.npos || has_header ? std::string_view() : rest.substr(end + 1);
        }
        return {};
    }

    /// -O puts the columns into the default format, behind the pid.
    Result<> read_extra_list(std::string_view given) {
        GT_TRY(add("pid", std::nullopt));
        GT_TRY(read_list(given));
        for (const std::string_view word : {"s", "tname", "time", "cmd"}) {
            GT_TRY(add(word, word == "cmd" ? std::optional<std::string>("COMMAND") : std::nullopt));
        }
        return {};
    }

    Result<> add(std::string_view word, std::optional<std::string> header) {
        // "user:20" sets a width, which means nothing here.
        const Cut parts = cut(word, ':');
        const PsColumn* const column = find_ps_column(parts.before);
        if (column == nullptr || (parts.found && !parse_uint(parts.after))) {
            return refuse(fmt::format("unknown user-defined format specifier \"{}\"", word));
        }
        if (header && header->starts_with("PID") && column->word != "pid") {
            return fail(Kind::kInvalid,
                        fmt::format("specifying \"{}={}\" is not allowed", word, *header));
        }
        fields_.push_back({column, header.value_or(std::string(column->header))});
        return {};
    }

    std::string_view format_columns() const {
        std::string option;
        if (bsd_format_ != 0) {
            option = bsd_format_;
        } else if (!unix_format_.empty()) {
            const auto has = [this](char letter) { return unix_format_.contains(letter); };
            option = has('F')               ? "-F"
                     : has('f') && has('l') ? "-fl"
                     : has('f') && has('j') ? "-fj"
                     : has('f')             ? "-f"
                     : has('l')             ? "-l"
                                            : "-j";
        } else if (bsd_) {
            option = "x";
        }
        return std::ranges::find(kFormats, option, &Format::option)->columns;
    }

    void add_format() {
        for (const std::string_view word : split(format_columns(), ' ')) {
            const Cut parts = cut(word, '=');
            const PsColumn* const column = find_ps_column(parts.before);
            fields_.push_back({column, std::string(parts.found ? parts.after : column->header)});
        }
    }

    std::vector<std::string_view> words_;
    size_t next_ = 0;
    std::vector<PsField> fields_;
    std::string unix_format_;
    char bsd_format_ = 0;
    bool bsd_ = false;
};

}  // namespace

Result<std::vector<PsField>> parse_ps_args(std::string_view args) {
    if (args.size() > kMaxArgs) {
        return refuse("the arguments are too long");
    }
    GT_TRY_VAR(fields, Parser().parse(trim(args).empty() ? "-ef" : args));
    if (std::ranges::find(fields, "PID", &PsField::header) == fields.end()) {
        return fail(Kind::kInvalid, "Couldn't find PID field in ps output");
    }
    return std::move(fields);
}

}  // namespace gantry::engine
