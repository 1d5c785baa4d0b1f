#include "engine/container/names.h"

#include <fmt/core.h>
#include <sys/random.h>

#include <array>
#include <cstdint>

#include "base/check.h"
#include "spec/mount.h"

namespace gantry::engine {

namespace {

constexpr size_t kMaxNameInText = 255;

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
    if (!spec::is_resource_name(name)) {
        return fail(Kind::kInvalid,
                    fmt::format("Invalid container name ({}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are "
                                "allowed",
                                text.substr(0, kMaxNameInText)));
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
