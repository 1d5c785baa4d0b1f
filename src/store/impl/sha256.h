#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "base/id.h"

struct evp_md_ctx_st;

namespace gantry::store {

/// SHA-256 over bytes that come in pieces.
class Sha256 {
public:
    Sha256();
    void update(std::string_view bytes);
    /// "sha256:<hex>". Once, as the last call.
    Digest finish();

private:
    struct Free {
        void operator()(evp_md_ctx_st* context) const;
    };
    std::unique_ptr<evp_md_ctx_st, Free> context_;
};

Digest sha256(std::string_view bytes);

}  // namespace gantry::store
