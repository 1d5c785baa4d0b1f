#include "spec/api/prune.h"

#include "spec/impl/binding.h"

namespace gantry::spec::impl {

GT_JSON(PruneObject, "PruneObject",
        .field("Id", &PruneObject::id)
            .field("Name", &PruneObject::name)
            .field("Size", &PruneObject::size))

}  // namespace gantry::spec::impl
