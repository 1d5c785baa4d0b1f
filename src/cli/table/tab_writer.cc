#include "cli/table/tab_writer.h"

#include <algorithm>
#include <span>
#include <vector>

#include "base/text.h"
#include "cli/quote.h"

namespace gantry::cli {
namespace {

using Line = std::vector<std::string_view>;

/// More are not aligned: the nesting of blocks is as deep as there are columns, and cells can come
/// from a container's labels.
constexpr size_t kMaxColumns = 256;

class Aligner {
public:
    Aligner(std::span<const Line> lines, const TabLayout& layout)
        : lines_(lines), layout_(layout), widths_(lines.size()) {}

    std::string run() {
        measure(0, lines_.size(), 0);
        std::string out;
        for (size_t i = 0; i < lines_.size(); ++i) {
            append_line(out, lines_[i], widths_[i]);
            if (i + 1 < lines_.size()) {
                out += '\n';
            }
        }
        return out;
    }

private:
    bool has_cell(size_t line, size_t column) const {
        return column < kMaxColumns && column + 1 < lines_[line].size();
    }

    /// Gives every line of [BEGIN, END) its width of COLUMN, block by block, then goes on to the
    /// next column within each block: a cell further right aligns only inside its block.
    void measure(size_t begin, size_t end, size_t column) {
        while (begin < end) {
            if (!has_cell(begin, column)) {
                ++begin;
                continue;
            }
            size_t width = layout_.least_width;
            size_t block_end = begin;
            for (; block_end < end && has_cell(block_end, column); ++block_end) {
                width =
                    std::max(width, count_characters(lines_[block_end][column]) + layout_.padding);
            }
            for (size_t line = begin; line < block_end; ++line) {
                widths_[line].push_back(width);
            }
            measure(begin, block_end, column + 1);
            begin = block_end;
        }
    }

    static void append_line(std::string& out, const Line& line, const std::vector<size_t>& widths) {
        for (size_t column = 0; column < line.size(); ++column) {
            out += line[column];
            if (column < widths.size()) {
                out.append(widths[column] - count_characters(line[column]), ' ');
            }
        }
    }

    std::span<const Line> lines_;
    TabLayout layout_;
    std::vector<std::vector<size_t>> widths_;
};

}  // namespace

std::string align_tabs(std::string_view text, const TabLayout& layout) {
    std::vector<Line> lines;
    for (const std::string_view line : split(text, '\n')) {
        lines.push_back(split(line, '\t'));
    }
    return Aligner(lines, layout).run();
}

}  // namespace gantry::cli
