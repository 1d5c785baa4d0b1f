#pragma once

#include <stddef.h>
#include <sys/mman.h>

#include <cstdint>
#include <new>

namespace gantry::shim {

// The shim has no heap: what lives as long as the program is static, what comes and goes is mapped.

inline void* map_memory(size_t size) {
    void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? nullptr : memory;
}

/// Objects of one type with stable addresses. Memory is reused, never given back: it is bounded by
/// the most objects that ever lived at once.
template <class T>
class Pool {
public:
    /// Null when the kernel has no memory.
    T* make() {
        if (free_ == nullptr && !grow()) {
            return nullptr;
        }
        Slot* slot = free_;
        free_ = slot->next;
        return new (slot->bytes) T();
    }

    void destroy(T* object) {
        object->~T();
        // SAFETY: every object lies at the start of a slot (make()).
        auto* slot = reinterpret_cast<Slot*>(object);
        slot->next = free_;
        free_ = slot;
    }

private:
    union Slot {
        Slot* next;
        alignas(T) char bytes[sizeof(T)];
    };

    bool grow() {
        constexpr size_t kCount = sizeof(Slot) >= 4096 ? 1 : 4096 / sizeof(Slot);
        auto* slots = static_cast<Slot*>(map_memory(kCount * sizeof(Slot)));
        if (slots == nullptr) {
            return false;
        }
        for (size_t i = 0; i < kCount; ++i) {
            slots[i].next = free_;
            free_ = &slots[i];
        }
        return true;
    }

    Slot* free_ = nullptr;
};

/// Bytes waiting to go somewhere; takes memory only while there are any.
class ByteQueue {
public:
    ByteQueue() = default;
    ByteQueue(const ByteQueue&) = delete;
    ByteQueue& operator=(const ByteQueue&) = delete;
    ~ByteQueue() { clear(); }

    bool empty() const { return size_ == 0; }
    size_t size() const { return size_; }
    const char* data() const { return memory_ + start_; }

    /// False, with nothing appended, when there is no memory.
    bool append(const char* data, size_t size);
    void consume(size_t size);
    void clear();

private:
    char* memory_ = nullptr;
    size_t capacity_ = 0;
    size_t start_ = 0;
    size_t size_ = 0;
};

}  // namespace gantry::shim
