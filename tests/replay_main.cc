// Runs a fuzz target over the files of its stored corpus, so that what a fuzzer once found stays
// found: replay_NAME CORPUS_DIRECTORY.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fputs("usage: replay CORPUS_DIRECTORY\n", stderr);
        return 2;
    }
    std::error_code error;
    size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(argv[1], error)) {
        std::ifstream file(entry.path(), std::ios::binary);
        const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
        // SAFETY: characters are read as bytes.
        LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
        ++count;
    }
    std::printf("%zu inputs\n", count);
    // An empty corpus tests nothing: that is a mistake in the build, not a success.
    return error || count == 0 ? 1 : 0;
}
