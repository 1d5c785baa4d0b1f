#include <cstdio>
#include <span>
#include <string>
#include <vector>

#include "cli/program.h"

int main(int argc, char** argv) {
    const std::span<char*> words(argv, static_cast<size_t>(argc));
    const std::vector<std::string> args(words.begin(), words.end());
    const int status = gantry::cli::run_program(args);
    (void)std::fflush(stdout);
    return status;
}
