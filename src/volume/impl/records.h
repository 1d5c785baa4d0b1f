#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "store/database.h"
#include "volume/volume.h"

namespace gantry::volume {

// The volumes' rows in the metadata database.

Result<> migrate_records(store::Database& database);
/// Labels or options that cannot be read are left out and said in NOTICES: a volume that was not
/// known any more would lose its data to the sweep.
Result<std::vector<VolumePtr>> load_records(store::Database& database,
                                            std::vector<std::string>& notices);
Result<> insert_record(store::Transaction& transaction, const Volume& volume);
Result<> erase_record(store::Transaction& transaction, const VolumeId& id);
Result<> rename_record(store::Transaction& transaction, const VolumeId& id,
                       const std::string& name);

}  // namespace gantry::volume
