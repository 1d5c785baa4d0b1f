#pragma once

#include <string>
#include <string_view>

namespace gantry::cli {

// The escaping functions of Go's text/template, byte for byte as it writes them.
std::string escape_html(std::string_view text);
std::string escape_js(std::string_view text);
/// For a URL's query: a blank becomes '+'.
std::string escape_query(std::string_view text);

/// JSON with '<', '>' and '&' escaped, as Go's encoding/json writes it unless told otherwise.
std::string escape_json_html(std::string_view json);

}  // namespace gantry::cli
