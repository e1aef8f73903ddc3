// No block of memory is freed while a secret stands in it. This program's own operator delete looks
// into every block before it goes. What it cannot see: stack frames, registers, and the kernel.
#include <gtest/gtest.h>
#include <malloc.h>
#include <string.h>

#include <cstdlib>
#include <new>
#include <optional>

#include "base/redact.h"

namespace {

constexpr size_t kMarkBytes = 12;
bool g_watching = false;
int g_found = 0;

// The mark is never in the program text as one piece, so that no constant can be taken for it.
void put_mark(char* out) {
  for (size_t i = 0; i < kMarkBytes; ++i) out[i] = static_cast<char>('a' + (i * 7 + 3) % 23);
}

void look(void* block) {
  if (!g_watching || block == nullptr) return;
  char mark[kMarkBytes];
  put_mark(mark);
  if (memmem(block, malloc_usable_size(block), mark, kMarkBytes) != nullptr) ++g_found;
}

}  // namespace

void* operator new(size_t size) {
  void* block = std::malloc(size == 0 ? 1 : size);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}
void* operator new[](size_t size) { return operator new(size); }
void operator delete(void* block) noexcept {
  look(block);
  std::free(block);
}
void operator delete[](void* block) noexcept { operator delete(block); }
void operator delete(void* block, size_t) noexcept { operator delete(block); }
void operator delete[](void* block, size_t) noexcept { operator delete(block); }

namespace vesto {
namespace {

class WipeTest : public ::testing::Test {
 protected:
  WipeTest() { g_found = 0; }
  ~WipeTest() override { g_watching = false; }

  // Of `size` bytes (kMarkBytes at least), the mark at its end.
  static std::string value(size_t size) {
    std::string text(size, '\'');
    put_mark(text.data() + size - kMarkBytes);
    return text;
  }
  static bool holds_mark(const char* bytes, size_t size) {
    char mark[kMarkBytes];
    put_mark(mark);
    return memmem(bytes, size, mark, kMarkBytes) != nullptr;
  }
};

TEST_F(WipeTest, TheLookerSeesWhatIsNotWiped) {
  g_watching = true;
  { const std::string plain = value(100); }
  g_watching = false;
  EXPECT_EQ(g_found, 1);
}

TEST_F(WipeTest, AFreedSecretLeavesNothing) {
  // 12 and 15 stand inside the string itself, the others in a block of their own.
  for (const size_t size : {size_t{12}, size_t{15}, size_t{16}, size_t{40}, size_t{5000}}) {
    g_watching = true;
    {
      const Secret secret(value(size));
      const Secret copy = secret;  // NOLINT(performance-unnecessary-copy-initialization)
      const std::optional<Secret> inside(copy);
      EXPECT_EQ(redact("nothing of it"), "nothing of it");
      WipedString text(std::string(200, 'x'));
      text.text += secret.reveal();
      EXPECT_EQ(redact(text.text), std::string(200, 'x') + "***");
    }
    g_watching = false;
    EXPECT_EQ(g_found, 0) << size;
  }
}

TEST_F(WipeTest, TheStringThatASecretWasMadeFromIsWiped) {
  for (const size_t size : {size_t{12}, size_t{15}, size_t{16}, size_t{5000}}) {
    std::string text = value(size);
    const char* bytes = text.data();
    const Secret secret(std::move(text));
    // NOLINTNEXTLINE(bugprone-use-after-move): what is left of it is the question.
    EXPECT_FALSE(holds_mark(bytes, text.capacity())) << size;
    EXPECT_TRUE(text.empty());
    EXPECT_EQ(secret.reveal().size(), size);
  }
  std::string kept = value(30);
  const Secret secret(kept);
  EXPECT_EQ(secret.reveal(), kept);
  wipe(&kept);
  EXPECT_FALSE(holds_mark(kept.data(), kept.capacity()));
}

TEST_F(WipeTest, WipeReachesWhatStoodBehindTheEnd) {
  std::string text = value(300);
  text.resize(2);
  wipe(&text);
  EXPECT_FALSE(holds_mark(text.data(), text.capacity()));
}

}  // namespace
}  // namespace vesto
