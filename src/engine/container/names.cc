#include "engine/container/names.h"

#include <fmt/core.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/check.h"

namespace gantry::engine {

namespace {

constexpr size_t kMaxName = 255;

constexpr std::array kAdjectives = {
    "agile",   "amber",  "ancient", "ardent",    "attentive",  "bold",     "brave",    "bright",
    "brisk",   "calm",   "candid",  "careful",   "cheerful",   "clever",   "cosmic",   "crimson",
    "curious", "daring", "deft",    "diligent",  "eager",      "earnest",  "electric", "fearless",
    "fluent",  "frank",  "frosty",  "generous",  "gentle",     "gleaming", "golden",   "graceful",
    "hardy",   "honest", "humble",  "inventive", "jolly",      "keen",     "kind",     "lively",
    "loyal",   "lucid",  "merry",   "modest",    "nimble",     "noble",    "patient",  "placid",
    "polite",  "proud",  "quick",   "quiet",     "radiant",    "robust",   "serene",   "sincere",
    "sturdy",  "sunny",  "swift",   "tenacious", "thoughtful", "tidy",     "upbeat",   "vivid",
    "warm",    "wise",   "witty",   "zealous",
};

constexpr std::array kSurnames = {
    "abel",     "alhazen",    "ampere",       "avogadro",   "babbage",    "banach",     "bernoulli",
    "bohr",     "boltzmann",  "boole",        "brahe",      "cantor",     "carnot",     "carson",
    "cauchy",   "celsius",    "church",       "copernicus", "curie",      "dalton",     "darwin",
    "dijkstra", "dirac",      "edison",       "einstein",   "erdos",      "euler",      "faraday",
    "fermat",   "fermi",      "feynman",      "fourier",    "franklin",   "galilei",    "galois",
    "gauss",    "germain",    "godel",        "hamilton",   "heisenberg", "hertz",      "herschel",
    "hilbert",  "hopper",     "hubble",       "huygens",    "hypatia",    "joule",      "kelvin",
    "kepler",   "khwarizmi",  "kovalevskaya", "lagrange",   "lamarr",     "laplace",    "leibniz",
    "lovelace", "maxwell",    "meitner",      "mendel",     "mendeleev",  "mirzakhani", "neumann",
    "newton",   "noether",    "pascal",       "pasteur",    "planck",     "poincare",   "ramanujan",
    "riemann",  "rutherford", "shannon",      "tesla",      "turing",     "volta",      "watt",
};

bool is_name_start(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_name_char(char c) {
    return is_name_start(c) || c == '_' || c == '.' || c == '-';
}

uint32_t random_below(size_t bound) {
    uint32_t value = 0;
    GT_CHECK(getrandom(&value, sizeof value, 0) == sizeof value);
    return value % static_cast<uint32_t>(bound);
}

}  // namespace

Result<std::string> parse_container_name(std::string_view text) {
    std::string_view name = text;
    if (name.starts_with('/')) {
        name.remove_prefix(1);
    }
    if (name.size() < 2 || name.size() > kMaxName || !is_name_start(name.front()) ||
        !std::all_of(name.begin(), name.end(), is_name_char)) {
        return fail(Kind::kInvalid,
                    fmt::format("Invalid container name ({}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are "
                                "allowed",
                                text.substr(0, kMaxName)));
    }
    return std::string(name);
}

std::string random_name(int attempt) {
    std::string name = fmt::format("{}_{}", kAdjectives[random_below(kAdjectives.size())],
                                   kSurnames[random_below(kSurnames.size())]);
    if (attempt > 0) {
        name += static_cast<char>('0' + random_below(10));
    }
    return name;
}

}  // namespace gantry::engine
