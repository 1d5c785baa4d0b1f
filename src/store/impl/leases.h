#pragma once

#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/id.h"
#include "base/mutex.h"

namespace gantry::store {

/// What a key of Leases and Claims is made of: a blob and a layer may have the same digest.
std::string blob_key(const Digest& digest);
std::string layer_key(const ChainId& id);

/// Keeps the collector and those who bring images in from disturbing each other without a lock over
/// the disk. Whoever relies on a blob or layer that no record names yet holds a lease on it. The
/// collector condemns what it is going to delete: condemning skips what is leased, and acquire()
/// waits while a key is condemned, so that its holder sees the file whole or gone, never going.
///
/// Thread-safe.
class Leases {
public:
    void acquire(const std::string& key);
    void release(const std::string& key);

    /// Those of KEYS that nobody holds; each is condemned until absolve().
    std::vector<std::string> condemn(std::span<const std::string> keys);
    void absolve(std::span<const std::string> keys);

private:
    Mutex mutex_;
    Condition changed_;
    std::map<std::string, int> held_ GT_GUARDED_BY(mutex_);
    std::set<std::string> condemned_ GT_GUARDED_BY(mutex_);
};

/// One thread at a time makes a layer; others that want the same one wait and find it done.
///
/// ORDER: a thread claims the layers of one image from the bottom up. Images share layers only as a
/// common beginning, so two threads meet in the same order and cannot wait for each other.
class Claims {
public:
    void claim(const std::string& key);
    void give_up(const std::string& key);

private:
    Mutex mutex_;
    Condition changed_;
    std::set<std::string> claimed_ GT_GUARDED_BY(mutex_);
};

}  // namespace gantry::store
