#include "secret/locked_buffer.h"

#include <sodium.h>

#include <cstring>
#include <new>

#include "base/check.h"

namespace vesto::secret {

LockedBuffer::LockedBuffer(size_t size) : size_(size) {
  static const bool kReady = sodium_init() >= 0;
  VESTO_CHECK(kReady);
  // At least one byte, so that data() is never null.
  bytes_.reset(static_cast<unsigned char*>(sodium_malloc(size == 0 ? 1 : size)));
  if (!bytes_) throw std::bad_alloc();
  sodium_memzero(bytes_.get(), size);
}

LockedBuffer::LockedBuffer(std::string_view bytes) : LockedBuffer(bytes.size()) {
  if (!bytes.empty()) std::memcpy(data(), bytes.data(), bytes.size());
}

std::string_view LockedBuffer::view() const {
  return {reinterpret_cast<const char*>(bytes_.get()), size_};
}

void LockedBuffer::Free::operator()(unsigned char* bytes) const { sodium_free(bytes); }

}  // namespace vesto::secret
