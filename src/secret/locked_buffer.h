// Memory for keys and clear text: locked where the system allows it, kept out of core files, with
// guard pages around it, and wiped when it goes (libsodium's sodium_malloc).
// Thread rule: one thread at a time.
#ifndef VESTO_SECRET_LOCKED_BUFFER_H_
#define VESTO_SECRET_LOCKED_BUFFER_H_

#include <cstddef>
#include <memory>
#include <string_view>

namespace vesto::secret {

class LockedBuffer {
 public:
  LockedBuffer() = default;
  // Zeros. Throws std::bad_alloc, like any container.
  explicit LockedBuffer(size_t size);
  // A copy of these bytes.
  explicit LockedBuffer(std::string_view bytes);

  [[nodiscard]] unsigned char* data() { return bytes_.get(); }
  [[nodiscard]] const unsigned char* data() const { return bytes_.get(); }
  [[nodiscard]] size_t size() const { return size_; }
  // Forgets what stands behind `size` (not more than size()).
  void cut(size_t size) { size_ = size; }
  [[nodiscard]] std::string_view view() const;

 private:
  struct Free {
    void operator()(unsigned char* bytes) const;
  };
  std::unique_ptr<unsigned char, Free> bytes_;
  size_t size_ = 0;
};

}  // namespace vesto::secret

#endif  // VESTO_SECRET_LOCKED_BUFFER_H_
