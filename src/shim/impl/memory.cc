#include "shim/impl/memory.h"

#include <string.h>

namespace gantry::shim {

bool ByteQueue::append(const char* data, size_t size) {
    if (start_ + size_ + size > capacity_) {
        size_t capacity = capacity_ == 0 ? 65536 : capacity_;
        while (capacity < size_ + size) {
            capacity *= 2;
        }
        auto* memory = static_cast<char*>(map_memory(capacity));
        if (memory == nullptr) {
            return false;
        }
        memcpy(memory, memory_ + start_, size_);
        if (memory_ != nullptr) {
            munmap(memory_, capacity_);
        }
        memory_ = memory;
        capacity_ = capacity;
        start_ = 0;
    }
    memcpy(memory_ + start_ + size_, data, size);
    size_ += size;
    return true;
}

void ByteQueue::consume(size_t size) {
    start_ += size;
    size_ -= size;
    if (size_ == 0) {
        clear();
    }
}

void ByteQueue::clear() {
    if (memory_ != nullptr) {
        munmap(memory_, capacity_);
    }
    memory_ = nullptr;
    capacity_ = start_ = size_ = 0;
}

}  // namespace gantry::shim
