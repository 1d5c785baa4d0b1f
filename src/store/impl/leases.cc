#include "store/impl/leases.h"

namespace gantry::store {

std::string blob_key(const Digest& digest) {
    return "blob " + digest.str();
}

std::string layer_key(const ChainId& id) {
    return "layer " + id.str();
}

void Leases::acquire(const std::string& key) {
    MutexLock lock(mutex_);
    while (condemned_.contains(key)) {
        changed_.wait(mutex_);
    }
    ++held_[key];
}

void Leases::release(const std::string& key) {
    MutexLock lock(mutex_);
    if (const auto found = held_.find(key); found != held_.end() && --found->second == 0) {
        held_.erase(found);
    }
}

std::vector<std::string> Leases::condemn(std::span<const std::string> keys) {
    std::vector<std::string> doomed;
    MutexLock lock(mutex_);
    for (const std::string& key : keys) {
        if (!held_.contains(key) && condemned_.insert(key).second) {
            doomed.push_back(key);
        }
    }
    return doomed;
}

void Leases::absolve(std::span<const std::string> keys) {
    {
        MutexLock lock(mutex_);
        for (const std::string& key : keys) {
            condemned_.erase(key);
        }
    }
    changed_.notify_all();
}

void Claims::claim(const std::string& key) {
    MutexLock lock(mutex_);
    while (claimed_.contains(key)) {
        changed_.wait(mutex_);
    }
    claimed_.insert(key);
}

void Claims::give_up(const std::string& key) {
    {
        MutexLock lock(mutex_);
        claimed_.erase(key);
    }
    changed_.notify_all();
}

}  // namespace gantry::store
