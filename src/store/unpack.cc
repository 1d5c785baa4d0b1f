// unpack_layer() of store/layers.h: decompression, hashing, tar reading and writing put together.

#include <fmt/core.h>

#include <string>
#include <utility>

#include "pack/tar_reader.h"
#include "store/compression.h"
#include "store/impl/layer_writer.h"
#include "store/impl/sha256.h"
#include "store/layers.h"

namespace gantry::store {

Result<LayerFacts> unpack_layer(const Reader& stream, int target,
                                const pack::ArchiveLimits& limits) {
    GT_TRY_VAR(plain, decompressed(stream));
    Sha256 hash;
    uint64_t total = 0;
    const Reader counted = [&](std::span<char> into) -> Result<size_t> {
        GT_TRY_VAR(count, plain(into));
        if (count > limits.max_stream_bytes - total) {
            return fail(Kind::kInvalid,
                        fmt::format("layer larger than {} bytes", limits.max_stream_bytes));
        }
        total += count;
        hash.update({into.data(), count});
        return count;
    };
    pack::TarReader reader(counted);
    GT_TRY_VAR(writer, LayerWriter::open(target, limits));
    for (;;) {
        GT_TRY_VAR(entry, reader.next());
        if (!entry) {
            break;
        }
        GT_TRY(writer.add(*entry, reader));
    }
    GT_TRY(writer.finish());
    // The diff id covers what stands behind the archive's end mark, too.
    std::string rest(size_t{64} * 1024, '\0');
    for (;;) {
        GT_TRY_VAR(count, counted(rest));
        if (count == 0) {
            break;
        }
    }
    return LayerFacts{
        .diff_id = hash.finish(),
        .content_bytes = writer.content_bytes(),
        .entries = writer.entries(),
        .has_root_entry = writer.has_root_entry(),
    };
}

}  // namespace gantry::store
